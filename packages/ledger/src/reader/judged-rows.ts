/**
 * What the judge asks a ledger for: rows as they are, nothing interpreted. The interfaces are `ChainSource` and `StoreSource`
 * of `@infrafabric/verify`, whose comments say what each method gives.
 */
import {
  hexOf,
  MAX_PAYLOAD_OCTETS,
  PAYLOAD_DOMAIN,
  SALT_OCTETS,
  type SchemaObject,
  SEGMENT_BITS,
  utf8Of,
} from '@infrafabric/format';
import { AFTER_ALL, BEFORE_ALL, bounds, CHUNK, type LedgerTables, type Statement } from './ledger-tables.js';

/** Blobs up to this size are read in bulk, larger ones one at a time, so that memory stays bounded. */
const BULK_OCTETS = 16_384;

// Nothing is read that is larger than it can be in a ledger: a file must not choose how much memory its verification takes.
const octets = (name: string): string => `CASE WHEN octet_length(${name}) <= 65535 THEN CAST(${name} AS BLOB) END`;
// Not substr alone: of an empty blob it makes NULL.
const id = (name: string): string => `quote(iif(octet_length(${name}) > 17, substr(${name}, 1, 17), ${name}))`;
const IDS = `lower(concat(${id('trace_id')}, ${id('span_id')}))`;
const counted = (name: string): string =>
  `octet_length(${name}), ':', iif(octet_length(${name}) <= 65535, ${name}, '')`;
// One function call makes one text a row: twice as fast as seven values, a third faster than `||`.
const COLUMNS = `concat(segment, ' ', ${IDS}, ${['type', 'business', 'business_parent'].map(counted).join(', ')})`;
const ENTRIES = `SELECT seq, CASE WHEN octet_length(entry) <= 65535 THEN entry END, ${COLUMNS}
FROM entries NOT INDEXED WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ${CHUNK}`;
// More octets at once cost more than their hashing: V8 keeps long strings apart, and malloc maps pages for each.
const BLOCK = 128;
// Most rows are spans without a parent flow; what is said of them is short, for the text of the columns is half the reading.
const PLAIN = `type = 'span' AND segment = seq >> ${SEGMENT_BITS} AND business_parent IS NULL
  AND typeof(trace_id) = 'blob' AND octet_length(trace_id) = 16 AND typeof(span_id) = 'blob' AND octet_length(span_id) = 8
  AND coalesce(octet_length(business), 0) <= 65535`;
const BLOCKS = `SELECT CAST(char(0) || group_concat(readable, char(0)) AS BLOB), CAST(group_concat(columns, char(0)) AS BLOB)
FROM (SELECT iif(typeof(entry) = 'text' AND octet_length(entry) <= 65535, entry, NULL) AS readable,
  iif(${PLAIN}, concat(seq, ' ', lower(hex(trace_id || span_id)), ':' || business), concat(seq, ' ', ${COLUMNS})) AS columns
  FROM entries NOT INDEXED WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ${BLOCK})`;
const blob = (name: string): string => `CASE WHEN typeof(${name}) = 'blob' THEN ${name} END`;
// One blob a row: making a Buffer costs more than hashing it. The lengths matter: an octet moved from salt to payload leaves
// their concatenation, and so the digest, as it was.
const DIGESTED = `CASE WHEN typeof(salt) = 'blob' AND octet_length(salt) = ${SALT_OCTETS} AND typeof(payload) = 'blob'
  THEN CAST(x'${hexOf(PAYLOAD_DOMAIN)}' || salt || payload AS BLOB) END`;
const PAYLOADS = `SELECT p.seq,
  CASE WHEN octet_length(payload) <= ${BULK_OCTETS} THEN ${DIGESTED} END,
  CASE WHEN typeof(entry) = 'text' AND octet_length(entry) <= 65535 THEN entry END,
  octet_length(payload)
FROM payloads p NOT INDEXED LEFT JOIN entries e ON e.seq = p.seq WHERE p.seq > ? AND p.seq <= ? ORDER BY p.seq LIMIT ${CHUNK}`;

// As octets: a decoder would make one text of several. Nothing longer than 16,384 can be a line.
const lineOctets = (name: string): string =>
  `CASE WHEN typeof(${name}) = 'text' AND octet_length(${name}) <= 16384 THEN CAST(${name} AS BLOB) END`;
const COSIGNATURES = `SELECT size, ${lineOctets('witness')}, ${lineOctets('line')} FROM cosignatures ORDER BY size, witness`;

/** Rows for a judge. */
export class JudgedRows {
  readonly #tables: LedgerTables;

  constructor(tables: LedgerTables) {
    this.#tables = tables;
  }

  /** As many as the newest seq promises. */
  entryCount(): number {
    return (
      this.#tables.reading(
        () => (this.#tables.statement('SELECT max(seq) FROM entries').pluck().get() as number | null) ?? -1,
      ) + 1
    );
  }

