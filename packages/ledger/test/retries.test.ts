/** Retries are normal: the same span is stored once, whoever sends it again; another one under its ids is a conflict. */
import { join } from 'node:path';
import { parseCheckpoint, parseNote } from '@infrafabric/format';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { editInPlace } from '../../../test/attacks/edits.js';
import {
  keyOf,
  newDirectory,
  newestNote,
  spanDraft,
  verifyAgainstHead,
  verifyFile,
} from '../../../test/attacks/ledger-files.js';
import { spanRecord } from '../../../test/attacks/spans.js';
import { draftSpan, Ledger } from '../dist/index.js';
import { LedgerReader } from '../dist/reader.js';

/** Span 1 with something else in its payload alone. */
const other = (note: string) =>
  draftSpan(spanRecord(1, { events: [{ timeUnixNano: 1n, name: note, attributes: [], droppedAttributesCount: 0 }] }));
/** Span 1 with something else in what is signed. */
const renamed = (name: string) => draftSpan(spanRecord(1, { name }));

describe.each([true, false])('(filters in memory: %s)', (longLived) => {
  let home: string;
  let ledger: Ledger;
  beforeEach(async () => {
    home = join(newDirectory(), 'home');
    ledger = await Ledger.open({ home, longLived });
  });
  afterEach(async () => {
    const key = keyOf(home, ledger.origin());
    await ledger.close();
    expect(['VALID', 'INCOMPLETE']).toContain(verifyAgainstHead(join(home, 'witness.db'), { key, deep: true }).verdict);
  });

  function bodies(): (readonly [seq: number, event: unknown, conflict: unknown])[] {
    const reader = LedgerReader.open(join(home, 'witness.db'));
    try {
      return [...reader.entriesFrom(1)].map(({ seq, entry }) => [seq, entry.body.event, entry.body.conflict]);
    } finally {
      reader.close();
    }
  }

  test('the same span again is acknowledged with its first seq and hash, and writes nothing', async () => {
    const [first] = await ledger.append([spanDraft(1)]);
    const note = newestNote(join(home, 'witness.db'));
    const [again] = await ledger.append([spanDraft(1)]);
    expect(again).toEqual({ ...first, outcome: 'duplicate' });
    expect(newestNote(join(home, 'witness.db'))).toEqual(note);
  });

  test('the same span again from another process is recognised', async () => {
    const [first] = await ledger.append([spanDraft(1)]);
    const second = await Ledger.open({ home, longLived });
    expect(await second.append([spanDraft(2), spanDraft(1)])).toEqual([
      expect.objectContaining({ outcome: 'appended', seq: 2 }),
      { ...first, outcome: 'duplicate' },
    ]);
    await second.close();
    expect(await ledger.append([spanDraft(2)])).toMatchObject([{ outcome: 'duplicate', seq: 2 }]);
  });

  test('another span under its ids is a second entry that names the first', async () => {
    await ledger.append([spanDraft(1)]);
    expect(await ledger.append([renamed('another')])).toMatchObject([{ outcome: 'appended', seq: 2 }]);
    expect(bodies()).toEqual([
      [1, 'request 1', undefined],
      [2, 'another', 1],
    ]);
  });

  test('a difference in the payload alone is a conflict too', async () => {
    await ledger.append([spanDraft(1)]);
    expect(await ledger.append([other('retried')])).toMatchObject([{ outcome: 'appended', seq: 2 }]);
    expect(bodies()[1]).toEqual([2, 'request 1', 1]);
  });

  test('a conflict that is sent again is acknowledged with its own seq; a third one names the first', async () => {
    await ledger.append([spanDraft(1)]);
    await ledger.append([renamed('second')]);
    expect(await ledger.append([renamed('second'), spanDraft(1), renamed('third')])).toMatchObject([
      { outcome: 'duplicate', seq: 2 },
      { outcome: 'duplicate', seq: 1 },
      { outcome: 'appended', seq: 3 },
    ]);
    expect(bodies().map(([, , conflict]) => conflict)).toEqual([undefined, 1, 1]);
  });

  test('duplicates and conflicts inside one batch are found there', async () => {
    const results = await ledger.append([
      spanDraft(1),
      spanDraft(2),
      spanDraft(1),
      renamed('second'),
      spanDraft(2),
      renamed('second'),
      spanDraft(1),
    ]);
    expect(results.map(({ outcome, seq }) => [outcome, seq])).toEqual([
      ['appended', 1],
      ['appended', 2],
      ['duplicate', 1],
      ['appended', 3],
      ['duplicate', 2],
      ['duplicate', 3],
      ['duplicate', 1],
    ]);
    expect(bodies().map(([, , conflict]) => conflict)).toEqual([undefined, undefined, 1]);
  });

  test('a batch of nothing but duplicates makes no checkpoint', async () => {
    await ledger.append([spanDraft(1), spanDraft(2)]);
    await ledger.append([spanDraft(2), spanDraft(1)]);
    expect(parseCheckpoint(parseNote(newestNote(join(home, 'witness.db'))).text).size).toBe(3);
  });

  test('spans that share one of their two ids are no conflict', async () => {
    const sameTrace = draftSpan(spanRecord(1, { spanId: 'ffffffffffffffff' }));
    const sameSpan = draftSpan(spanRecord(1, { traceId: 'f'.repeat(32) }));
    const results = await ledger.append([spanDraft(1), sameTrace, sameSpan]);
    expect(results.map(({ outcome }) => outcome)).toEqual(['appended', 'appended', 'appended']);
    expect(bodies().every(([, , conflict]) => conflict === undefined)).toBe(true);
  });

  test('after its payload was erased it is acknowledged, and nothing is stored', async () => {
    const [first] = await ledger.append([spanDraft(1)]);
    await ledger.append([spanDraft(2)]);
    const path = join(home, 'witness.db');
    editInPlace(path, (db) => db.exec('DELETE FROM payloads WHERE seq = 1'));
    const note = newestNote(path);
    expect(await ledger.append([spanDraft(1)])).toEqual([{ ...first, outcome: 'duplicate' }]);
    expect(newestNote(path)).toEqual(note);
    const key = keyOf(home, ledger.origin());
    expect(verifyFile(path, { key })).toMatchObject({ payloads: { present: 1, missing: 1 } });
  });

  test('after its payload was erased a span that differs in what is signed is a conflict', async () => {
    await ledger.append([spanDraft(1)]);
    editInPlace(join(home, 'witness.db'), (db) => db.exec('DELETE FROM payloads; DELETE FROM contexts'));
    expect(await ledger.append([renamed('another')])).toMatchObject([{ outcome: 'appended', seq: 2 }]);
    expect(bodies()[1]).toEqual([2, 'another', 1]);
  });

  test('control entries are never duplicates', async () => {
    const gap = { type: 'gap', body: { count: 1, reason: 'x', since: '1', source: 'x', until: '2' } } as const;
    expect((await ledger.append([gap, gap])).map(({ outcome }) => outcome)).toEqual(['appended', 'appended']);
  });
});
