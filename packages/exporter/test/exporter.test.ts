import { propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { describe, expect, test } from 'vitest';
import { type ExportResult, WitnessBaggageProcessor, WitnessSpanExporter } from '../dist/index.js';
import {
  bodies,
  countSpans,
  emptyLedger,
  endSpans,
  finishedSpans,
  ledgerOf,
  lock,
  provider,
  spoolFiles,
  tempHome,
} from './support.js';

/** Exports, and collects what is called back. */
function exporting(
  exporter: WitnessSpanExporter,
  count: number,
): { answers: ExportResult[]; done: Promise<ExportResult> } {
  const answers: ExportResult[] = [];
  const done = new Promise<ExportResult>((resolve) => {
    exporter.export(finishedSpans(count), (result) => {
      answers.push(result);
      resolve(result);
    });
  });
  return { answers, done };
}

describe('WitnessSpanExporter', () => {
  test('under SimpleSpanProcessor witnesses every span', async () => {
    const home = tempHome();
    const exporter = new WitnessSpanExporter({ home });
    const tracers = provider(new SimpleSpanProcessor(exporter));
    endSpans(tracers, 200);
    await tracers.forceFlush();
    expect(countSpans(ledgerOf(home))).toBe(200);
    await tracers.shutdown();
  });

  test('under BatchSpanProcessor witnesses every span that the processor gives it', async () => {
    const home = tempHome();
    const tracers = provider(new BatchSpanProcessor(new WitnessSpanExporter({ home })));
    endSpans(tracers, 2_000);
    await tracers.forceFlush();
    expect(countSpans(ledgerOf(home))).toBe(2_000);
    await tracers.shutdown();
  });

  test('under NodeSDK witnesses what the global tracer makes', async () => {
    const home = tempHome();
    const sdk = new NodeSDK({
      serviceName: 'shop',
      spanProcessors: [new BatchSpanProcessor(new WitnessSpanExporter({ home }))],
      metricReaders: [],
      logRecordProcessors: [],
    });
    sdk.start();
    trace.getTracer('test').startSpan('global').end();
    await sdk.shutdown();
    trace.disable();
    expect(bodies(ledgerOf(home))).toMatchObject([{ event: 'global', service: 'shop' }]);
  });

  test('answers SUCCESS only when the spans are committed', async () => {
    const home = tempHome();
    const exporter = new WitnessSpanExporter({ home });
    const seen = await new Promise((resolve) => {
      exporter.export(finishedSpans(300), ({ code }) => resolve({ code, rows: countSpans(ledgerOf(home)) }));
    });
    expect(seen).toEqual({ code: 0, rows: 300 });
    await exporter.shutdown();
  });

  test('answers every concurrent export once, those that meet shutdown too', async () => {
    const home = tempHome();
    const exporter = new WitnessSpanExporter({ home });
    const exports = Array.from({ length: 30 }, () => exporting(exporter, 10));
    const shutdown = exporter.shutdown();
    const late = exporting(exporter, 10);
    await Promise.all([shutdown, exporter.shutdown(), exporter.forceFlush()]);
    const results = await Promise.all(exports.map(({ done }) => done));
    expect(results.every(({ code }) => code === 0)).toBe(true);
    expect(await late.done).toMatchObject({ code: 1, error: expect.any(Error) });
    expect([...exports, late].map(({ answers }) => answers.length)).toEqual(Array(31).fill(1));
    expect(countSpans(ledgerOf(home))).toBe(300);
    expect(exporter.counts).toMatchObject({ witnessed: 300, lost: 10 });
  });

  test('gathers what arrives during a commit into the next one', async () => {
    const home = tempHome();
    const ledger = await emptyLedger(home);
    const exporter = new WitnessSpanExporter({ home });
    await Promise.all(Array.from({ length: 100 }, () => exporting(exporter, 1).done));
    const Database = (await import('better-sqlite3')).default;
    const db = new Database(ledger, { readonly: true });
    expect(db.prepare('SELECT count(*) FROM checkpoints').pluck().get()).toBe(3);
    db.close();
    await exporter.shutdown();
  });

  test('answers FAILED, and counts, when a span cannot be witnessed; its neighbours are', async () => {
    const home = tempHome();
    const said: string[] = [];
    const exporter = new WitnessSpanExporter({ home, warn: (message) => said.push(message) });
    const [good, bad] = finishedSpans(2);
    const broken = Object.assign(Object.create(bad!), {
      spanContext: () => ({ traceId: 'x', spanId: 'y', traceFlags: 1 }),
    });
    for (let i = 0; i < 2; i++) {
      const result = await new Promise((resolve) => exporter.export([good!, broken], resolve));
      expect(result).toMatchObject({ code: 1 });
    }
    await exporter.shutdown();
    expect(countSpans(ledgerOf(home))).toBe(1);
    expect(exporter.counts).toMatchObject({ witnessed: 2, duplicates: 1, rejected: 2 });
    expect(said).toEqual([expect.stringContaining('cannot be witnessed (trace_id)')]);
  });

  test('survives a callback that throws and arguments that are no spans', async () => {
    const home = tempHome();
    const exporter = new WitnessSpanExporter({ home });
    exporter.export(finishedSpans(1), () => {
      throw new Error('a broken caller');
    });
    const result = await new Promise((resolve) => exporter.export(null as never, resolve));
    expect(result).toMatchObject({ code: 1 });
    await exporter.shutdown();
    expect(countSpans(ledgerOf(home))).toBe(1);
  });

  test('shuts down within its deadline under a locked ledger; the spans are in the spool', async () => {
    const home = tempHome();
    const held = lock(await emptyLedger(home));
    const exporter = new WitnessSpanExporter({ home, shutdownTimeoutMs: 300, timeoutMs: 10_000 });
    const { done } = exporting(exporter, 50);
    const began = Date.now();
    await exporter.shutdown();
    expect(Date.now() - began).toBeLessThan(5_000);
    expect(spoolFiles(home)).toHaveLength(1);
    held.release();
    // The commit was under way: what came of it is what is answered, whatever the spool has.
    expect(await done).toEqual({ code: 0 });
  });

  test('says so when an option is out of range', () => {
    expect(() => new WitnessSpanExporter({ memoryMaxBytes: -1 })).toThrow(
      'memoryMaxBytes must be a number, 0 or more: -1',
    );
    expect(() => new WitnessSpanExporter({ timeoutMs: '5' as never })).toThrow(RangeError);
  });
});

describe('WitnessBaggageProcessor', () => {
  test('copies the business ids, and nothing else, to spans that do not have them', async () => {
    const home = tempHome();
    const exporter = new WitnessSpanExporter({ home });
    const tracers = provider(new WitnessBaggageProcessor(), new BatchSpanProcessor(exporter));
    const baggage = propagation.createBaggage({
      'witness.trace.id': { value: 'session-1' },
      'witness.trace.parent_id': { value: 'request-9' },
      secret: { value: 'not for the ledger' },
    });
    const context = propagation.setBaggage(ROOT_CONTEXT, baggage);
    const tracer = tracers.getTracer('test');
    tracer.startSpan('carried', {}, context).end();
    tracer.startSpan('own', { attributes: { 'witness.trace.id': 'mine' } }, context).end();
    tracer.startSpan('none').end();
    await tracers.shutdown();
    const [carried, own, none] = bodies(ledgerOf(home));
    expect(carried).toMatchObject({ event: 'carried', business: 'session-1', business_parent: 'request-9' });
    expect(own).toMatchObject({ event: 'own', business: 'mine', business_parent: 'request-9' });
    expect(none).not.toHaveProperty('business');
    expect(JSON.stringify(carried)).not.toContain('secret');
  });
});
