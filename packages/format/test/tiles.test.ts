/** Tiles against c2sp.org/tlog-tiles: its examples, and its definition of a tile written down as it stands there. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { MerkleFrontier, partialWidth, TILE_WIDTH, type Tile, TileTree, tilePath } from '../dist/index.js';

const leaf = (i: number): string => createHash('sha256').update(`leaf ${i}`).digest('hex');

/** MTH of the leaves from..to. */
function treeHash(from: number, to: number): string {
  const tree = new MerkleFrontier();
  for (let i = from; i < to; i++) tree.push(leaf(i));
  return tree.rootHex();
}

function grow(tree: TileTree, size: number): Tile[] {
  const full: Tile[] = [];
  for (let i = tree.size; i < size; i++) tree.push(leaf(i), (tile) => full.push(tile));
  return full;
}

describe('the path of a tile', () => {
  test.each<[level: number | 'entries', index: number, width: number | undefined, path: string]>([
    [0, 0, undefined, 'tile/0/000'],
    [0, 999, undefined, 'tile/0/999'],
    [0, 1000, undefined, 'tile/0/x001/000'],
    [0, 1_234_067, undefined, 'tile/0/x001/x234/067'],
    [2, 0, 1, 'tile/2/000.p/1'],
    ['entries', 273, 112, 'tile/entries/273.p/112'],
    ['entries', 1_000_000, 255, 'tile/entries/x001/x000/000.p/255'],
    [6, 2 ** 53 - 1, undefined, 'tile/6/x009/x007/x199/x254/x740/991'],
  ])('of level %s, index %i, width %s is %s', (level, index, width, path) => {
    expect(tilePath(level, index, width)).toBe(path);
  });

  test.each<[level: number, index: number, width: number]>([
    [-1, 0, 1],
    [64, 0, 1],
    [0.5, 0, 1],
    [0, -1, 1],
    [0, 2 ** 53, 1],
    [0, 0, 0],
    [0, 0, 257],
  ])('of level %s, index %s, width %s is refused', (level, index, width) => {
    expect(() => tilePath(level, index, width)).toThrow(RangeError);
  });
});

describe('the tiles of a tree', () => {
  test('of 70,000 leaves are those of the specification', () => {
    const tree = new TileTree();
    const full = grow(tree, 70_000);
    expect(full.filter(({ level }) => level === 0)).toHaveLength(273);
    expect(full.filter(({ level }) => level === 1)).toHaveLength(1);
    expect(full).toHaveLength(274);
    expect(tree.partialTiles().map(({ level, index, hashesHex }) => [level, index, hashesHex.length])).toEqual([
      [0, 273, 112],
      [1, 1, 17],
      [2, 0, 1],
    ]);
    for (const [level, width] of [112, 17, 1, 0].entries()) expect(partialWidth(level, 70_000)).toBe(width);
    // MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l]), at some n and i.
    const hash = (level: number, index: number, i: number): string | undefined =>
      [...full, ...tree.partialTiles()].find((tile) => tile.level === level && tile.index === index)?.hashesHex[i];
    for (const [level, index, i] of [
      [0, 0, 0],
      [0, 273, 111],
      [1, 0, 255],
      [1, 1, 16],
      [2, 0, 0],
    ] as const) {
      const at = (TILE_WIDTH * index + i) * TILE_WIDTH ** level;
      expect(hash(level, index, i)).toBe(treeHash(at, at + TILE_WIDTH ** level));
    }
    expect(tree.rootHex()).toBe(treeHash(0, 70_000));
  });

  test('give the root of RFC 6962 at every size up to 600 and around 65,536', () => {
    const tree = new TileTree();
    const frontier = new MerkleFrontier();
    for (let size = 0; size <= 66_000; size++) {
      if (size <= 600 || (size > 65_500 && size < 65_800)) expect(tree.rootHex()).toBe(frontier.rootHex());
      tree.push(leaf(size));
      frontier.push(leaf(size));
    }
  });

  test.each([0, 1, 255, 256, 257, 511, 512, 65_535, 65_536, 66_000])(
    'continued at %i leaves are those of a tree that never paused',
    (size) => {
      const whole = new TileTree();
      const first = grow(whole, size);
      const rows: string[][] = [];
      for (const { level, hashesHex } of whole.partialTiles()) rows[level] = [...hashesHex];
      const continued = new TileTree(
        size,
        Array.from(rows, (row) => row ?? []),
      );
      expect(continued.rootHex()).toBe(whole.rootHex());
      expect(grow(continued, size + 700)).toEqual(grow(whole, size + 700));
      expect(continued.partialTiles()).toEqual(whole.partialTiles());
      expect(first.every(({ hashesHex }) => hashesHex.length === TILE_WIDTH)).toBe(true);
    },
  );

  test('cannot be continued from rows of other widths', () => {
    expect(() => new TileTree(257, [[leaf(0)]])).toThrow(RangeError);
    expect(() => new TileTree(256, [[], [leaf(0), leaf(1)]])).toThrow(RangeError);
    expect(() => new TileTree(0, [[leaf(0)]])).toThrow(RangeError);
  });
});
