/**
 * Retries are normal: exporters resend after a lost answer. The same span is acknowledged again and stored once; other
 * content under the same ids is a second entry that names the first. docs/format.md §Retries.
 */
import {
  type Entry,
  encodeSpanBody,
  heldSpan,
  leafHashHex,
  parseEntry,
  payloadDigestHex,
  SEGMENT_BITS,
  type SpanBody,
} from '@infrafabric/format';
import { CROWD, CrowdedIds } from './crowded-ids.js';
import { type Connection, statement } from './database.js';
import { LedgerError } from './ledger-error.js';
import type { PreparedSpan } from './prepare.js';
import { ENTRIES_PER_FILTER, SeenSpans, type SpanIds, textOfIds } from './seen-spans.js';

const SEGMENTS_PER_FILTER = ENTRIES_PER_FILTER / 2 ** SEGMENT_BITS;

/** An entry that has a span's ids. */
export interface Earlier {
  readonly seq: number;
  readonly hashHex: string;
  /** It is the same span, whole. */
  readonly same: boolean;
}

/** Looks spans up by their ids. `filtered`: keeps filters in memory, worth their start-up time in a long-lived writer. */
export class Duplicates {
  readonly #seen: SeenSpans | undefined;
  readonly #crowds = new CrowdedIds();
  #seenSize = 0;

  constructor(filtered: boolean) {
    this.#seen = filtered ? new SeenSpans() : undefined;
  }

  /** Takes in what this and other processes appended up to `size`. Call inside a transaction. */
  catchUp(db: Connection, size: number): void {
    if (this.#seen === undefined || this.#seenSize === size) return;
    const first = segmentOf(this.#seenSize);
    const ids = statement(db, IDS_OF_SEGMENT).pluck();
    for (let segment = first; segment * 2 ** SEGMENT_BITS < size; segment++) {
      const octets = ids.get(segment, this.#seenSize) as Uint8Array | null;
      if (octets !== null) this.#seen.addAll(segment * 2 ** SEGMENT_BITS, octets);
    }
    this.#seenSize = size;
  }

  /**
   * Takes in a span that this writer is about to append at `seq`, and answers whether one with its ids may have been there
   * already, in the ledger or in the same batch. A span that is not appended after all costs a probe later, nothing more.
   */
  meet(seq: number, ids: SpanIds): boolean {
    if (this.#seen === undefined) return true;
    const mayBeThere = this.#seen.mayHold(ids);
    this.#seen.add(seq, ids);
    return mayBeThere;
  }

  /** Says that every span below `size` has been added. */
  addedUpTo(size: number): void {
    this.#seenSize = size;
  }

  /** The entry that is the same span, else the earliest that has its ids, else undefined. */
  find(db: Connection, size: number, span: PreparedSpan): Earlier | undefined {
    let earliest: Earlier | undefined;
    for (const seq of this.#candidates(db, size, span)) {
      const earlier = compare(db, seq, span);
      if (earlier.same) return earlier;
      if (earliest === undefined || seq < earliest.seq) earliest = earlier;
    }
    return earliest;
  }

  /** Entries that the span has to be compared with; of those that have its ids, the earliest is always among them. */
  #candidates(db: Connection, size: number, span: PreparedSpan): number[] {
    const { ids } = span;
    const key = textOfIds(ids);
    if (this.#crowds.has(key)) this.#crowds.forgetErased(db);
    if (!this.#crowds.has(key)) {
      const seqs = this.#ranges(size, ids).flatMap(([from, to]) => seqsOf(db, from, to, ids));
      if (seqs.length <= CROWD) return seqs;
      const inOrder = seqs.sort((a, b) => a - b);
      this.#crowds.add(db, key, inOrder, size);
    }
    const seqsFrom = (seq: number): number[] =>
      seqsOf(db, segmentOf(seq), segmentOf(size - 1), ids).filter((other) => other >= seq);
    return this.#crowds.candidates(db, key, span, size, seqsFrom);
  }

  #ranges(size: number, ids: SpanIds): [from: number, to: number][] {
    const newest = segmentOf(size - 1);
    if (this.#seen === undefined) return [[0, newest]];
    return this.#seen
      .candidates(ids)
      .map((n) => [n * SEGMENTS_PER_FILTER, Math.min((n + 1) * SEGMENTS_PER_FILTER - 1, newest)]);
  }
}

function segmentOf(seq: number): number {
  return Math.floor(seq / 2 ** SEGMENT_BITS);
}

/** One blob a segment: a million rows of Buffers take ten times as long. */
const IDS_OF_SEGMENT = `SELECT CAST(group_concat(trace_id || span_id, '') AS BLOB) FROM entries INDEXED BY entries_by_span
WHERE segment = ? AND seq >= ? AND octet_length(trace_id) = 16 AND octet_length(span_id) = 8`;

const BY_SPAN = `
WITH RECURSIVE segments (n) AS (SELECT ? UNION ALL SELECT n + 1 FROM segments WHERE n < ?)
SELECT seq FROM segments CROSS JOIN entries INDEXED BY entries_by_span
WHERE segment = n AND trace_id = ? AND span_id = ?`;

function seqsOf(db: Connection, from: number, to: number, { traceId, spanId }: SpanIds): number[] {
  return statement(db, BY_SPAN).pluck().all(from, to, traceId, spanId) as number[];
}

function compare(db: Connection, seq: number, span: PreparedSpan): Earlier {
  const text = String(statement(db, 'SELECT entry FROM entries WHERE seq = ?').pluck().get(seq));
  const entry = parseEntry(text);
  const salt = statement(db, 'SELECT salt FROM payloads WHERE seq = ?').pluck().get(seq) as Uint8Array | undefined;
  const same =
    salt === undefined
      ? // Erased: what is left to compare is what was signed of the span. A retry must not bring the payload back.
        identity(signedOf(db, entry)) === identity(JSON.parse(Buffer.from(span.body).toString()) as SpanBody)
      : payloadDigestHex(salt, span.payload) === entry.payload;
  return { seq, hashHex: leafHashHex(text), same };
}

/** The body of the span that an entry is, or imports. */
function signedOf(db: Connection, entry: Entry): SpanBody {
  const texts = statement(db, 'SELECT entry FROM entries WHERE seq = ?').pluck();
  const span = entry.type === 'import' ? heldSpan(entry, (seq) => texts.get(seq) as string | undefined)?.entry : entry;
  if (span === undefined) throw new LedgerError('tampered', `entry ${entry.seq} holds no span, but has the ids of one`);
  return span.body as unknown as SpanBody;
}

/** The signed members that come from the span itself, as text. */
function identity(body: SpanBody): string {
  const { conflict: _conflict, usage: _usage, charge: _charge, ...rest } = body;
  return encodeSpanBody(rest);
}
