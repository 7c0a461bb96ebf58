/**
 * A ledger open for reading: the whole of one committed state, whatever writers do meanwhile. Gives the judge its rows and
 * everybody else look-ups. Never creates, repairs or changes the file.
 */
import { lstatSync } from 'node:fs';
import {
  ENTRY_TYPES,
  type Entry,
  type EntryType,
  hexOf,
  MAX_PAYLOAD_OCTETS,
  parseEntry,
  SEGMENT_BITS,
} from '@infrafabric/format';
import { openForReading } from './database.js';
import { ledgerErrorOf } from './ledger-error.js';
import { JudgedRows } from './reader/judged-rows.js';
import { BEFORE_ALL, bounds, CHUNK, LedgerTables } from './reader/ledger-tables.js';

export { type KeySinceSource, keySinceUnixNano } from './key-since.js';
export { LedgerTree, type TreeRows } from './ledger-tree.js';
export type { JudgedRows } from './reader/judged-rows.js';
export { type FedSpan, SpanFeed, type SpanSource } from './span-feed.js';

/** An entry with its place and its stored text. */
export interface StoredEntry {
  readonly seq: number;
  readonly text: string;
  readonly entry: Entry;
}

/** A payload with the contexts that it names, as stored. */
export interface StoredPayload {
  readonly salt: Uint8Array;
  readonly payload: Uint8Array;
}

const TEXTS = `SELECT seq, CASE WHEN typeof(entry) = 'text' AND octet_length(entry) <= 65535 THEN entry END
FROM entries NOT INDEXED WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ${CHUNK}`;
const STORED_PAYLOADS = `SELECT p.seq, e.entry, octet_length(p.salt) + octet_length(p.payload)
FROM payloads p NOT INDEXED JOIN entries e ON e.seq = p.seq WHERE p.seq >= ? ORDER BY p.seq LIMIT ${CHUNK}`;

// A run of other entries must not make one read long: so many rows at most.
const SPAN_PAYLOADS = `SELECT e.seq, e.type, octet_length(p.payload),
  CASE WHEN typeof(p.payload) = 'blob' AND octet_length(p.payload) <= ${MAX_PAYLOAD_OCTETS} THEN p.payload END
FROM entries e NOT INDEXED LEFT JOIN payloads p ON p.seq = e.seq AND e.type = 'span'
WHERE e.seq >= ? ORDER BY e.seq LIMIT 4096`;
const CONTROL_TYPES = ENTRY_TYPES.filter((type) => type !== 'span')
  .map((type) => `'${type}'`)
  .join(', ');

let makeReader: (path: string, connection: object) => LedgerReader;

/** The look-ups of a {@link LedgerReader}, over the writer's own connection: inside a transaction they see that transaction. */
export type LedgerView = Omit<LedgerReader, 'close' | 'isSameFile'>;

/** @internal A view over the connection of a `Ledger`. */
export function viewOf(path: string, connection: object): LedgerView {
  return makeReader(path, connection);
}

/** A read transaction over a ledger file, unless opened to see the `latest`. Open until {@link LedgerReader.close}. */
export class LedgerReader extends JudgedRows {
  readonly path: string;
  readonly #tables: LedgerTables;
  readonly #identity: string;

  static {
    makeReader = (path, connection) => new LedgerReader(new LedgerTables(path, connection));
  }

  private constructor(tables: LedgerTables) {
    super(tables);
    this.path = tables.path;
    this.#tables = tables;
    this.#identity = identityOf(tables.path);
  }

  /**
   * With `latest` there is no lasting transaction: each call sees what is committed then, and holds back no checkpoint of the
   * WAL between calls. For readers that stay.
   * @throws LedgerError `gone`, `corrupt`, `locked`, `tampered`.
   */
  static open(
    path: string,
    options: { readonly timeoutMs?: number; readonly sees?: 'one-state' | 'latest' } = {},
  ): LedgerReader {
    const db = openForReading(path, options.timeoutMs ?? 5_000);
    try {
      if (options.sees !== 'latest') db.exec('BEGIN');
      // BEGIN alone takes no snapshot; the first read does.
      db.prepare('SELECT count(*) FROM sqlite_schema').get();
      return new LedgerReader(new LedgerTables(path, db));
    } catch (error) {
      db.close();
      throw ledgerErrorOf(error, path);
    }
  }

