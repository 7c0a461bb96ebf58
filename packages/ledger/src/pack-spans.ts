/**
 * Spans prepared for the ledger in one thread and appended in another. What crosses is one block of octets, a table of
 * places in it and a few strings, never an object per span. A packed span is laid out as its digest is computed:
 *
 *     body | "if-witness/payload/v1\0" | salt | resource digest | scope digest | span
 */
import type { Pricing } from '@infrafabric/accounting';
import {
  bytesOfHex,
  contextDigestHex,
  encodeSpanBody,
  MAX_PAYLOAD_OCTETS,
  PAYLOAD_DOMAIN,
  SALT_OCTETS,
  sha256Hex,
} from '@infrafabric/format';
import type { ResourceRecord, ScopeRecord, SpanRecord } from '@infrafabric/otlp';
import {
  encodeResourceContext,
  encodeScopeContext,
  ProtoWriter,
  SPAN_ID_PLACES,
  writeSpan,
} from '@infrafabric/otlp/encode';
import type { Context, PreparedSpan } from './prepare.js';
import { spanBodyOf } from './span-body-of.js';

/** Spans ready to be sealed, in a form that crosses to another thread. */
export interface PackedSpans {
  readonly count: number;
  readonly octets: Uint8Array;
  /** {@link PLACES} numbers a span. */
  readonly places: Uint32Array;
  /** Digests of the payloads, 64 hex each. */
  readonly digestsHex: string;
  /** Business trace ids, each once. */
  readonly texts: readonly string[];
  readonly contexts: readonly Context[];
}

/** What {@link packSpans} made of spans. */
export interface Packing {
  readonly packed: PackedSpans;
  /** Spans that no ledger can hold, for their size. */
  readonly tooLarge: number;
}

/** Start and end of the body; start of the salt; end of the payload; 1 + index of the business trace id, of its parent; contexts. */
const PLACES = 8;
const DIGESTS_OCTETS = 64;
/** A small span's, for a first guess of a block's size. */
const GUESS_OCTETS = 2048;

/** Where packed spans get their salts from: fills the whole array with random octets. */
export type FillRandom = (octets: Uint8Array) => void;

/**
 * Prepares spans. Never throws for decoded spans.
 * @param block what to write into; a new one is made where it is too small, or there is none.
 */
export function packSpans(
  spans: readonly SpanRecord[],
  pricing: Pricing | undefined,
  fillRandom: FillRandom,
  block?: Uint8Array,
): Packing {
  const writer = new ProtoWriter(block ?? spans.length * GUESS_OCTETS);
  const salts = new Uint8Array(spans.length * SALT_OCTETS);
  fillRandom(salts);
  const places = new Uint32Array(spans.length * PLACES);
  const contexts = new Contexts();
  const texts = new Texts();
  let digestsHex = '';
  let count = 0;
  for (let i = 0; i < spans.length; i++) {
    const record = spans[i]!;
    const resource = contexts.resource(record.resource);
    const scope = contexts.scope(record.scope);
    const body = spanBodyOf(record, pricing);
    const bodyStart = writer.pos;
    writer.utf8(encodeSpanBody(body));
    const bodyEnd = writer.pos;
    writer.raw(PAYLOAD_DOMAIN);
    const saltStart = writer.pos;
    writer.raw(salts.subarray(i * SALT_OCTETS, (i + 1) * SALT_OCTETS));
    writer.raw(resource.digest);
    writer.raw(scope.digest);
    writeSpan(writer, record);
    const payloadOctets = writer.pos - saltStart - SALT_OCTETS;
    if (Math.max(payloadOctets, resource.size, scope.size) > MAX_PAYLOAD_OCTETS) {
      writer.pos = bodyStart;
      continue;
    }
    digestsHex += sha256Hex(writer.bytes.subarray(bodyEnd, writer.pos));
    const place = count * PLACES;
    places[place] = bodyStart;
    places[place + 1] = bodyEnd;
    places[place + 2] = saltStart;
    places[place + 3] = writer.pos;
    places[place + 4] = texts.numberOf(body.business);
    places[place + 5] = texts.numberOf(body.business_parent);
    places[place + 6] = resource.index;
    places[place + 7] = scope.index;
    count++;
  }
  const octets = writer.bytes.subarray(0, writer.pos);
  const packed = { count, octets, places, digestsHex, texts: texts.all, contexts: contexts.all };
  return { packed, tooLarge: spans.length - count };
}

/** The prepared spans: views of the packed octets. */
export function unpackSpans({ count, octets, places, digestsHex, texts, contexts }: PackedSpans): PreparedSpan[] {
  const spans: PreparedSpan[] = new Array(count);
  const [traceStart, traceEnd] = SPAN_ID_PLACES.traceId;
  const [spanStart, spanEnd] = SPAN_ID_PLACES.spanId;
  let pair: readonly [Context, Context] | undefined;
  for (let i = 0; i < count; i++) {
    const place = i * PLACES;
    const payloadStart = places[place + 2]! + SALT_OCTETS;
    const span = payloadStart + DIGESTS_OCTETS;
    const resource = contexts[places[place + 6]!]!;
    const scope = contexts[places[place + 7]!]!;
    if (pair === undefined || pair[0] !== resource || pair[1] !== scope) pair = [resource, scope];
    spans[i] = {
      type: 'span',
      body: octets.subarray(places[place], places[place + 1]),
      ids: {
        traceId: octets.subarray(span + traceStart, span + traceEnd),
        spanId: octets.subarray(span + spanStart, span + spanEnd),
      },
      business: texts[places[place + 4]! - 1],
      businessParent: texts[places[place + 5]! - 1],
      contexts: pair,
      salt: octets.subarray(places[place + 2], payloadStart),
      payload: octets.subarray(payloadStart, places[place + 3]),
      digestHex: digestsHex.slice(64 * i, 64 * i + 64),
    };
  }
  return spans;
}

interface PackedContext {
  readonly index: number;
  readonly size: number;
  readonly digest: Uint8Array;
}

/** The resources and scopes of a request. Spans share the objects, so each is encoded and hashed once. */
class Contexts {
  readonly all: Context[] = [];
  readonly #known = new Map<ResourceRecord | ScopeRecord, PackedContext>();

  resource(record: ResourceRecord): PackedContext {
    return this.#known.get(record) ?? this.#add(record, 'resource', encodeResourceContext(record));
  }

  scope(record: ScopeRecord): PackedContext {
    return this.#known.get(record) ?? this.#add(record, 'scope', encodeScopeContext(record));
  }

  #add(record: ResourceRecord | ScopeRecord, kind: Context['kind'], bytes: Uint8Array): PackedContext {
    const digestHex = contextDigestHex(kind, bytes);
    const context = { index: this.all.length, size: bytes.length, digest: bytesOfHex(digestHex) };
    this.all.push({ kind, digestHex, bytes });
    this.#known.set(record, context);
    return context;
  }
}

/** Texts that many spans share. */
class Texts {
  readonly all: string[] = [];
  readonly #numbers = new Map<string, number>();
  #last: string | undefined;
  #lastNumber = 0;

  /** 1 + the index of the text; 0 for none. */
  numberOf(text: string | undefined): number {
    if (text === undefined) return 0;
    if (text === this.#last) return this.#lastNumber;
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.all.push(text);
      this.#numbers.set(text, number);
    }
    this.#last = text;
    this.#lastNumber = number;
    return number;
  }
}
