/** Proofs against RFC 6962 §2.1.1 and §2.1.2 written down as they stand there, at every place of every tree up to 300 leaves. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  consistencyProof,
  EMPTY_ROOT_HEX,
  inclusionProof,
  isConsistent,
  leafHashHex,
  type RangeHash,
  rootOfInclusionProof,
} from '../dist/index.js';

const MOST = 300;
const leaves = Array.from({ length: MOST }, (_, i) => leafHashHex(`{"seq":${i}}`));

const known = new Map<number, string>();
/** MTH of RFC 6962 §2.1 of the leaves from ≤ i < to. */
const hashOf: RangeHash = (from, to) => {
  if (to - from === 1) return leaves[from]!;
  const key = from * 1000 + to;
  const hash =
    known.get(key) ?? sha256('01', hashOf(from, from + split(to - from)), hashOf(from + split(to - from), to));
  known.set(key, hash);
  return hash;
};
const sha256 = (...hex: readonly string[]): string =>
  createHash('sha256')
    .update(Buffer.from(hex.join(''), 'hex'))
    .digest('hex');

function split(n: number): number {
  let k = 1;
  while (2 * k < n) k *= 2;
  return k;
}

/** PATH(m, D[n]) of §2.1.1, over the leaves from ≤ i < to. */
function path(m: number, from: number, to: number): string[] {
  if (to - from === 1) return [];
  const k = split(to - from);
  if (m < k) return [...path(m, from, from + k), hashOf(from + k, to)];
  return [...path(m - k, from + k, to), hashOf(from, from + k)];
}

/** SUBPROOF(m, D[n], b) of §2.1.2. */
function subproof(m: number, from: number, to: number, b: boolean): string[] {
  const n = to - from;
  if (m === n) return b ? [] : [hashOf(from, to)];
  const k = split(n);
  if (m <= k) return [...subproof(m, from, from + k, b), hashOf(from + k, to)];
  return [...subproof(m - k, from + k, to, false), hashOf(from, from + k)];
}

const sizes = Array.from({ length: MOST }, (_, i) => i + 1);
const roots = ['', ...sizes.map((size) => hashOf(0, size))];
/** Where it is worth looking closely: all small trees, and those around powers of two. */
const closely = sizes.filter((size) => size <= 40 || [63, 64, 65, 127, 128, 129, 255, 256, 257, 300].includes(size));
const OTHER = leafHashHex('other');

