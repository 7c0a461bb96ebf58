/** Attributes and their values out of protobuf: `KeyValue` and `AnyValue` of opentelemetry/proto/common/v1. */
import type { AnyValue, KeyValue } from './span-record.js';
import type { TraceReader } from './trace-reader.js';

/** Reads one length-delimited `KeyValue` into `list`, unless it is one too many. */
export function readAttribute(reader: TraceReader, list: KeyValue[]): void {
  readKeyValue(reader, list, 1);
}

function readKeyValue(reader: TraceReader, list: KeyValue[], depth: number): void {
  const outerEnd = reader.enter();
  if (reader.state.countAttribute()) {
    let key = '';
    let value: AnyValue = null;
    while (reader.pos < reader.end) {
      const tag = reader.tag();
      if (tag === 0x0a) key = reader.key();
      else if (tag === 0x12) value = readAnyValue(reader, value, depth);
      else reader.skipUnknown(tag, 2);
    }
    list.push([key, value]);
  }
  reader.leave(outerEnd);
}

/**
 * Reads a length-delimited `AnyValue` over `value`: a field given twice is merged with what it held, so a list grows and
 * any other member replaces. A value too deep is skipped unread, its span rejected.
 */
function readAnyValue(reader: TraceReader, value: AnyValue, depth: number): AnyValue {
  const outerEnd = reader.enter();
  if (reader.state.allowDepth(depth)) {
    while (reader.pos < reader.end) {
      const tag = reader.tag();
      switch (tag) {
        case 0x0a:
          value = reader.lossyString();
          break;
        case 0x10:
          value = reader.bool();
          break;
        case 0x18:
          value = reader.int64();
          break;
        case 0x21:
          value = reader.double();
          break;
        case 0x2a:
          value = readArray(reader, value, depth + 1);
          break;
        case 0x32:
          value = readKeyValueList(reader, value, depth + 1);
          break;
        case 0x3a:
          value = reader.copyBytes();
          break;
        default:
          reader.skipUnknown(tag, 7);
      }
    }
  }
  reader.leave(outerEnd);
  return value;
}

function readArray(reader: TraceReader, held: AnyValue, depth: number): AnyValue {
  // Only this decoder holds the list yet, so adding to it is safe.
  const values = Array.isArray(held) ? (held as AnyValue[]) : [];
  const outerEnd = reader.enter();
  while (reader.pos < reader.end) {
    const tag = reader.tag();
    if (tag !== 0x0a) reader.skipUnknown(tag, 1);
    else if (reader.state.countAttribute()) values.push(readAnyValue(reader, null, depth));
    else reader.skip(tag);
  }
  reader.leave(outerEnd);
  return values;
}

function readKeyValueList(reader: TraceReader, held: AnyValue, depth: number): AnyValue {
  const list = isKeyValueList(held) ? held : { kvlist: [] };
  const outerEnd = reader.enter();
  while (reader.pos < reader.end) {
    const tag = reader.tag();
    if (tag === 0x0a) readKeyValue(reader, list.kvlist, depth);
    else reader.skipUnknown(tag, 1);
  }
  reader.leave(outerEnd);
  return list;
}

function isKeyValueList(value: AnyValue): value is { kvlist: KeyValue[] } {
  return typeof value === 'object' && value !== null && 'kvlist' in value;
}
