/** All that a ledger file says, read without any of our own code: every value of every table as octets. */
import { createHash } from 'node:crypto';
import Sqlite from 'better-sqlite3';

/** One digest of the whole content of a file: schema, ids, and each value with its storage class, in row order. */
export function contentOf(path: string): string {
  const db = new Sqlite(path, { readonly: true });
  try {
    const hash = createHash('sha256');
    for (const pragma of ['application_id', 'user_version', 'encoding']) {
      hash.update(`${pragma}=${db.pragma(pragma, { simple: true })};`);
    }
    const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").pluck().all();
    for (const table of ['sqlite_schema', ...(tables as string[])]) {
      const columns = (db.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => name);
      // The root page is where a table lies, not what it holds; VACUUM moves it.
      const values = columns
        .filter((name) => name !== 'rootpage')
        .flatMap((name) => [`typeof(${name})`, `CAST(${name} AS BLOB)`])
        .join(', ');
      const order = table === 'sqlite_schema' ? 'ORDER BY type, name' : '';
      for (const row of db.prepare(`SELECT ${values} FROM ${table} NOT INDEXED ${order}`).raw().iterate()) {
        hash.update(`${table}:`);
        for (const value of row as (string | Buffer | null)[]) {
          const octets = value === null ? Buffer.from('null') : Buffer.from(value);
          hash.update(`${octets.length}:`).update(octets);
        }
      }
    }
    return hash.digest('hex');
  } finally {
    db.close();
  }
}
