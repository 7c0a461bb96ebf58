/** All that a ledger file says, read without any of our own code: every value of every table as octets, and what indexes yield. */
import { createHash, type Hash } from 'node:crypto';
import Sqlite from 'better-sqlite3';

/**
 * One digest of the whole content of a file: schema, ids, each value with its storage class in row order; the rows that each
 * index yields; whether each row is found by its key. What ANALYZE keeps is no content.
 */
export function contentOf(path: string): string {
  const db = new Sqlite(path, { readonly: true });
  try {
    const hash = createHash('sha256');
    for (const pragma of ['application_id', 'user_version', 'encoding']) {
      hash.update(`${pragma}=${db.pragma(pragma, { simple: true })};`);
    }
    // The root page is where a table lies, not what it holds; VACUUM moves it.
    const schema = "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE tbl_name NOT LIKE 'sqlite_stat%'";
    addRows(
      hash,
      db,
      'sqlite_schema',
      schema.replace('type, name, tbl_name, sql', asOctets(['type', 'name', 'tbl_name', 'sql'])),
      'ORDER BY type, name',
    );
    const objects = db.prepare(`${schema} ORDER BY name`).all() as Record<
      'type' | 'name' | 'tbl_name' | 'sql',
      string
    >[];
    for (const { type, name, tbl_name, sql } of objects) {
      if (type === 'table') addTable(hash, db, name, sql);
      if (type === 'index') addIndex(hash, db, name, tbl_name, sql as string | null);
    }
    return hash.digest('hex');
  } finally {
    db.close();
  }
}

function addTable(hash: Hash, db: Sqlite.Database, name: string, sql: string): void {
  const columns = (db.pragma(`table_info(${quoted(name)})`) as { name: string; pk: number }[]).map((column) => column);
  const names = columns.map((column) => column.name);
  addRows(hash, db, name, `SELECT ${asOctets(names)} FROM ${quoted(name)} NOT INDEXED`);
  // A page whose keys are out of order shows rows to a scan that no look-up finds.
  const key = /WITHOUT ROWID/i.test(sql) ? columns.filter(({ pk }) => pk > 0).map((column) => column.name) : ['rowid'];
  const find = db.prepare(
    `SELECT 1 FROM ${quoted(name)} NOT INDEXED WHERE ${key.map((column) => `${quoted(column)} = ?`).join(' AND ')}`,
  );
  const keys = db
    .prepare(`SELECT ${key.map(quoted).join(', ')} FROM ${quoted(name)} NOT INDEXED`)
    .safeIntegers()
    .raw();
  for (const values of keys.all() as unknown[][]) if (find.get(...values) === undefined) hash.update(`${name}: lost;`);
}

function addIndex(hash: Hash, db: Sqlite.Database, name: string, table: string, sql: string | null): void {
  if (sql === null) return;
  const columns = (db.pragma(`index_info(${quoted(name)})`) as { name: string | null }[]).flatMap(
    (column) => column.name ?? [],
  );
  const where = /\bWHERE\b.*/is.exec(sql)?.[0] ?? '';
  const order = columns.map(quoted).join(', ');
  addRows(
    hash,
    db,
    name,
    `SELECT rowid, ${asOctets(columns)} FROM ${quoted(table)} INDEXED BY ${quoted(name)} ${where}`,
    `ORDER BY ${order}`,
  );
}

function addRows(hash: Hash, db: Sqlite.Database, name: string, select: string, order = ''): void {
  for (const row of db.prepare(`${select} ${order}`).raw().iterate()) {
    hash.update(`${name}:`);
    for (const value of row as (string | number | Buffer | null)[]) {
      const octets =
        value === null ? Buffer.from('null') : Buffer.from(typeof value === 'number' ? String(value) : value);
      hash.update(`${octets.length}:`).update(octets);
    }
  }
}

function asOctets(columns: readonly string[]): string {
  return columns.flatMap((name) => [`typeof(${quoted(name)})`, `CAST(${quoted(name)} AS BLOB)`]).join(', ');
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
