/**
 * A damaged ledger, row by row: what SQLite still gives, and what it does not, out of the pages themselves. Read a private copy:
 * SQLite makes files beside what it opens. Nothing that is read here is believed; its hash says whether it is what was signed.
 */
import { statSync } from 'node:fs';
import { FormatError, hexOf, SCHEMA, textOfUtf8 } from '@infrafabric/format';
import { type Connection, openForReading, statement } from '../database.js';
import { RawPages } from './raw-pages.js';

const CHUNK = 500;
/** No row of an entry takes less; a seq far beyond what a file could hold is none of it. */
const LEAST_ROW_OCTETS = 64;

/** Open until {@link SalvageReader.close}. Never throws for what the file holds. */
export class SalvageReader {
  readonly #path: string;
  readonly #db: Connection | undefined;
  readonly #tables: ReadonlySet<string>;
  #raw: RawPages | undefined;
  #chunk = new Map<number, Uint8Array>();
  #chunkFrom = -1;
  /** What SQLite said of the file, each sentence once. */
  readonly complaints: Set<string> = new Set<string>();

  private constructor(path: string) {
    this.#path = path;
    this.#db = this.#asking(() => openForReading(path, 5_000));
    this.#tables = new Set(this.#asking(() => knownTables(this.#db)) ?? []);
  }

  static open(path: string): SalvageReader {
    return new SalvageReader(path);
  }

  close(): void {
    this.#db?.close();
    this.#raw?.close();
  }

  /** One more than the highest seq of which a row can be read. */
  size(): number {
    const bound = Math.ceil(this.#octets() / LEAST_ROW_OCTETS);
    const max = this.#get('entries', 'SELECT max(seq) FROM entries NOT INDEXED');
    const bySql = typeof max === 'number' && Number.isSafeInteger(max) ? max + 1 : 0;
    const complete = bySql > 0 && bySql <= bound && this.complaints.size === 0;
    return Math.min(bound, complete ? bySql : Math.max(bySql, this.#pages().size()));
  }

  /** Text of an entry; undefined where there is none, or none in UTF-8 that an entry could be. Fastest in order. */
  text(seq: number): string | undefined {
    if (seq < this.#chunkFrom || seq >= this.#chunkFrom + CHUNK || this.#chunkFrom < 0) this.#read(seq);
    const octets = this.#chunk.get(seq) ?? this.#pages().entry(seq);
    if (octets === undefined || octets.length > 65_535) return undefined;
    try {
      return textOfUtf8(octets);
    } catch (error) {
      if (error instanceof FormatError) return undefined;
      throw error;
    }
  }

  /** Notes that can be read, by the size under which they are stored, ascending. */
  checkpoints(): { readonly size: number; readonly note: Uint8Array }[] {
    const notes = new Map<number, Uint8Array>();
    const rows = this.#all('checkpoints', CHECKPOINTS);
    if (rows === undefined) for (const { size, note } of this.#pages().checkpoints()) notes.set(size, note);
    for (const [size, note] of rows ?? []) if (note instanceof Uint8Array) notes.set(size as number, note);
    return [...notes].map(([size, note]) => ({ size, note })).sort((a, b) => a.size - b.size);
  }

  /** Hash of a stored tree node. */
  node(level: number, node: number): Uint8Array | undefined {
    const hash = this.#get('nodes', 'SELECT hash FROM nodes WHERE level = ? AND node = ?', level, node);
    return hash instanceof Uint8Array ? hash : undefined;
  }

  payload(seq: number): { readonly salt: Uint8Array; readonly payload: Uint8Array } | undefined {
    const [salt, payload] = this.#row('payloads', PAYLOAD, seq) ?? [];
    if (salt instanceof Uint8Array && payload instanceof Uint8Array) return { salt, payload };
    return this.#pages().payload(seq);
  }

  context(digest: Uint8Array): Uint8Array | undefined {
    const context = this.#get('contexts', CONTEXT, digest);
    return context instanceof Uint8Array ? context : this.#pages().context(hexOf(digest));
  }

  #octets(): number {
    const wal = statSync(`${this.#path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    return statSync(this.#path).size + wal;
  }

  #read(from: number): void {
    this.#chunkFrom = from;
    const rows = this.#all('entries', ENTRIES, from, from + CHUNK);
    this.#chunk = new Map((rows ?? []).filter(isEntryRow));
    if (rows !== undefined) return;
    for (let seq = from; seq < from + CHUNK; seq++) {
      const row = this.#row('entries', ENTRIES, seq, seq + 1);
      if (row !== undefined && isEntryRow(row)) this.#chunk.set(...row);
    }
  }

  #pages(): RawPages {
    this.#raw ??= new RawPages(this.#path);
    return this.#raw;
  }

  #get(table: string, sql: string, ...values: readonly unknown[]): unknown {
    return this.#row(table, sql, ...values)?.[0];
  }

  #row(table: string, sql: string, ...values: readonly unknown[]): unknown[] | undefined {
    if (this.#db === undefined || !this.#tables.has(table)) return undefined;
    return this.#asking(() =>
      statement(this.#db!, sql)
        .raw()
        .get(...values),
    ) as unknown[] | undefined;
  }

  #all(table: string, sql: string, ...values: readonly unknown[]): unknown[][] | undefined {
    if (this.#db === undefined || !this.#tables.has(table)) return undefined;
    return this.#asking(() =>
      statement(this.#db!, sql)
        .raw()
        .all(...values),
    ) as unknown[][] | undefined;
  }

  #asking<T>(ask: () => T): T | undefined {
    try {
      return ask();
    } catch (error) {
      this.complaints.add((error as Error).message.replace(`: ${this.#path}`, ''));
      return undefined;
    }
  }
}

const ENTRIES = `SELECT seq, CASE WHEN typeof(entry) = 'text' AND octet_length(entry) <= 65535 THEN CAST(entry AS BLOB) END
FROM entries NOT INDEXED WHERE seq >= ? AND seq < ? ORDER BY seq LIMIT ${CHUNK}`;
const CHECKPOINTS = `SELECT size, CASE WHEN typeof(note) = 'blob' AND octet_length(note) <= 1000000 THEN note END
FROM checkpoints NOT INDEXED ORDER BY size LIMIT 10000000`;
const PAYLOAD = `SELECT salt, CASE WHEN octet_length(payload) <= 67108864 THEN payload END FROM payloads WHERE seq = ?`;
const CONTEXT = 'SELECT CASE WHEN octet_length(context) <= 67108864 THEN context END FROM contexts WHERE digest = ?';

function isEntryRow(row: unknown[]): row is [number, Uint8Array] {
  return typeof row[0] === 'number' && row[1] instanceof Uint8Array;
}

/** Tables that are what a ledger has under that name: a view in the place of one could yield rows for ever. */
function knownTables(db: Connection | undefined): string[] {
  if (db === undefined) return [];
  const rows = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").raw().all() as [string, string][];
  const expected = new Map(SCHEMA.map(({ name, sql }) => [name, sql]));
  return rows.filter(([name, sql]) => expected.get(name) === sql).map(([name]) => name);
}
