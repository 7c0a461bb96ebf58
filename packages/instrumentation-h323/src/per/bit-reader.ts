/** Reads bits and octets of an aligned PER encoding (ITU-T X.691). Never reads past its end: it throws instead. */
import { PerError } from './per-error.js';

/** A place in octets, with an end that open types move. */
export class BitReader {
  readonly octets: Uint8Array;
  /** In bits from the beginning. */
  #at = 0;
  /** In bits; what lies behind belongs to somebody else. */
  #end: number;

  constructor(octets: Uint8Array) {
    this.octets = octets;
    this.#end = octets.length * 8;
  }

  bit(): boolean {
    const at = this.#at;
    if (at >= this.#end) throw truncated();
    this.#at = at + 1;
    return (this.octets[at >> 3]! & (0x80 >> (at & 7))) !== 0;
  }

  /** An unsigned number of up to 32 bits. */
  bits(count: number): number {
    if (this.#at + count > this.#end) throw truncated();
    let value = 0;
    let left = count;
    while (left > 0) {
      const free = 8 - (this.#at & 7);
      const taken = Math.min(free, left);
      const part = (this.octets[this.#at >> 3]! >> (free - taken)) & ((1 << taken) - 1);
      value = value * 2 ** taken + part;
      this.#at += taken;
      left -= taken;
    }
    return value;
  }

  /** Skips to the next octet. */
  align(): void {
    this.#at = (this.#at + 7) & ~7;
  }

  /** Aligned octets, a copy. */
  take(count: number): Uint8Array {
    const from = this.#begin(count);
    return this.octets.slice(from, from + count);
  }

  /** An aligned unsigned number of up to 4 octets. */
  number(count: number): number {
    const from = this.#begin(count);
    let value = 0;
    for (let i = 0; i < count; i++) value = value * 256 + this.octets[from + i]!;
    return value;
  }

  /**
   * Reads an open type of so many octets with `read`. Whatever is left of it is skipped: a later version of the protocol may
   * have put more there. Undefined when `read` finds no such value; the octets are then for `rest`.
   */
  within<T>(count: number, read: () => T): { readonly value: T } | { readonly rest: Uint8Array } {
    const from = this.#begin(count);
    const [at, end] = [this.#at, this.#end];
    this.#end = at;
    this.#at = from * 8;
    try {
      return { value: read() };
    } catch (error) {
      if (!(error instanceof PerError)) throw error;
      return { rest: this.octets.slice(from, from + count) };
    } finally {
      this.#at = at;
      this.#end = end;
    }
  }

  /** Index of the first of `count` aligned octets; the place moves behind them. */
  #begin(count: number): number {
    this.align();
    const at = this.#at;
    if (at + count * 8 > this.#end) throw truncated();
    this.#at = at + count * 8;
    return at >> 3;
  }
}

function truncated(): PerError {
  return new PerError('truncated', 'the octets end within a value');
}
