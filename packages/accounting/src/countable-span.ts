/** What counting needs of a span, and by what two spans can turn out to be one call. */
import type { Counts, SpanBody } from '@infrafabric/format';
import { isByHand } from './by-hand.js';
import { DURATION } from './usage.js';

/** What counting needs of a span; all of it is in the signed entry. */
export interface CountableSpan {
  readonly seq: number;
  readonly traceId: string;
  readonly spanId: string;
  /** Name of the instrumentation scope; one name for all scopes of what is logged by hand. */
  readonly scope: string;
  readonly model: string | undefined;
  /** The provider's response id. */
  readonly response: string | undefined;
  /** Unix nanoseconds. Of a log record, which is a point, the time at which its call began. */
  readonly startUnixNano: bigint;
  readonly endUnixNano: bigint;
  /** Normalised classes; undefined where the counts are not known. */
  readonly tokens: Counts | undefined;
  /** A model call whose counts are not known. */
  readonly isUnknownCall: boolean;
  /** Its counts are guesses. */
  readonly isEstimated: boolean;
  /** It has quantities that are not tokens, so its cost is for those. */
  readonly hasUnits: boolean;
  /** `none` where it has no cost. */
  readonly cost: 'none' | 'reported' | 'computed' | 'estimated';
}

/** The countable part of a span entry; undefined for a span that bears on no total: no tokens, no cost, no unknown call. */
export function countableSpan(seq: number, body: SpanBody): CountableSpan | undefined {
  const { usage, charge } = body;
  if (usage === undefined && charge?.cost === undefined) return undefined;
  const source = charge?.cost === undefined ? 'none' : charge.source;
  const cost = source === 'unpriced' ? 'none' : source;
  const isUnknownCall = usage?.marks?.includes('unknown') === true;
  if (usage?.tokens === undefined && cost === 'none' && !isUnknownCall) return undefined;
  const endUnixNano = BigInt(body.end);
  const started = endUnixNano - BigInt(usage?.raw?.[DURATION] ?? 0);
  const stated = BigInt(body.start);
  return {
    seq,
    traceId: body.trace,
    spanId: body.span,
    scope: scopeOf(usage?.scope ?? ''),
    model: usage?.model,
    response: usage?.response,
    startUnixNano: started > 0n && started < stated ? started : stated,
    endUnixNano,
    tokens: usage?.tokens,
    isUnknownCall,
    isEstimated: usage?.marks?.includes('estimated') === true,
    hasUnits: usage?.units !== undefined,
    cost,
  };
}

/** Events by hand have the same constants again and again: equal ones of two instrumentations are not one call. */
function scopeOf(name: string): string {
  return isByHand(name) ? '@infrafabric/' : name;
}

/** All that went in, cached or not. */
export function inclusiveInput(tokens: Counts): number {
  return (
    (tokens.input ?? 0) +
    (tokens.cache_read ?? 0) +
    (tokens.cache_write ?? 0) +
    (tokens.cache_write_5m ?? 0) +
    (tokens.cache_write_1h ?? 0)
  );
}

/** By what spans of other traces can be the same call as this one: see {@link mayBeSameCall}. */
export interface SameCallKeys {
  /** Response id. */
  readonly response: string | undefined;
  /** Inclusive input and output as text, `6330/224`; undefined where the counts are not known. */
  readonly counts: string | undefined;
}

export function sameCallKeys({ response, tokens }: CountableSpan): SameCallKeys {
  return { response, counts: tokens && `${inclusiveInput(tokens)}/${tokens.output ?? 0}` };
}

/**
 * Whether two spans can bear on each other's counting, whatever else there is: they are of one trace, or have the same
 * response id, or have the same inclusive input and the same output, come from different scopes, and overlap in time (ends
 * included). `countCalls` gives the same answer for a span in every set that is closed under this relation, so whoever
 * keeps counts up to date has to recount, with each new span, all traces that this relation reaches from it, step by step.
 */
export function mayBeSameCall(a: CountableSpan, b: CountableSpan): boolean {
  if (a.traceId === b.traceId) return true;
  const [left, right] = [sameCallKeys(a), sameCallKeys(b)];
  if (left.response !== undefined && left.response === right.response) return true;
  return (
    left.counts !== undefined &&
    left.counts === right.counts &&
    a.scope !== b.scope &&
    a.startUnixNano <= b.endUnixNano &&
    b.startUnixNano <= a.endUnixNano
  );
}
