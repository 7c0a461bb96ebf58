/** Attack matrix: a chain judged by blocks of rows is judged as it is row by row, whatever single thing was changed. */
import { LedgerReader } from '@infrafabric/ledger/reader';
import { judgeChain, Problems } from '@infrafabric/verify';
import { beforeAll, expect, test } from 'vitest';
import { attack, attackUntyped, editEntry, type FreeHands, replaceOctets } from './edits.js';
import { type Built, buildLedger, randomOf, rowByRow, verifyFile } from './ledger-files.js';

const ROUNDS = Number(process.env.ROUNDS ?? 200);
const SEED = Number(process.env.SEED ?? 5);

/** Batches that end within blocks and at their ends; parent flows, missing ones and U+FFFD among the spans. */
let built: Built;
beforeAll(async () => {
  built = await buildLedger({ batches: [1, 126, 300, 172] });
});

const report = (path: string) => verifyFile(path, { key: built.key, secondOpinion: false });

test('a ledger in which nothing is wrong is judged without a look at its rows', () => {
  const reader = LedgerReader.open(built.path);
  const problems = new Problems();
  let rows = 0;
  const source = {
    ...rowByRow(reader),
    entryBlock: (from: number, to: number) => reader.entryBlock(from, to),
    entries: (from: number, to: number) => {
      rows++;
      return reader.entries(from, to);
    },
  };
  expect(judgeChain(source, problems)).toMatchObject({ entries: 600, checkpoints: 5 });
  expect([problems.count, rows]).toEqual([0, 0]);
  reader.close();
});

/** Changes that only count for much, or only can be made, because rows are handed over joined. */
const JOINED: readonly (readonly [name: string, edit: (db: FreeHands) => void])[] = [
  ['a NUL and more behind business', (db) => db.exec(set("business = business || char(0) || 'x'", 5))],
  ['a NUL behind an entry', (db) => db.exec(set('entry = entry || char(0)', 5))],
  ['a NUL before an entry', (db) => db.exec(set('entry = char(0) || entry', 5))],
  ['an entry that is empty', (db) => db.exec(set("entry = ''", 5))],
  ['two entries in one row, none in the next', (db) => joinEntries(db, 5)],
  ['two rows of columns in one, none in the next', (db) => joinColumns(db, 5)],
  ['the first row gone', (db) => db.exec('DELETE FROM entries WHERE seq = 0')],
  ['the last row of a block gone', (db) => db.exec('DELETE FROM entries WHERE seq = 127')],
  ['the first row of a block gone', (db) => db.exec('DELETE FROM entries WHERE seq = 128')],
  ['a whole block gone', (db) => db.exec('DELETE FROM entries WHERE seq BETWEEN 128 AND 255')],
  ['the end gone', (db) => db.exec('DELETE FROM entries WHERE seq > 511')],
  ['two entries in each other’s place', (db) => swap(db, 130, 131)],
  ['a tab for a space', (db) => editEntry(db, 9, (b) => replaceOctets(b, 'request 9', 'request\t9'))],
  [
    'malformed UTF-8 in an entry',
    (db) => editEntry(db, 9, (b) => replaceOctets(b, 'request', Buffer.from('7265717565ff74', 'hex'))),
  ],
  ['an octet of the trace id in the span id', (db) => db.exec(shifted('substr(trace_id, 1, 15)', 5))],
  [
    'an empty business for none',
    (db) => db.exec("UPDATE entries SET business_parent = '' WHERE business_parent IS NULL"),
  ],
  ['columns of another row', (db) => db.exec(set('span_id = (SELECT span_id FROM entries WHERE seq = 6)', 5))],
];

test.each(JOINED)('%s: INVALID, and the same as row by row', (_name, edit) => {
  expect(report(attack(built.path, edit)).verdict).toBe('INVALID');
});

