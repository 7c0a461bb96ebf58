/** The tree against RFC 6962 §2.1 written down as it stands there, and against Certificate Transparency's test vectors. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { bytesOfHex, concatBytes, EMPTY_ROOT_HEX, leafHashHex, MerkleFrontier, nodeHashHex } from '../dist/index.js';

const sha256 = (...parts: readonly Uint8Array[]): Buffer =>
  createHash('sha256')
    .update(concatBytes(...parts))
    .digest();
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** MTH of RFC 6962 §2.1. */
function treeHash(leaves: readonly Uint8Array[]): Buffer {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return sha256(LEAF, leaves[0]!);
  let k = 1;
  while (2 * k < leaves.length) k *= 2;
  return sha256(NODE, treeHash(leaves.slice(0, k)), treeHash(leaves.slice(k)));
}

function frontierOf(leaves: readonly string[]): MerkleFrontier {
  const frontier = new MerkleFrontier();
  for (const leaf of leaves) frontier.push(leafHashHex(leaf));
  return frontier;
}

const entries = Array.from({ length: 300 }, (_, i) => `{"seq":${i},"text":"é${'x'.repeat(i % 7)}"}`);

describe('MerkleFrontier', () => {
  test('gives the roots of the Certificate Transparency vectors', () => {
    const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
    const roots = [
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
      'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
      '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
      'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
      '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
    ];
    const frontier = new MerkleFrontier();
    expect(frontier.rootHex()).toBe(EMPTY_ROOT_HEX);
    expect(EMPTY_ROOT_HEX).toBe(sha256().toString('hex'));
    for (const [i, leaf] of leaves.entries()) {
      frontier.push(leafHashHex(Buffer.from(leaf, 'hex').toString('latin1')));
      expect(frontier.rootHex()).toBe(roots[i]);
      expect(frontier.size).toBe(i + 1);
    }
  });

  test('agrees with the definition at every size up to 300', () => {
    const leaves = entries.map((entry) => Buffer.from(entry));
    const frontier = new MerkleFrontier();
    for (let size = 0; size <= 300; size++) {
      expect(frontier.rootHex()).toBe(treeHash(leaves.slice(0, size)).toString('hex'));
      if (size < 300) frontier.push(leafHashHex(entries[size]!));
    }
  });

  test('reports each complete node once, with the root of the leaves below it', () => {
    const nodes = new Map<string, string>();
    const frontier = new MerkleFrontier();
    for (const entry of entries) {
      frontier.push(leafHashHex(entry), (level, index, hash) => {
        expect(nodes.has(`${level}/${index}`)).toBe(false);
        nodes.set(`${level}/${index}`, hash);
      });
    }
    let expected = 0;
    for (let level = 1; 2 ** level <= 300; level++) {
      for (let index = 0; (index + 1) * 2 ** level <= 300; index++, expected++) {
        const below = entries.slice(index * 2 ** level, (index + 1) * 2 ** level).map((entry) => Buffer.from(entry));
        expect(nodes.get(`${level}/${index}`)).toBe(treeHash(below).toString('hex'));
      }
    }
    expect(nodes.size).toBe(expected);
  });

  test('continues from the peaks of any size', () => {
    for (const size of [0, 1, 2, 3, 7, 8, 255, 256, 257]) {
      const peaks: (string | undefined)[] = [];
      for (let level = 0, at = size; 2 ** level <= size; level++) {
        if (Math.floor(size / 2 ** level) % 2 === 0) continue;
        at -= 2 ** level;
        peaks[level] = frontierOf(entries.slice(at, at + 2 ** level)).rootHex();
      }
      const continued = new MerkleFrontier(size, peaks);
      expect(continued.rootHex()).toBe(frontierOf(entries.slice(0, size)).rootHex());
      for (const entry of entries.slice(size)) continued.push(leafHashHex(entry));
      expect(continued.rootHex()).toBe(frontierOf(entries).rootHex());
    }
  });

  test('grows by complete subtrees as by their leaves', () => {
    for (const cuts of [
      [256, 32, 8, 4],
      [1, 1, 2, 4, 8, 16, 32, 64, 128, 32, 8, 4],
      [128, 128, 1, 1, 2, 4, 8, 16, 12],
    ]) {
      const frontier = new MerkleFrontier();
      let at = 0;
      for (const count of cuts) {
        const level = Math.log2(count);
        if (Number.isInteger(level)) frontier.pushSubtree(level, frontierOf(entries.slice(at, at + count)).rootHex());
        else for (const entry of entries.slice(at, at + count)) frontier.push(leafHashHex(entry));
        at += count;
        expect(frontier.rootHex()).toBe(frontierOf(entries.slice(0, at)).rootHex());
      }
      expect(frontier.size).toBe(300);
    }
    expect(() => frontierOf(['a']).pushSubtree(1, leafHashHex('b'))).toThrow(RangeError);
  });

  test('a clone grows by itself', () => {
    const frontier = frontierOf(entries.slice(0, 5));
    const root = frontier.rootHex();
    frontier.clone().push(leafHashHex('other'));
    expect(frontier.rootHex()).toBe(root);
    expect(frontier.size).toBe(5);
  });

  test('sizes beyond 2^32 do not wrap', () => {
    const size = 2 ** 40 + 1;
    const peaks: (string | undefined)[] = [leafHashHex('last')];
    peaks[40] = leafHashHex('stands for 2^40 leaves');
    const frontier = new MerkleFrontier(size, peaks);
    const nodes: [number, number][] = [];
    frontier.push(leafHashHex('next'), (level, index) => nodes.push([level, index]));
    expect(frontier.size).toBe(size + 1);
    expect(nodes).toEqual([[1, 2 ** 39]]);
  });
});

describe('domain separation', () => {
  test('a leaf whose octets are 0x01 ‖ left ‖ right is not the node over left and right', () => {
    const [left, right] = [leafHashHex('a'), leafHashHex('b')];
    const forged = concatBytes(NODE, bytesOfHex(left), bytesOfHex(right));
    expect(sha256(forged).toString('hex')).toBe(nodeHashHex(left, right));
    const forgedLeaf = sha256(LEAF, forged).toString('hex');
    expect(forgedLeaf).not.toBe(nodeHashHex(left, right));

    const honest = frontierOf(['a', 'b', 'c']);
    const shorter = new MerkleFrontier();
    shorter.push(forgedLeaf);
    shorter.push(leafHashHex('c'));
    expect(shorter.rootHex()).not.toBe(honest.rootHex());
  });

  test('an entry that begins with the octets of a prefix hashes as what it is', () => {
    for (const entry of ['\u0000', '\u0001', '\u0000\u0001']) {
      expect(leafHashHex(entry)).toBe(sha256(LEAF, Buffer.from(entry)).toString('hex'));
    }
  });
});
