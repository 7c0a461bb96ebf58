/** Bodies of requests from spans that were encoded, and stored, before: what a forwarder and a replay send. */
import { decodeResourceContext, decodeScopeContext } from './decode-context.js';
import { OtlpDecodeError } from './decode-error.js';
import { decodeSpan } from './decode-span.js';
import { assembleTraceRequest, type EncodedSpan } from './encode-request.js';
import { renderTraceRequestJson } from './render-json.js';
import type { SendTraceRequest } from './send-request.js';
import type { ResourceRecord, ScopeRecord } from './span-record.js';

/** A body, and what of the parts it was made from. */
export interface TraceBody {
  readonly body: Uint8Array | string;
  /** Spans in it. With none there is nothing to send. */
  readonly spans: number;
  /** Parts that were used up, from the first on. */
  readonly taken: number;
  /** Parts among those taken that cannot be sent because they are no canonical OTLP. */
  readonly unreadable: number;
}

/**
 * A body from the first of these parts, as many as fit into about `maxBytes`, but at least one. Protobuf is put together
 * without decoding the spans; JSON has to be written. Give parts of the same context the same arrays: each is looked at once.
 */
export function buildTraceBody(
  parts: readonly EncodedSpan[],
  contentType: SendTraceRequest['contentType'],
  maxBytes: number,
): TraceBody {
  for (let taken = fitting(parts, maxBytes); ; taken = Math.ceil(taken / 2)) {
    const used = parts.slice(0, taken);
    const { body, spans } = contentType === 'application/json' ? json(used) : protobuf(used);
    if (body.length <= maxBytes || taken <= 1) return { body, spans, taken, unreadable: taken - spans };
  }
}

/** Octets of tag and length around each span, at most, but for the largest. */
const FRAME_OCTETS = 6;

function fitting(parts: readonly EncodedSpan[], maxBytes: number): number {
  let bytes = 0;
  let last: EncodedSpan | undefined;
  for (const [i, part] of parts.entries()) {
    bytes += part.span.length + FRAME_OCTETS;
    if (part.resourceContext !== last?.resourceContext) bytes += part.resourceContext.length + FRAME_OCTETS;
    if (part.scopeContext !== last?.scopeContext) bytes += part.scopeContext.length + FRAME_OCTETS;
    if (bytes > maxBytes && i > 0) return i;
    last = part;
  }
  return parts.length;
}

interface Body {
  readonly body: Uint8Array | string;
  readonly spans: number;
}

function protobuf(parts: readonly EncodedSpan[]): Body {
  const whole = parts.filter(
    ({ resourceContext, scopeContext }) => isContext(resourceContext) && isContext(scopeContext),
  );
  return { body: assembleTraceRequest(whole), spans: whole.length };
}

function json(parts: readonly EncodedSpan[]): Body {
  const records = parts.flatMap(({ resourceContext, scopeContext, span }) => {
    const resource = resourceOf(resourceContext);
    const scope = scopeOf(scopeContext);
    const record = resource && scope && orNull(() => decodeSpan(span, resource, scope));
    return record === null ? [] : [record];
  });
  return { body: renderTraceRequestJson(records), spans: records.length };
}

const EMPTY = new Uint8Array();
const contexts = new WeakMap<Uint8Array, boolean>();
const resources = new WeakMap<Uint8Array, ResourceRecord | null>();
const scopes = new WeakMap<Uint8Array, ScopeRecord | null>();

/** Whether spans can be put into it. */
function isContext(context: Uint8Array): boolean {
  return remembered(contexts, context, (bytes) => {
    const request = orNull(() => assembleTraceRequest([{ resourceContext: bytes, scopeContext: EMPTY, span: EMPTY }]));
    return request !== null;
  });
}

function resourceOf(context: Uint8Array): ResourceRecord | null {
  return remembered(resources, context, (bytes) => orNull(() => decodeResourceContext(bytes)));
}

function scopeOf(context: Uint8Array): ScopeRecord | null {
  return remembered(scopes, context, (bytes) => orNull(() => decodeScopeContext(bytes)));
}

function remembered<R>(known: WeakMap<Uint8Array, R>, context: Uint8Array, read: (bytes: Uint8Array) => R): R {
  const before = known.get(context);
  if (before !== undefined) return before;
  const now = read(context);
  known.set(context, now);
  return now;
}

/** Stored bytes are foreign until they are verified. */
function orNull<R>(decode: () => R): R | null {
  try {
    return decode();
  } catch (error) {
    if (error instanceof OtlpDecodeError) return null;
    throw error;
  }
}
