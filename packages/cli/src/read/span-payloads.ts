/** From stored payloads back to whole spans. */
import { type Labels, labelsOf } from '@infrafabric/accounting';
import { bytesOfHex, decodeSpanPayload } from '@infrafabric/format';
import type { LedgerReader } from '@infrafabric/ledger/reader';
import {
  decodeResourceContext,
  decodeScopeContext,
  decodeSpan,
  OtlpDecodeError,
  type ResourceRecord,
  type ScopeRecord,
  type SpanRecord,
} from '@infrafabric/otlp';

/**
 * A span as it was received; `erased` when a redaction entry erased its payload, `missing` when it is gone without one,
 * `unreadable` when it is damaged.
 */
export type WholeSpan = SpanRecord | 'erased' | 'missing' | 'unreadable';

/** Contexts kept in memory; a ledger rarely has more. */
const MAX_CACHED = 1_000;

/** Reads payloads of one ledger. Spans with the same resource or scope share the object. */
export class SpanPayloads {
  readonly #reader: LedgerReader;
  readonly #resources = new Map<string, ResourceRecord>();
  readonly #scopes = new Map<string, ScopeRecord>();

  constructor(reader: LedgerReader) {
    this.#reader = reader;
  }

  /** The whole span of an entry. */
  spanOf(seq: number): WholeSpan {
    const stored = this.#reader.payload(seq);
    if (stored === undefined) return this.erasedBy(seq) === undefined ? 'missing' : 'erased';
    const parts = decodeSpanPayload(stored.payload);
    if (parts === undefined) return 'unreadable';
    try {
      const resource = this.#context(this.#resources, parts.resourceDigestHex, decodeResourceContext);
      const scope = this.#context(this.#scopes, parts.scopeDigestHex, decodeScopeContext);
      if (resource === undefined || scope === undefined) return 'unreadable';
      return decodeSpan(parts.span, resource, scope);
    } catch (error) {
      if (error instanceof OtlpDecodeError) return 'unreadable';
      throw error;
    }
  }

  /** Seq of the redaction entry that erased an entry's payload; a look-up, so ask where it is known to be erased. */
  erasedBy(seq: number): number | undefined {
    return this.#reader.redactionOf(seq);
  }

  /** Session and user of an entry; empty when its payload is gone or says neither. */
  labelsOf(seq: number): Labels {
    const span = this.spanOf(seq);
    return typeof span === 'string' ? {} : labelsOf(span.attributes);
  }

  #context<C>(known: Map<string, C>, digestHex: string, decode: (bytes: Uint8Array) => C): C | undefined {
    const cached = known.get(digestHex);
    if (cached !== undefined) return cached;
    const bytes = this.#reader.context(bytesOfHex(digestHex));
    if (bytes === undefined) return undefined;
    if (known.size >= MAX_CACHED) known.clear();
    const context = decode(bytes);
    known.set(digestHex, context);
    return context;
  }
}
