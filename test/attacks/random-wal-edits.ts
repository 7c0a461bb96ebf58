/** Random edits of what lies beside a database file: write-ahead log, its index, a rollback journal. */
import { copyFileSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { openFreely } from './edits.js';
import type { Random, RandomEdit } from './random-edits.js';
import { anotherValue } from './random-values.js';

const FRAME_HEAD = 24;

function edit(name: string, weight: number, change: (log: Buffer, random: Random) => Buffer): RandomEdit {
  return {
    name: `the log: ${name}`,
    weight,
    apply: (path, random) => {
      const log = readFileSync(`${path}-wal`);
      if (log.length < 64) throw new Error('no log');
      writeFileSync(`${path}-wal`, change(log, random));
    },
  };
}

/** A log that SQLite itself wrote, in which somebody changed a value. */
function foreignLog(path: string, random: Random): void {
  const copy = `${path}.copy`;
  copyFileSync(path, copy);
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
  if (log !== undefined) copyFileSync(`${path}-wal`, `${copy}-wal`);
  const db = openFreely(copy);
  try {
    db.pragma('journal_mode = WAL');
    db.pragma('wal_autocheckpoint = 0');
    const triggers = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").raw().all() as string[][];
    for (const [name] of triggers) db.exec(`DROP TRIGGER ${name}`);
    const [table, column, key] = random.oneOf([
      ['entries', 'entry', 'seq'],
      ['entries', 'business', 'seq'],
      ['payloads', 'payload', 'seq'],
      ['checkpoints', 'note', 'size'],
    ] as const);
    const keys = db.prepare(`SELECT ${key} FROM ${table}`).pluck().all() as number[];
    const at = random.oneOf(keys);
    const value = db
      .prepare(`SELECT CAST(${column} AS BLOB) FROM ${table} WHERE ${key} = ?`)
      .pluck()
      .get(at) as Buffer | null;
    const isText = table === 'entries';
    const place = isText ? 'CAST(? AS TEXT)' : '?';
    db.prepare(`UPDATE ${table} SET ${column} = ${place} WHERE ${key} = ?`).run(
      anotherValue(value, isText, random),
      at,
    );
    for (const [, sql] of triggers) db.exec(sql!);
    // Before closing, which would move the log into the file.
    copyFileSync(`${copy}-wal`, `${path}-wal`);
    copyFileSync(copy, path);
  } finally {
    db.close();
    for (const suffix of ['', '-wal', '-shm']) rmSync(copy + suffix, { force: true });
  }
}

/** A rollback journal that would put other octets into the file of whoever opens it for writing. */
function hotJournal(path: string, random: Random): void {
  const file = readFileSync(path);
  const size = file.readUInt16BE(16);
  const count = Math.floor(file.length / size);
  const number = random.below(count);
  const page = Buffer.from(file.subarray(number * size, (number + 1) * size));
  page[random.below(size)]! ^= 0xff;
  const head = Buffer.alloc(512);
  Buffer.from('d9d505f920a163d7', 'hex').copy(head);
  for (const [i, value] of [1, 7, count, 512, size].entries()) head.writeUInt32BE(value, 8 + 4 * i);
  let sum = 7;
  for (let at = size - 200; at > 0; at -= 200) sum = (sum + page[at]!) >>> 0;
  const record = Buffer.alloc(8);
  record.writeUInt32BE(number + 1, 0);
  record.writeUInt32BE(sum, 4);
  writeFileSync(`${path}-journal`, Buffer.concat([head, record.subarray(0, 4), page, record.subarray(4)]));
}

export const WAL_EDITS: readonly RandomEdit[] = [
  edit('cut off', 3, (log, random) =>
    log.subarray(0, random.oneOf([512 * random.below(log.length / 512), random.below(log.length)])),
  ),
  edit('a bit', 3, (log, random) => {
    log[random.below(log.length)]! ^= 1 << random.below(8);
    return log;
  }),
  edit('zeros', 1, (log, random) => log.fill(0, random.below(log.length), random.below(log.length))),
  edit('noise', 1, (log, random) => {
    random.octets(512).copy(log, random.below(log.length));
    return log;
  }),
  edit('more after its end', 1, (log, random) => Buffer.concat([log, random.octets(FRAME_HEAD + 4096)])),
  edit('its first frames again', 1, (log) => Buffer.concat([log, log.subarray(32)])),
  {
    name: 'the log: gone',
    weight: 1,
    apply: (path) => rmSync(`${path}-wal`),
  },
  { name: 'the log: another, well-formed', weight: 4, apply: foreignLog },
  {
    name: 'the index of the log',
    weight: 1,
    apply: (path, random) => {
      statSync(`${path}-wal`);
      writeFileSync(`${path}-shm`, random.octets(32_768));
    },
  },
  { name: 'a rollback journal', weight: 1, apply: hotJournal },
];
