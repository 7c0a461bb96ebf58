/**
 * A protobuf reader that never leaves its bytes: every read is checked against the end of the message it is in. It knows
 * wire types, not schemas. Malformed input throws {@link OtlpDecodeError}; nothing here recurses.
 */
import { OtlpDecodeError } from './decode-error.js';
import { isUtf8, type Utf8Slicer, utf8Slicer } from './utf8.js';

/** Reads one message and, through {@link ProtoReader.enter}, the messages in it. */
export class ProtoReader {
  readonly bytes: Uint8Array;
  /** Where the next byte is read. */
  pos = 0;
  /** The end of the message being read. */
  end: number;
  /** Set by {@link ProtoReader.string} when it had to put in a U+FFFD; the caller clears it. */
  invalidUtf8 = false;
  private readonly view: DataView;
  private readonly text: Utf8Slicer;
  private low = 0;
  private high = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.end = bytes.length;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.text = utf8Slicer(bytes);
  }

  /** The next tag, `field << 3 | wire type`, as a uint32. Refuses field number 0. */
  tag(): number {
    const tag = this.uint32();
    if (tag < 8 || this.high !== 0) throw new OtlpDecodeError('bad_tag', `no such field number (offset ${this.pos})`);
    return tag;
  }

  /** A varint's low 32 bits, as protobuf reads a uint32. */
  uint32(): number {
    const { pos } = this;
    if (pos < this.end) {
      const first = this.bytes[pos]!;
      if (first < 128) {
        this.pos = pos + 1;
        this.high = 0;
        return first;
      }
    }
    this.varint();
    return this.low >>> 0;
  }

  /** A varint's low 32 bits, signed, as protobuf reads an int32 or an enum. */
  int32(): number {
    return this.uint32() | 0;
  }

  /** A varint of 64 bits, signed. */
  int64(): bigint {
    const low = this.uint32();
    const { high } = this;
    if (high === 0) return BigInt(low);
    if (high === -1) return BigInt(low - 0x1_0000_0000);
    return (BigInt(high) << 32n) | BigInt(low);
  }

  /** A varint: false only for zero. */
  bool(): boolean {
    return this.uint32() !== 0 || this.high !== 0;
  }

  /** Four bytes, unsigned. */
  fixed32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  /** Eight bytes, unsigned. */
  fixed64(): bigint {
    return this.view.getBigUint64(this.take(8), true);
  }

  /** Eight bytes as a double. */
  double(): number {
    return this.view.getFloat64(this.take(8), true);
  }

  /** A length and so many bytes; returns where they start, `pos` is behind them. */
  delimited(): number {
    const length = this.uint32();
    if (this.high !== 0) throw this.truncated();
    return this.take(length);
  }

  /** A length and so many bytes, as a copy that does not keep the request in memory. */
  copyBytes(): Uint8Array {
    const start = this.delimited();
    // Not slice(): of a Buffer that would be a Buffer.
    const copy = new Uint8Array(this.pos - start);
    copy.set(this.bytes.subarray(start, this.pos));
    return copy;
  }

  /** A length and UTF-8 text; what is not UTF-8 becomes U+FFFD and sets {@link ProtoReader.invalidUtf8}. */
  string(): string {
    const start = this.delimited();
    return start === this.pos ? '' : this.textBetween(start, this.pos);
  }

  /** The text between two positions, as {@link ProtoReader.string} reads it. */
  protected textBetween(start: number, end: number): string {
    const text = this.text.utf8Slice(start, end);
    // U+FFFD is also a character that a sender may write.
    if (text.includes('\ufffd') && !isUtf8(this.bytes.subarray(start, end))) this.invalidUtf8 = true;
    return text;
  }

  /** Enters a nested message; give the result to {@link ProtoReader.leave} once `pos` has reached `end`. */
  enter(): number {
    const start = this.delimited();
    const outerEnd = this.end;
    this.end = this.pos;
    this.pos = start;
    return outerEnd;
  }

  /** Leaves a nested message, skipping what is left of it. */
  leave(outerEnd: number): void {
    this.pos = this.end;
    this.end = outerEnd;
  }

  /** Skips the value that follows `tag`. Groups (wire types 3 and 4) are refused: proto3 has none. */
  skip(tag: number): void {
    switch (tag & 7) {
      case 0:
        this.uint32();
        return;
      case 1:
        this.take(8);
        return;
      case 2:
        this.delimited();
        return;
      case 5:
        this.take(4);
        return;
      default:
        throw new OtlpDecodeError('bad_tag', `wire type ${tag & 7} is not accepted (offset ${this.pos})`);
    }
  }

  private take(count: number): number {
    const start = this.pos;
    if (count > this.end - start) throw this.truncated();
    this.pos = start + count;
    return start;
  }

  /** Reads a varint of any length into `low` and `high`. */
  private varint(): void {
    const { bytes, end } = this;
    let { pos } = this;
    let low = 0;
    let high = 0;
    for (let shift = 0; ; shift += 7) {
      if (pos >= end) throw this.truncated();
      const byte = bytes[pos++]!;
      if (shift < 28) low |= (byte & 127) << shift;
      else if (shift === 28) {
        low |= (byte & 127) << 28;
        high = (byte & 127) >> 4;
      } else {
        // The tenth byte holds bit 63 only.
        if (shift === 63 && byte > 1) throw new OtlpDecodeError('bad_varint', `varint over 64 bits (offset ${pos})`);
        high |= (byte & 127) << (shift - 32);
      }
      if (byte < 128) break;
    }
    this.pos = pos;
    this.low = low;
    this.high = high;
  }

  private truncated(): OtlpDecodeError {
    return new OtlpDecodeError('truncated', `the message ends too soon (offset ${this.pos}, end ${this.end})`);
  }
}
