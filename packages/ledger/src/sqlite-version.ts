/** Which SQLite library is in use. Its version decides whether writing is safe. */
import { connect } from './connect.js';

let versionOfSqlite: string | undefined;

/** Version of the SQLite library in use. @throws LedgerError `sqlite-build` */
export function sqliteVersion(): string {
  if (versionOfSqlite === undefined) {
    const memory = connect(':memory:');
    versionOfSqlite = String(memory.prepare('SELECT sqlite_version()').pluck().get());
    memory.close();
  }
  return versionOfSqlite;
}
