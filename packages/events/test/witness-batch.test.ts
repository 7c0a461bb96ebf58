import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WitnessBatch } from '../dist/index.js';
import { payloadOf, watch } from './support.js';

describe('WitnessBatch', () => {
  test('by size: every event is in one batch, in order, and none is larger', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.integer({ min: 1, max: 40 }), (count, size) => {
        const { recorder, spans } = watch();
        const batch = new WitnessBatch(recorder, { size, maxAgeMs: 0 });
        for (let i = 0; i < count; i++) batch.add(i);
        batch.flush();
        batch.flush();
        const batches = spans().map(payloadOf) as { event_count: number; events: number[] }[];
        expect(batches.flatMap(({ events }) => events)).toEqual([...Array(count).keys()]);
        expect(batches.map(({ events }) => events.length)).toEqual(batches.map(({ event_count }) => event_count));
        expect(batches.length).toBe(Math.ceil(count / size));
        for (const { event_count } of batches.slice(0, -1)) expect(event_count).toBe(size);
      }),
      { numRuns: 100 },
    );
  });

  test('by time: what there is is recorded although no more comes, and the next event begins anew', async () => {
    const { recorder, spans } = watch();
    const batch = new WitnessBatch(recorder, { size: 100, maxAgeMs: 20, name: 'ndi_batch_complete' });
    batch.add({ frame: 1 });
    batch.add({ frame: 2 });
    expect(spans()).toEqual([]);
    while (spans().length < 1) await sleep(5);
    batch.add({ frame: 3 });
    while (spans().length < 2) await sleep(5);
    expect(spans().map(({ name }) => name)).toEqual(['ndi_batch_complete', 'ndi_batch_complete']);
    expect(spans().map(payloadOf)).toEqual([
      { event_count: 2, events: [{ frame: 1 }, { frame: 2 }] },
      { event_count: 1, events: [{ frame: 3 }] },
    ]);
  });

  test('a batch that was full is not recorded again by its timer', async () => {
    const { recorder, spans } = watch();
    const batch = new WitnessBatch(recorder, { size: 2, maxAgeMs: 10 });
    for (const event of [1, 2, 3, 4]) batch.add(event);
    await sleep(50);
    expect(spans().length).toBe(2);
  });

  test('has the usage that its events add up to; a function that fails costs the usage and not the batch', async () => {
    const { recorder, spans } = watch();
    const usageOf = (events: readonly unknown[]) => ({ tokensIn: events.length, isEstimated: true });
    const good = new WitnessBatch(recorder, { size: 3, usageOf });
    for (const event of [1, 2, 3]) good.add(event);
    const broken = new WitnessBatch(recorder, {
      maxAgeMs: 1,
      usageOf() {
        throw new Error('no');
      },
    });
    broken.add('x');
    while (spans().length < 2) await sleep(5);
    expect(spans().map(({ attributes }) => attributes['gen_ai.usage.input_tokens'])).toEqual([3, undefined]);
    expect(payloadOf(spans()[1])).toEqual({ event_count: 1, events: ['x'] });
  });

  test("callers' mistakes are refused with the correction", () => {
    const { recorder } = watch();
    for (const size of [0, 1.5, -1, Number.NaN]) expect(() => new WitnessBatch(recorder, { size })).toThrow(RangeError);
    for (const maxAgeMs of [-1, Number.NaN]) expect(() => new WitnessBatch(recorder, { maxAgeMs })).toThrow(RangeError);
  });
});
