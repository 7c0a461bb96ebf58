/**
 * Bytes that arrive piece by piece, copied into blocks that are borrowed one by one. The pieces are not kept: one byte of a
 * DATA frame would keep the 64 KiB alive that it was received in.
 */
import type { Loan } from './loan.js';

/** A body up to this size is borrowed at once; a larger one as it arrives, so that to announce one keeps nobody else out. */
const BLOCK_BYTES = 64 * 1024;

/** A body whose length is known beforehand, arriving. */
export class GrpcBody {
  readonly #announced: number;
  readonly #loan: Loan;
  readonly #blocks: Uint8Array[] = [];
  /** Of all blocks together. */
  #capacity = 0;
  #length = 0;

  /** Borrows nothing yet. */
  constructor(announced: number, loan: Loan) {
    this.#announced = announced;
    this.#loan = loan;
  }

  /** How many bytes have not arrived. */
  get missing(): number {
    return this.#announced - this.#length;
  }

  /** Takes a piece, no longer than what is missing. Returns how many bytes too few can be borrowed: 0 when it was taken. */
  append(piece: Uint8Array): number {
    let from = 0;
    while (from < piece.length) {
      if (this.#length === this.#capacity) {
        const bytes = Math.min(BLOCK_BYTES, this.#announced - this.#capacity);
        if (!this.#loan.take(bytes)) return bytes;
        this.#blocks.push(newBlock(bytes));
        this.#capacity += bytes;
      }
      const block = this.#blocks.at(-1)!;
      const room = this.#capacity - this.#length;
      const part = piece.subarray(from, from + room);
      block.set(part, block.length - room);
      this.#length += part.length;
      from += part.length;
    }
    return 0;
  }

  /** All of it once nothing is missing, in an ArrayBuffer that nothing else uses; no more is borrowed for it. */
  join(): Uint8Array {
    if (this.#blocks.length === 1) return this.#blocks[0]!;
    const joined = newBlock(this.#length);
    let at = 0;
    for (const block of this.#blocks) {
      joined.set(block, at);
      at += block.length;
    }
    this.#blocks.length = 0;
    return joined;
  }
}

/** Not allocUnsafe(): its buffer is shared with others, and the intake may hand ours to a thread. */
function newBlock(bytes: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
}
