/** The tables of a ledger behind one connection: statements on nothing else, rows that move forward, errors that say what is wrong. */
import { SCHEMA, schemaOf } from '@infrafabric/format';
import { type Connection, statement } from '../database.js';
import { LedgerError, ledgerErrorOf } from '../ledger-error.js';

/** What is used of a prepared statement. The types of better-sqlite3 stay out of this package's declarations. */
export interface Statement {
  pluck(): Statement;
  raw(): Statement;
  get(...values: readonly unknown[]): unknown;
  all(...values: readonly unknown[]): unknown[];
  iterate(...values: readonly unknown[]): IterableIterator<unknown>;
}

/** Rows of a chunk. Small enough that they die young: 4,000 at a time cost a third more. */
export const CHUNK = 500;

/** Bounds of every rowid; as REAL, because the least and the greatest 64-bit integers are rowids too. */
export const BEFORE_ALL: number = Number.NEGATIVE_INFINITY;
export const AFTER_ALL: number = Number.POSITIVE_INFINITY;

/** Bounds of `from` <= key < `to` as "after" and "up to". */
export function bounds(from: number, to: number): [after: number, upTo: number] {
  return [from === 0 ? BEFORE_ALL : from - 1, Number.isFinite(to) ? to - 1 : AFTER_ALL];
}

/** Reads the tables of one file. */
export class LedgerTables {
  readonly path: string;
  readonly #db: Connection;
  #areChecked = false;
  #version: number | undefined;

  /** @param connection as `database.ts` opens it */
  constructor(path: string, connection: object) {
    this.path = path;
    this.#db = connection as Connection;
  }

  /** Closes the connection. */
  close(): void {
    this.#db.close();
  }

  /** Whether there is a table of erased payloads: a store of version 1 has none. */
  listsErased(): boolean {
    return this.reading(() => {
      this.#requireTables();
      return this.#version !== 1;
    });
  }

  /** Whether there is a table: older schemas lack some. */
  has(name: string): boolean {
    const sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?";
    return this.reading(() => this.#db.prepare(sql).get(name)) !== undefined;
  }

  /** Rows in key order from below every key; a damaged tree that does not move forward is damage. */
  *chunks<R extends readonly [number, ...unknown[]]>(sql: string, after: number, ...to: number[]): Generator<R[]> {
    const rows = this.statement(sql).raw();
    for (;;) {
      const chunk = this.reading(() => rows.all(after, ...to)) as R[];
      yield chunk;
      if (chunk.length === 0) return;
      const last = chunk.at(-1)![0];
      if (!Number.isSafeInteger(last) || last <= after) throw this.outOfOrder();
      after = last;
    }
  }

  /**
   * A statement over the tables of a ledger. Where something else stands in their place nothing is asked of it: a view
   * can yield rows for ever.
   */
  statement(sql: string): Statement {
    return this.reading(() => {
      this.#requireTables();
      return statement(this.#db, sql);
    });
  }

  /** A statement whatever the tables are: on SQLite's own ones. */
  unchecked(sql: string): Statement {
    return this.#db.prepare(sql);
  }

  /** What a pragma says. */
  pragma(name: 'application_id' | 'user_version' | 'encoding'): unknown {
    return this.#db.pragma(name, { simple: true });
  }

  /** What to throw where a tree does not move forward. */
  outOfOrder(): LedgerError {
    return new LedgerError('corrupt', `rows out of order: ${this.path}`);
  }

  /** @throws LedgerError for whatever `read` throws */
  reading<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw ledgerErrorOf(error, this.path);
    }
  }

  #requireTables(): void {
    if (this.#areChecked) return;
    const stored = new Map(
      this.#db.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").raw().all() as [string, string][],
    );
    const version = Number(this.pragma('user_version'));
    this.#version = version;
    for (const { type, name, sql } of schemaOf(version) ?? SCHEMA) {
      if (type === 'table' && stored.get(name) !== sql) {
        throw new LedgerError('corrupt', `the table ${name} is not that of a ledger: ${this.path}`);
      }
    }
    this.#areChecked = true;
  }
}
