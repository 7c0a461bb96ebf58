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

/** Grows with the ledger: 2 MiB for each 2^20 entries. False positives about 1 in 1,500 a filter, false negatives never. */
export class SeenSpans {
  readonly #filters: Uint32Array[] = [];

  /** Remembers a span at its seq. */
  add(seq: number, ids: SpanIds): void {
    const n = Math.floor(seq / ENTRIES_PER_FILTER);
    while (this.#filters.length <= n) this.#filters.push(new Uint32Array(BITS / 32));
    const filter = this.#filters[n]!;
    eachBit(ids, (bit) => {
      filter[bit >>> 5]! |= 1 << (bit & 31);
      return true;
    });
  }

  /** Whether any filter's entries may hold the span. */
  mayHold(ids: SpanIds): boolean {
    return this.candidates(ids).length > 0;
  }

  /** Numbers of the filters, newest first, whose entries may hold the span. */
  candidates(ids: SpanIds): number[] {
    const found: number[] = [];
    for (let n = this.#filters.length - 1; n >= 0; n--) {
      const filter = this.#filters[n]!;
      if (eachBit(ids, (bit) => (filter[bit >>> 5]! & (1 << (bit & 31))) !== 0)) found.push(n);
    }
    return found;
  }
}

/** Double hashing over the span id, salted with the trace id; both are attacker-chosen, which costs a probe at worst. */
function eachBit({ traceId, spanId }: SpanIds, visit: (bit: number) => boolean): boolean {
  let a = mix(word(spanId, 0) ^ Math.imul(word(traceId, 0), 0x85ebca6b) ^ word(traceId, 8));
  const b = mix(word(spanId, 4) ^ Math.imul(word(traceId, 4), 0xc2b2ae35) ^ word(traceId, 12)) | 1;
  for (let i = 0; i < PROBES; i++) {
    if (!visit((a >>> 0) % BITS)) return false;
    a = (a + b) | 0;
  }
  return true;
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
