/** Attack matrix: one entry edited, at the first, middle and last place of ledgers of 1 to 1,000 entries. */
import { beforeAll, describe, expect, test } from 'vitest';
import { attack, editEntry, flipBit, replaceOctets } from './edits.js';
import { at, type Built, batchesFor, buildLedger, found, type ProblemCode, verifyFile } from './ledger-files.js';

type Edit = (octets: Buffer, seq: number) => Buffer | string;

/**
 * The code under which the judge reports bytes that changed: the next entry's `prev` does not fit them, or, at the end of
 * the ledger, the signed root does not.
 */
const CHANGED = 'changed';

/** What is edited, how, and what the judge says of that entry. */
const EDITS: readonly (readonly [what: string, edit: Edit, code: ProblemCode | typeof CHANGED])[] = [
  ['one bit of the receive time', (b) => flipBit(b, 9, 1), CHANGED],
  ['one bit of the first octet', (b) => flipBit(b, 0), 'entry.malformed'],
  ['one bit of the last octet', (b) => flipBit(b, b.length - 1, 1), 'entry.malformed'],
  ['a space', (b) => replaceOctets(b, '"body":', '"body": '), CHANGED],
  ['a member more', (b) => replaceOctets(b, '"prev":', '"note":"x","prev":'), CHANGED],
  ['the same hash in capitals', (b) => capitals(b), 'entry.malformed'],
  ['one digit of prev', (b) => otherDigit(b, '"prev":"'), 'entry.prev'],
  ['the seq', (b, seq) => replaceOctets(b, `"seq":${seq}`, `"seq":${seq + 1}`), 'entry.seq'],
  ['the seq, beyond 2^53', (b, seq) => replaceOctets(b, `"seq":${seq}`, '"seq":9007199254740993'), 'entry.malformed'],
  ['the type', (b) => replaceOctets(b, '"type":"', '"type":"x'), 'entry.column'],
  [
    'clock set backwards',
    (b) => b.toString().replace(/(,"payload":"\w+")?,"prev"/, ',"clock":"backwards"$&'),
    'entry.clock',
  ],
  ['the end cut off', (b) => b.subarray(0, -1), 'entry.malformed'],
  ['everything', () => '', 'entry.malformed'],
  ['more than 65,535 octets', (b) => Buffer.concat([b, Buffer.alloc(65_536, ' ')]), 'entry.unreadable'],
];

const SPAN_EDITS: typeof EDITS = [
  ['one bit of the event', (b) => flipBit(b, b.indexOf('"event":"') + 10), CHANGED],
  [
    'the cost, by one pico-dollar beyond 2^53',
    (b) => replaceOctets(b, '9007199254740993', '9007199254740992'),
    CHANGED,
  ],
  ['the start, by one nanosecond', (b) => replaceOctets(b, '"start":"175', '"start":"176'), CHANGED],
  ['a token count', (b) => replaceOctets(b, '"output":50', '"output":51'), CHANGED],
  ['the trace id', (b) => otherDigit(b, '"trace":"'), 'entry.column'],
  ['the span id', (b) => otherDigit(b, '"span":"'), 'entry.column'],
  ['the business trace id', (b) => replaceOctets(b, 'session-', 'sessiom-'), 'entry.column'],
  ['the payload digest', (b) => otherDigit(b, '"payload":"'), 'payload.digest'],
  ['the payload digest, removed', (b) => b.toString().replace(/,"payload":"[^"]*"/, ''), 'payload.unexpected'],
];

const CHECKPOINT_EDITS: typeof EDITS = [
  ['one digit of checkpoint', (b) => otherDigit(b, '"checkpoint":"'), 'checkpoint.altered'],
  ['checkpoint, removed', (b) => b.toString().replace(/,"checkpoint":"[^"]*"/, ''), 'checkpoint.extra'],
];

describe.each([1, 2, 7, 8, 1_000])('a ledger of %i entries', (size) => {
  const batches = batchesFor(size);
  const firstOfBatch = new Set(batches.map((_, i) => 1 + batches.slice(0, i).reduce((sum, n) => sum + n, 0)));
  let built: Built;
  beforeAll(async () => {
    built = await buildLedger({ batches });
  });

  test('is VALID as it was written', () => {
    const report = verifyFile(built.path, { key: built.key });
    expect(report).toMatchObject({ verdict: 'VALID', code: 'valid.unanchored', exitCode: 0, problems: [] });
    expect(report).toMatchObject({ entries: size, checkpoints: { checked: 1 + batches.length } });
  });

  const places = [0, Math.floor(size / 2), size - 1];
  const withCheckpoint = [...firstOfBatch].filter((_, i, all) =>
    [0, Math.floor(all.length / 2), all.length - 1].includes(i),
  );
  const cases = [
    ...[...new Set(places)].flatMap((seq) => EDITS.map((edit) => [seq, ...edit] as const)),
    ...[...new Set(places)].flatMap((seq) => (seq === 0 ? [] : SPAN_EDITS).map((edit) => [seq, ...edit] as const)),
    ...withCheckpoint.flatMap((seq) => CHECKPOINT_EDITS.map((edit) => [seq, ...edit] as const)),
  ];

  test.each(cases)('entry %i with %s is named', (seq, _, edit, code) => {
    const path = attack(built.path, (db) => editEntry(db, seq, (octets) => edit(octets, seq)));
    const report = verifyFile(path, { key: built.key });
    expect(report).toMatchObject({ verdict: 'INVALID', code: 'invalid', exitCode: 1 });
    const expected = code === CHANGED ? (seq === size - 1 ? 'checkpoint.root' : 'entry.prev') : code;
    expect(found(report)).toContain(at(expected, seq));
    expect(report.problems.find((problem) => problem.seq !== undefined)).toMatchObject({ seq });
  });
});

/** One digit after `before` is another one. */
function otherDigit(octets: Buffer, before: string): Buffer {
  const digit = octets.indexOf(before) + before.length;
  const changed = Buffer.from(octets);
  changed[digit] = changed[digit] === 0x62 ? 0x63 : 0x62;
  return changed;
}

function capitals(octets: Buffer): string {
  return octets
    .toString()
    .replace(/"prev":"([0-9a-f]{64})"/, (_, hash: string) => `"prev":"X${hash.slice(1).toUpperCase()}"`);
}
