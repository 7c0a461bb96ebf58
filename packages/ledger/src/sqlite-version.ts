/** Which SQLite library is in use. Its version decides whether writing is safe. */
import Sqlite from 'better-sqlite3';

let versionOfSqlite: string | undefined;

/** Version of the SQLite library in use. */
export function sqliteVersion(): string {
  if (versionOfSqlite === undefined) {
    const memory = new Sqlite(':memory:');
    versionOfSqlite = String(memory.prepare('SELECT sqlite_version()').pluck().get());
    memory.close();
  }
  return versionOfSqlite;
}
