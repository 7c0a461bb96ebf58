/** For programs that tests start: the better-sqlite3 that the ledger opens its files with, docs/decisions/0027-two-better-sqlite3.md. */
import { createRequire } from 'node:module';

const name = Number(process.versions.napi) >= 10 ? 'better-sqlite3-napi' : 'better-sqlite3';

/** Opens a file, as `new Sqlite(path, options)`. */
export const Sqlite = createRequire(import.meta.url)(name);
