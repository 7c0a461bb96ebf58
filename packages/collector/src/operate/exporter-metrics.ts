/** Metrics of forwarding. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { ForwardCounts } from '../forward/forward-target.js';

type NumberName = Exclude<keyof ForwardCounts, 'exporter'>;

const COUNTERS: readonly (readonly [name: string, help: string, NumberName])[] = [
  ['sent_spans', 'Spans that a backend acknowledged.', 'sentSpans'],
  ['send_failed_spans', 'Spans that a backend refused for good.', 'sendFailedSpans'],
  ['enqueue_failed_spans', 'Spans that were dropped for a backend because it was too far behind.', 'droppedSpans'],
];

const GAUGES: readonly (readonly [name: string, help: string, NumberName])[] = [
  ['queue_size', 'Entries that wait for a backend.', 'queueSize'],
  ['queue_capacity', 'Entries that may wait for a backend.', 'queueCapacity'],
];

/** Adds them. */
export function addExporterMetrics(registry: Registry, exporters: () => readonly ForwardCounts[]): void {
  for (const [name, help, member] of COUNTERS) {
    new Counter({
      name: `otelcol_exporter_${name}`,
      help,
      labelNames: ['exporter'],
      registers: [registry],
      collect() {
        this.reset();
        for (const counts of exporters()) this.inc({ exporter: counts.exporter }, counts[member]);
      },
    });
  }
  for (const [name, help, member] of GAUGES) {
    new Gauge({
      name: `otelcol_exporter_${name}`,
      help,
      labelNames: ['exporter'],
      registers: [registry],
      collect() {
        this.reset();
        for (const counts of exporters()) this.set({ exporter: counts.exporter }, counts[member]);
      },
    });
  }
}
