/** Look-ups, and the one state that a reader sees whatever writers do meanwhile. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Built, buildLedger, spanDraft } from '../../../test/attacks/ledger-files.js';
import { spanRecord } from '../../../test/attacks/spans.js';
import { Ledger } from '../dist/index.js';
import { LedgerReader } from '../dist/reader.js';

let built: Built;
let reader: LedgerReader;
beforeAll(async () => {
  built = await buildLedger({ batches: [50, 50] });
  reader = LedgerReader.open(built.path);
});
afterAll(() => reader.close());

const seqsWhere = (holds: (seq: number) => boolean): number[] =>
  Array.from({ length: 100 }, (_, i) => i + 1).filter(holds);

test('entries by trace, by business trace, by parent flow are all of them, in order', () => {
  expect(reader.seqsOfTrace(spanRecord(3).traceId)).toEqual(seqsWhere((seq) => seq % 7 === 3));
  expect(reader.seqsOfBusiness('session-flow-1')).toEqual(seqsWhere((seq) => seq % 5 === 1 && seq % 4 !== 0));
  expect(reader.seqsOfBusinessParent('user-request \ufffd 30')).toEqual([30]);
  expect(reader.seqsOfTrace('0'.repeat(32))).toEqual([]);
  expect(reader.seqsOfBusiness("' OR 1=1 --")).toEqual([]);
});

test('trace ids by a prefix', () => {
  expect(reader.traceIdsWithPrefix('a', 100).sort()).toEqual(
    [1, 2, 3, 4, 5, 6, 7].map((n) => String(n).padStart(32, 'a')),
  );
  expect(reader.traceIdsWithPrefix(`${'a'.repeat(31)}3`, 100)).toEqual([`${'a'.repeat(31)}3`]);
  expect(reader.traceIdsWithPrefix('a', 2)).toHaveLength(2);
  expect(reader.traceIdsWithPrefix('b', 100)).toEqual([]);
});

test('one entry, its payload and the contexts that it names', () => {
  expect(reader.genesis()).toMatchObject({ seq: 0, entry: { type: 'genesis' } });
  expect(reader.entry(101)).toBeUndefined();
  expect(reader.entry(-1)).toBeUndefined();
  const { payload, salt } = reader.payload(7)!;
  expect(salt).toHaveLength(32);
  expect(reader.context(payload.subarray(0, 32))).toBeInstanceOf(Uint8Array);
  expect(reader.context(payload.subarray(32, 64))).toBeInstanceOf(Uint8Array);
  expect(reader.context(new Uint8Array(32))).toBeUndefined();
  expect(reader.payload(0)).toBeUndefined();
});

test('entries from a seq on', () => {
  expect([...reader.entriesFrom(98)].map(({ seq }) => seq)).toEqual([98, 99, 100]);
  expect([...reader.entriesFrom(101)]).toEqual([]);
});

test('a reader goes on seeing what it saw first', async () => {
  const before = LedgerReader.open(built.path);
  const ledger = await Ledger.open({ home: built.home });
  await ledger.append([spanDraft(1_000)]);
  await ledger.close();
  expect(before.entryCount()).toBe(101);
  expect([...before.entriesFrom(100)]).toHaveLength(1);
  before.close();
  const after = LedgerReader.open(built.path);
  expect(after.entryCount()).toBe(102);
  after.close();
});
