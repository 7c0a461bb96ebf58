/** Blocks of memory that requests are packed into, used again and again instead of being left to the garbage collector. */

/** Larger ones are rare, and not kept. */
const MAX_BLOCK_BYTES = 4 * 1024 * 1024;
const MAX_POOL_BYTES = 16 * 1024 * 1024;

/** Blocks that are not in use. What is in one is what was left in it. */
export class BlockPool {
  readonly #blocks: Uint8Array[] = [];
  #bytes = 0;

  /** A block, the one that was used last; `undefined` when there is none. */
  take(): Uint8Array | undefined {
    const block = this.#blocks.pop();
    this.#bytes -= block?.length ?? 0;
    return block;
  }

  /** Takes a block that nobody uses any more. */
  give(block: Uint8Array): void {
    if (block.length > MAX_BLOCK_BYTES || this.#bytes + block.length > MAX_POOL_BYTES) return;
    this.#blocks.push(block);
    this.#bytes += block.length;
  }
}
