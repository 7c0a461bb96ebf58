/**
 * One span into canonical protobuf: fields in number order, proto3 defaults left out, attributes in the order received. The
 * same record always gives the same bytes; resource and scope are encoded apart, `lossy` not at all.
 */
import { writeEnum, writeFixed32, writeFixed64, writeText, writeUint32 } from './encode-fields.js';
import { writeAttributes } from './encode-value.js';
import { writeHex } from './hex.js';
import { ProtoWriter } from './proto-writer.js';
import type { EventRecord, LinkRecord, SpanRecord } from './span-record.js';

const ownWriter = new ProtoWriter(4096);

/**
 * A `Span` message. Throws RangeError when an id is not what {@link SpanRecord} says or a number does not fit its field;
 * a lone surrogate in a string is written as U+FFFD.
 */
export function encodeSpan(record: SpanRecord): Uint8Array {
  ownWriter.reset();
  writeSpan(ownWriter, record);
  return ownWriter.finish();
}

/** Where the ids stand in what {@link encodeSpan} and {@link writeSpan} write: a trace id and a span id come first. */
export const SPAN_ID_PLACES: {
  readonly traceId: readonly [start: number, end: number];
  readonly spanId: readonly [start: number, end: number];
} = { traceId: [2, 18], spanId: [20, 28] };

/** {@link encodeSpan} into a writer, behind what is there. After it threw, the writer holds half a span. */
export function writeSpan(writer: ProtoWriter, record: SpanRecord): void {
  writeId(writer, 0x0a, record.traceId, 16, 'traceId');
  writeId(writer, 0x12, record.spanId, 8, 'spanId');
  writeText(writer, 0x1a, record.traceState);
  if (record.parentSpanId !== '') writeId(writer, 0x22, record.parentSpanId, 8, 'parentSpanId');
  writeText(writer, 0x2a, record.name);
  writeEnum(writer, 0x30, record.kind);
  writeFixed64(writer, 0x39, record.startUnixNano);
  writeFixed64(writer, 0x41, record.endUnixNano);
  writeAttributes(writer, 0x4a, record.attributes);
  writeUint32(writer, 0x50, record.droppedAttributesCount);
  for (const event of record.events) writeEvent(writer, event);
  writeUint32(writer, 0x60, record.droppedEventsCount);
  for (const link of record.links) writeLink(writer, link);
  writeUint32(writer, 0x70, record.droppedLinksCount);
  writeStatus(writer, record.status);
  writeFixed32(writer, 0x85, record.flags);
}

function writeId(writer: ProtoWriter, tag: number, hex: string, length: number, field: string): void {
  if (hex.length !== length * 2 || isZero(hex)) throw badId(field, length, hex);
  if (!writeHexField(writer, tag, hex)) throw badId(field, length, hex);
}

function isZero(hex: string): boolean {
  for (let i = 0; i < hex.length; i++) if (hex.charCodeAt(i) !== 0x30) return false;
  return true;
}

function badId(field: string, length: number, hex: string): RangeError {
  return new RangeError(`${field} must be ${length * 2} lowercase hex characters, not all zero: ${hex.slice(0, 64)}`);
}

function writeHexField(writer: ProtoWriter, tag: number, hex: string): boolean {
  const length = hex.length >> 1;
  writer.varint(tag);
  writer.varint(length);
  writer.reserve(length);
  const isHex = writeHex(hex, writer.bytes, writer.pos);
  writer.pos += length;
  return isHex;
}

function writeEvent(writer: ProtoWriter, event: EventRecord): void {
  const start = writer.open(0x5a);
  writeFixed64(writer, 0x09, event.timeUnixNano);
  writeText(writer, 0x12, event.name);
  writeAttributes(writer, 0x1a, event.attributes);
  writeUint32(writer, 0x20, event.droppedAttributesCount);
  writer.close(start);
}

function writeLink(writer: ProtoWriter, link: LinkRecord): void {
  const start = writer.open(0x6a);
  writeLinkId(writer, 0x0a, link.traceId, 'traceId');
  writeLinkId(writer, 0x12, link.spanId, 'spanId');
  writeText(writer, 0x1a, link.traceState);
  writeAttributes(writer, 0x22, link.attributes);
  writeUint32(writer, 0x28, link.droppedAttributesCount);
  writeFixed32(writer, 0x35, link.flags);
  writer.close(start);
}

/** The ids of a link are written whatever their length. */
function writeLinkId(writer: ProtoWriter, tag: number, hex: string, field: string): void {
  if (hex !== '' && !writeHexField(writer, tag, hex)) {
    throw new RangeError(`${field} of a link must be lowercase hex: ${hex.slice(0, 64)}`);
  }
}

function writeStatus(writer: ProtoWriter, { code, message }: SpanRecord['status']): void {
  if (code === 0 && message === '') return;
  const start = writer.open(0x7a);
  writeText(writer, 0x12, message);
  writeEnum(writer, 0x18, code);
  writer.close(start);
}
