/** What the accounts take from an entry: a call, a flow, or nothing. A ledger is foreign text until it is verified. */
import { type CountableSpan, countableSpan } from '@infrafabric/accounting';
import {
  type Charge,
  type ChargeSource,
  type Entry,
  parseEntry,
  type SpanBody,
  spanOfEntry,
  type TextAt,
} from '@infrafabric/format';
import type { CallFacts } from './sums.js';

/** A span that bears on totals. */
export interface Call extends Omit<CountableSpan, 'cost'>, Price {
  /** Span id, hex. */
  readonly parent: string | undefined;
  /** An earlier entry is of the same span. */
  readonly isRepeated: boolean;
  readonly business: string | undefined;
  readonly component: string | undefined;
  readonly service: string | undefined;
  readonly provider: string | undefined;
}

/** What accounting needs of an entry. */
export type Relevant =
  | { readonly kind: 'call'; readonly call: Call; readonly flow: Flow | undefined }
  /** A span without usage that may link others. */
  | { readonly kind: 'span'; readonly traceHex: string; readonly flow: Flow | undefined }
  | { readonly kind: 'flow'; readonly flow: Flow }
  | { readonly kind: 'adjustment'; readonly target: number; readonly price: Price }
  | { readonly kind: 'redaction'; readonly target: number };

/** What was charged, and by which rate card where it was computed. */
export interface Price extends Pick<CallFacts, 'source' | 'pico' | 'currency'> {
  readonly card: string | undefined;
  /** How the model was found on the card: `exact`, `prefix`, `fallback`. */
  readonly match: string | undefined;
}

/** A business flow and the one that it belongs to. */
export interface Flow {
  readonly business: string;
  readonly parent: string;
}

const SOURCES: ReadonlySet<unknown> = new Set<ChargeSource>(['reported', 'computed', 'estimated', 'unpriced']);
const MONEY = /^(?:0|[1-9]\d{0,38})$/;
/** Largest SQLite INTEGER; a time beyond it (the year 2262) is kept as it. */
const MAX_INT64 = 2n ** 63n - 1n;

/** @param textAt texts of other entries, for an import in parts. @throws FormatError, TypeError for an entry that cannot be read. */
export function relevantOf(seq: number, text: string, textAt: TextAt): Relevant | undefined {
  // Most spans say nothing of usage and start no flow; at most they link others, and that is read without parsing.
  if (text.endsWith(',"type":"span"}') && !text.includes(',"usage":{') && !text.includes('"business_parent":"'))
    return text.includes(',"parent":"') ? { kind: 'span', traceHex: traceIn(text), flow: undefined } : undefined;
  const entry = parseEntry(text);
  const span = spanOfEntry(entry, textAt);
  if (span !== undefined) return relevantSpan(seq, span.body as unknown as SpanBody);
  if (entry.type === 'adjustment') return adjustment(entry);
  if (entry.type === 'redaction' && typeof entry.body.target === 'number')
    return { kind: 'redaction', target: entry.body.target };
  return undefined;
}

function relevantSpan(seq: number, body: SpanBody): Relevant | undefined {
  const flow =
    body.business !== undefined && body.business_parent !== undefined && body.business !== body.business_parent
      ? { business: body.business, parent: body.business_parent }
      : undefined;
  const countable = countableSpan(seq, body);
  if (countable === undefined) {
    if (body.parent !== undefined) return { kind: 'span', traceHex: body.trace, flow };
    return flow === undefined ? undefined : { kind: 'flow', flow };
  }
  const { business, component, service, usage, charge, parent } = body;
  const call: Call = {
    ...countable,
    startUnixNano: storable(countable.startUnixNano),
    endUnixNano: storable(countable.endUnixNano),
    parent,
    isRepeated: body.conflict !== undefined,
    business,
    component,
    service,
    provider: usage?.provider,
    ...priceOf(charge),
  };
  return { kind: 'call', call, flow };
}

function priceOf(charge: Charge | undefined): Price {
  const none = { pico: undefined, currency: 'USD', card: undefined, match: undefined };
  if (charge === undefined) return { ...none, source: undefined };
  const { source, cost, currency, rated } = charge;
  if (!SOURCES.has(source)) throw new TypeError('charge.source');
  if (cost === undefined) return { ...none, source: 'unpriced' };
  if (!MONEY.test(cost)) throw new TypeError('charge.cost');
  // A rated cost beside a reported one is there for comparison; it was not charged.
  const card = source === 'reported' ? undefined : rated;
  return { source, pico: BigInt(cost), currency: currency ?? 'USD', card: card?.card, match: card?.match };
}

function adjustment({ body }: Entry): Relevant | undefined {
  const { target, charge } = body;
  if (typeof target !== 'number' || typeof charge !== 'object' || charge === null || Array.isArray(charge))
    return undefined;
  return { kind: 'adjustment', target, price: priceOf(charge as unknown as Charge) };
}

/** A quote inside a JSON string is escaped, so this is the member and no text. @throws TypeError where there is none. */
function traceIn(text: string): string {
  const at = text.lastIndexOf(',"trace":"') + 10;
  if (at < 10) throw new TypeError('trace');
  return text.slice(at, at + 32);
}

function storable(unixNano: bigint): bigint {
  return unixNano > MAX_INT64 ? MAX_INT64 : unixNano;
}
