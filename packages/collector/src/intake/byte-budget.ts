/** A bound on the memory that request bodies may take together: what does not fit is refused before it is read. */

/** Bytes that are lent and given back. */
export class ByteBudget {
  readonly capacity: number;
  #held = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Bytes lent at present. */
  get held(): number {
    return this.#held;
  }

  /** Lends bytes; false when that many are not left. A single loan up to the capacity always fits once all is given back. */
  take(bytes: number): boolean {
    if (this.#held + bytes > this.capacity) return false;
    this.#held += bytes;
    return true;
  }

  /** Takes bytes back that {@link ByteBudget.take} lent. */
  give(bytes: number): void {
    this.#held -= bytes;
  }
}
