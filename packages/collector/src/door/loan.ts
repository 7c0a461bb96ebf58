/** What one request holds of the memory for bodies, so that it is given back as a whole, once, on every way out. */
import type { ByteBudget } from '../intake/byte-budget.js';

/** Bytes of a {@link ByteBudget} that are lent to one request. */
export class Loan {
  readonly #memory: ByteBudget;
  #bytes = 0;

  constructor(memory: ByteBudget) {
    this.#memory = memory;
  }

  /** Whether that many more bytes could be lent now. */
  hasRoomFor(bytes: number): boolean {
    return this.#memory.held + bytes <= this.#memory.capacity;
  }

  /** Whether the loan and that many more bytes would not fit even if nobody else had one. */
  exceedsCapacity(bytes: number): boolean {
    return this.#bytes + bytes > this.#memory.capacity;
  }

  /** Borrows more; false when that many are not left. */
  take(bytes: number): boolean {
    if (!this.#memory.take(bytes)) return false;
    this.#bytes += bytes;
    return true;
  }

  /** Gives a part back. */
  give(bytes: number): void {
    this.#bytes -= bytes;
    this.#memory.give(bytes);
  }

  /** Gives everything back; again is harmless. */
  settle(): void {
    this.give(this.#bytes);
  }
}
