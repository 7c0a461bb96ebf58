import type { Entry } from '@infrafabric/format';
import { describe, expect, test } from 'vitest';
import { containersOf } from '../dist/read/containers.js';
import { spanEntryOf } from '../dist/read/span-entry.js';
import { Totals } from '../dist/read/totals.js';

const KNOWN = { tokens: { input: 10, output: 5 } };
const UNKNOWN = { marks: ['unknown'] };

/** Spans by [span id, parent id or '', usage or undefined]; their seq is their place. */
function entriesOf(...spans: [span: string, parent: string, usage?: object][]) {
  return spans.map(([span, parent, usage], seq) => {
    const above = parent === '' ? {} : { parent };
    const said = usage === undefined ? {} : { charge: { source: 'unpriced' }, usage };
    const body = { ...above, ...said, end: '2', event: 'e', kind: 1, span, start: '1', status: 0, trace: 't' };
    const entry = { at: '5', body, prev: '', seq, type: 'span' } as unknown as Entry;
    return spanEntryOf(seq, JSON.stringify(entry), entry)!;
  });
}

const containers = (...spans: Parameters<typeof entriesOf>) => [...containersOf(() => entriesOf(...spans))];

describe('a span does not count', () => {
  test('with usage above another span with usage, however far', () => {
    expect(containers(['a', '', KNOWN], ['b', 'a'], ['c', 'b', KNOWN])).toEqual([0]);
  });

  test('whether it arrives before or after what is below it', () => {
    expect(containers(['c', 'b', KNOWN], ['b', 'a'], ['a', '', KNOWN])).toEqual([2]);
  });

  test('when it is a call of unknown usage with a known one above or below it', () => {
    expect(containers(['a', '', UNKNOWN], ['b', 'a', KNOWN])).toEqual([0]);
    expect(containers(['a', '', KNOWN], ['b', 'a', UNKNOWN])).toEqual([1]);
  });
});

describe('a span counts', () => {
  test('beside another with usage', () => {
    expect(containers(['a', '', KNOWN], ['b', '', KNOWN])).toEqual([]);
  });

  test('as an unknown call when nothing known is above or below it', () => {
    expect(containers(['a', '', UNKNOWN], ['b', '', KNOWN])).toEqual([]);
  });

  test('where parents form a circle, which contains nothing', () => {
    expect(containers(['a', 'b', KNOWN], ['b', 'a', KNOWN])).toEqual([]);
  });
});

test('totals leave containers and calls that failed before any usage out, but count them as entries', () => {
  const entries = entriesOf(['a', '', KNOWN], ['b', 'a', KNOWN], ['c', 'a', {}]);
  const totals = new Totals(containersOf(() => entries));
  for (const entry of entries) totals.add(entry);
  expect([totals.entries, totals.calls, totals.unpriced, totals.tokensIn]).toEqual([3, 1, 1, 10n]);
});
