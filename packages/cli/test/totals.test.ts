import type { Entry } from '@infrafabric/format';
import { describe, expect, test } from 'vitest';
import { renderJson } from '../dist/json-text.js';
import { spanEntryOf } from '../dist/read/span-entry.js';
import { Totals } from '../dist/read/totals.js';

const BODY = { end: '2', event: 'e', kind: 1, span: 'b', start: '1', status: 0, trace: 'a' };

function entryOf(body: object, type = 'span') {
  const entry = { at: '5', body: { ...BODY, ...body }, prev: '', seq: 3, type } as unknown as Entry;
  return spanEntryOf(3, JSON.stringify(entry), entry);
}

describe('totals', () => {
  test('add money exactly, by where it came from, and count what has no price', () => {
    const totals = new Totals();
    const charge = (cost: string, source: string, currency = 'USD') => ({
      charge: { cost, currency, source },
      usage: {},
    });
    for (let i = 0; i < 10; i++) totals.add(entryOf(charge('100000000000', 'reported'))!);
    totals.add(entryOf(charge('1', 'computed'))!);
    totals.add(entryOf(charge('2', 'estimated'))!);
    totals.add(entryOf(charge('1500000000000', 'reported', 'EUR'))!);
    totals.add(entryOf({ charge: { source: 'unpriced' }, usage: { marks: ['unknown'] } })!);
    totals.add(entryOf({})!);
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
    expect(totals.entries).toBe(15);
  });

  test('add token classes, all kinds of cache writing together', () => {
    const totals = new Totals();
    const tokens = {
      input: 1,
      cache_read: 2,
      cache_write: 4,
      cache_write_5m: 8,
      cache_write_1h: 16,
      output: 32,
      reasoning: 5,
    };
    totals.add(entryOf({ usage: { tokens: { ...tokens, other: 7 } } })!);
    expect(totals.tokens).toEqual({ input: 1n, cache_read: 2n, cache_write: 28n, output: 32n, reasoning: 5n });
    expect(totals.tokensIn).toBe(31n);
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
