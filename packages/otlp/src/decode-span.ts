/** One `Span` out of protobuf: opentelemetry/proto/trace/v1. Limits and ids are judged once the whole span is read. */
import { OtlpDecodeError } from './decode-error.js';
import { ownBytesLimits } from './decode-limits.js';
import { readAttribute } from './decode-value.js';
import { hexOf, hexOf8 } from './hex.js';
import { Lossy, lossyNames } from './lossy.js';
import { type RejectReason, rejectMessage } from './rejected-spans.js';
import type { EventRecord, KeyValue, LinkRecord, ResourceRecord, ScopeRecord, SpanRecord } from './span-record.js';
import { TraceReader } from './trace-reader.js';

const ZERO_TRACE_ID = '0'.repeat(32);
const ZERO_SPAN_ID = '0'.repeat(16);
/** Stands for an id of the wrong length. */
const WRONG_LENGTH = '?';

/**
 * The inverse of `encodeSpan`: the bytes of one `Span`, and the resource and scope to put into the record. Throws
 * {@link OtlpDecodeError}; a span that a request would have had rejected is `bad_span`.
 */
export function decodeSpan(bytes: Uint8Array, resource: ResourceRecord, scope: ScopeRecord): SpanRecord {
  const span = readSpan(new TraceReader(bytes, ownBytesLimits), resource, scope, 0);
  if (typeof span !== 'string') return span;
  throw new OtlpDecodeError('bad_span', rejectMessage(span, ownBytesLimits));
}

/** Reads a `Span` to its end. `contextLossy` holds the bits of the resource, the scope and what encloses them. */
export function readSpan(
  reader: TraceReader,
  resource: ResourceRecord,
  scope: ScopeRecord,
  contextLossy: number,
): SpanRecord | RejectReason {
  const { state } = reader;
  state.begin();
  let traceId = '';
  let spanId = '';
  let parentSpanId = '';
  let traceState = '';
  let flags = 0;
  let name = '';
  let kind = 0;
  let startUnixNano = 0n;
  let endUnixNano = 0n;
  const attributes: KeyValue[] = [];
  let droppedAttributesCount = 0;
  const events: EventRecord[] = [];
  let droppedEventsCount = 0;
  const links: LinkRecord[] = [];
  let droppedLinksCount = 0;
  let code = 0;
  let message = '';
  while (reader.pos < reader.end) {
    const tag = reader.tag();
    switch (tag) {
      case 0x0a:
        traceId = readTraceId(reader);
        break;
      case 0x12:
        spanId = readSpanId(reader);
        break;
      case 0x1a:
        state.field = Lossy.trace_state;
        traceState = reader.lossyString();
        break;
      case 0x22:
        parentSpanId = readSpanId(reader);
        break;
      case 0x2a:
        state.field = Lossy.name;
        name = reader.lossyString();
        break;
      case 0x30:
        kind = reader.int32();
        break;
      case 0x39:
        startUnixNano = reader.fixed64();
        break;
      case 0x41:
        endUnixNano = reader.fixed64();
        break;
      case 0x4a:
        state.field = Lossy.attributes;
        readAttribute(reader, attributes);
        break;
      case 0x50:
        droppedAttributesCount = reader.uint32();
        break;
      case 0x5a:
        if (state.countItem(events.length, state.limits.maxEvents, 'too_many_events')) events.push(readEvent(reader));
        else reader.skip(tag);
        break;
      case 0x60:
        droppedEventsCount = reader.uint32();
        break;
      case 0x6a:
        if (state.countItem(links.length, state.limits.maxLinks, 'too_many_links')) links.push(readLink(reader));
        else reader.skip(tag);
        break;
      case 0x70:
        droppedLinksCount = reader.uint32();
        break;
      case 0x7a: {
        // In place, so that a status given twice is merged.
        state.field = Lossy.status;
        const outerEnd = reader.enter();
        while (reader.pos < reader.end) {
          const inner = reader.tag();
          if (inner === 0x12) message = reader.lossyString();
          else if (inner === 0x18) code = reader.int32();
          else reader.skipUnknown(inner, 3, 2);
        }
        reader.leave(outerEnd);
        break;
      }
      case 0x85:
        flags = reader.fixed32();
        break;
      default:
        reader.skipUnknown(tag, 16);
    }
  }
  const rejection = state.rejection ?? badId(traceId, spanId, parentSpanId);
  if (rejection !== undefined) return rejection;
  return {
    traceId,
    spanId,
    // Some senders write eight zero bytes for "no parent"; W3C and OTLP give all-zero ids that meaning.
    parentSpanId: parentSpanId === ZERO_SPAN_ID ? '' : parentSpanId,
    traceState,
    flags,
    name,
    kind,
    startUnixNano,
    endUnixNano,
    attributes,
    droppedAttributesCount,
    events,
    droppedEventsCount,
    links,
    droppedLinksCount,
    status: { code, message },
    resource,
    scope,
    lossy: lossyNames(state.lossy | contextLossy),
  };
}

