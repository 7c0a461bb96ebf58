/** Random span ids, many at a time: asking the operating system for eight octets costs more than writing the span. */
import { randomFillSync } from 'node:crypto';

const OCTETS = 8;

/** Gives span ids, 16 hex characters each. */
export class SpanIds {
  readonly #pool = Buffer.alloc(512 * OCTETS);
  #at = this.#pool.length;

  next(): string {
    if (this.#at === this.#pool.length) {
      randomFillSync(this.#pool);
      this.#at = 0;
    }
    const id = this.#pool.toString('hex', this.#at, this.#at + OCTETS);
    this.#at += OCTETS;
    return id;
  }
}
