/**
 * The RFC 6962 tree of a ledger at any size that it had, out of its file: stored nodes from level 8 up, below them the
 * entries of one block of 256. Believes the file: whoever gives out what it says checks it against a signed root first.
 */
import {
  consistencyProof,
  EMPTY_ROOT_HEX,
  hexOf,
  inclusionProof,
  LOWEST_STORED_LEVEL,
  leafHashHex,
  nodeHashHex,
  type RangeHash,
} from '@infrafabric/format';
import { LedgerError } from './ledger-error.js';

const WIDTH = 2 ** LOWEST_STORED_LEVEL;
/** Blocks kept at a time, some 40 KB each: whoever walks a ledger in order needs the last one and the right edge. */
const KEPT_BLOCKS = 16;

/** Complete subtrees of one block: `levels[L][i]` covers its leaves from i · 2^L on. */
type Block = readonly (readonly string[])[];

/** What a tree is read from: a `LedgerReader` or `LedgerView`. */
export interface TreeRows {
  entryCount(): number;
  /** Stored texts from `from` on, in order, at most `limit`. */
  entryTexts(from: number, limit: number): [seq: number, text: string][];
  /** Hash of one stored tree node. */
  node(level: number, node: number): Uint8Array | undefined;
}

/** Hashes of a ledger's tree. One of these sees what its view sees: make a new one for a new state. */
export class LedgerTree {
  readonly #view: TreeRows;
  readonly #blocks = new Map<number, Block>();

  constructor(view: TreeRows) {
    this.#view = view;
  }

  /**
   * Hash of the leaves `from` <= i < `to`, hex; ranges as {@link RangeHash} has them.
   * @throws LedgerError `tampered` where the file lacks an entry or a node.
   */
  readonly hashOf: RangeHash = (from, to) => {
    const count = to - from;
    const level = Math.floor(Math.log2(count));
    if (count !== 2 ** level) {
      const middle = from + 2 ** level;
      return nodeHashHex(this.hashOf(from, middle), this.hashOf(middle, to));
    }
    if (level >= LOWEST_STORED_LEVEL) return this.#storedNode(level, from / count);
    const hash = this.#block(Math.floor(from / WIDTH))[level]?.[(from % WIDTH) / count];
    if (hash === undefined) throw missing(`an entry of ${from} to ${to - 1}`);
    return hash;
  };

  /** Root of the tree of the first `size` entries, hex. @throws RangeError, LedgerError `tampered`. */
  rootHex(size: number): string {
    this.#requireSize(size);
    return size === 0 ? EMPTY_ROOT_HEX : this.hashOf(0, size);
  }

  /**
   * Proof that entry `index` is in the tree of the first `size` entries: hex, the lowest first.
   * @throws RangeError unless 0 <= `index` < `size` <= entries, LedgerError `tampered`.
   */
  inclusionProof(index: number, size: number): string[] {
    this.#requireSize(size);
    return inclusionProof(index, size, this.hashOf);
  }

  /**
   * Proof that the tree of the first `newSize` entries continues that of `oldSize`: hex, empty for 0 and for equal sizes.
   * @throws RangeError unless 0 <= `oldSize` <= `newSize` <= entries, LedgerError `tampered`.
   */
  consistencyProof(oldSize: number, newSize: number): string[] {
    this.#requireSize(newSize);
    return consistencyProof(oldSize, newSize, this.hashOf);
  }

  #requireSize(size: number): void {
    const entries = this.#view.entryCount();
    if (!Number.isSafeInteger(size) || size < 0 || size > entries) {
      throw new RangeError(`there is no tree of ${size} entries in a ledger of ${entries}`);
    }
  }

  #storedNode(level: number, node: number): string {
    const hash = this.#view.node(level, node);
    if (hash?.length !== 32) throw missing(`the tree node ${node} of level ${level}`);
    return hexOf(hash);
  }

  #block(index: number): Block {
    const kept = this.#blocks.get(index);
    if (kept !== undefined) return kept;
    const first = index * WIDTH;
    const leaves = this.#view.entryTexts(first, WIDTH).map(([seq, text], i) => {
      if (seq !== first + i) throw missing(`entry ${first + i}`);
      return leafHashHex(text);
    });
    const levels = [leaves];
    for (let below = leaves; below.length > 1; levels.push(below)) {
      below = Array.from({ length: Math.floor(below.length / 2) }, (_, i) =>
        nodeHashHex(below[2 * i]!, below[2 * i + 1]!),
      );
    }
    const [oldest] = this.#blocks.keys();
    if (oldest !== undefined && this.#blocks.size >= KEPT_BLOCKS) this.#blocks.delete(oldest);
    this.#blocks.set(index, levels);
    return levels;
  }
}

function missing(what: string): LedgerError {
  return new LedgerError('tampered', `the ledger lacks ${what}`, { hint: 'run if-witness verify' });
}
