/** Inclusion proofs in an RFC 6962 tree, made and checked; hashes are lowercase hex. */
import { MerkleFrontier, nodeHashHex } from '@infrafabric/format';

/** Longest path that is looked at: no tree that a number can count has more levels. */
const MAX_PATH = 53;

/** RFC 6962 §2.1: the root over leaf hashes. */
export function rootOfLeaves(leaves: readonly string[]): string {
  const tree = new MerkleFrontier();
  for (const leaf of leaves) tree.push(leaf);
  return tree.rootHex();
}

/** RFC 6962 §2.1.1: the siblings from a leaf up to the root. @throws RangeError when there is no such leaf. */
export function inclusionPath(leaves: readonly string[], index: number): string[] {
  if (!Number.isInteger(index) || index < 0 || index >= leaves.length) {
    throw new RangeError(`index must be a whole number from 0 to ${leaves.length - 1}`);
  }
  if (leaves.length === 1) return [];
  let split = 1;
  while (2 * split < leaves.length) split *= 2;
  const left = leaves.slice(0, split);
  const right = leaves.slice(split);
  return index < split
    ? [...inclusionPath(left, index), rootOfLeaves(right)]
    : [...inclusionPath(right, index - split), rootOfLeaves(left)];
}

/** RFC 9162 §2.1.3.2: the root that a path leads to, or undefined when the path does not fit the index and the size. */
export function rootOfPath(leaf: string, index: number, size: number, path: readonly string[]): string | undefined {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return undefined;
  if (path.length > MAX_PATH) return undefined;
  let [at, last, hash] = [index, size - 1, leaf];
  for (const sibling of path) {
    if (last === 0) return undefined;
    if (at % 2 === 1 || at === last) {
      hash = nodeHashHex(sibling, hash);
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else {
      hash = nodeHashHex(hash, sibling);
    }
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 ? hash : undefined;
}
