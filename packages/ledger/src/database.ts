/**
 * SQLite as a ledger needs it. Opening for writing creates file and schema; opening for reading never changes the file.
 */
import { accessSync, closeSync, constants, existsSync, lstatSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { APPLICATION_ID, SCHEMA, SCHEMA_VERSION, UPGRADE_TO_2 } from '@infrafabric/format';
import { type Connection, type ConnectOptions, connect, type PreparedStatement } from './connect.js';
import { LedgerError, ledgerErrorOf } from './ledger-error.js';
import { makePrivateDirectory } from './private-file.js';
import { isSafeSqlite, sqliteVersion } from './sqlite-version.js';

export type { Connection } from './connect.js';

/** Opens for writing, creating an empty file when there is none. @throws LedgerError */
export function openForWriting(path: string, busyTimeoutMs: number): Connection {
  refuseOldSqlite();
  try {
    makePrivateDirectory(dirname(path));
    refuseSymlinks(path);
    createPrivate(path);
    return openAsWriter(path, busyTimeoutMs);
  } catch (error) {
    throw ledgerErrorOf(error, path);
  }
}

/** Opens for writing what is there. @throws LedgerError */
export function openExisting(path: string, busyTimeoutMs: number): Connection {
  try {
    refuseSymlinks(path);
    return openAsWriter(path, busyTimeoutMs);
  } catch (error) {
    throw ledgerErrorOf(error, path);
  }
}

function openAsWriter(path: string, timeout: number): Connection {
  // SQLite would only say that it cannot open the file, not why.
  accessSync(path, constants.W_OK);
  return openSqlite(path, { fileMustExist: true, timeout }, [
    'journal_mode = WAL',
    // better-sqlite3 defaults to NORMAL, under which a power cut can lose a transaction that was acknowledged.
    'synchronous = FULL',
    'trusted_schema = OFF',
    'secure_delete = ON',
    'cell_size_check = ON',
    // What a multi-row INSERT would undo if a trigger refused a row; in a file it costs a twelfth of the append rate.
    'temp_store = MEMORY',
  ]);
}

/**
 * Creates an empty file of mode 0600, which SQLite gives its -wal and -shm too. A file that is there is not even opened: POSIX
 * takes all locks of a process from a file when the process closes it anywhere, and another process could then take away the
 * log that a connection of this one still writes to.
 */
function createPrivate(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Opens a file of derived data, creating it when there is none: what a crash loses of it is made again. @throws LedgerError */
export function openScratch(path: string): Connection {
  try {
    refuseSymlinks(path);
    createPrivate(path);
    return openSqlite(path, { timeout: 5_000 }, [
      'journal_mode = WAL',
      'synchronous = OFF',
      'trusted_schema = OFF',
      // Some of it was in payloads, which can be erased.
      'secure_delete = ON',
      'cache_size = -16384',
    ]);
  } catch (error) {
    throw ledgerErrorOf(error, path);
  }
}

/** Derived data in memory. */
export function openMemory(): Connection {
  return connect(':memory:');
}

/**
 * Opens for reading; never creates, repairs or changes the file.
 * @throws LedgerError `gone` when there is no file; `tampered` when a rollback journal lies beside it, which would be replayed.
 */
export function openForReading(path: string, busyTimeoutMs: number): Connection {
  if (!existsSync(path)) {
    throw new LedgerError('gone', `there is no ledger at ${path}`, { hint: 'name one with --ledger or --home' });
  }
  refuseSymlinks(path);
  if (!lstatSync(path).isFile()) throw new LedgerError('gone', `not a regular file: ${path}`);
  if (existsSync(`${path}-journal`)) {
    throw new LedgerError('tampered', `a rollback journal lies beside the ledger: ${path}-journal`, {
      hint: 'a ledger never has one; move it away and keep it as evidence',
    });
  }
  try {
    return openSqlite(path, { readonly: true, fileMustExist: true, timeout: busyTimeoutMs }, [
      'mmap_size = 0',
      // 16 MiB: one segment of an index, so that integrity_check does not read each page of it again and again.
      'cache_size = -16384',
      'trusted_schema = OFF',
      'cell_size_check = ON',
      'query_only = ON',
    ]);
  } catch (error) {
    throw ledgerErrorOf(error, path);
  }
}

/** Opens a file and sets its pragmas, in order; leaves nothing open when one of them fails. */
function openSqlite(path: string, options: ConnectOptions, pragmas: readonly string[]): Connection {
  const db = connect(path, options);
  try {
    for (const pragma of pragmas) db.pragma(pragma);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** A link could be pointed elsewhere between one check and the next. @throws LedgerError `gone`. */
function refuseSymlinks(path: string): void {
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    if (lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
      throw new LedgerError('gone', `a symbolic link where a ledger's file should be: ${file}`, {
        hint: 'name the file itself; links to its directory are fine',
      });
    }
  }
}

const statements = new WeakMap<Connection, Map<string, PreparedStatement>>();

/** A prepared statement, compiled once a connection. Its mode (pluck, raw) is the caller's to set, the same way each time. */
export function statement(db: Connection, sql: string): PreparedStatement {
  let known = statements.get(db);
  if (known === undefined) {
    known = new Map();
    statements.set(db, known);
  }
  let prepared = known.get(sql);
  if (prepared === undefined) {
    prepared = db.prepare(sql);
    known.set(sql, prepared);
  }
  return prepared;
}

/** Whether the open file is still without a schema. Call inside the write transaction that will create it. */
export function isEmpty(db: Connection): boolean {
  return db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() === 0;
}

/** Creates the schema. Call inside a write transaction. */
export function createSchema(db: Connection): void {
  db.pragma(`application_id = ${APPLICATION_ID}`);
  db.pragma(`user_version = ${SCHEMA_VERSION}`);
  for (const { sql } of SCHEMA) if (sql !== null) db.exec(sql);
}

/** What redactions of version 1 erased; there was no table for it. */
const ERASED_BEFORE = `INSERT INTO erased (seq, redaction)
SELECT json_extract(entry, '$.body.target'), min(seq) FROM entries INDEXED BY entries_control
WHERE type = 'redaction' AND type <> 'span' GROUP BY 1`;

/** Brings a ledger of an older schema to this one. Call inside a write transaction. @returns whether anything changed */
export function upgradeSchema(db: Connection): boolean {
  if (db.pragma('application_id', { simple: true }) !== APPLICATION_ID) return false;
  if (db.pragma('user_version', { simple: true }) !== 1) return false;
  for (const sql of UPGRADE_TO_2) db.exec(sql);
  db.exec(ERASED_BEFORE);
  db.pragma(`user_version = ${SCHEMA_VERSION}`);
  return true;
}

/** @throws LedgerError `schema` unless the file is a ledger of this version. The judge compares the schema in full. */
export function requireLedger(db: Connection, path: string): void {
  const id = db.pragma('application_id', { simple: true });
  const version = db.pragma('user_version', { simple: true });
  if (id !== APPLICATION_ID)
    throw new LedgerError('schema', `not a witness ledger: ${path}`, { hint: 'check --ledger' });
  if (version !== SCHEMA_VERSION) {
    throw new LedgerError(
      'schema',
      `the ledger has schema version ${version}, this program knows ${SCHEMA_VERSION}: ${path}`,
      {
        hint: 'use the version of if-witness that wrote it, or a newer one',
      },
    );
  }
}

function refuseOldSqlite(): void {
  const version = sqliteVersion();
  if (isSafeSqlite(version)) return;
  throw new LedgerError(
    'sqlite-version',
    `SQLite ${version} can lose committed data; 3.51.3 is the oldest that is safe`,
    {
      hint: 'install better-sqlite3 12.11.1 or newer',
    },
  );
}
