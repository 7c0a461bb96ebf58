/** Entries of a ledger as bundles, their hashes as tiles, one bundle in memory at a time. */
import { hexOf, leafHashHex, partialWidth, TILE_WIDTH, type Tile, TileTree, tilePath } from '@infrafabric/format';
import type { LedgerReader } from '@infrafabric/ledger/reader';
import { CliError } from '../cli-error.js';
import type { TileDirectory } from './tile-directory.js';

const LARGEST_ENTRY = 0xffff;

/** Writes the tiles of a ledger from `before` entries on. */
export class TileWriter {
  readonly #reader: LedgerReader;
  readonly #directory: TileDirectory;
  readonly #tree: TileTree;
  readonly #before: number;
  readonly #bundle = Buffer.allocUnsafe(TILE_WIDTH * (2 + LARGEST_ENTRY));
  #octets = 0;
  #files = 0;

  /** The tree of `before` entries comes from the ledger, not from what is in the directory. @throws CliError `ledger`. */
  constructor(reader: LedgerReader, directory: TileDirectory, before: number) {
    this.#reader = reader;
    this.#directory = directory;
    this.#before = before;
    // The last bundle grows: its first entries are read again.
    const start = before - partialWidth(0, before);
    this.#tree = new TileTree(start, [[], ...storedRows(reader, start)]);
    this.add(before);
  }

  /** Tiles and bundles written so far. */
  get files(): number {
    return this.#files;
  }

  rootHex(): string {
    return this.#tree.rootHex();
  }

  /** Goes on to the tree of `size` entries; writes what becomes full. @throws CliError `ledger`, `io`. */
  add(size: number, onBundle?: () => void): void {
    for (const rows of this.#reader.storedTexts(this.#tree.size, size)) {
      for (const [seq, text] of rows) {
        this.#push(seq, text);
        if (this.#tree.size % TILE_WIDTH === 0) onBundle?.();
      }
    }
    if (this.#tree.size !== size) throw unreadable(this.#tree.size);
  }

  /** Writes what stays partial, unless it was there. */
  end(): void {
    for (const tile of this.#tree.partialTiles()) {
      const nodes = (size: number): number => Math.floor(size / TILE_WIDTH ** tile.level);
      if (nodes(this.#tree.size) > nodes(this.#before)) this.#write(tile);
    }
  }

  #push(seq: number, text: string | null): void {
    if (seq !== this.#tree.size || text === null) throw unreadable(this.#tree.size);
    // Several malformed octets decode to U+FFFD: only the octets themselves say what was signed.
    if (text.includes('\ufffd') && Buffer.compare(Buffer.from(text), this.#reader.entryOctets(seq).entry) !== 0) {
      throw unreadable(seq);
    }
    const octets = this.#bundle.write(text, this.#octets + 2);
    this.#bundle.writeUInt16BE(octets, this.#octets);
    this.#octets += 2 + octets;
    this.#tree.push(leafHashHex(text), (tile) => this.#write(tile));
  }

  #write({ level, index, hashesHex }: Tile): void {
    const width = hashesHex.length;
    if (level === 0) {
      this.#directory.write(tilePath('entries', index, width), this.#bundle.subarray(0, this.#octets));
      this.#octets = 0;
      this.#files++;
    }
    this.#directory.write(tilePath(level, index, width), Buffer.from(hashesHex.join(''), 'hex'));
    this.#files++;
  }
}

/** Partial tiles above level 0 of the tree of `size` entries, from the stored nodes. */
function storedRows(reader: LedgerReader, size: number): string[][] {
  const rows: string[][] = [];
  for (let level = 1; TILE_WIDTH ** level <= size; level++) {
    const end = Math.floor(size / TILE_WIDTH ** level);
    const row: string[] = [];
    for (let node = end - partialWidth(level, size); node < end; node++) {
      const hash = reader.node(8 * level, node);
      if (hash?.length !== 32) {
        throw new CliError('ledger', `a tree node is missing or damaged: level ${8 * level}, node ${node}`, {
          hint: 'run if-witness verify',
          exitCode: 1,
        });
      }
      row.push(hexOf(hash));
    }
    rows.push(row);
  }
  return rows;
}

function unreadable(seq: number): CliError {
  return new CliError('ledger', `entry ${seq} is missing or cannot be read`, {
    hint: 'run if-witness verify',
    exitCode: 1,
  });
}
