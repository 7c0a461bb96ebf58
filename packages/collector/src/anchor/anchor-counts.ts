/** What is counted of anchoring, and its metrics. */
import type { AnchorEvent } from '@infrafabric/cosigner/anchor';
import { Counter, Gauge, type Registry } from 'prom-client';

/** Since the start. */
export class AnchorCounts {
  anchors = 0;
  failures = 0;
  contradictions = 0;
  /** Entries that the newest anchor covers; undefined before the first. */
  entries: number | undefined;
  /** When it was taken. */
  lastMs = 0;

  /** One more event. */
  count(event: AnchorEvent): void {
    if (event.type === 'failed') this.failures++;
    else if (event.type === 'contradicted') this.contradictions++;
    else {
      this.anchors++;
      this.entries = event.size;
      this.lastMs = Date.now();
    }
  }
}

/** Adds them. */
export function addAnchorMetrics(registry: Registry, counts: AnchorCounts): void {
  const registers = [registry];
  const counter = (name: string, help: string, value: () => number): void => {
    new Counter({
      name: `if_witness_${name}`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(value());
      },
    });
  };
  counter('anchors_total', 'Anchors that were taken.', () => counts.anchors);
  counter(
    'anchor_failures_total',
    'Anchors that could not be taken, or not by enough witnesses.',
    () => counts.failures,
  );
  counter(
    'anchor_contradictions_total',
    'Times that a witness or an older anchor knew more entries than there are, or other ones: rollback or fork.',
    () => counts.contradictions,
  );
  new Gauge({
    name: 'if_witness_anchored_entries',
    help: 'Entries that the newest anchor covers.',
    registers,
    collect() {
      if (counts.entries === undefined) this.remove();
      else this.set(counts.entries);
    },
  });
  new Gauge({
    name: 'if_witness_last_anchor_timestamp_seconds',
    help: 'When the last anchor was taken, Unix time; 0 before the first.',
    registers,
    collect() {
      this.set(counts.lastMs / 1000);
    },
  });
}
