/**
 * Inclusion and consistency proofs of the RFC 6962 tree (§2.1.1, §2.1.2; checking as in RFC 9162 §2.1.3.2 and §2.1.4.2).
 * A proof is a list of hashes, lowercase hex, the lowest in the tree first. Whoever makes one says how to hash a range of
 * leaves; whoever checks one needs nothing but the proof.
 */
import { EMPTY_ROOT_HEX, nodeHashHex } from './merkle.js';

/**
 * Hash of the leaves `from` <= i < `to`, hex, as the tree has it. `from` is a multiple of the smallest power of two that is
 * not below `to - from`, so that the range is a subtree, whole or at the tree's right edge.
 */
export type RangeHash = (from: number, to: number) => string;

/** The proof that leaf `index` is in the tree of `size` leaves. @throws RangeError unless 0 <= `index` < `size`. */
export function inclusionProof(index: number, size: number, hashOf: RangeHash): string[] {
  requireSize(size);
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) {
    throw new RangeError(`there is no leaf ${index} in a tree of ${size}`);
  }
  const proof: string[] = [];
  for (let from = 0, to = size; to - from > 1; ) {
    const middle = from + splitOf(to - from);
    if (index < middle) {
      proof.unshift(hashOf(middle, to));
      to = middle;
    } else {
      proof.unshift(hashOf(from, middle));
      from = middle;
    }
  }
  return proof;
}

/**
 * The root that a proof gives for a leaf; undefined where the proof does not have the length that index and size ask for, or
 * holds anything but hashes in lowercase hex.
 */
export function rootOfInclusionProof(
  index: number,
  size: number,
  leafHex: string,
  proof: readonly string[],
): string | undefined {
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(index) || index < 0 || index >= size) return undefined;
  if (!isHash(leafHex) || !proof.every(isHash)) return undefined;
  let hash = leafHex;
  let used = 0;
  // `last` is the place of the last node of a level, `at` that of ours. 2^53 leaves are beyond JavaScript's shifts.
  for (let at = index, last = size - 1; last > 0; at = Math.floor(at / 2), last = Math.floor(last / 2)) {
    // Without a sibling the node is its own parent.
    if (at === last && at % 2 === 0) continue;
    const sibling = proof[used++];
    if (sibling === undefined) return undefined;
    hash = at % 2 === 1 ? nodeHashHex(sibling, hash) : nodeHashHex(hash, sibling);
  }
  return used === proof.length ? hash : undefined;
}

/**
 * The proof that the tree of `newSize` leaves continues that of `oldSize`: empty for 0 and for equal sizes.
 * @throws RangeError unless 0 <= `oldSize` <= `newSize`.
 */
export function consistencyProof(oldSize: number, newSize: number, hashOf: RangeHash): string[] {
  requireSize(newSize);
  if (!Number.isSafeInteger(oldSize) || oldSize < 0 || oldSize > newSize) {
    throw new RangeError(`a tree of ${newSize} leaves does not continue one of ${oldSize}`);
  }
  if (oldSize === 0 || oldSize === newSize) return [];
  const proof: string[] = [];
  let [from, to] = [0, newSize];
  // The smallest subtree of the new tree at which the old one ends.
  while (to !== oldSize) {
    const middle = from + splitOf(to - from);
    if (oldSize <= middle) {
      proof.unshift(hashOf(middle, to));
      to = middle;
    } else {
      proof.unshift(hashOf(from, middle));
      from = middle;
    }
  }
  // Where it is the whole old tree, its root is known to whoever checks.
  return from === 0 ? proof : [hashOf(from, to), ...proof];
}

/** Whether a proof shows that the tree `newRootHex` of `newSize` leaves continues the tree `oldRootHex` of `oldSize`. */
export function isConsistent(
  oldSize: number,
  oldRootHex: string,
  newSize: number,
  newRootHex: string,
  proof: readonly string[],
): boolean {
  if (!Number.isSafeInteger(oldSize) || !Number.isSafeInteger(newSize) || oldSize < 0 || oldSize > newSize)
    return false;
  if (![oldRootHex, newRootHex, ...proof].every(isHash)) return false;
  // Everything continues the empty tree, which has but one root.
  if (oldSize === 0 && oldRootHex !== EMPTY_ROOT_HEX) return false;
  if (oldSize === newSize) return proof.length === 0 && oldRootHex === newRootHex;
  if (oldSize === 0) return proof.length === 0;
  let at = oldSize - 1;
  let last = newSize - 1;
  while (at % 2 === 1) [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  // A whole old tree is left out of the proof.
  const start = at === 0 ? oldRootHex : proof[0];
  if (start === undefined) return false;
  let [oldHash, newHash] = [start, start];
  let used = at === 0 ? 0 : 1;
  for (; last > 0; at = Math.floor(at / 2), last = Math.floor(last / 2)) {
    if (at === last && at % 2 === 0) continue;
    const sibling = proof[used++];
    if (sibling === undefined) return false;
    if (at % 2 === 1) {
      oldHash = nodeHashHex(sibling, oldHash);
      newHash = nodeHashHex(sibling, newHash);
    } else newHash = nodeHashHex(newHash, sibling);
  }
  return used === proof.length && oldHash === oldRootHex && newHash === newRootHex;
}

/** The largest power of two below `count`, which is at least 2. */
function splitOf(count: number): number {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}

/** A longer text would be hashed as its first 64 digits: two proofs for one. */
function isHash(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

function requireSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`not the size of a tree: ${size}`);
}
