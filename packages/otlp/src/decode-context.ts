/** Resources and scopes out of protobuf: `ResourceSpans` and `ScopeSpans` without the spans in them. */
import { OtlpDecodeError } from './decode-error.js';
import { ownBytesLimits } from './decode-limits.js';
import { readAttribute } from './decode-value.js';
import { Lossy } from './lossy.js';
import type { EntityRef, KeyValue, ResourceRecord, ScopeRecord } from './span-record.js';
import { TraceReader } from './trace-reader.js';

/**
 * The inverse of `encodeResourceContext`. Throws {@link OtlpDecodeError}, also (`not_canonical`) for bytes that hold
 * anything a {@link ResourceRecord} cannot.
 */
export function decodeResourceContext(bytes: Uint8Array): ResourceRecord {
  return readWhole(bytes, readResourceContext);
}

/**
 * The inverse of `encodeScopeContext`. Throws {@link OtlpDecodeError}, also (`not_canonical`) for bytes that hold anything
 * a {@link ScopeRecord} cannot.
 */
export function decodeScopeContext(bytes: Uint8Array): ScopeRecord {
  return readWhole(bytes, readScopeContext);
}

type ReadContext<T> = (reader: TraceReader, onSpans: () => void) => T;

function readWhole<T>(bytes: Uint8Array, read: ReadContext<T>): T {
  const reader = new TraceReader(bytes, ownBytesLimits);
  const { state } = reader;
  const record = read(reader, () => state.markUnknown());
  if (state.rejection !== undefined || state.lossy !== 0) {
    throw new OtlpDecodeError('not_canonical', 'the context holds more than its record can');
  }
  return record;
}

/** Reads a `ResourceSpans` to its end, passing over `scope_spans`. */
export function readResourceContext(reader: TraceReader, onSpans: () => void = ignore): ResourceRecord {
  reader.state.begin();
  reader.state.field = Lossy.resource;
  const attributes: KeyValue[] = [];
  const entityRefs: EntityRef[] = [];
  let droppedAttributesCount = 0;
  let schemaUrl = '';
  while (reader.pos < reader.end) {
    const tag = reader.tag();
    if (tag === 0x0a) {
      const outerEnd = reader.enter();
      while (reader.pos < reader.end) {
        const inner = reader.tag();
        if (inner === 0x0a) readAttribute(reader, attributes);
        else if (inner === 0x10) droppedAttributesCount = reader.uint32();
        else if (inner === 0x1a) readEntityRef(reader, entityRefs);
        else reader.skipUnknown(inner, 3);
      }
      reader.leave(outerEnd);
    } else if (tag === 0x12) {
      reader.skip(tag);
      onSpans();
    } else if (tag === 0x1a) schemaUrl = reader.lossyString();
    else reader.skipUnknown(tag, 3);
  }
  return { attributes, droppedAttributesCount, entityRefs, schemaUrl };
}

/** Reads a `ScopeSpans` to its end, passing over `spans`. */
export function readScopeContext(reader: TraceReader, onSpans: () => void = ignore): ScopeRecord {
  reader.state.begin();
  reader.state.field = Lossy.scope;
  const attributes: KeyValue[] = [];
  let name = '';
  let version = '';
  let droppedAttributesCount = 0;
  let schemaUrl = '';
  while (reader.pos < reader.end) {
    const tag = reader.tag();
    if (tag === 0x0a) {
      const outerEnd = reader.enter();
      while (reader.pos < reader.end) {
        const inner = reader.tag();
        if (inner === 0x0a) name = reader.lossyString();
        else if (inner === 0x12) version = reader.lossyString();
        else if (inner === 0x1a) readAttribute(reader, attributes);
        else if (inner === 0x20) droppedAttributesCount = reader.uint32();
        else reader.skipUnknown(inner, 4);
      }
      reader.leave(outerEnd);
    } else if (tag === 0x12) {
      reader.skip(tag);
      onSpans();
    } else if (tag === 0x1a) schemaUrl = reader.lossyString();
    else reader.skipUnknown(tag, 3);
  }
  return { name, version, attributes, droppedAttributesCount, schemaUrl };
}

function readEntityRef(reader: TraceReader, list: EntityRef[]): void {
  const outerEnd = reader.enter();
  const idKeys: string[] = [];
  const descriptionKeys: string[] = [];
  let schemaUrl = '';
  let type = '';
  while (reader.pos < reader.end) {
    const tag = reader.tag();
    if (tag === 0x0a) schemaUrl = reader.lossyString();
    else if (tag === 0x12) type = reader.lossyString();
    else if (tag === 0x1a) addCounted(reader, idKeys);
    else if (tag === 0x22) addCounted(reader, descriptionKeys);
    else reader.skipUnknown(tag, 4);
  }
  reader.leave(outerEnd);
  if (reader.state.countAttribute()) list.push({ schemaUrl, type, idKeys, descriptionKeys });
}

function addCounted(reader: TraceReader, keys: string[]): void {
  const key = reader.lossyString();
  if (reader.state.countAttribute()) keys.push(key);
}

function ignore(): void {}
