/** The better-sqlite3 that the ledger opens its files with, for tests and what they start: docs/decisions/0027-two-better-sqlite3.md. */
import { createRequire } from 'node:module';

/** What to import. */
export const SQLITE = Number(process.versions.napi) >= 10 ? 'better-sqlite3-napi' : 'better-sqlite3';

/** Opens a file, as `new Sqlite(path, options)`. */
export const Sqlite = createRequire(import.meta.url)(SQLITE);