function badId(traceId: string, spanId: string, parentSpanId: string): RejectReason | undefined {
  if (traceId.length !== 32 || traceId === ZERO_TRACE_ID) return 'trace_id';
  if (spanId.length !== 16 || spanId === ZERO_SPAN_ID) return 'span_id';
  if (parentSpanId === WRONG_LENGTH) return 'parent_span_id';
  return undefined;
}

function readTraceId(reader: TraceReader): string {
  const start = reader.delimited();
  if (reader.pos - start !== 16) return WRONG_LENGTH;
  return hexOf8(reader.bytes, start) + hexOf8(reader.bytes, start + 8);
}

function readSpanId(reader: TraceReader): string {
  const start = reader.delimited();
  const length = reader.pos - start;
  return length === 8 ? hexOf8(reader.bytes, start) : length === 0 ? '' : WRONG_LENGTH;
}

function readEvent(reader: TraceReader): EventRecord {
  reader.state.field = Lossy.events;
  const outerEnd = reader.enter();
  let timeUnixNano = 0n;
  let name = '';
  const attributes: KeyValue[] = [];
  let droppedAttributesCount = 0;
  while (reader.pos < reader.end) {
    const tag = reader.tag();
    if (tag === 0x09) timeUnixNano = reader.fixed64();
    else if (tag === 0x12) name = reader.lossyString();
    else if (tag === 0x1a) readAttribute(reader, attributes);
    else if (tag === 0x20) droppedAttributesCount = reader.uint32();
    else reader.skipUnknown(tag, 4);
  }
  reader.leave(outerEnd);
  return { timeUnixNano, name, attributes, droppedAttributesCount };
}

/** The ids of a link are kept whatever their length: the API allows links to contexts that are not valid. */
function readLink(reader: TraceReader): LinkRecord {
  reader.state.field = Lossy.links;
  const outerEnd = reader.enter();
  let traceId = '';
  let spanId = '';
  let traceState = '';
  const attributes: KeyValue[] = [];
  let droppedAttributesCount = 0;
  let flags = 0;
  while (reader.pos < reader.end) {
    const tag = reader.tag();
    if (tag === 0x0a) traceId = hexOf(reader.bytes, reader.delimited(), reader.pos);
    else if (tag === 0x12) spanId = hexOf(reader.bytes, reader.delimited(), reader.pos);
    else if (tag === 0x1a) traceState = reader.lossyString();
    else if (tag === 0x22) readAttribute(reader, attributes);
    else if (tag === 0x28) droppedAttributesCount = reader.uint32();
    else if (tag === 0x35) flags = reader.fixed32();
    else reader.skipUnknown(tag, 6);
  }
  reader.leave(outerEnd);
  return { traceId, spanId, traceState, attributes, droppedAttributesCount, flags };
}
