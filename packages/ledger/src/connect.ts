/** A connection to SQLite. better-sqlite3 enters the project here and nowhere else; its native module is loaded with the first one. */
import { createRequire } from 'node:module';
import type Sqlite from 'better-sqlite3';
import { LedgerError } from './ledger-error.js';

/** Node-API version that better-sqlite3 is built on from 13 on; Node has it from 22.14 on. docs/decisions/0027-two-better-sqlite3.md */
const NODE_API = 10;

const Database = load(createRequire(import.meta.url));

/** On Node 20, and where 13 brings no build along, it is 12. From Node 24.19 on that would abort the process now and then. */
function load(require: NodeJS.Require): typeof Sqlite {
  if (Number(process.versions.napi) >= NODE_API) {
    try {
      const napi = require('better-sqlite3-napi') as typeof Sqlite;
      new napi(':memory:').close();
      return napi;
    } catch {
      // An optional dependency that was left out, or another platform.
    }
  }
  return require('better-sqlite3') as typeof Sqlite;
}

/** A connection. Its types stay inside this package. */
export type Connection = Sqlite.Database;

/** A prepared statement, likewise. */
export type PreparedStatement = Sqlite.Statement;

/** How to open. */
export type ConnectOptions = Sqlite.Options;

/** Opens a file, or `:memory:`. @throws LedgerError `sqlite-build`, `gone`; else what SQLite says */
export function connect(path: string, options?: ConnectOptions): Connection {
  try {
    return new Database(path, options);
  } catch (cause) {
    if (isBuildError(cause)) throw buildError(cause);
    // What better-sqlite3 says of a directory that it cannot reach, whatever the reason.
    if (!(cause instanceof TypeError)) throw cause;
    throw new LedgerError('gone', `the ledger cannot be opened: ${path}`, {
      cause,
      hint: 'check that its directory exists and may be read',
    });
  }
}

/** Whether the native module could not be loaded: Node refuses to, or `bindings` does not find it where it tries. */
function isBuildError(cause: unknown): cause is Error {
  return cause instanceof Error && ((cause as NodeJS.ErrnoException).code === 'ERR_DLOPEN_FAILED' || 'tries' in cause);
}

/** After Node was changed, or an installation did not end well. */
function buildError(cause: Error): LedgerError {
  return new LedgerError('sqlite-build', `better-sqlite3 is not built for this Node, ${process.version}`, {
    cause,
    hint: 'run `npm rebuild better-sqlite3` or `pnpm rebuild better-sqlite3`: it may need a C++ compiler, make and Python 3',
  });
}
