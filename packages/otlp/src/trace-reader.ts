/** A {@link ProtoReader} that knows which span it is in: flaws it meets land in its {@link DecodeState}. */
import { OtlpDecodeError } from './decode-error.js';
import type { DecodeLimits } from './decode-limits.js';
import { DecodeState } from './decode-state.js';
import { keyBetween } from './known-keys.js';
import { ProtoReader } from './proto-reader.js';

/** The reader that all protobuf decoders of this package share. */
export class TraceReader extends ProtoReader {
  readonly state: DecodeState;

  constructor(bytes: Uint8Array, limits: DecodeLimits) {
    super(bytes);
    this.state = new DecodeState(limits);
  }

  /** A string; invalid UTF-8 makes the current field lossy. */
  lossyString(): string {
    const text = this.string();
    if (this.invalidUtf8) this.markInvalid();
    return text;
  }

  /** An attribute's key: {@link TraceReader.lossyString}, only faster for those that come again and again. */
  key(): string {
    const start = this.delimited();
    if (start === this.pos) return '';
    return keyBetween(this.bytes, start, this.pos, () => {
      const text = this.textBetween(start, this.pos);
      const isExact = !this.invalidUtf8;
      if (!isExact) this.markInvalid();
      return { text, isExact };
    });
  }

  private markInvalid(): void {
    this.invalidUtf8 = false;
    this.state.markLossy();
  }

  /**
   * Skips a field that the caller's schema does not know. A number from `first` to `last` is one it does know, so its wire
   * type is wrong, and that is refused: skipping it would lose a field that the sender thought was delivered.
   */
  skipUnknown(tag: number, last: number, first = 1): void {
    const field = tag >>> 3;
    if (field >= first && field <= last) {
      throw new OtlpDecodeError('wrong_wire_type', `field ${field} has wire type ${tag & 7} (offset ${this.pos})`);
    }
    this.skip(tag);
    this.state.markUnknown();
  }
}
