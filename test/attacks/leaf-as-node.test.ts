/**
 * Attack matrix: a leaf whose octets are 0x01 ‖ left ‖ right, which without RFC 6962's prefixes would be the node over two others;
 * and a node given out as a leaf.
 */
import { createHash } from 'node:crypto';
import {
  bytesOfHex,
  encodeCheckpoint,
  leafHashHex,
  MerkleFrontier,
  nodeHashHex,
  parseCheckpoint,
  rootOfInclusionProof,
} from '@infrafabric/format';
import { beforeAll, describe, expect, test } from 'vitest';
import { editInPlace } from './edits.js';
import { controlEntry, forgeLedger, genesisOf, keyPair } from './forge.js';
import { at, type Built, buildLedger, found, verifyFile } from './ledger-files.js';

const ORIGIN = 'if-witness/00112233445566778899';
const gap = controlEntry('gap', '{"count":1,"reason":"x","since":"1","source":"s","until":"2"}');
const hashOfLeaf = (octets: Uint8Array): string =>
  createHash('sha256')
    .update(Buffer.concat([Buffer.of(0), octets]))
    .digest('hex');

let template: Built;
beforeAll(async () => {
  template = await buildLedger({ batches: [] });
});

describe('a leaf of the form of a node', () => {
  const [left, right] = [leafHashHex('left'), leafHashHex('right')];
  const octets = Buffer.concat([Buffer.of(1), bytesOfHex(left), bytesOfHex(right)]);

  test('does not hash as that node', () => {
    expect(createHash('sha256').update(octets).digest('hex')).toBe(nodeHashHex(left, right));
    expect(hashOfLeaf(octets)).not.toBe(nodeHashHex(left, right));
  });

  test('signed into a ledger by its key holder is named', async () => {
    const { signer, vkey, key } = await keyPair(ORIGIN, 3);
    // The tree as it is with those octets in the place of entry 2.
    const leaves: string[] = [];
    const noting =
      (write: typeof gap): typeof gap =>
      (place) => {
        const text = write(place.seq === 3 ? { ...place, prev: hashOfLeaf(octets) } : place);
        leaves.push(place.seq === 2 ? hashOfLeaf(octets) : leafHashHex(text));
        return text;
      };
    const path = await forgeLedger(template.path, {
      origin: ORIGIN,
      signer,
      batches: [[noting(genesisOf(ORIGIN, vkey))], [gap, gap, gap, gap].map(noting)],
      checkpoint: (text, size) => {
        const tree = new MerkleFrontier();
        for (const leaf of leaves) tree.push(leaf);
        return size === leaves.length ? encodeCheckpoint({ ...parseCheckpoint(text), rootHex: tree.rootHex() }) : text;
      },
    });
    // Entry 4 was written after entry 3 as it stands; only the one between is replaced.
    editInPlace(path, (db) => {
      expect(db.prepare('UPDATE entries SET entry = CAST(? AS TEXT) WHERE seq = 2').run(octets).changes).toBe(1);
    });
    const report = verifyFile(path, { key });
    expect(report.verdict).toBe('INVALID');
    // What cannot be read has no hash that the next entry could continue.
    expect(found(report)).toEqual([at('entry.octets', 2), at('entry.prev', 3)]);
  });
});

describe('a node given out as a leaf', () => {
  const entries = Array.from({ length: 8 }, (_, i) => Buffer.from(`entry ${i}`));
  const row = [entries.map(hashOfLeaf)];
  while (row[0]!.length > 1) {
    const below = row[0]!;
    row.unshift(Array.from({ length: below.length / 2 }, (_, i) => nodeHashHex(below[2 * i]!, below[2 * i + 1]!)));
  }
  const [[root], , nodes] = row as [[string], string[], string[], string[]];
  const leaves = row[3]!;

  test('is not proved by the rest of the path', () => {
    const octets = Buffer.concat([Buffer.of(1), bytesOfHex(leaves[0]!), bytesOfHex(leaves[1]!)]);
    const rest = [nodes[1]!, row[1]![1]!];
    // With the node's own hash the path leads to the root, in a tree of half the size that nobody signed.
    expect(rootOfInclusionProof(0, 4, nodes[0]!, rest)).toBe(root);
    for (const size of [4, 8]) expect(rootOfInclusionProof(0, size, hashOfLeaf(octets), rest)).not.toBe(root);
    for (const index of [0, 1]) expect(rootOfInclusionProof(index, 8, nodes[0]!, rest)).toBeUndefined();
  });
});
