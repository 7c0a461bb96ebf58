import { propagation, ROOT_CONTEXT, TraceFlags } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { type AlwaysOnSampler, BasicTracerProvider, SamplingDecision } from '@opentelemetry/sdk-trace-base';
import { describe, expect, test } from 'vitest';
import { WitnessSpanProcessor } from '../dist/index.js';
import {
  bodies,
  countSpans,
  emptyLedger,
  endSpans,
  finishedSpans,
  gaps,
  ledgerOf,
  provider,
  spoolFiles,
  tempHome,
  until,
  witnessed,
} from './support.js';

describe('WitnessSpanProcessor', () => {
  test('loses nothing of 5,000 spans that end in one tick', async () => {
    const home = tempHome();
    const processor = new WitnessSpanProcessor({ home });
    const tracers = provider(processor);
    endSpans(tracers, 5_000);
    await tracers.forceFlush();
    expect(countSpans(ledgerOf(home))).toBe(5_000);
    expect(new Set(witnessed(ledgerOf(home)).map(({ name }) => name)).size).toBe(5_000);
    expect(processor.counts).toMatchObject({ witnessed: 5_000, spooled: 0, lost: 0 });
    await tracers.shutdown();
  });

  test('spills what does not fit into memory to the spool, says so once, and drains it', async () => {
    const home = tempHome();
    const said: string[] = [];
    const processor = new WitnessSpanProcessor({
      home,
      memoryMaxBytes: 100_000,
      warn: (message) => said.push(message),
    });
    const tracers = provider(processor);
    endSpans(tracers, 5_000);
    expect(processor.counts.spooled).toBeGreaterThan(1_000);
    expect(spoolFiles(home).length).toBeGreaterThan(0);
    await tracers.forceFlush();
    await until(() => countSpans(ledgerOf(home)) === 5_000);
    await until(() => spoolFiles(home).length === 0);
    expect(processor.counts.witnessed + processor.counts.drained).toBe(5_000);
    expect(processor.counts.drained).toBe(processor.counts.spooled);
    expect(said).toEqual([expect.stringContaining('faster than the ledger')]);
    await tracers.shutdown();
  });

  test('has drained what it spilled when shutdown resolves', async () => {
    const home = tempHome();
    const tracers = provider(new WitnessSpanProcessor({ home, memoryMaxBytes: 50_000 }));
    endSpans(tracers, 3_000);
    await tracers.shutdown();
    expect(countSpans(ledgerOf(home))).toBe(3_000);
    expect(spoolFiles(home)).toEqual([]);
  });

  test('sends by itself after its delay, and at 512 spans at once', async () => {
    const home = tempHome();
    const processor = new WitnessSpanProcessor({ home, scheduledDelayMs: 60_000 });
    const tracers = provider(processor);
    endSpans(tracers, 600);
    await until(() => processor.counts.witnessed === 512);
    const other = new WitnessSpanProcessor({ home: tempHome(), scheduledDelayMs: 20 });
    endSpans(provider(other), 3);
    await until(() => other.counts.witnessed === 3);
    await other.shutdown();
    await tracers.shutdown();
    expect(countSpans(ledgerOf(home))).toBe(600);
  });

  test('keeps the order in which spans ended', async () => {
    const home = tempHome();
    const tracers = provider(new WitnessSpanProcessor({ home }));
    for (let i = 0; i < 1_500; i++)
      tracers
        .getTracer(`library ${i % 3}`)
        .startSpan(`span ${i}`)
        .end();
    await tracers.shutdown();
    expect(witnessed(ledgerOf(home)).map(({ name }) => name)).toEqual(
      Array.from({ length: 1_500 }, (_, i) => `span ${i}`),
    );
  });

  test('leaves out spans that were not sampled', async () => {
    const home = tempHome();
    const sampler = {
      shouldSample: (...[, , name]: Parameters<AlwaysOnSampler['shouldSample']> | [unknown, unknown, string]) => ({
        decision: name === 'kept' ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.RECORD,
      }),
      toString: () => 'by name',
    };
    const tracers = new BasicTracerProvider({
      sampler: sampler as never,
      spanProcessors: [new WitnessSpanProcessor({ home })],
    });
    for (const name of ['kept', 'recorded']) tracers.getTracer('test').startSpan(name).end();
    await tracers.shutdown();
    expect(bodies(ledgerOf(home)).map(({ event }) => event)).toEqual(['kept']);
  });

  test('copies business ids from baggage, as many as it is told', async () => {
    const home = tempHome();
    const processor = new WitnessSpanProcessor({ home, baggageKeys: ['witness.trace.id', 'tenant'] });
    const baggage = propagation.createBaggage({
      'witness.trace.id': { value: 's' },
      tenant: { value: 't' },
      other: { value: 'o' },
    });
    const tracers = provider(processor);
    tracers.getTracer('test').startSpan('a', {}, propagation.setBaggage(ROOT_CONTEXT, baggage)).end();
    await tracers.shutdown();
    expect(witnessed(ledgerOf(home))[0]!.attributes).toEqual([
      ['witness.trace.id', 's'],
      ['tenant', 't'],
    ]);
  });

  test('counts spans that end after shutdown as lost, and says so once', async () => {
    const said: string[] = [];
    const processor = new WitnessSpanProcessor({ home: tempHome(), warn: (message) => said.push(message) });
    await processor.shutdown();
    for (const span of finishedSpans(3)) processor.onEnd(span);
    await processor.forceFlush();
    expect(processor.counts).toMatchObject({ lost: 3, witnessed: 0 });
    expect(said).toEqual([expect.stringContaining('shut-down')]);
  });

  test('never throws, whatever ends; what is refused becomes a gap entry', async () => {
    const home = tempHome();
    const ledger = await emptyLedger(home);
    const processor = new WitnessSpanProcessor({ home });
    const hostile = { spanContext: () => ({ traceId: '', spanId: '', traceFlags: TraceFlags.SAMPLED }) };
    for (const span of [null, undefined, 1, {}, hostile]) processor.onEnd(span as never);
    processor.onStart(null as never, null as never);
    endSpans(provider(processor), 1);
    await processor.forceFlush();
    await until(() => gaps(ledger).length === 2);
    expect(processor.counts).toMatchObject({ witnessed: 1, rejected: 5 });
    expect(gaps(ledger)).toMatchObject([
      { count: 4, reason: 'rejected.unreadable' },
      { count: 1, reason: 'rejected.trace_id' },
    ]);
    await processor.shutdown();
  });

  test('does not hold the bytes of a burst back for a resource that never arrives', async () => {
    const home = tempHome();
    const processor = new WitnessSpanProcessor({ home, memoryMaxBytes: 200_000 });
    const resource = resourceFromAttributes({ 'service.name': 'shop', never: new Promise<string>(() => undefined) });
    const tracers = new BasicTracerProvider({ resource, spanProcessors: [processor] });
    endSpans(tracers, 4_000);
    await until(() => processor.counts.witnessed + processor.counts.spooled >= 3_000);
    await tracers.shutdown();
    expect(countSpans(ledgerOf(home))).toBe(4_000);
  });
});
