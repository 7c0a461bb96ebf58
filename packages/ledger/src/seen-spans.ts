/**
 * Which (trace id, span id) pairs the ledger may hold: Bloom filters of 16 bits an entry, one for each 2^20 entries, in
 * front of the index. Without them a long-lived writer would probe every segment for every new span.
 */

/** Entries a filter covers: 16 segments of the index. */
export const ENTRIES_PER_FILTER: number = 2 ** 20;
const BITS = ENTRIES_PER_FILTER * 16;
const PROBES = 5;

/** Ids of a span as stored: 16 and 8 octets. */
export interface SpanIds {
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
}

/** The ids as a key for a map. */
export function textOfIds({ traceId, spanId }: SpanIds): string {
  return Buffer.from(traceId).toString('latin1') + Buffer.from(spanId).toString('latin1');
}

/** Grows with the ledger: 2 MiB for each 2^20 entries. False positives about 1 in 1,500 a filter, false negatives never. */
export class SeenSpans {
  readonly #filters: Uint32Array[] = [];

  /** Remembers a span at its seq. */
  add(seq: number, { traceId, spanId }: SpanIds): void {
    setBits(this.#filterOf(seq), traceId, 0, spanId, 0);
  }

  /** Remembers spans whose ids, 24 octets each, follow one another; `seq` is that of any of them, one filter covers all. */
  addAll(seq: number, ids: Uint8Array): void {
    const filter = this.#filterOf(seq);
    for (let at = 0; at < ids.length; at += 24) setBits(filter, ids, at, ids, at + 16);
  }

  #filterOf(seq: number): Uint32Array {
    const n = Math.floor(seq / ENTRIES_PER_FILTER);
    while (this.#filters.length <= n) this.#filters.push(new Uint32Array(BITS / 32));
    return this.#filters[n]!;
  }

  /** Whether any filter's entries may hold the span. */
  mayHold(ids: SpanIds): boolean {
    return this.candidates(ids).length > 0;
  }

  /** Numbers of the filters, newest first, whose entries may hold the span. */
  candidates({ traceId, spanId }: SpanIds): number[] {
    const found: number[] = [];
    for (let n = this.#filters.length - 1; n >= 0; n--) {
      if (hasBits(this.#filters[n]!, traceId, spanId)) found.push(n);
    }
    return found;
  }
}

function setBits(filter: Uint32Array, trace: Uint8Array, traceAt: number, span: Uint8Array, spanAt: number): void {
  let a = firstProbe(trace, traceAt, span, spanAt);
  const b = probeStep(trace, traceAt, span, spanAt);
  for (let i = 0; i < PROBES; i++) {
    const bit = (a >>> 0) % BITS;
    filter[bit >>> 5]! |= 1 << (bit & 31);
    a = (a + b) | 0;
  }
}

function hasBits(filter: Uint32Array, trace: Uint8Array, span: Uint8Array): boolean {
  let a = firstProbe(trace, 0, span, 0);
  const b = probeStep(trace, 0, span, 0);
  for (let i = 0; i < PROBES; i++) {
    const bit = (a >>> 0) % BITS;
    if ((filter[bit >>> 5]! & (1 << (bit & 31))) === 0) return false;
    a = (a + b) | 0;
  }
  return true;
}

/** Double hashing over the span id, salted with the trace id; both are attacker-chosen, which costs a probe at worst. */
function firstProbe(trace: Uint8Array, traceAt: number, span: Uint8Array, spanAt: number): number {
  return mix(word(span, spanAt) ^ Math.imul(word(trace, traceAt), 0x85ebca6b) ^ word(trace, traceAt + 8));
}

function probeStep(trace: Uint8Array, traceAt: number, span: Uint8Array, spanAt: number): number {
  return mix(word(span, spanAt + 4) ^ Math.imul(word(trace, traceAt + 4), 0xc2b2ae35) ^ word(trace, traceAt + 12)) | 1;
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** MurmurHash3's 32-bit finaliser. */
function mix(h: number): number {
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
