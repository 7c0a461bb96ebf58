/**
 * C2SP tlog-tiles: the tree as files of at most 256 hashes, and the entries in bundles of as many. Source: c2sp.org/tlog-tiles.
 * A tile of level L holds hashes of subtrees of 256^L leaves; only the last one of a level is narrower than 256.
 */
import { EMPTY_ROOT_HEX, MerkleFrontier } from './merkle.js';

/** Hashes in a full tile, entries in a full bundle. */
export const TILE_WIDTH = 256;

/** Hashes of one tile, lowercase hex, from left to right. */
export interface Tile {
  readonly level: number;
  readonly index: number;
  readonly hashesHex: readonly string[];
}

/**
 * Where a tile, or a bundle of `entries`, lies below the log's address: `tile/<L>/<N>[.p/<W>]`.
 * @throws RangeError on what no tree has.
 */
export function tilePath(level: number | 'entries', index: number, width: number = TILE_WIDTH): string {
  if (level !== 'entries' && (!Number.isSafeInteger(level) || level < 0 || level > 63))
    throw new RangeError(`not a level: ${level}`);
  if (!Number.isSafeInteger(index) || index < 0) throw new RangeError(`not the index of a tile: ${index}`);
  if (!Number.isSafeInteger(width) || width < 1 || width > TILE_WIDTH)
    throw new RangeError(`not the width of a tile: ${width}`);
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? [];
  const path = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${level}/${path}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

/** How wide the last tile of a level is in a tree of `size` leaves; 0 where that level ends with a full one, or has none. */
export function partialWidth(level: number, size: number): number {
  return Math.floor(size / TILE_WIDTH ** level) % TILE_WIDTH;
}

/** A growing tree as tiles: gives each full tile once, and keeps the partial ones. */
export class TileTree {
  /** The partial tile of each level. */
  readonly #rows: string[][] = [];
  #size: number;

  /**
   * Continues a tree of `size` leaves, of which `rows[L]` is the partial tile of level L.
   * @throws RangeError when a row has not the width that the size asks for.
   */
  constructor(size = 0, rows: readonly (readonly string[])[] = []) {
    this.#size = size;
    for (let level = 0; level < rows.length || size >= TILE_WIDTH ** level; level++) {
      const row = rows[level] ?? [];
      if (row.length !== partialWidth(level, size))
        throw new RangeError(`level ${level} of a tree of ${size} leaves does not end with ${row.length} hashes`);
      this.#rows.push([...row]);
    }
  }

  get size(): number {
    return this.#size;
  }

  /** Appends a leaf hash, hex; `onFull` gets each tile that it completes, the lowest first. */
  push(leafHex: string, onFull?: (tile: Tile) => void): void {
    const index = this.#size++;
    let hash = leafHex;
    for (let level = 0; ; level++) {
      const row = this.#rows[level] ?? [];
      this.#rows[level] = row;
      row.push(hash);
      if (row.length < TILE_WIDTH) return;
      onFull?.({ level, index: Math.floor(index / TILE_WIDTH ** (level + 1)), hashesHex: row });
      this.#rows[level] = [];
      hash = rootOf(row);
    }
  }

  /** The partial tiles as they stand, the lowest first. */
  partialTiles(): Tile[] {
    return this.#rows.flatMap((hashesHex, level) =>
      hashesHex.length === 0 ? [] : [{ level, index: Math.floor(this.#size / TILE_WIDTH ** (level + 1)), hashesHex }],
    );
  }

  /** Root of the tree as it stands, hex. */
  rootHex(): string {
    let root: string | undefined;
    // What is right of a level's last full subtree hangs beside it as one leaf would.
    for (const row of this.#rows) {
      if (row.length > 0) root = rootOf(root === undefined ? row : [...row, root]);
    }
    return root ?? EMPTY_ROOT_HEX;
  }
}

function rootOf(hashesHex: readonly string[]): string {
  const tree = new MerkleFrontier();
  for (const hash of hashesHex) tree.push(hash);
  return tree.rootHex();
}
