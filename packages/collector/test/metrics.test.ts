import { describe, expect, test } from 'vitest';
import { Counts } from '../dist/operate/counts.js';
import { metricsRegistry } from '../dist/operate/metrics.js';
import { parsePrometheus, sampleValue } from './prometheus-text.js';

const jaeger = {
  exporter: 'jaeger',
  sentSpans: 10,
  sendFailedSpans: 2,
  droppedSpans: 3,
  queueSize: 4,
  queueCapacity: 100,
};

function page(counts: Counts, more: Partial<Parameters<typeof metricsRegistry>[0]> = {}): Promise<string> {
  const registry = metricsRegistry({
    counts,
    inFlightSpans: () => 7,
    bodyBytes: () => 1000,
    limits: { inFlightSpans: 4096, bodyBytes: 2 ** 26 },
    isReady: () => true,
    ledger: async () => ({ entries: 12, bytes: 4096 }),
    keySinceMs: async () => 1_750_000_000_500,
    exporters: () => [jaeger, { ...jaeger, exporter: 'a "strange"\nname\\', sentSpans: 0 }],
    version: '1.2.3',
    ...more,
  });
  return registry.metrics();
}

describe('the page of metrics', () => {
  test('has the names of the OpenTelemetry Collector, with their labels and types', async () => {
    const families = parsePrometheus(await page(new Counts()));
    const shape = (name: string) => {
      const family = families.get(name);
      return [
        family?.type,
        Object.keys(family?.samples[0]?.labels ?? {})
          .sort()
          .join(),
      ];
    };
    expect(shape('otelcol_receiver_accepted_spans')).toEqual(['counter', 'receiver,transport']);
    expect(shape('otelcol_receiver_refused_spans')).toEqual(['counter', 'receiver,transport']);
    expect(shape('otelcol_exporter_sent_spans')).toEqual(['counter', 'exporter']);
    expect(shape('otelcol_exporter_send_failed_spans')).toEqual(['counter', 'exporter']);
    expect(shape('otelcol_exporter_enqueue_failed_spans')).toEqual(['counter', 'exporter']);
    expect(shape('otelcol_exporter_queue_size')).toEqual(['gauge', 'exporter']);
    expect(shape('otelcol_exporter_queue_capacity')).toEqual(['gauge', 'exporter']);
    expect(shape('otelcol_process_uptime')).toEqual(['counter', '']);
    expect(shape('otelcol_process_memory_rss')).toEqual(['gauge', '']);
  });

  test('explains each family, and our own counters end in _total', async () => {
    for (const { name, help, type } of parsePrometheus(await page(new Counts())).values()) {
      expect(help).toMatch(/^\S.*\.$/);
      expect(name).toMatch(/^(otelcol|if_witness)_[a-z_]+$/);
      if (name.startsWith('if_witness_')) expect(name.endsWith('_total')).toBe(type === 'counter');
    }
  });

  test('shows what was counted, at every scrape anew and not added up', async () => {
    const counts = new Counts();
    counts.accepted('http', 5);
    counts.accepted('http', 6);
    counts.accepted('grpc', 1);
    counts.duplicates(2);
    counts.refused('http', 3, 'ledger');
    counts.refused('http', 0, 'malformed');
    counts.refused('grpc', 4, 'overload');
    counts.answered('http', 413);
    counts.answered('http', 413);
    counts.answered('grpc', 14);
    await page(counts);
    const text = await page(counts);
    const value = (name: string, labels = {}): number => sampleValue(text, name, labels);
    expect(value('otelcol_receiver_accepted_spans', { receiver: 'otlp', transport: 'http' })).toBe(11);
    expect(value('otelcol_receiver_accepted_spans', { transport: 'grpc' })).toBe(1);
    expect(value('otelcol_receiver_refused_spans', { transport: 'http' })).toBe(3);
    expect(value('otelcol_receiver_refused_spans', { transport: 'grpc' })).toBe(4);
    expect(value('if_witness_refused_requests_total', { transport: 'http', reason: 'malformed' })).toBe(1);
    expect(value('if_witness_refused_spans_total', { transport: 'grpc', reason: 'overload' })).toBe(4);
    expect(value('if_witness_error_answers_total', { transport: 'http', status: '413' })).toBe(2);
    expect(value('if_witness_error_answers_total', { transport: 'grpc', status: '14' })).toBe(1);
    expect(value('if_witness_duplicate_spans_total')).toBe(2);
    expect(value('otelcol_exporter_sent_spans', { exporter: 'jaeger' })).toBe(10);
    expect(value('otelcol_exporter_enqueue_failed_spans', { exporter: 'a "strange"\nname\\' })).toBe(3);
    expect(value('if_witness_in_flight_spans')).toBe(7);
    expect(value('if_witness_ledger_entries')).toBe(12);
    expect(value('if_witness_key_since_timestamp_seconds')).toBe(1_750_000_000.5);
    expect(value('if_witness_build_info', { version: '1.2.3' })).toBe(1);
  });

  test('has histograms that add up', async () => {
    const counts = new Counts();
    const seconds = [0.0004, 0.001, 0.003, 0.2, 9];
    for (const each of seconds) counts.committed(each * 1000, each);
    const { samples } = parsePrometheus(await page(counts)).get('if_witness_commit_duration_seconds')!;
    const buckets = samples.filter(({ name }) => name.endsWith('_bucket'));
    for (const { labels, value } of buckets) {
      const bound = labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le);
      expect(value).toBe(seconds.filter((each) => each <= bound).length);
    }
    expect(buckets.at(-1)!.labels.le).toBe('+Inf');
    expect(samples.find(({ name }) => name.endsWith('_sum'))!.value).toBeCloseTo(9.2044);
    expect(samples.find(({ name }) => name.endsWith('_count'))!.value).toBe(5);
    expect(sampleValue(await page(counts), 'if_witness_commits_total')).toBe(5);
    expect(sampleValue(await page(counts), 'if_witness_last_commit_timestamp_seconds')).toBeCloseTo(
      Date.now() / 1000,
      -2,
    );
  });

  test('leaves out the number of entries where it is not known, and is a page all the same', async () => {
    const text = await page(new Counts(), { ledger: async () => ({ entries: undefined, bytes: 0 }) });
    expect(parsePrometheus(text).get('if_witness_ledger_entries')!.samples).toEqual([]);
  });

  test('of two registries in a process are apart', async () => {
    const [one, two] = [new Counts(), new Counts()];
    one.accepted('http', 1);
    expect(sampleValue(await page(two), 'otelcol_receiver_accepted_spans', { transport: 'http' })).toBe(0);
    expect(sampleValue(await page(one), 'otelcol_receiver_accepted_spans', { transport: 'http' })).toBe(1);
  });
});

test('each commit is told on', () => {
  let told = 0;
  const counts = new Counts(() => told++);
  counts.committed(1, 0.001);
  counts.committed(1, 0.001);
  expect(told).toBe(2);
});
