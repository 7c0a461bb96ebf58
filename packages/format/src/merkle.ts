/**
 * The RFC 6962 §2.1 Merkle tree over the ledger's entries. A leaf hash is SHA-256(0x00 ‖ entry), a node
 * SHA-256(0x01 ‖ left ‖ right). Hashes travel as lowercase hex: Node's one-shot hash returns strings fastest, and a
 * leaf's hex is also the next entry's `prev`.
 */
import { sha256Hex } from '#sha256';

/** Root of the empty tree: SHA-256 of nothing. */
export const EMPTY_ROOT_HEX = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

const NODE_INPUT = new Uint8Array(65);
NODE_INPUT[0] = 0x01;
const NIBBLE = new Uint8Array(128);
for (let digit = 0; digit < 16; digit++) NIBBLE['0123456789abcdef'.charCodeAt(digit)] = digit;

/** Hash of an entry as a leaf, hex. The text must be well-formed; its UTF-8 octets are what is hashed. */
export function leafHashHex(entry: string): string {
  return sha256Hex(`\0${entry}`);
}

/** Hash of an inner node from the hex of its children, hex. */
export function nodeHashHex(leftHex: string, rightHex: string): string {
  for (let i = 0; i < 32; i++) {
    NODE_INPUT[1 + i] = (NIBBLE[leftHex.charCodeAt(2 * i)]! << 4) | NIBBLE[leftHex.charCodeAt(2 * i + 1)]!;
    NODE_INPUT[33 + i] = (NIBBLE[rightHex.charCodeAt(2 * i)]! << 4) | NIBBLE[rightHex.charCodeAt(2 * i + 1)]!;
  }
  return sha256Hex(NODE_INPUT);
}

/** Called for each inner node as it becomes complete: the node at `level` and `index` covers `2^level` leaves. */
export type OnNode = (level: number, index: number, hashHex: string) => void;

/**
 * The right edge of a growing tree: the roots of its complete subtrees, one a level. `push` costs one hash a leaf on
 * average, `rootHex` at most one a level.
 */
export class MerkleFrontier {
  readonly #peaks: (string | undefined)[];
  #size: number;

  /** Continues a tree of `size` leaves whose complete subtree of level L is `peaks[L]`, for each bit L set in `size`. */
  constructor(size = 0, peaks: readonly (string | undefined)[] = []) {
    this.#size = size;
    this.#peaks = [...peaks];
  }

  get size(): number {
    return this.#size;
  }

  /** Appends a leaf. */
  push(leafHex: string, onNode?: OnNode): void {
    let hash = leafHex;
    let level = 0;
    let index = this.#size;
    while (index % 2 === 1) {
      hash = nodeHashHex(this.#peaks[level]!, hash);
      this.#peaks[level] = undefined;
      index = (index - 1) / 2;
      level++;
      onNode?.(level, index, hash);
    }
    this.#peaks[level] = hash;
    this.#size++;
  }

  /** Appends a complete subtree of 2^`level` leaves by its root. @throws RangeError unless it would start at its place. */
  pushSubtree(level: number, rootHex: string): void {
    const width = 2 ** level;
    if (this.#size % width !== 0) throw new RangeError(`no subtree of ${width} leaves starts at leaf ${this.#size}`);
    let hash = rootHex;
    let at = level;
    let index = this.#size / width;
    while (index % 2 === 1) {
      hash = nodeHashHex(this.#peaks[at]!, hash);
      this.#peaks[at] = undefined;
      index = (index - 1) / 2;
      at++;
    }
    this.#peaks[at] = hash;
    this.#size += width;
  }

  /** Root of the tree as it stands, hex. */
  rootHex(): string {
    let root: string | undefined;
    for (const peak of this.#peaks) {
      if (peak !== undefined) root = root === undefined ? peak : nodeHashHex(peak, root);
    }
    return root ?? EMPTY_ROOT_HEX;
  }

  /** A copy that grows by itself. */
  clone(): MerkleFrontier {
    return new MerkleFrontier(this.#size, this.#peaks);
  }
}
