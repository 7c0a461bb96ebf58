/** How large requests to one backend may be: as configured, or less where the backend says that they are too large. */

/** After so many successes in a row at a reduced size, twice as much is tried. */
const GROW_AFTER = 16;

/** The size of the next request. */
export class RequestSize {
  readonly #configured: number;
  #bytes: number;
  #successes = 0;

  constructor(maxRequestBytes: number) {
    this.#configured = maxRequestBytes;
    this.#bytes = maxRequestBytes;
  }

  /** Octets that the next request may have. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A request of several spans and this size was too much. Halving it ends at single spans. */
  shrink(requestBytes: number): void {
    this.#bytes = Math.max(1, Math.floor(Math.min(this.#bytes, requestBytes) / 2));
    this.#successes = 0;
  }

  succeeded(): void {
    if (this.#bytes === this.#configured || ++this.#successes < GROW_AFTER) return;
    this.#bytes = Math.min(this.#configured, 2 * this.#bytes);
    this.#successes = 0;
  }
}
