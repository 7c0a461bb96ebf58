/** Writes bits and octets of an aligned PER encoding (ITU-T X.691). */

/** Grows as needed. */
export class BitWriter {
  #octets: Uint8Array = new Uint8Array(128);
  #at = 0;

  bit(isSet: boolean): void {
    this.bits(isSet ? 1 : 0, 1);
  }

  /** The lowest `count` bits of a number, up to 32. */
  bits(value: number, count: number): void {
    this.#grow(count);
    for (let i = count - 1; i >= 0; i--) {
      if (Math.floor(value / 2 ** i) % 2 === 1) this.#octets[this.#at >> 3]! |= 0x80 >> (this.#at & 7);
      this.#at++;
    }
  }

  /** Goes to the next octet; the bits between are 0. */
  align(): void {
    this.#at = (this.#at + 7) & ~7;
  }

  put(octets: Uint8Array): void {
    this.align();
    this.#grow(octets.length * 8);
    this.#octets.set(octets, this.#at >> 3);
    this.#at += octets.length * 8;
  }

  /** An aligned unsigned number of `count` octets. */
  number(value: number, count: number): void {
    this.align();
    this.#grow(count * 8);
    const from = this.#at >> 3;
    let rest = value;
    for (let i = count - 1; i >= 0; i--) {
      this.#octets[from + i] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    this.#at += count * 8;
  }

  /** All that was written, a copy; at least one octet, as a complete encoding has (X.691 §11.1). */
  finish(): Uint8Array {
    return this.#octets.slice(0, Math.max(1, (this.#at + 7) >> 3));
  }

  #grow(bits: number): void {
    const needed = ((this.#at + bits + 7) >> 3) + 8;
    if (needed <= this.#octets.length) return;
    const larger = new Uint8Array(needed * 2);
    larger.set(this.#octets);
    this.#octets = larger;
  }
}
