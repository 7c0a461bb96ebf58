/**
 * A protobuf writer over one growing byte array. It knows wire types, not schemas: callers pass whole tags
 * (`field << 3 | wire type`) and decide what to leave out. Nested messages are written in place, their length patched in.
 */
import { writeUtf8 } from './utf8.js';

const TWO_32 = 0x1_0000_0000;
/** A larger buffer is given back after use, so that one huge message does not stay in memory for good. */
const KEEP_BYTES = 1 << 20;

/** Builds one protobuf message at a time; {@link ProtoWriter.finish} hands it out and starts the next. */
export class ProtoWriter {
  /** The buffer; replaced when it grows. */
  bytes: Uint8Array;
  /** Where the next byte goes. */
  pos = 0;
  private view: DataView;

  /** @param initial how many bytes to begin with, or the very bytes to write into, whatever is in them. */
  constructor(initial: number | Uint8Array = 1024) {
    this.bytes = typeof initial === 'number' ? new Uint8Array(initial) : initial;
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset);
  }

  /** Forgets what was written, for instance after an encoder threw half way. */
  reset(): void {
    this.pos = 0;
    if (this.bytes.length > KEEP_BYTES) this.replace(new Uint8Array(1024));
  }

  /** A copy of the message; the writer is empty afterwards. */
  finish(): Uint8Array {
    const message = this.bytes.slice(0, this.pos);
    this.reset();
    return message;
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.pos + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.pos));
    this.replace(grown);
  }

  /** A tag, a length or any other uint32. */
  varint(value: number): void {
    this.reserve(5);
    this.pos = putVarint(this.bytes, this.pos, value);
  }

  /** An int64 as a varint (a negative one takes ten bytes). Throws RangeError outside -2^63…2^63-1. */
  int64(value: bigint): void {
    const number = Number(value);
    if (Number.isSafeInteger(number)) this.int53(number);
    else if (BigInt.asIntN(64, value) === value) {
      this.varint64(Number(value & 0xffff_ffffn), Number(BigInt.asUintN(32, value >> 32n)));
    } else throw new RangeError(`${value} does not fit int64`);
  }

  /** A safe integer as an int64 varint. */
  int53(value: number): void {
    if (value >= 0 && value < TWO_32) this.varint(value);
    else this.varint64(value >>> 0, Math.floor(value / TWO_32) >>> 0);
  }

  /** A uint32 as four bytes. */
  fixed32(value: number): void {
    this.reserve(4);
    this.view.setUint32(this.pos, value, true);
    this.pos += 4;
  }

  /** A uint64 as eight bytes. Throws RangeError outside 0…2^64-1. */
  fixed64(value: bigint): void {
    if (value < 0n || value > 0xffff_ffff_ffff_ffffn) throw new RangeError(`${value} does not fit uint64`);
    this.reserve(8);
    this.view.setBigUint64(this.pos, value, true);
    this.pos += 8;
  }

  /** A double as eight bytes; every NaN is written as the quiet NaN 0x7ff8000000000000. */
  double(value: number): void {
    this.reserve(8);
    if (Number.isNaN(value)) {
      this.view.setUint32(this.pos, 0, true);
      this.view.setUint32(this.pos + 4, 0x7ff80000, true);
    } else {
      this.view.setFloat64(this.pos, value, true);
    }
    this.pos += 8;
  }

  /** A length and the UTF-8 of `text`; a lone surrogate becomes U+FFFD. */
  string(text: string): void {
    const units = text.length;
    this.reserve(units * 3 + 5);
    const { bytes, pos } = this;
    if (units < 128) {
      let i = 0;
      for (; i < units; i++) {
        const code = text.charCodeAt(i);
        if (code > 127) break;
        bytes[pos + 1 + i] = code;
      }
      if (i === units) {
        bytes[pos] = units;
        this.pos = pos + 1 + units;
        return;
      }
    }
    const guess = varintSize(units);
    const written = writeUtf8(text, bytes, pos + guess);
    const size = varintSize(written);
    if (size !== guess) bytes.copyWithin(pos + size, pos + guess, pos + guess + written);
    this.pos = putVarint(bytes, pos, written) + written;
  }

  /** A length and these bytes. */
  lengthDelimited(content: Uint8Array): void {
    this.varint(content.length);
    this.raw(content);
  }

  /** The UTF-8 of `text` as it is, without a length; a lone surrogate becomes U+FFFD. */
  utf8(text: string): void {
    this.reserve(text.length * 3);
    this.pos += writeUtf8(text, this.bytes, this.pos);
  }

  /** These bytes as they are. */
  raw(content: Uint8Array): void {
    this.reserve(content.length);
    this.bytes.set(content, this.pos);
    this.pos += content.length;
  }

  /** Opens a nested message; give the result to {@link ProtoWriter.close}. */
  open(tag: number): number {
    this.varint(tag);
    this.reserve(1);
    return ++this.pos;
  }

  /** Closes a nested message: its length goes in front of it, moving it when the length takes more than one byte. */
  close(start: number): void {
    const length = this.pos - start;
    const extra = varintSize(length) - 1;
    if (extra > 0) {
      this.reserve(extra);
      this.bytes.copyWithin(start + extra, start, this.pos);
      this.pos += extra;
    }
    putVarint(this.bytes, start - 1, length);
  }

  private varint64(low: number, high: number): void {
    this.reserve(10);
    const { bytes } = this;
    let pos = this.pos;
    while (high !== 0) {
      bytes[pos++] = (low & 127) | 128;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.pos = putVarint(bytes, pos, low);
  }

  private replace(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}

function varintSize(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
}

function putVarint(bytes: Uint8Array, pos: number, value: number): number {
  while (value > 127) {
    bytes[pos++] = (value & 127) | 128;
    value >>>= 7;
  }
  bytes[pos++] = value;
  return pos;
}
