/**
 * The page of metrics. Receiver, exporter and process metrics have the names that the OpenTelemetry Collector gives them by
 * default, so that its dashboards and alerts fit; what only a ledger has begins with `if_witness_`.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import { type AnchorCounts, addAnchorMetrics } from '../anchor/anchor-counts.js';
import type { ForwardCounts } from '../forward/forward-target.js';
import { type Counts, REASONS, TRANSPORTS } from './counts.js';
import { addExporterMetrics } from './exporter-metrics.js';
import type { LedgerFigures } from './ledger-figures.js';
import { addProcessMetrics } from './process-metrics.js';

/** What is asked when the page is. */
export interface MetricSources {
  readonly counts: Counts;
  readonly inFlightSpans: () => number;
  readonly bodyBytes: () => number;
  readonly limits: { readonly inFlightSpans: number; readonly bodyBytes: number };
  readonly isReady: () => boolean;
  readonly ledger: () => Promise<LedgerFigures>;
  /** Undefined where it is not known. */
  readonly keySinceMs: () => Promise<number | undefined>;
  readonly exporters: () => readonly ForwardCounts[];
  /** Undefined: nothing is anchored, and nothing said of it. */
  readonly anchors?: AnchorCounts | undefined;
  readonly version: string;
}

/** A registry of its own: nothing else of the process is on the page. */
export function metricsRegistry(sources: MetricSources): Registry {
  const registry = new Registry();
  addReceiverMetrics(registry, sources.counts);
  addExporterMetrics(registry, sources.exporters);
  if (sources.anchors !== undefined) addAnchorMetrics(registry, sources.anchors);
  addProcessMetrics(registry, sources.version);
  addCommitMetrics(registry, sources.counts);
  addStateMetrics(registry, sources);
  return registry;
}

function addReceiverMetrics(registry: Registry, counts: Counts): void {
  const registers = [registry];
  new Counter({
    name: 'otelcol_receiver_accepted_spans',
    help: 'Spans that were acknowledged: durable in the ledger, those that it held already included.',
    labelNames: ['receiver', 'transport'],
    registers,
    collect() {
      this.reset();
      for (const transport of TRANSPORTS) this.inc({ receiver: 'otlp', transport }, counts.acceptedSpans[transport]);
    },
  });
  new Counter({
    name: 'otelcol_receiver_refused_spans',
    help: 'Spans that were not taken. Of a request that cannot be read the number of spans is not known.',
    labelNames: ['receiver', 'transport'],
    registers,
    collect() {
      this.reset();
      for (const transport of TRANSPORTS) {
        const refused = Object.values(counts.refusedSpans[transport]).reduce((sum, spans) => sum + spans, 0);
        this.inc({ receiver: 'otlp', transport }, refused);
      }
    },
  });
  for (const [what, by] of [
    ['spans', counts.refusedSpans],
    ['requests', counts.refusedRequests],
  ] as const) {
    new Counter({
      name: `if_witness_refused_${what}_total`,
      help: `${what === 'spans' ? 'Spans' : 'Requests, whole or in part,'} that were not taken, by reason.`,
      labelNames: ['transport', 'reason'],
      registers,
      collect() {
        this.reset();
        for (const transport of TRANSPORTS) {
          for (const reason of REASONS) this.inc({ transport, reason }, by[transport][reason]);
        }
      },
    });
  }
  new Counter({
    name: 'if_witness_error_answers_total',
    help: 'Requests that were refused, whatever the reason, by HTTP status or gRPC status code.',
    labelNames: ['transport', 'status'],
    registers,
    collect() {
      this.reset();
      for (const transport of TRANSPORTS) {
        for (const [status, answers] of counts.refusals[transport]) this.inc({ transport, status }, answers);
      }
    },
  });
}

function addCommitMetrics(registry: Registry, counts: Counts): void {
  const registers = [registry];
  registry.registerMetric(counts.commitSeconds);
  registry.registerMetric(counts.commitSpans);
  new Counter({
    name: 'if_witness_commits_total',
    help: 'Commits of spans.',
    registers,
    collect() {
      this.reset();
      this.inc(counts.commits);
    },
  });
  new Counter({
    name: 'if_witness_duplicate_spans_total',
    help: 'Acknowledged spans that the ledger held already.',
    registers,
    collect() {
      this.reset();
      this.inc(counts.duplicateSpans);
    },
  });
  new Gauge({
    name: 'if_witness_last_commit_timestamp_seconds',
    help: 'When the last commit of spans ended, Unix time; 0 before the first.',
    registers,
    collect() {
      this.set((counts.lastCommitMs ?? 0) / 1000);
    },
  });
}

function addStateMetrics(registry: Registry, sources: MetricSources): void {
  const { limits } = sources;
  const gauge = (name: string, help: string, value: () => number | undefined | Promise<number | undefined>): void => {
    new Gauge({
      name: `if_witness_${name}`,
      help,
      registers: [registry],
      async collect() {
        const now = await value();
        // No value is better than a wrong one.
        if (now === undefined) this.remove();
        else this.set(now);
      },
    });
  };
  gauge('ready', '1 when spans are welcome, as /readyz says.', () => (sources.isReady() ? 1 : 0));
  gauge('in_flight_spans', 'Spans between their arrival and their commit.', sources.inFlightSpans);
  gauge('in_flight_spans_limit', 'Beyond as many, requests are refused.', () => limits.inFlightSpans);
  gauge('in_flight_body_bytes', 'Memory that request bodies take.', sources.bodyBytes);
  gauge('in_flight_body_bytes_limit', 'Beyond as many, requests are refused.', () => limits.bodyBytes);
  gauge(
    'ledger_entries',
    'Entries of the ledger, whoever wrote them, as of a moment ago.',
    async () => (await sources.ledger()).entries,
  );
  gauge('ledger_size_bytes', 'The ledger file with its write-ahead log.', async () => (await sources.ledger()).bytes);
  gauge('key_since_timestamp_seconds', 'Since when the current key signs, Unix time.', async () => {
    const sinceMs = await sources.keySinceMs();
    return sinceMs === undefined ? undefined : sinceMs / 1000;
  });
}
