/** The statements that write one batch. Rows go in sixteen at a time: one statement a row costs a third more. */
import { bytesOfHex, leafHashHex, SEGMENT_BITS } from '@infrafabric/format';
import { type Connection, statement } from './database.js';
import { LedgerError } from './ledger-error.js';
import { type Context, hasPayload, isSpan, type Prepared, type PreparedSpan } from './prepare.js';
import type { Batch, SealedEntry } from './seal.js';

const ROWS = 16;

/** Inserts entries, payloads, contexts and tree nodes. Call inside the write transaction. */
export function insertBatch(db: Connection, batch: Batch): void {
  insertRows(
    db,
    'entries (seq, segment, type, trace_id, span_id, business, business_parent, entry)',
    batch.entries.map(entryRow),
  );
  const spans = batch.entries.filter((entry): entry is SealedEntry & { prepared: PreparedSpan } =>
    isSpan(entry.prepared),
  );
  insertRows(
    db,
    'payloads (seq, salt, payload)',
    batch.entries.flatMap(({ seq, prepared }) => payloadRow(seq, prepared)),
  );
  insertContexts(db, spans);
  insertRows(
    db,
    'nodes (level, node, hash)',
    batch.nodes.map(({ level, index, hashHex }) => [level, index, bytesOfHex(hashHex)]),
  );
}

/** Inserts the checkpoint that covers everything so far. */
export function insertCheckpoint(db: Connection, size: number, note: Uint8Array): void {
  statement(db, 'INSERT INTO checkpoints (size, note) VALUES (?, ?)').run(size, note);
}

/** @throws LedgerError `io` unless the file gives back, octet for octet, what was hashed. */
export function readBack(db: Connection, batch: Batch): void {
  const first = batch.entries[0]!.seq;
  const stored = statement(db, 'SELECT entry FROM entries WHERE seq >= ? ORDER BY seq').pluck().all(first) as string[];
  const intact =
    stored.length === batch.entries.length &&
    stored.every((text, i) => leafHashHex(text) === batch.entries[i]!.hashHex);
  if (!intact) {
    throw new LedgerError('io', 'the ledger file does not give back what was written to it; nothing was signed', {
      hint: 'check the disk and the file system',
    });
  }
}

type Row = readonly (string | number | Uint8Array | null)[];

function entryRow({ seq, text, prepared }: SealedEntry): Row {
  const segment = Math.floor(seq / 2 ** SEGMENT_BITS);
  if (!isSpan(prepared)) return [seq, segment, prepared.draft.type, null, null, null, null, text];
  const { business, business_parent } = prepared.draft.body;
  return [
    seq,
    segment,
    'span',
    prepared.ids.traceId,
    prepared.ids.spanId,
    business ?? null,
    business_parent ?? null,
    text,
  ];
}

function payloadRow(seq: number, prepared: Prepared): Row[] {
  return hasPayload(prepared) ? [[seq, prepared.salt, prepared.payload]] : [];
}

function insertContexts(db: Connection, spans: readonly { readonly prepared: PreparedSpan }[]): void {
  const missing = new Map<string, Context>();
  const known = statement(db, 'SELECT 1 FROM contexts WHERE digest = ?').pluck();
  const seen = new Set<string>();
  for (const { prepared } of spans) {
    for (const context of prepared.contexts) {
      if (seen.has(context.digestHex)) continue;
      seen.add(context.digestHex);
      if (known.get(bytesOfHex(context.digestHex)) === undefined) missing.set(context.digestHex, context);
    }
  }
  insertRows(
    db,
    'contexts (digest, kind, context)',
    [...missing.values()].map(({ digestHex, kind, bytes }) => [bytesOfHex(digestHex), kind, bytes]),
  );
}

function insertRows(db: Connection, into: string, rows: readonly Row[]): void {
  for (let done = 0; done < rows.length; ) {
    const count = rows.length - done >= ROWS ? ROWS : 1;
    const values = rows.slice(done, done + count);
    const row = `(${values[0]!.map(() => '?').join(', ')})`;
    statement(db, `INSERT INTO ${into} VALUES ${Array(count).fill(row).join(', ')}`).run(...values.flat());
    done += count;
  }
}