test.each([
  ['an entry of the same octets as a blob', 'entry = CAST(entry AS BLOB)'],
  ['a trace id of the same octets as text', 'trace_id = CAST(trace_id AS TEXT)'],
  ['a span id of the same octets as text', 'span_id = CAST(span_id AS TEXT)'],
  ['a segment that says more', "segment = segment || ' ' || lower(hex(trace_id || span_id))"],
])('%s: INVALID, and the same as row by row', (_name, change) => {
  const path = attackUntyped(built.path, (db) => db.exec(set(change, 5)));
  expect(report(path).verdict).toBe('INVALID');
});

test('random single edits are INVALID, and the same as row by row', { timeout: 300_000 }, () => {
  const random = randomOf(SEED);
  const below = (n: number): number => Math.floor(random() * n);
  const pick = <T>(values: readonly T[]): T => values[below(values.length)]!;
  for (let round = 0; round < ROUNDS; round++) {
    const seq = below(built.entries);
    let edit: string;
    const path = attack(built.path, (db) => {
      const column = pick([
        'entry',
        'entry',
        'entry',
        'segment',
        'type',
        'trace_id',
        'span_id',
        'business',
        'business_parent',
      ]);
      const before = db
        .prepare(`SELECT CAST(${column} AS BLOB) FROM entries WHERE seq = ?`)
        .pluck()
        .get(seq) as Buffer | null;
      const octets = [...(before ?? [])];
      const put = Array.from({ length: below(3) }, () =>
        pick([0, 9, 0x20, 0x22, 0x2c, 0x30, 0x61, 0x7b, 0x80, 0xff, below(256)]),
      );
      const cut = before === null || put.length === 0 ? 1 + below(2) : below(3);
      const at = below(octets.length + 1);
      octets.splice(at, cut, ...(before === null && put.length === 0 ? [0x61] : put));
      const after = Buffer.from(octets);
      const as = column === 'segment' ? 'INTEGER' : column.endsWith('_id') ? 'BLOB' : 'TEXT';
      edit = `${column} of ${seq}, at ${at}: ${cut} octets by ${put}`;
      if (column === 'segment') db.exec(set('segment = segment + 1', seq));
      else db.prepare(`UPDATE entries SET ${column} = CAST(? AS ${as}) WHERE seq = ?`).run(after, seq);
      const same = db
        .prepare(`SELECT ${column} IS CAST(? AS ${as}) FROM entries WHERE seq = ?`)
        .pluck()
        .get(before, seq);
      if (same === 1) db.exec(set('segment = segment + 1', seq));
    });
    expect(report(path).verdict, edit!).toBe('INVALID');
  }
});

function set(change: string, seq: number): string {
  return `UPDATE entries SET ${change} WHERE seq = ${seq}`;
}

function shifted(trace: string, seq: number): string {
  return set(`span_id = CAST(substr(trace_id, 16) || span_id AS BLOB), trace_id = ${trace}`, seq);
}

function swap(db: FreeHands, a: number, b: number): void {
  db.exec(`UPDATE entries SET seq = -1 WHERE seq = ${a}; UPDATE entries SET seq = ${a} WHERE seq = ${b};
    UPDATE entries SET seq = ${b} WHERE seq = -1`);
}

function joinEntries(db: FreeHands, seq: number): void {
  const next = db
    .prepare('SELECT entry FROM entries WHERE seq = ?')
    .pluck()
    .get(seq + 1);
  db.prepare(`UPDATE entries SET entry = entry || char(0) || ? WHERE seq = ?`).run(next, seq);
  db.exec(`DELETE FROM entries WHERE seq = ${seq + 1}`);
}

/** The business of one row says what the next row's columns would, which says nothing. */
function joinColumns(db: FreeHands, seq: number): void {
  db.exec(`UPDATE entries SET business = business || char(0) ||
    (SELECT concat(seq, ' ', lower(hex(trace_id || span_id)), ':' || business) FROM entries WHERE seq = ${seq + 1})
    WHERE seq = ${seq}`);
}