  /** Ends the transaction. */
  close(): void {
    this.#tables.close();
  }

  /** Whether the path still names the file that is being read. */
  isSameFile(): boolean {
    return identityOf(this.path) === this.#identity;
  }

  /** Octets of the newest checkpoint note; undefined in a ledger without one. */
  newestNote(): Uint8Array | undefined {
    return this.#tables.reading(() => {
      const note = this.#tables.statement('SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1').pluck().get();
      return note instanceof Uint8Array ? note : undefined;
    });
  }

  /** The genesis entry; undefined in a file without one. */
  genesis(): StoredEntry | undefined {
    return this.entry(0);
  }

  /** One entry. */
  entry(seq: number): StoredEntry | undefined {
    return this.#tables.reading(() => {
      const text = this.#tables.statement('SELECT entry FROM entries WHERE seq = ?').pluck().get(seq);
      return typeof text === 'string' ? { seq, text, entry: parseEntry(text) } : undefined;
    });
  }

  /** Whether there is an entry of a type other than `span`. */
  has(type: Exclude<EntryType, 'span'>): boolean {
    const sql = "SELECT 1 FROM entries INDEXED BY entries_control WHERE type = ? AND type <> 'span' LIMIT 1";
    return this.#tables.reading(() => this.#tables.statement(sql).get(type) !== undefined);
  }

  /** Entries of a type other than `span`, from `from` on, in order. */
  *entriesOfType(type: Exclude<EntryType, 'span'>, from = 0): Generator<StoredEntry> {
    const sql = `SELECT seq, entry FROM entries INDEXED BY entries_control
      WHERE type = ? AND type <> 'span' AND seq >= ? ORDER BY seq LIMIT ${CHUNK}`;
    const rows = this.#tables.statement(sql).raw();
    for (let next = from; ; ) {
      const chunk = this.#tables.reading(() => rows.all(type, next)) as [number, string][];
      for (const [seq, text] of chunk) yield { seq, text, entry: parseEntry(text) };
      if (chunk.length < CHUNK) return;
      next = chunk.at(-1)![0] + 1;
    }
  }

  /**
   * Seqs of the entries that were received from `sinceUnixNano` on and before `untilUnixNano`, in order. Reads every entry's
   * beginning: a clock may go back, so no part of the ledger can be left out. What cannot be read was received at no time.
   */
  *seqsReceived(sinceUnixNano: bigint | undefined, untilUnixNano: bigint | undefined): Generator<number> {
    const sql = `SELECT seq, substr(entry, 1, 29) FROM entries NOT INDEXED WHERE seq > ? ORDER BY seq LIMIT ${CHUNK * 8}`;
    for (const rows of this.#tables.chunks<[number, unknown]>(sql, BEFORE_ALL)) {
      for (const [seq, beginning] of rows) {
        const [, at] = /^\{"at":"(\d{1,20})"/.exec(String(beginning)) ?? [];
        if (at === undefined) continue;
        const received = BigInt(at);
        if (sinceUnixNano !== undefined && received < sinceUnixNano) continue;
        if (untilUnixNano === undefined || received < untilUnixNano) yield seq;
      }
    }
  }

  /** Seqs and span ids, hex, of the span entries from `from` on, in no order; from an index alone. */
  *spanIds(from: number): Generator<[seq: number, spanIdHex: string]> {
    const sql = 'SELECT seq, span_id FROM entries INDEXED BY entries_by_span WHERE segment = ? AND seq >= ?';
    const rows = this.#tables.statement(sql).raw();
    for (let segment = Math.floor(from / 2 ** SEGMENT_BITS); segment <= this.#newestSegment(); segment++) {
      for (const [seq, id] of this.#tables.reading(() => rows.all(segment, from)) as [number, Uint8Array | null][])
        if (id !== null) yield [seq, hexOf(id)];
    }
  }

  /** Payload of an entry; undefined when it has none or it was erased. */
  payload(seq: number): StoredPayload | undefined {
    return this.#tables.reading(() => {
      const row = this.#tables.statement('SELECT salt, payload FROM payloads WHERE seq = ?').raw().get(seq);
      const [salt, payload] = (row ?? []) as (Uint8Array | undefined)[];
      return salt === undefined || payload === undefined ? undefined : { salt, payload };
    });
  }

  /** Entries whose payload is there, from `from` on, in order: seq, stored text, and the octets of payload and salt. */
  *storedPayloads(from: number): Generator<[seq: number, text: string, octets: number][]> {
    const rows = this.#tables.statement(STORED_PAYLOADS).raw();
    for (let next = from; ; ) {
      const found = this.#tables.reading(() => rows.all(next)) as [number, string, number][];
      yield found;
      if (found.length < CHUNK) return;
      next = found.at(-1)![0] + 1;
    }
  }

  /** A resource or scope context by its digest. */
  context(digest: Uint8Array): Uint8Array | undefined {
    return this.#tables.reading(
      () =>
        this.#tables.statement('SELECT context FROM contexts WHERE digest = ?').pluck().get(digest) as
          | Uint8Array
          | undefined,
    );
  }

  /** Seqs of the entries of an OpenTelemetry trace, in order. */
  seqsOfTrace(traceIdHex: string): number[] {
    return this.#bySegment('trace_id = ?', 'entries_by_span', Buffer.from(traceIdHex, 'hex'));
  }

  /** Seqs of the entries of a business trace id, in order. */
  seqsOfBusiness(business: string): number[] {
    return this.#bySegment('business = ?', 'entries_by_business', business);
  }

  /** Seqs of the entries that name a business trace id as their parent flow, in order. */
  seqsOfBusinessParent(business: string): number[] {
    return this.#bySegment('business_parent = ?', 'entries_by_business_parent', business);
  }

  /** Distinct trace ids, hex, that start with a hex prefix; at most `limit`. */
  traceIdsWithPrefix(prefixHex: string, limit: number): string[] {
    const low = Buffer.from(prefixHex.padEnd(32, '0'), 'hex');
    const high = Buffer.from(prefixHex.padEnd(32, 'f'), 'hex');
    return this.#tables.reading(() => {
      const sql = `${SEGMENTS} SELECT DISTINCT lower(hex(trace_id)) FROM segments CROSS JOIN entries INDEXED BY entries_by_span
        WHERE segment = n AND trace_id BETWEEN ? AND ? LIMIT ?`;
      return this.#tables.statement(sql).pluck().all(this.#newestSegment(), low, high, limit) as string[];
    });
  }

  /** Stored text of one entry; undefined where there is none. */
  entryText(seq: number): string | undefined {
    return this.#tables.reading(() => {
      const text = this.#tables.statement('SELECT entry FROM entries WHERE seq = ?').pluck().get(seq);
      return typeof text === 'string' ? text : undefined;
    });
  }

  /** Stored texts from `from` on, in order, at most `limit`. */
  entryTexts(from: number, limit: number): [seq: number, text: string][] {
    const rows = this.#tables.statement('SELECT seq, entry FROM entries WHERE seq >= ? ORDER BY seq LIMIT ?').raw();
    return this.#tables.reading(() => rows.all(from, limit)) as [number, string][];
  }

  /** Stored texts with `from` <= seq < `to`, in order, in chunks; null where it is no text that an entry could be. */
  *storedTexts(from: number, to: number): Generator<readonly (readonly [seq: number, text: string | null])[]> {
    yield* this.#tables.chunks<readonly [number, string | null]>(TEXTS, ...bounds(from, to));
  }

  /** Entries from `from` on, in order, as stored. */
  *entriesFrom(from = 0): Generator<StoredEntry> {
    const rows = this.#tables
      .statement(`SELECT seq, entry FROM entries WHERE seq >= ? ORDER BY seq LIMIT ${CHUNK}`)
      .raw();
    for (let next = from; ; ) {
      const chunk = this.#tables.reading(() => rows.all(next)) as [number, string][];
      for (const [seq, text] of chunk) yield { seq, text, entry: parseEntry(text) };
      if (chunk.length < CHUNK) return;
      next = chunk.at(-1)![0] + 1;
    }
  }

  /**
   * Payloads of the span entries from `from` on, in order: undefined where it was erased, null where no ledger has such a one.
   * At most `maxSpans`, and `maxOctets` together unless the first alone is larger. `next` is where to go on; `from` itself
   * when nothing follows.
   */
  spanPayloads(
    from: number,
    maxSpans: number,
    maxOctets: number,
  ): { rows: [seq: number, payload: Uint8Array | null | undefined][]; next: number } {
    const rows: [number, Uint8Array | null | undefined][] = [];
    let next = from;
    let octets = 0;
    const statement = this.#tables.statement(SPAN_PAYLOADS).raw();
    this.#tables.reading(() => {
      for (const row of statement.iterate(from)) {
        const [seq, type, size, payload] = row as [number, string, number | null, Uint8Array | null];
        if (type === 'span') {
          octets += size ?? 0;
          if (rows.length >= maxSpans || (octets > maxOctets && rows.length > 0)) return;
          rows.push([seq, size === null ? undefined : payload]);
        }
        next = seq + 1;
      }
    });
    return { rows, next };
  }

  /** How many span entries there are with `from` <= seq < `to`; cheap, however many. */
  countSpans(from: number, to: number): number {
    const others = `SELECT count(*) FROM entries INDEXED BY entries_control
      WHERE type <> 'span' AND type IN (${CONTROL_TYPES}) AND seq >= ? AND seq < ?`;
    const upTo = Math.min(to, this.entryCount());
    if (upTo <= from) return 0;
    return upTo - from - this.#tables.reading(() => this.#tables.statement(others).pluck().get(from, upTo) as number);
  }

  /** Seq of the entry that erased the payload of another; undefined where none did. */
  redactionOf(seq: number): number | undefined {
    if (!this.#tables.listsErased()) return undefined;
    return this.#tables.reading(
      () => this.#tables.statement('SELECT redaction FROM erased WHERE seq = ?').pluck().get(seq) as number | undefined,
    );
  }

  /** The largest size that a witness (`name+key id`) cosigned, as far as is stored. */
  newestCosignedBy(witness: string): number | undefined {
    if (!this.#tables.has('cosignatures')) return undefined;
    const sql = 'SELECT max(size) FROM cosignatures WHERE witness = ?';
    return this.#tables.reading(() => (this.#tables.statement(sql).pluck().get(witness) as number | null) ?? undefined);
  }

  /** Signature lines by witnesses under the checkpoint of a size, in order of their names. */
  cosignaturesOf(size: number): string[] {
    if (!this.#tables.has('cosignatures')) return [];
    const sql = 'SELECT line FROM cosignatures WHERE size = ? ORDER BY witness';
    return this.#tables.reading(() => this.#tables.statement(sql).pluck().all(size)) as string[];
  }

  #bySegment(where: string, index: string, value: Uint8Array | string): number[] {
    return this.#tables.reading(() => {
      const sql = `${SEGMENTS} SELECT seq FROM segments CROSS JOIN entries INDEXED BY ${index} WHERE segment = n AND ${where} ORDER BY seq`;
      return this.#tables.statement(sql).pluck().all(this.#newestSegment(), value) as number[];
    });
  }

  #newestSegment(): number {
    const newest = this.#tables.statement('SELECT max(seq) FROM entries').pluck().get() as number | null;
    return Math.floor((newest ?? 0) / 2 ** SEGMENT_BITS);
  }
}

const SEGMENTS = 'WITH RECURSIVE segments (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM segments WHERE n < ?)';

function identityOf(path: string): string {
  const file = lstatSync(path, { throwIfNoEntry: false });
  return file === undefined ? 'none' : `${file.dev}:${file.ino}`;
}
