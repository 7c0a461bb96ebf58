/** Our totals are what the provider served, whoever instrumented the call, and what cannot be known is called unknown. */
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { Arrived, allInput, CLASSES, INDEX, readCapture, type Sums } from './captures.js';

/**
 * Gemini's total counts what tools put in, and this producer gives neither that nor the thoughts: what only the total counts
 * is read as thoughts, marked `inferred`.
 */
const INFERRED = 'traceloop-google-genai/gemini-tooluse';

const counted = { exact: 0, totals: 0 };

function countAll(capture: string) {
  const { totals, requests } = readCapture(capture);
  const arrived = new Arrived();
  for (const spans of requests) arrived.add(spans);
  return { totals, ...arrived.sums() };
}

function differenceOf(sums: Sums, totals: Sums): Partial<Sums> {
  const names = [...CLASSES, 'calls'] as const;
  return Object.fromEntries(
    names.filter((name) => sums[name] !== totals[name]).map((name) => [name, sums[name] - totals[name]]),
  );
}

describe('each recorded export adds up to what was served', () => {
  test.each(INDEX)('$capture: $reachable', ({ capture, reachable, unknownCalls, difference }) => {
    const { totals, sums, unknownCalls: unknown } = countAll(capture);
    const isExact = Object.keys(differenceOf(sums, totals)).length === 0;
    const isTotal = sums.calls === totals.calls && allInput(sums) === allInput(totals) && sums.output === totals.output;
    if (isExact) counted.exact++;
    if (isTotal) counted.totals++;

    if (reachable === 'exact') expect(sums).toEqual(totals);
    if (reachable === 'totals') expect(isTotal).toBe(true);
    expect(differenceOf(sums, totals)).toEqual(difference);
    expect(unknown).toBe(unknownCalls);

    // Never more than was served.
    expect(sums.calls).toBeLessThanOrEqual(totals.calls);
    expect(allInput(sums)).toBeLessThanOrEqual(allInput(totals));
    if (capture !== INFERRED) {
      expect(sums.output).toBeLessThanOrEqual(totals.output);
      expect(sums.reasoning).toBeLessThanOrEqual(totals.reasoning);
    }
  });

  afterAll(() => {
    console.log(
      `${INDEX.length} recorded exports: every class exact in ${counted.exact}; ` +
        `calls, input and output exact in ${counted.totals}`,
    );
    expect(counted.exact).toBeGreaterThanOrEqual(112);
    expect(counted.totals).toBeGreaterThanOrEqual(129);
  });
});

describe('however the spans arrive', () => {
  test('in any order, in any parts, some twice, the sums are the same in the end', () => {
    for (const { capture } of INDEX) {
      const { requests } = readCapture(capture);
      const spans = requests.flat();
      const whole = new Arrived();
      whole.add(spans);
      const wanted = whole.sums();
      fc.assert(
        fc.property(
          fc.shuffledSubarray([...spans.keys(), ...spans.keys()], { minLength: 2 * spans.length }),
          fc.integer({ min: 1, max: 5 }),
          (places, size) => {
            const parts = new Arrived();
            for (let at = 0; at < places.length; at += size) {
              parts.add(places.slice(at, at + size).map((place) => spans[place]!));
              parts.sums();
            }
            expect(parts.sums()).toEqual(wanted);
          },
        ),
        { numRuns: 5 },
      );
    }
  });

  test('twice as a whole from two doors, under other trace ids, a response is counted once', () => {
    // Of producers that give a response id: the same calls, exported through two pipelines.
    const { requests, totals } = readCapture('traceloop-openai/openai-agent');
    const arrived = new Arrived();
    for (const spans of requests) {
      arrived.add(spans);
      arrived.add(spans.map((span) => ({ ...span, traceId: span.traceId.replace(/^./, 'f') })));
    }
    expect(arrived.sums().sums).toEqual(totals);
  });
});