describe('inclusion', () => {
  test('every leaf of every tree has the proof of the RFC, and it gives the root', () => {
    const wrong: string[] = [];
    for (const size of sizes) {
      for (let index = 0; index < size; index++) {
        const proof = inclusionProof(index, size, hashOf);
        const isPath = proof.join() === path(index, 0, size).join();
        if (!isPath || rootOfInclusionProof(index, size, leaves[index]!, proof) !== roots[size])
          wrong.push(`${index} of ${size}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('no proof holds for another leaf, index, size, or with a hash more, less or other', () => {
    const accepted: string[] = [];
    for (const size of closely) {
      for (let index = 0; index < size; index++) {
        const proof = inclusionProof(index, size, hashOf);
        const leaf = leaves[index]!;
        const attempts: Record<string, string | undefined> = {
          leaf: rootOfInclusionProof(index, size, OTHER, proof),
          long: rootOfInclusionProof(index, size, leaf, [...proof, OTHER]),
          'long in front': rootOfInclusionProof(index, size, leaf, [OTHER, ...proof]),
          ...(proof.length === 0
            ? {}
            : {
                short: rootOfInclusionProof(index, size, leaf, proof.slice(0, -1)),
                'short in front': rootOfInclusionProof(index, size, leaf, proof.slice(1)),
                reversed: proof.length > 1 ? rootOfInclusionProof(index, size, leaf, [...proof].reverse()) : undefined,
              }),
        };
        for (const [i] of proof.entries())
          attempts[`hash ${i}`] = rootOfInclusionProof(index, size, leaf, proof.with(i, OTHER));
        for (const other of [index - 1, index + 1, size - 1 - index])
          if (other !== index) attempts[`index ${other}`] = rootOfInclusionProof(other, size, leaf, proof);
        for (const [what, root] of Object.entries(attempts))
          if (root === roots[size]) accepted.push(`${index} of ${size}: ${what}`);
      }
    }
    expect(accepted).toEqual([]);
  });

  test('what has no place in a tree has no proof and gives no root', () => {
    for (const [index, size] of [
      [0, 0],
      [1, 1],
      [-1, 8],
      [8, 8],
      [0.5, 8],
      [Number.NaN, 8],
      [0, -1],
      [0, 2 ** 53],
      [0, Number.POSITIVE_INFINITY],
    ] as const) {
      expect(() => inclusionProof(index, size, hashOf)).toThrow(RangeError);
      expect(rootOfInclusionProof(index, size, leaves[0]!, [])).toBeUndefined();
    }
  });

  test('hashes are hex of 32 octets and nothing else', () => {
    const [sibling] = inclusionProof(0, 2, hashOf);
    for (const odd of [`${sibling}00`, sibling!.slice(2), sibling!.toUpperCase(), `${sibling!.slice(1)}g`, ''])
      expect(rootOfInclusionProof(0, 2, leaves[0]!, [odd])).toBeUndefined();
    expect(rootOfInclusionProof(0, 1, `${leaves[0]}00`, [])).toBeUndefined();
  });

  test('trees beyond 2^32 leaves do not wrap', () => {
    const size = 2 ** 40 + 1;
    const stands: RangeHash = (from, to) => leafHashHex(`${from}-${to}`);
    const last = inclusionProof(size - 1, size, stands);
    expect(last).toEqual([stands(0, 2 ** 40)]);
    expect(rootOfInclusionProof(size - 1, size, leaves[0]!, last)).toBe(sha256('01', last[0]!, leaves[0]!));
    expect(inclusionProof(0, size, stands)).toHaveLength(41);
    expect(rootOfInclusionProof(2 ** 33, size, leaves[0]!, inclusionProof(2 ** 33, size, stands))).toBeDefined();
  });
});

describe('consistency', () => {
  test('every two trees have the proof of the RFC, and it shows that the larger continues the smaller', () => {
    const wrong: string[] = [];
    for (const size of sizes) {
      for (let old = 1; old <= size; old++) {
        const proof = consistencyProof(old, size, hashOf);
        const isRfc = proof.join() === subproof(old, 0, size, true).join();
        if (!isRfc || !isConsistent(old, roots[old]!, size, roots[size]!, proof)) wrong.push(`${old} to ${size}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('no proof holds for another root or size, or with a hash more, less or other', () => {
    const accepted: string[] = [];
    for (const size of closely) {
      for (let old = 1; old <= size; old++) {
        const proof = consistencyProof(old, size, hashOf);
        const [oldRoot, root] = [roots[old]!, roots[size]!];
        const attempts: Record<string, boolean> = {
          'old root': isConsistent(old, OTHER, size, root, proof),
          'new root': isConsistent(old, oldRoot, size, OTHER, proof),
          swapped: old < size && isConsistent(old, root, size, oldRoot, proof),
          'old size less': isConsistent(old - 1, oldRoot, size, root, proof),
          'sizes swapped': old < size && isConsistent(size, oldRoot, old, root, proof),
          long: isConsistent(old, oldRoot, size, root, [...proof, OTHER]),
          'long in front': isConsistent(old, oldRoot, size, root, [OTHER, ...proof]),
          short: proof.length > 0 && isConsistent(old, oldRoot, size, root, proof.slice(0, -1)),
          'short in front': proof.length > 0 && isConsistent(old, oldRoot, size, root, proof.slice(1)),
        };
        for (const [i] of proof.entries())
          attempts[`hash ${i}`] = isConsistent(old, oldRoot, size, root, proof.with(i, OTHER));
        for (const [what, isAccepted] of Object.entries(attempts))
          if (isAccepted) accepted.push(`${old} to ${size}: ${what}`);
      }
    }
    expect(accepted).toEqual([]);
  });

  test('every tree continues the empty one and itself, by an empty proof alone', () => {
    for (const size of [0, 1, 2, 7, 8, 300]) {
      expect(consistencyProof(0, size, hashOf)).toEqual([]);
      expect(consistencyProof(size, size, hashOf)).toEqual([]);
    }
    expect(isConsistent(0, EMPTY_ROOT_HEX, 8, roots[8]!, [])).toBe(true);
    expect(isConsistent(0, EMPTY_ROOT_HEX, 8, roots[8]!, [OTHER])).toBe(false);
    expect(isConsistent(0, OTHER, 8, roots[8]!, [])).toBe(false);
    expect(isConsistent(8, roots[8]!, 8, roots[8]!, [OTHER])).toBe(false);
    expect(isConsistent(8, roots[8]!, 8, OTHER, [])).toBe(false);
  });

  test('sizes that are none have no proof and are continued by nothing', () => {
    for (const [old, size] of [
      [2, 1],
      [-1, 1],
      [0.5, 1],
      [1, Number.NaN],
      [1, 2 ** 53],
    ] as const) {
      expect(() => consistencyProof(old, size, hashOf)).toThrow(RangeError);
      expect(isConsistent(old, roots[1]!, size, roots[1]!, [])).toBe(false);
    }
  });
});
