/**
 * Spans out of a ledger as they are sent on: encoded, with their contexts, in order of seq. Nothing is decoded here, and
 * nothing is held between two calls but contexts.
 */
import { bytesOfHex, decodeSpanPayload } from '@infrafabric/format';
import type { EncodedSpan } from '@infrafabric/otlp';

/** What it reads: `LedgerReader` is one. */
export interface SpanSource {
  spanPayloads(
    from: number,
    maxSpans: number,
    maxOctets: number,
  ): { readonly rows: (readonly [seq: number, payload: Uint8Array | null | undefined])[]; readonly next: number };
  payload(seq: number): { readonly payload: Uint8Array } | undefined;
  context(digest: Uint8Array): Uint8Array | undefined;
}

/** A span entry: its span, or why it cannot be had. */
export type FedSpan =
  /** Spans with the same context share its array. */
  | ({ readonly kind: 'span'; readonly seq: number } & EncodedSpan)
  /** The payload was erased; the entry stands. */
  | { readonly kind: 'erased'; readonly seq: number }
  /** The payload is damaged; `if-witness verify` says more. */
  | { readonly kind: 'unreadable'; readonly seq: number };

/** Contexts kept in memory, octets. A ledger rarely has more than a few kilobytes. */
const MAX_CACHED_OCTETS = 16 * 1024 * 1024;

/** Reads spans through a reader, which its owner opens and closes. */
export class SpanFeed {
  readonly #reader: SpanSource;
  readonly #contexts = new Map<string, Uint8Array>();
  #cachedOctets = 0;

  constructor(reader: SpanSource) {
    this.#reader = reader;
  }

  /**
   * Span entries from `from` on, at most `maxSpans`, and about `maxOctets` unless the first alone is larger. `next` is where
   * to go on: entries of other types are passed over; it is `from` when nothing follows. @throws LedgerError
   */
  read(from: number, maxSpans: number, maxOctets: number): { readonly spans: FedSpan[]; readonly next: number } {
    const { rows, next } = this.#reader.spanPayloads(from, maxSpans, maxOctets);
    return { spans: rows.map(([seq, payload]) => this.#fed(seq, payload)), next };
  }

  /** The span of one entry, which must be of type `span`. @throws LedgerError */
  span(seq: number): FedSpan {
    return this.#fed(seq, this.#reader.payload(seq)?.payload);
  }

  #fed(seq: number, payload: Uint8Array | null | undefined): FedSpan {
    if (payload === undefined) return { kind: 'erased', seq };
    const parts = payload === null ? undefined : decodeSpanPayload(payload);
    if (parts === undefined) return { kind: 'unreadable', seq };
    const resourceContext = this.#context(parts.resourceDigestHex);
    const scopeContext = this.#context(parts.scopeDigestHex);
    // A context goes with the last payload that names it: these were erased between two reads.
    if (resourceContext === undefined || scopeContext === undefined) return { kind: 'erased', seq };
    return { kind: 'span', seq, resourceContext, scopeContext, span: parts.span };
  }

  #context(digestHex: string): Uint8Array | undefined {
    const known = this.#contexts.get(digestHex);
    if (known !== undefined) return known;
    const context = this.#reader.context(bytesOfHex(digestHex));
    if (!(context instanceof Uint8Array)) return undefined;
    if (this.#cachedOctets + context.length > MAX_CACHED_OCTETS) {
      this.#contexts.clear();
      this.#cachedOctets = 0;
    }
    this.#cachedOctets += context.length;
    this.#contexts.set(digestHex, context);
    return context;
  }
}
