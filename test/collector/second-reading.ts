/**
 * What an independent decoder reads in a request: protobufjs, after a plain walk over the wire that does by the encoding
 * rules what protobufjs does not. Texts stand for spans, so that two readings, and what a ledger holds, can be compared.
 */
import type { SpanRecord } from '@infrafabric/otlp';
import protobuf, { type Type } from 'protobufjs';
import { messageType } from '../../packages/otlp/test/otlp-proto.js';
import { decodeWithProtobufjs, type Outcome } from '../../packages/otlp/test/protobufjs-records.js';
import {
  type Difference,
  Malformed,
  nestedType,
  normalise,
  readFields,
  type WireField,
  writeFields,
} from '../../packages/otlp/test/wire-reference.js';

// Its own bound, 100 messages, is 50 levels of values: below ours.
protobuf.util.recursionLimit = 10_000;
(protobuf.Reader as unknown as { recursionLimit: number }).recursionLimit = 10_000;

/** What comes of a request: its spans as texts, in order, and how many are rejected for what; or that it is malformed. */
export type Reading = { readonly spans: readonly string[]; readonly rejected: string } | 'refused';

/** Where protobufjs reads something else on purpose; `spans of deeper values` are ours to reject. */
export type WireDifference = Difference | 'spans of deeper values';

/** Levels of values that are accepted. */
export const MAX_DEPTH = 64;
const REQUEST = messageType('ExportTraceServiceRequest');
/** Messages that are spans, or hold some. */
const HOLDERS = ['ResourceSpans', 'ScopeSpans', 'Span'];

/** By the encoding rules. `seen` collects where protobufjs would differ. */
export function readByTheRules(bytes: Uint8Array, seen: Set<WireDifference>): Reading {
  try {
    const { request, tooDeep } = mayBeDeep(bytes) ? withoutDeepSpans(bytes, seen) : { request: bytes, tooDeep: 0 };
    if (tooDeep > 0) seen.add('spans of deeper values');
    const outcome = decodeWithProtobufjs(normalise(REQUEST, request, seen as Set<Difference>));
    return readingOf(tooDeep === 0 ? outcome : { ...outcome, rejected: { ...outcome.rejected, too_deep: tooDeep } });
  } catch (error) {
    if (error instanceof Malformed) return 'refused';
    throw error;
  }
}

/** Each level takes a tag and a length of an array or a list, and the same of the value in it. */
function mayBeDeep(bytes: Uint8Array): boolean {
  let lists = 0;
  for (const octet of bytes) if (octet === 0x2a || octet === 0x32) lists++;
  return lists >= MAX_DEPTH;
}

/** As protobufjs alone reads it. */
export function readByProtobufjs(bytes: Uint8Array): Reading {
  try {
    return readingOf(decodeWithProtobufjs(bytes));
  } catch {
    return 'refused';
  }
}

/** Any decoder's outcome as a {@link Reading}. */
export function readingOf({ spans, rejected }: Outcome): Reading {
  const counts = Object.entries(rejected).filter(([, count]) => count > 0);
  return { spans: spans.map(textOfSpan), rejected: JSON.stringify(counts.sort()) };
}

/** All of a span but `lossy`, in which NaN, -0 and bigints are told apart. */
export function textOfSpan({ lossy: _, ...span }: Omit<SpanRecord, 'lossy'> & { readonly lossy?: unknown }): string {
  return JSON.stringify(span, (_, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value === 'number') return Object.is(value, -0) ? '-0' : `${value}`;
    return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
  });
}

/** Whether two readings are one. */
export function isSameReading(a: Reading, b: Reading): boolean {
  if (a === 'refused' || b === 'refused') return a === b;
  return (
    a.rejected === b.rejected && a.spans.length === b.spans.length && a.spans.every((text, i) => text === b.spans[i])
  );
}

/**
 * The request without the spans whose own values, or whose resource's or scope's, are nested too deep. What is nested too
 * deep is not looked into: a flaw in it is not seen, while every other flaw of the same span refuses the request.
 */
function withoutDeepSpans(bytes: Uint8Array, seen: Set<WireDifference>): { request: Uint8Array; tooDeep: number } {
  let tooDeep = 0;
  let isCut = false;
  /** Whether the message that is being cut held a value that is too deep, outside of the spans in it. */
  let isDeep = false;
  const cut = (type: Type, octets: Uint8Array, level: number): Uint8Array => {
    const kept: WireField[] = [];
    for (const { field, value } of readFields(type, octets, seen as Set<Difference>)) {
      const nested = nestedType(field);
      if (nested === undefined) kept.push({ field, value });
      else {
        const inner = cutNested(nested, value as Uint8Array, level);
        if (inner !== undefined) kept.push({ field, value: inner });
      }
    }
    return writeFields(kept);
  };
  const cutNested = (type: Type, value: Uint8Array, level: number): Uint8Array | undefined => {
    if (type.name === 'AnyValue' && level + 1 > MAX_DEPTH) {
      isDeep = true;
      isCut = true;
      return new Uint8Array();
    }
    if (!HOLDERS.includes(type.name)) return cut(type, value, level + (type.name === 'AnyValue' ? 1 : 0));
    const outer = isDeep;
    isDeep = false;
    const inner = cut(type, value, 0);
    const spans = isDeep ? countSpans(type, inner) : 0;
    tooDeep += spans;
    const isKept = !isDeep;
    isDeep = outer;
    return isKept ? inner : undefined;
  };
  const request = cut(REQUEST, bytes, 0);
  // As it was, where nothing is cut: written anew it would be free of what protobufjs reads differently.
  return { request: isCut ? request : bytes, tooDeep };
}

/** Spans that are in a message, itself included. */
function countSpans(type: Type, bytes: Uint8Array): number {
  if (type.name === 'Span') return 1;
  let spans = 0;
  for (const { field, value } of readFields(type, bytes)) {
    const nested = nestedType(field);
    if (nested !== undefined && ['ScopeSpans', 'Span'].includes(nested.name)) {
      spans += countSpans(nested, value as Uint8Array);
    }
  }
  return spans;
}
