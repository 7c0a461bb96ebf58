/** Protobuf fields that are left out at their proto3 default, which is what makes an encoding canonical. */
import type { ProtoWriter } from './proto-writer.js';

/** A string field. */
export function writeText(writer: ProtoWriter, tag: number, text: string): void {
  if (text === '') return;
  writer.varint(tag);
  writer.string(text);
}

/** A uint32 field. Throws RangeError for any other number. */
export function writeUint32(writer: ProtoWriter, tag: number, value: number): void {
  if (value === 0) return;
  checkUint32(value);
  writer.varint(tag);
  writer.varint(value);
}

/** A fixed32 field. Throws RangeError for a number that is no uint32. */
export function writeFixed32(writer: ProtoWriter, tag: number, value: number): void {
  if (value === 0) return;
  checkUint32(value);
  writer.varint(tag);
  writer.fixed32(value);
}

/** A fixed64 field. Throws RangeError for a number that is no uint64. */
export function writeFixed64(writer: ProtoWriter, tag: number, value: bigint): void {
  if (value === 0n) return;
  writer.varint(tag);
  writer.fixed64(value);
}

/** An enum field, an int32 to protobuf. Throws RangeError for any other number. */
export function writeEnum(writer: ProtoWriter, tag: number, value: number): void {
  if (value === 0) return;
  if ((value | 0) !== value) throw new RangeError(`${value} does not fit int32`);
  writer.varint(tag);
  writer.int53(value);
}

function checkUint32(value: number): void {
  if (value >>> 0 !== value) throw new RangeError(`${value} does not fit uint32`);
}
