/**
 * A slow, plain reading of the protobuf encoding rules, driven by protobufjs' description of the schema. It says whether a
 * message is well formed, and rewrites one that is so that protobufjs, which does not merge, check wire types or bound
 * nested messages, reads it as the encoding rules say. `seen` collects the reasons, for the table in protobufjs.test.ts.
 */
import type { Field, Type } from 'protobufjs';
import { concat, varint } from './samples.js';

/** One field of a message: its schema, and its value as varint, or as bytes. */
export interface WireField {
  readonly field: Field;
  readonly value: bigint | Uint8Array;
}

/** Where protobufjs differs from the encoding rules, or from what this package does on purpose. */
export type Difference =
  | 'field number 0 or beyond 29 bits'
  | 'varint beyond 64 bits'
  | 'value past the end of its message'
  | 'wire type of another type'
  | 'group'
  | 'embedded message given twice'
  | 'oneof member given again'
  | 'bool beyond 32 bits'
  | 'varint of six to nine bytes'
  | 'text that is not UTF-8';

export class Malformed extends Error {}

const WIRE_TYPES: Record<string, number> = { bool: 0, int64: 0, uint32: 0, fixed64: 1, double: 1, fixed32: 5 };
const text = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * The fields of a message in their order, unknown ones left out. Throws {@link Malformed}. One at a time, so that whoever
 * looks into each meets the first flaw of a request where protobufjs does.
 */
export function* readFields(
  type: Type,
  bytes: Uint8Array,
  seen: Set<Difference> = new Set(),
): Generator<WireField, void, void> {
  let pos = 0;
  const fail = (difference: Difference): never => {
    seen.add(difference);
    throw new Malformed(difference);
  };
  const take = (count: number): Uint8Array => {
    if (count > bytes.length - pos) fail('value past the end of its message');
    pos += count;
    return bytes.subarray(pos - count, pos);
  };
  const readVarint = (is32Bits = true): bigint => {
    // One byte is the usual case, and bigints are slow.
    if (pos < bytes.length && bytes[pos]! < 128) return BigInt(bytes[pos++]!);
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(take(1)[0]!);
      value |= (byte & 127n) << shift;
      if (value >> 64n || (shift === 63n && byte > 127n)) fail('varint beyond 64 bits');
      if (byte > 127n) continue;
      if (is32Bits && shift > 28n && shift < 63n) seen.add('varint of six to nine bytes');
      return value;
    }
  };
  while (pos < bytes.length) {
    const tag = readVarint();
    if (tag < 8n || tag >> 32n) fail('field number 0 or beyond 29 bits');
    const wireType = Number(tag & 7n);
    const field = type.fieldsById[Number(tag >> 3n)];
    if (field !== undefined && wireType !== wireTypeOf(field)) fail('wire type of another type');
    if (wireType === 3 || wireType === 4) fail('group');
    if (wireType > 5) throw new Malformed('no such wire type');
    const value =
      wireType === 0
        ? readVarint(field !== undefined && field.type !== 'int64')
        : take(wireType === 1 ? 8 : wireType === 5 ? 4 : Number(readVarint()));
    if (field !== undefined) yield { field: field.resolve(), value };
  }
}

/** Writes fields in the order given. */
export function writeFields(fields: readonly WireField[]): Uint8Array {
  const parts = fields.flatMap(({ field, value }) => {
    const wireType = wireTypeOf(field);
    const tag = varint(field.id * 8 + wireType);
    if (typeof value === 'bigint') return [Uint8Array.from([...tag, ...varint64(value)])];
    return [Uint8Array.from(wireType === 2 ? [...tag, ...varint(value.length)] : tag), value];
  });
  return concat(...parts);
}

/** The same message, so written that protobufjs reads it by the rules. Throws {@link Malformed}. */
export function normalise(type: Type, bytes: Uint8Array, seen: Set<Difference>): Uint8Array {
  const kept: WireField[] = [];
  for (const read of readFields(type, bytes, seen)) {
    const { field } = read;
    const value = normaliseValue(read, seen);
    const member = kept.findIndex((other) => field.partOf !== null && other.field.partOf === field.partOf);
    const same = kept.findIndex((other) => other.field === field);
    if (member >= 0 && member !== same) {
      seen.add('oneof member given again');
      kept.splice(member, 1);
    }
    const nested = nestedType(field);
    if (same >= 0 && !field.repeated) {
      const [held] = kept.splice(same, 1);
      if (nested !== undefined) {
        seen.add('embedded message given twice');
        const both = Uint8Array.from([...(held!.value as Uint8Array), ...(read.value as Uint8Array)]);
        kept.push({ field, value: normalise(nested, both, seen) });
        continue;
      }
    }
    kept.push({ field, value });
  }
  return writeFields(kept);
}

function normaliseValue({ field, value }: WireField, seen: Set<Difference>): bigint | Uint8Array {
  const nested = nestedType(field);
  if (nested !== undefined) return normalise(nested, value as Uint8Array, seen);
  if (typeof value === 'bigint') {
    if (field.type === 'bool') {
      if (value !== 0n && (value & 0xffff_ffffn) === 0n) seen.add('bool beyond 32 bits');
      return value === 0n ? 0n : 1n;
    }
    if (field.type === 'int64') return value;
    const low = BigInt.asUintN(32, value);
    return field.type === 'uint32' ? low : BigInt.asUintN(64, BigInt.asIntN(32, low));
  }
  if (field.type !== 'string') return value;
  const replaced = new TextEncoder().encode(text.decode(value));
  if (Buffer.compare(replaced, value) !== 0) seen.add('text that is not UTF-8');
  return replaced;
}

/** The message type of a field, if it is one. */
export function nestedType(field: Field): Type | undefined {
  const { resolvedType } = field.resolve();
  return resolvedType !== null && 'fieldsById' in resolvedType ? resolvedType : undefined;
}

function wireTypeOf(field: Field): number {
  if (field.resolve().resolvedType !== null) return nestedType(field) === undefined ? 0 : 2;
  return WIRE_TYPES[field.type] ?? 2;
}

function varint64(value: bigint): number[] {
  return value < 128n ? [Number(value)] : [Number(value & 127n) | 128, ...varint64(value >> 7n)];
}
