import type { Entry } from '@infrafabric/format';
import { describe, expect, test } from 'vitest';
import { RawJson, renderJson } from '../dist/json-text.js';
import { countedCalls } from '../dist/read/counted-calls.js';
import { spanEntryOf } from '../dist/read/span-entry.js';
import { Totals } from '../dist/read/totals.js';

const BODY = { end: '2', event: 'e', kind: 1, span: 'b', start: '1', status: 0, trace: 'a' };

function entryOf(body: object, type = 'span') {
  const entry = { at: '5', body: { ...BODY, ...body }, prev: '', seq: 3, type } as unknown as Entry;
  return spanEntryOf(3, JSON.stringify(entry), entry, () => undefined);
}

/** Entries of one trace, their span ids all different, summed as `trace` does. */
function totalsOf(...bodies: readonly object[]): Totals {
  const entries = bodies.map((body, i) => {
    const entry = { at: '5', body: { ...BODY, span: `b${i}`, ...body }, prev: '', seq: i, type: 'span' };
    return spanEntryOf(i, JSON.stringify(entry), entry as unknown as Entry, () => undefined)!;
  });
  const totals = new Totals();
  for (const { sums, currency } of countedCalls(entries)) totals.add(sums, currency);
  return totals;
}

describe('totals', () => {
  test('add money exactly, by where it came from, and count what has no price', () => {
    const charge = (cost: string, source: string, currency = 'USD') => ({
      charge: { cost, currency, source },
      usage: {},
    });
    const totals = totalsOf(
      ...Array.from({ length: 10 }, () => charge('100000000000', 'reported')),
      charge('1', 'computed'),
      charge('2', 'estimated'),
      charge('1500000000000', 'reported', 'EUR'),
      { charge: { source: 'unpriced' }, usage: { marks: ['unknown'] } },
      {},
    );
    expect(JSON.parse(renderJson(totals.toJson()))).toEqual({
      calls: 13,
      calls_unknown: 1,
      tokens: { input: 0, cache_read: 0, cache_write: 0, output: 0, reasoning: 0 },
      cost_usd: '1.000000000003',
      cost_reported_usd: '1',
      cost_computed_usd: '0.000000000001',
      cost_estimated_usd: '0.000000000002',
      unpriced: 1,
      other_currencies: { EUR: '1.5' },
    });
  });

  test('add token classes, all kinds of cache writing together', () => {
    const tokens = {
      input: 1,
      cache_read: 2,
      cache_write: 4,
      cache_write_5m: 8,
      cache_write_1h: 16,
      output: 32,
      reasoning: 5,
    };
    const totals = totalsOf({ usage: { tokens: { ...tokens, other: 7 } } });
    expect(totals.toJson().tokens).toEqual(
      Object.fromEntries(
        Object.entries({ input: 1, cache_read: 2, cache_write: 28, output: 32, reasoning: 5 }).map(([name, n]) => [
          name,
          new RawJson(String(n)),
        ]),
      ),
    );
    expect([totals.tokensIn, totals.tokensOut]).toEqual([31n, 32n]);
  });

  test('leave containers and calls that failed before any usage out', () => {
    const usage = { tokens: { input: 10, output: 5 } };
    const unpriced = { source: 'unpriced' };
    const totals = totalsOf(
      { span: 'top', usage: { tokens: { input: 20, output: 10 } }, charge: unpriced },
      { span: 'x', parent: 'top' },
      { parent: 'x', usage, charge: unpriced },
      { parent: 'top', usage: {}, status: 2 },
    );
    expect([totals.calls, totals.unpriced, totals.tokensIn]).toEqual([1n, 1n, 10n]);
  });
});

describe('a span entry from a file that nobody verified', () => {
  test('is nothing for another type', () => {
    expect(entryOf({}, 'gap')).toBeUndefined();
  });

  test.each([
    [{ event: 7 }, 'event'],
    [{ trace: undefined }, 'trace'],
    [{ kind: -1 }, 'kind'],
    [{ start: '01' }, 'start'],
    [{ end: 'x' }, 'end'],
    [{ usage: [] }, 'usage'],
    [{ usage: { tokens: { input: '5' } } }, 'input'],
    [{ charge: { source: 'guess' } }, 'source'],
    [{ charge: { source: 'reported', cost: '-1' } }, 'cost'],
    [{ component: null }, 'component'],
  ])('is refused when a member is not what it must be: %o', (body, member) => {
    expect(() => entryOf(body)).toThrow(`entry 3 is malformed: ${member}`);
  });
});
