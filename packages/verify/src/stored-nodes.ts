/** The tree nodes that a ledger stores: where a judge can start within the chain, and what the entries give to compare them with. */
import { hexOf, LOWEST_STORED_LEVEL, type OnNode } from '@infrafabric/format';
import type { Problems } from './report.js';
import type { ChainSource } from './source.js';

/** Entries of a judged range, and what is known of them when the nodes over them are compared. */
export interface JudgedRange {
  readonly from: number;
  readonly to: number;
  readonly last: boolean;
  /** False where rows are missing or doubled: then no node can be compared. */
  readonly comparable: boolean;
  /** Entries, from and to, whose bytes were said to have changed: the tree over them differs for that reason alone. */
  readonly named: readonly (readonly [from: number, to: number])[];
}

/** Complete subtrees that make up the first `size` leaves, by level; undefined when one is not stored. */
export function storedPeaks(source: Pick<ChainSource, 'node'>, size: number): string[] | undefined {
  const peaks: string[] = [];
  for (let level = LOWEST_STORED_LEVEL, width = size / 2 ** level; width > 0; level++, width = Math.floor(width / 2)) {
    if (width % 2 === 0) continue;
    const hash = source.node(level, width - 1);
    if (hash === undefined || hash.length !== 32) return undefined;
    peaks[level] = hexOf(hash);
  }
  return peaks;
}

/** The nodes that the entries give. */
export class GivenNodes {
  readonly #hashes = new Map<number, string>();

  /** Keeps a node as the tree grows. */
  readonly keep: OnNode = (level, node, hash) => {
    if (level >= LOWEST_STORED_LEVEL) this.#hashes.set(nodeKey(level, node)!, hash);
  };

  /** Compares the stored nodes over a range. */
  judge(source: ChainSource, range: JudgedRange, problems: Problems): void {
    const missing = new Map(this.#hashes);
    for (const rows of source.nodes(range.from, range.to)) {
      for (const { level, node, hash } of rows) {
        const covered = (node + 1) * 2 ** level;
        // The first range also takes what lies below every node, the last one what lies beyond.
        if (range.from > 0 && covered <= range.from) continue;
        if (!range.last && covered > range.to) continue;
        const key = nodeKey(level, node);
        const expected = key === undefined ? undefined : this.#hashes.get(key);
        if (key !== undefined) missing.delete(key);
        if (hash !== null && hash.length === 32 && expected === hexOf(hash)) continue;
        if (expected !== undefined && (!range.comparable || coversNamed(range, level, node))) continue;
        const seq = expected === undefined ? undefined : node * 2 ** level;
        problems.add({
          code: 'tree.node',
          ...(seq === undefined ? {} : { seq }),
          column: 'nodes.hash',
          message: `the stored tree node ${level}/${node} is not the one that its entries give`,
        });
      }
    }
    if (!range.comparable) return;
    for (const key of missing.keys()) {
      const [level, node] = [Math.floor(key / 2 ** 45), key % 2 ** 45];
      if (coversNamed(range, level, node)) continue;
      problems.add({
        code: 'tree.node',
        seq: node * 2 ** level,
        column: 'nodes.hash',
        message: `the stored tree node ${level}/${node} is missing`,
      });
    }
  }
}

function coversNamed({ named }: JudgedRange, level: number, node: number): boolean {
  const start = node * 2 ** level;
  return named.some(([from, to]) => from < start + 2 ** level && to >= start);
}

/** One number for a place in the tree; undefined for a place that no tree of a ledger has. */
function nodeKey(level: number, node: number): number | undefined {
  if (!(level >= LOWEST_STORED_LEVEL && level <= 53 && node >= 0 && node < 2 ** 45)) return undefined;
  return level * 2 ** 45 + node;
}
