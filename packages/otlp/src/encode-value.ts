/** Attributes and their values into canonical protobuf: `KeyValue` and `AnyValue` of opentelemetry/proto/common/v1. */
import { MAX_VALUE_DEPTH } from './decode-limits.js';
import type { ProtoWriter } from './proto-writer.js';
import type { AnyValue, KeyValue } from './span-record.js';

/** Writes attributes under `tag`, in their order, duplicates included. */
export function writeAttributes(writer: ProtoWriter, tag: number, attributes: readonly KeyValue[]): void {
  for (let i = 0; i < attributes.length; i++) writeKeyValue(writer, tag, attributes[i]!, 1);
}

function writeKeyValue(writer: ProtoWriter, tag: number, [key, value]: KeyValue, depth: number): void {
  const start = writer.open(tag);
  if (key !== '') {
    writer.varint(0x0a);
    writer.string(key);
  }
  writeAnyValue(writer, 0x12, value, depth);
  writer.close(start);
}

/** A value is always a present message, and a member always present in it: "" and 0 are values, null is none. */
function writeAnyValue(writer: ProtoWriter, tag: number, value: AnyValue, depth: number): void {
  if (depth > MAX_VALUE_DEPTH) throw new RangeError(`attribute values may nest ${MAX_VALUE_DEPTH} levels deep`);
  const start = writer.open(tag);
  if (typeof value === 'string') {
    writer.varint(0x0a);
    writer.string(value);
  } else if (typeof value === 'boolean') {
    writer.varint(0x10);
    writer.varint(value ? 1 : 0);
  } else if (typeof value === 'bigint') {
    writer.varint(0x18);
    writer.int64(value);
  } else if (typeof value === 'number') {
    writer.varint(0x21);
    writer.double(value);
  } else if (value instanceof Uint8Array) {
    writer.varint(0x3a);
    writer.lengthDelimited(value);
  } else if (value !== null && 'kvlist' in value) {
    const list = writer.open(0x32);
    for (const entry of value.kvlist) writeKeyValue(writer, 0x0a, entry, depth + 1);
    writer.close(list);
  } else if (value !== null) {
    const list = writer.open(0x2a);
    for (const element of value) writeAnyValue(writer, 0x0a, element, depth + 1);
    writer.close(list);
  }
  writer.close(start);
}