  checkpointCount(): number {
    // A count without a limit walks every page, and pages of a crafted tree can lead to each other again and again.
    const sql = 'SELECT count(*) FROM (SELECT 1 FROM checkpoints NOT INDEXED LIMIT 10000000)';
    return this.#tables.reading(() => this.#tables.statement(sql).pluck().get() as number);
  }

  /** Rotations of the signing key, in order, as stored; from an index. */
  rotations(): [seq: number, text: string][] {
    const sql = `SELECT seq, CASE WHEN octet_length(entry) <= 65535 THEN entry ELSE '' END FROM entries INDEXED BY entries_control
      WHERE type = 'rotation' AND type <> 'span' ORDER BY seq`;
    return this.#tables.reading(() => this.#tables.statement(sql).raw().all()) as [number, string][];
  }

  *entries(
    from: number,
    to: number,
  ): Generator<[seq: number, entry: string | Uint8Array | null, columns: string | Uint8Array][]> {
    yield* this.#tables.chunks(ENTRIES, ...bounds(from, to));
  }

  entryBlock(from: number, to: number): { octets: Uint8Array; columns: Uint8Array } | undefined {
    const [octets, columns] = this.#tables.reading(() =>
      this.#tables
        .statement(BLOCKS)
        .raw()
        .get(...bounds(from, to)),
    ) as [Uint8Array | null, Uint8Array | null];
    return columns === null ? undefined : { octets: octets ?? new Uint8Array(), columns };
  }

  entryOctets(seq: number): {
    entry: Uint8Array;
    type: Uint8Array | null;
    business: Uint8Array | null;
    businessParent: Uint8Array | null;
  } {
    return this.#tables.reading(() => {
      const sql = `SELECT ${['entry', 'type', 'business', 'business_parent'].map(octets).join(', ')} FROM entries WHERE seq = ?`;
      const [entry, type, business, businessParent] = (this.#tables.statement(sql).raw().get(seq) ??
        []) as (Uint8Array | null)[];
      return {
        entry: entry ?? utf8Of(''),
        type: type ?? null,
        business: business ?? null,
        businessParent: businessParent ?? null,
      };
    });
  }

  node(level: number, node: number): Uint8Array | undefined {
    const hash = this.#tables.reading(() =>
      this.#tables.statement('SELECT hash FROM nodes WHERE level = ? AND node = ?').pluck().get(level, node),
    );
    return hash instanceof Uint8Array ? hash : undefined;
  }

  *checkpoints(fromSize: number): Generator<{ size: number; note: Uint8Array | null }[]> {
    const sql = `SELECT size, CASE WHEN octet_length(note) <= 1000000 THEN ${blob('note')} END FROM checkpoints NOT INDEXED WHERE size > ? ORDER BY size LIMIT 256`;
    const [after] = bounds(fromSize, 0);
    for (const rows of this.#tables.chunks<[number, Uint8Array | null]>(sql, after))
      yield rows.map(([size, note]) => ({ size, note }));
  }

  *nodes(from: number, to: number): Generator<{ level: number; node: number; hash: Uint8Array | null }[]> {
    // Level by level: a comparison of (level, node) would filter rows, and in a crafted tree filter for ever.
    const nextLevel = this.#tables.statement('SELECT level FROM nodes WHERE level > ? ORDER BY level LIMIT 1').pluck();
    const sql = `SELECT node, CASE WHEN octet_length(hash) <= 64 THEN ${blob('hash')} END FROM nodes WHERE level = ? AND node > ? AND node <= ? ORDER BY node LIMIT ${CHUNK}`;
    const rows = this.#tables.statement(sql).raw();
    for (let level = BEFORE_ALL; ; ) {
      const next = this.#tables.reading(() => nextLevel.get(level)) as number | undefined;
      if (next === undefined) return;
      if (!Number.isSafeInteger(next) || next <= level) throw this.#tables.outOfOrder();
      level = next;
      const [first, past] = [Math.floor(from / 2 ** level), Math.floor(to / 2 ** level)];
      const upTo = Number.isFinite(to) ? past - 1 : AFTER_ALL;
      for (let after = from === 0 ? BEFORE_ALL : first - 1; ; ) {
        const chunk = this.#tables.reading(() => rows.all(level, after, upTo)) as [number, Uint8Array | null][];
        yield chunk.map(([node, hash]) => ({ level, node, hash }));
        if (chunk.length < CHUNK) break;
        const last = chunk.at(-1)![0];
        if (!Number.isSafeInteger(last) || last <= after) throw this.#tables.outOfOrder();
        after = last;
      }
    }
  }

  *payloads(from: number, to: number): Generator<[seq: number, digested: Uint8Array | null, entry: string | null][]> {
    const large = this.#tables.statement(`SELECT ${DIGESTED} FROM payloads WHERE seq = ?`).pluck();
    type Row = [seq: number, digested: Uint8Array | null, entry: string | null, octets: number | null];
    for (const rows of this.#tables.chunks<Row>(PAYLOADS, ...bounds(from, to))) {
      let bulk: [number, Uint8Array | null, string | null][] = [];
      for (const [seq, digested, entry, octets] of rows) {
        if (octets !== null && octets > BULK_OCTETS && octets <= MAX_PAYLOAD_OCTETS) {
          yield bulk;
          bulk = [];
          yield [[seq, this.#tables.reading(() => large.get(seq)) as Uint8Array | null, entry]];
        } else bulk.push([seq, digested, entry]);
      }
      yield bulk;
    }
  }

  /** In order of digest, which is their key; a digest that can be no key ends them. */
  *contexts(): Generator<{ digest: Uint8Array | null; kind: string | null; context: Uint8Array | null }[]> {
    const rows = (where: string): Statement =>
      this.#tables
        .statement(`SELECT CASE WHEN octet_length(digest) <= 64 THEN ${blob('digest')} END,
        CASE WHEN typeof(kind) = 'text' AND octet_length(kind) <= 64 THEN kind END,
        CASE WHEN octet_length(context) <= ${MAX_PAYLOAD_OCTETS} THEN ${blob('context')} END
        FROM contexts ${where} ORDER BY digest LIMIT 4`)
        .raw();
    type Row = [digest: Uint8Array | null, kind: string | null, context: Uint8Array | null];
    let chunk = this.#tables.reading(() => rows('').all()) as Row[];
    for (
      let after: Uint8Array | undefined;
      ;
      chunk = this.#tables.reading(() => rows('WHERE digest > ?').all(after)) as Row[]
    ) {
      yield chunk.map(([digest, kind, context]) => ({ digest, kind, context }));
      if (chunk.length < 4) return;
      const [last] = chunk.at(-1)!;
      if (last === null || (after !== undefined && Buffer.compare(last, after) <= 0)) throw this.#tables.outOfOrder();
      after = last;
    }
  }

  withoutPayload(from: number, limit: number): number[] {
    const sql = `SELECT e.seq FROM entries e LEFT JOIN payloads p ON p.seq = e.seq
      WHERE e.seq >= ? AND p.seq IS NULL AND (e.type = 'span' OR instr(e.entry, ',"payload":"') > 0) ORDER BY e.seq LIMIT ?`;
    return this.#tables.reading(() => this.#tables.statement(sql).pluck().all(from, limit) as number[]);
  }

  *erased(from: number, to: number): Generator<[seq: number, redaction: number][]> {
    if (!this.#tables.listsErased()) return;
    yield* this.#tables.chunks<[number, number]>(
      `SELECT seq, redaction FROM erased NOT INDEXED WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ${CHUNK}`,
      ...bounds(from, to),
    );
  }

  integrityFinding(table: string): string | undefined {
    return this.#tables.reading(() => {
      // Only the first row: after one, SQLite would go on to walk the rows of a tree that may never end.
      const first = this.#tables.unchecked('SELECT * FROM pragma_integrity_check(?)').pluck().get(table) as string;
      return first === 'ok' ? undefined : first;
    });
  }

  summary(): { schema: SchemaObject[]; applicationId: number; userVersion: number; encoding: string } {
    return this.#tables.reading(() => {
      const rows = this.#tables.unchecked('SELECT type, name, tbl_name, sql FROM sqlite_schema').raw().all() as [
        SchemaObject['type'],
        string,
        string,
        string | null,
      ][];
      return {
        schema: rows.map(([type, name, table, sql]) => ({ type, name, table, sql })),
        applicationId: Number(this.#tables.pragma('application_id')),
        userVersion: Number(this.#tables.pragma('user_version')),
        encoding: String(this.#tables.pragma('encoding')),
      };
    });
  }

  *cosignatures(): Generator<{ size: number; witness: Uint8Array | null; line: Uint8Array | null }[]> {
    if (!this.#tables.has('cosignatures')) return;
    const rows = this.#tables.reading(() => this.#tables.statement(COSIGNATURES).raw().iterate());
    let before: [size: number, witness: Uint8Array] | undefined;
    try {
      for (;;) {
        const next = this.#tables.reading(() => rows.next());
        if (next.done === true) return;
        const [size, witness, line] = next.value as [number, Uint8Array | null, Uint8Array | null];
        yield [{ size, witness, line }];
        // What has no order could lead round and round, and is a finding by itself.
        if (witness === null) return;
        if (before !== undefined && (size < before[0] || (size === before[0] && !isAfter(witness, before[1]))))
          throw this.#tables.outOfOrder();
        before = [size, witness];
      }
    } finally {
      rows.return?.();
    }
  }

  /** The checkpoint note stored under a size; null where its storage class is wrong. */
  noteOfSize(size: number): Uint8Array | null | undefined {
    return this.#tables.reading(() => {
      const note = this.#tables
        .statement(`SELECT ${blob('note')} FROM checkpoints WHERE size = ?`)
        .pluck()
        .get(size);
      return note as Uint8Array | null | undefined;
    });
  }
}

function isAfter(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) > 0;
}
