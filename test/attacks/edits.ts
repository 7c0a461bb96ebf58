/**
 * What somebody who can write the file may do to it. Every edit works on a copy, and afterwards the schema text is what
 * it was: guards are dropped for the edit and put back exactly.
 */
import Sqlite from 'better-sqlite3';
import { copyLedger } from './ledger-files.js';

/** A connection that refuses nothing. */
export type FreeHands = Sqlite.Database;

/** Opens a file for writing with every guard of SQLite's own off. */
export function openFreely(path: string): FreeHands {
  const db = new Sqlite(path);
  db.unsafeMode(true);
  for (const pragma of ['ignore_check_constraints = ON', 'foreign_keys = OFF', 'recursive_triggers = OFF']) {
    db.pragma(pragma);
  }
  return db;
}

/** A copy of a ledger, edited by SQL while its triggers are out of the way. @returns the copy's path. */
export function attack(path: string, edit: (db: FreeHands) => void): string {
  const copy = copyLedger(path);
  editInPlace(copy, edit);
  return copy;
}

/** As {@link attack}, on the file itself. */
export function editInPlace(path: string, edit: (db: FreeHands) => void): void {
  const db = openFreely(path);
  try {
    const triggers = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").all() as {
      name: string;
      sql: string;
    }[];
    for (const { name } of triggers) db.exec(`DROP TRIGGER ${name}`);
    edit(db);
    for (const { sql } of triggers) db.exec(sql);
  } finally {
    db.close();
  }
}

/** As {@link attack}, while the tables are not STRICT and take any storage class. */
export function attackUntyped(path: string, edit: (db: FreeHands) => void): string {
  const copy = copyLedger(path);
  editUntypedInPlace(copy, edit);
  return copy;
}

/** As {@link attackUntyped}, on the file itself. */
export function editUntypedInPlace(path: string, edit: (db: FreeHands) => void): void {
  editInPlace(path, (db) => {
    const tables = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").all() as {
      name: string;
      sql: string;
    }[];
    const loosened = (sql: string): string =>
      sql.replace(/ STRICT\b,?/, '').replace(/\b(TEXT|INTEGER)(?! PRIMARY)/g, 'BLOB');
    rewriteSchema(db, tables, loosened);
    edit(db);
    rewriteSchema(db, tables, (sql) => sql);
  });
}

function rewriteSchema(db: FreeHands, tables: { name: string; sql: string }[], change: (sql: string) => string): void {
  db.pragma('writable_schema = ON');
  const update = db.prepare("UPDATE sqlite_schema SET sql = ? WHERE type = 'table' AND name = ?");
  for (const { name, sql } of tables) update.run(change(sql), name);
  // RESET also makes this connection read the schema again.
  db.pragma('writable_schema = RESET');
  db.pragma(`schema_version = ${(db.pragma('schema_version', { simple: true }) as number) + 1}`);
}

/**
 * A copy in which an index is edited by itself, every page staying well-formed: its b-tree is opened as if it were a table
 * WITHOUT ROWID of the name `index_rows` with the columns c0, c1 …, the last of them the row's key.
 */
export function attackIndex(path: string, index: string, edit: (db: FreeHands) => void): string {
  const copy = copyLedger(path);
  editIndexInPlace(copy, index, edit);
  return copy;
}

/** As {@link attackIndex}, on the file itself. */
export function editIndexInPlace(path: string, index: string, edit: (db: FreeHands) => void): void {
  const db = openFreely(path);
  try {
    const rootPage = db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').pluck().get(index) as number;
    const columns = (db.pragma(`index_xinfo(${index})`) as { seqno: number }[]).map((_, i) => `c${i}`).join(', ');
    db.pragma('writable_schema = ON');
    db.prepare("INSERT INTO sqlite_schema VALUES ('table', 'index_rows', 'index_rows', ?, ?)").run(
      rootPage,
      `CREATE TABLE index_rows (${columns}, PRIMARY KEY (${columns})) WITHOUT ROWID`,
    );
    db.pragma('writable_schema = RESET');
    db.pragma('writable_schema = ON');
    edit(db);
    db.prepare("DELETE FROM sqlite_schema WHERE name = 'index_rows'").run();
    db.pragma('writable_schema = RESET');
    db.pragma(`schema_version = ${(db.pragma('schema_version', { simple: true }) as number) + 1}`);
  } finally {
    db.close();
  }
}

/** Changes the text of one entry, octets for octets. */
export function editEntry(db: FreeHands, seq: number, change: (octets: Buffer) => Buffer | string): void {
  editText(db, 'entries', 'entry', seq, change);
}

/** Changes one TEXT value; what comes back may be octets that no UTF-8 has. */
export function editText(
  db: FreeHands,
  table: string,
  column: string,
  seq: number,
  change: (octets: Buffer) => Buffer | string,
): void {
  const key = table === 'checkpoints' ? 'size' : 'seq';
  const before = db.prepare(`SELECT CAST(${column} AS BLOB) FROM ${table} WHERE ${key} = ?`).pluck().get(seq);
  if (!Buffer.isBuffer(before)) throw new Error(`no ${table}.${column} at ${seq}`);
  const after = change(before);
  if (Buffer.compare(Buffer.from(after), before) === 0) throw new Error('the edit changes nothing');
  db.prepare(`UPDATE ${table} SET ${column} = CAST(? AS TEXT) WHERE ${key} = ?`).run(Buffer.from(after), seq);
}

/** Changes one BLOB. */
export function editBlob(
  db: FreeHands,
  table: string,
  column: string,
  key: number,
  change: (b: Buffer) => Buffer,
): void {
  const by = table === 'checkpoints' ? 'size' : 'seq';
  const before = db.prepare(`SELECT ${column} FROM ${table} WHERE ${by} = ?`).pluck().get(key) as Buffer;
  const after = change(Buffer.from(before));
  if (Buffer.compare(after, before) === 0) throw new Error('the edit changes nothing');
  db.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${by} = ?`).run(after, key);
}

/** `octets` with one bit changed. */
export function flipBit(octets: Buffer, at: number, bit = 0): Buffer {
  const changed = Buffer.from(octets);
  changed[at] = changed[at]! ^ (1 << bit);
  return changed;
}

/** `octets` with the first `from` replaced. @throws when there is none. */
export function replaceOctets(octets: Buffer, from: Buffer | string, to: Buffer | string): Buffer {
  const start = octets.indexOf(from);
  if (start < 0) throw new Error(`nothing to replace: ${from}`);
  return Buffer.concat([octets.subarray(0, start), Buffer.from(to), octets.subarray(start + Buffer.from(from).length)]);
}
