/**
 * A finished span straight into an OTLP `Span` message, fields in number order, proto3 defaults left out: the bytes that
 * `encodeSpan` of `@infrafabric/otlp` writes for the same span, without the record between. This is the application's own
 * event loop: a record per span costs it a third more, the garbage not counted.
 */
import type { ProtoWriter } from '@infrafabric/otlp';
import { ValueBudget, writeAttributes, writeCount, writeText, writeTime } from './encode-value.js';
import type { Link, ReadableSpan, SpanContext, TimedEvent } from './readable-span.js';
import { type RefusalReason, RefusedSpan } from './refused-span.js';

/** OTLP: the remote bit below is known. */
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

/** Writes the content of a `Span`. @throws RefusedSpan, or whatever reading a hostile span throws; then half of it is written. */
export function writeSpan(writer: ProtoWriter, span: ReadableSpan): void {
  const context = span.spanContext();
  const parent = span.parentSpanContext;
  const budget = new ValueBudget();
  writeId(writer, 0x0a, context.traceId, 16, 'trace_id');
  writeId(writer, 0x12, context.spanId, 8, 'span_id');
  writeText(writer, 0x1a, context.traceState?.serialize());
  const parentSpanId = parent?.spanId ?? span.parentSpanId;
  if (parentSpanId !== undefined && parentSpanId !== '' && parentSpanId !== NO_SPAN_ID) {
    writeId(writer, 0x22, parentSpanId, 8, 'parent_span_id');
  }
  writeText(writer, 0x2a, span.name);
  // The API has no kind for "unset", OTLP has; so ours are one higher.
  writeCount(writer, 0x30, typeof span.kind === 'number' ? span.kind + 1 : 0);
  writeTime(writer, 0x39, span.startTime);
  writeTime(writer, 0x41, span.endTime);
  writeAttributes(writer, 0x4a, span.attributes, budget);
  writeCount(writer, 0x50, span.droppedAttributesCount);
  for (const event of span.events) writeEvent(writer, event, budget);
  writeCount(writer, 0x60, span.droppedEventsCount);
  for (const link of span.links) writeLink(writer, link, budget);
  writeCount(writer, 0x70, span.droppedLinksCount);
  writeStatus(writer, span.status);
  writeFlags(writer, 0x85, context.traceFlags, parent?.isRemote);
}

function writeEvent(writer: ProtoWriter, event: TimedEvent, budget: ValueBudget): void {
  const start = writer.open(0x5a);
  writeTime(writer, 0x09, event.time);
  writeText(writer, 0x12, event.name);
  if (event.attributes !== undefined) writeAttributes(writer, 0x1a, event.attributes, budget);
  writeCount(writer, 0x20, event.droppedAttributesCount);
  writer.close(start);
}

function writeLink(writer: ProtoWriter, link: Link, budget: ValueBudget): void {
  const context: SpanContext = link.context;
  const start = writer.open(0x6a);
  writeLinkId(writer, 0x0a, context.traceId);
  writeLinkId(writer, 0x12, context.spanId);
  writeText(writer, 0x1a, context.traceState?.serialize());
  if (link.attributes !== undefined) writeAttributes(writer, 0x22, link.attributes, budget);
  writeCount(writer, 0x28, link.droppedAttributesCount);
  writeFlags(writer, 0x35, context.traceFlags, context.isRemote);
  writer.close(start);
}

function writeStatus(writer: ProtoWriter, { code, message }: ReadableSpan['status']): void {
  if (code === 0 && (message === undefined || message === '')) return;
  const start = writer.open(0x7a);
  writeText(writer, 0x12, message);
  writeCount(writer, 0x18, code);
  writer.close(start);
}

function writeFlags(writer: ProtoWriter, tag: number, traceFlags: number, isRemote: boolean | undefined): void {
  writer.varint(tag);
  writer.fixed32((traceFlags & 0xff) | HAS_IS_REMOTE | (isRemote === true ? IS_REMOTE : 0));
}

const NO_SPAN_ID = '0'.repeat(16);
/** The value of a hex digit of either case by its character code; 255 for every other code. */
const NIBBLES = new Uint8Array(128).fill(255);
for (const [value, digits] of [...'0123456789'].entries()) NIBBLES[digits.charCodeAt(0)] = value;
for (const [value, digit] of [...'abcdef'].entries()) {
  NIBBLES[digit.charCodeAt(0)] = value + 10;
  NIBBLES[digit.toUpperCase().charCodeAt(0)] = value + 10;
}

function writeId(writer: ProtoWriter, tag: number, hex: string, octets: number, reason: RefusalReason): void {
  if (typeof hex !== 'string' || hex.length !== 2 * octets || writeHex(writer, tag, hex) <= 0) {
    throw new RefusedSpan(reason);
  }
}

/** The API allows links to contexts that are not valid: their ids are kept whatever their length. */
function writeLinkId(writer: ProtoWriter, tag: number, hex: string): void {
  if (hex === '') return;
  if (hex.length % 2 !== 0 || writeHex(writer, tag, hex) < 0) throw new RefusedSpan('link_id');
}

/** Writes the field; 0 when all its bytes are zero, negative when `hex` is none. */
function writeHex(writer: ProtoWriter, tag: number, hex: string): number {
  const octets = hex.length >> 1;
  writer.varint(tag);
  writer.varint(octets);
  writer.reserve(octets);
  const { bytes, pos } = writer;
  let any = 0;
  let wrong = 0;
  for (let i = 0; i < octets; i++) {
    const high = NIBBLES[hex.charCodeAt(2 * i)] ?? 255;
    const low = NIBBLES[hex.charCodeAt(2 * i + 1)] ?? 255;
    wrong |= high | low;
    const octet = (high << 4) | low;
    any |= octet;
    bytes[pos + i] = octet;
  }
  writer.pos = pos + octets;
  return wrong > 15 ? -1 : any;
}
