/** The statements that write one batch. Rows go in sixteen at a time: one statement a row costs a third more. */
import { bytesOfHex, parseSignatureLine, SEGMENT_BITS } from '@infrafabric/format';
import { type Connection, statement } from './database.js';
import { Erasure, eraseTargets } from './erasure/erase.js';
import { LedgerError } from './ledger-error.js';
import { type Context, hasPayload, idsOf } from './prepare.js';
import type { Batch, SealedEntry } from './seal.js';

const ROWS = 16;
/** Octets of entries that are read back at once, about. */
const READ_BACK_OCTETS = 4 * 1024 * 1024;

type Value = string | number | Uint8Array | null;

/** A table, its columns, and how a row is bound. An entry is bound as octets: it is never a JavaScript string. */
interface Target {
  readonly into: string;
  readonly row: string;
  readonly columns: number;
}

const ENTRIES: Target = {
  into: 'entries (seq, segment, type, trace_id, span_id, business, business_parent, entry)',
  row: '(?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT))',
  columns: 8,
};
const PAYLOADS: Target = { into: 'payloads (seq, salt, payload)', row: '(?, ?, ?)', columns: 3 };
const CONTEXTS: Target = { into: 'contexts (digest, kind, context)', row: '(?, ?, ?)', columns: 3 };
const NODES: Target = { into: 'nodes (level, node, hash)', row: '(?, ?, ?)', columns: 3 };

/**
 * Inserts entries, payloads, contexts and tree nodes, and erases what its redactions name. Call inside the write transaction.
 * @throws LedgerError `redaction`
 */
export function insertBatch(db: Connection, batch: Batch, erasure?: Erasure): void {
  const entries: Value[] = [];
  const payloads: Value[] = [];
  for (const entry of batch.entries) {
    addEntry(entries, entry);
    const { seq, prepared } = entry;
    if (prepared.type !== 'genesis' && hasPayload(prepared)) payloads.push(seq, prepared.salt, prepared.payload);
  }
  insertRows(db, ENTRIES, entries);
  insertRows(db, PAYLOADS, payloads);
  insertContexts(db, batch.entries);
  insertRows(
    db,
    NODES,
    batch.nodes.flatMap(({ level, index, hashHex }) => [level, index, bytesOfHex(hashHex)]),
  );
  const redactions = batch.entries.filter(({ prepared }) => prepared.type === 'redaction');
  if (redactions.length > 0) eraseTargets(db, redactions, erasure ?? new Erasure());
}

/** Inserts the checkpoint that covers everything so far. */
export function insertCheckpoint(db: Connection, size: number, note: Uint8Array): void {
  statement(db, 'INSERT INTO checkpoints (size, note) VALUES (?, ?)').run(size, note);
}

/** Keeps lines by others under the checkpoint of a size. @throws FormatError, RangeError. Call inside the write transaction. */
export function insertCosignatures(db: Connection, size: number, lines: readonly string[]): void {
  if (statement(db, 'SELECT 1 FROM checkpoints WHERE size = ?').get(size) === undefined)
    throw new RangeError(`there is no checkpoint of size ${size}`);
  const insert = statement(
    db,
    'INSERT INTO cosignatures (size, witness, line) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET line = excluded.line',
  );
  for (const line of lines) {
    const { name, keyIdHex } = parseSignatureLine(line);
    insert.run(size, `${name}+${keyIdHex}`, line);
  }
}

/** The stored entries as they are hashed, 0x00 before each. A null entry, which no ledger has, would be left out. */
const READ_BACK = `SELECT CAST(char(0) || group_concat(entry, char(0)) AS BLOB)
FROM (SELECT entry FROM entries NOT INDEXED WHERE seq >= ? AND seq < ? ORDER BY seq)`;

/** @throws LedgerError `io` unless the file gives back, octet for octet, what was hashed. */
export function readBack(db: Connection, { entries, octets }: Batch): void {
  const first = entries[0]!.seq;
  const stored = statement(db, READ_BACK).pluck();
  const step = Math.max(1, Math.ceil((entries.length * READ_BACK_OCTETS) / octets.length));
  let at = 0;
  for (let from = first; from < first + entries.length; from += step) {
    const back = stored.get(from, Math.min(from + step, first + entries.length)) as Uint8Array | null;
    const expected = octets.subarray(at, at + (back?.length ?? 0));
    if (back === null || Buffer.compare(back, expected) !== 0) throw notGivenBack();
    at += back.length;
  }
  // Nothing may follow what was inserted, and nothing of it may be missing.
  const newest = statement(db, 'SELECT max(seq) FROM entries').pluck().get();
  if (at !== octets.length || newest !== first + entries.length - 1) throw notGivenBack();
}

function notGivenBack(): LedgerError {
  return new LedgerError('io', 'the ledger file does not give back what was written to it; nothing was signed', {
    hint: 'check the disk and the file system',
  });
}

function addEntry(values: Value[], entry: SealedEntry): void {
  const { seq, octets, prepared } = entry;
  const segment = Math.floor(seq / 2 ** SEGMENT_BITS);
  const span = prepared.type === 'genesis' ? undefined : idsOf(prepared);
  if (span === undefined) {
    values.push(seq, segment, prepared.type, null, null, null, null, octets);
    return;
  }
  const { ids, business, businessParent } = span;
  values.push(seq, segment, prepared.type, ids.traceId, ids.spanId, business ?? null, businessParent ?? null, octets);
}

function insertContexts(db: Connection, entries: readonly SealedEntry[]): void {
  const missing = new Map<string, Context>();
  const known = statement(db, 'SELECT 1 FROM contexts WHERE digest = ?').pluck();
  const seen = new Set<string>();
  let last: readonly Context[] | undefined;
  for (const { prepared } of entries) {
    if (!('contexts' in prepared)) continue;
    // Neighbours of one request share the very same pair.
    if (prepared.contexts === last) continue;
    last = prepared.contexts;
    for (const context of prepared.contexts) {
      if (seen.has(context.digestHex)) continue;
      seen.add(context.digestHex);
      if (known.get(bytesOfHex(context.digestHex)) === undefined) missing.set(context.digestHex, context);
    }
  }
  insertRows(
    db,
    CONTEXTS,
    [...missing.values()].flatMap(({ digestHex, kind, bytes }) => [bytesOfHex(digestHex), kind, bytes]),
  );
}

/** Inserts rows whose values follow one another in `values`. */
function insertRows(db: Connection, { into, row, columns }: Target, values: readonly Value[]): void {
  for (let done = 0; done < values.length; ) {
    const rows = values.length - done >= ROWS * columns ? ROWS : 1;
    const next = done + rows * columns;
    statement(db, `INSERT INTO ${into} VALUES ${rows === 1 ? row : Array(rows).fill(row).join(', ')}`).run(
      values.slice(done, next),
    );
    done = next;
  }
}
