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

/** Below this version a WAL reset can lose committed transactions. */
const OLDEST_SAFE = [3, 51, 3];

/** Whether a version of SQLite is one to write with. */
export function isSafeSqlite(version: string): boolean {
  const parts = version.split('.').map(Number);
  for (const [i, oldest] of OLDEST_SAFE.entries()) {
    const part = parts[i] ?? 0;
    if (part !== oldest) return part > oldest;
  }
  return true;
}
