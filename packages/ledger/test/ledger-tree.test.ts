/** The tree out of a file, against the tree over its entries. */
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildLedger } from '../../../test/attacks/ledger-files.js';
import { isConsistent, leafHashHex, MerkleFrontier, rootOfInclusionProof } from '../../format/dist/index.js';
import { LedgerReader, LedgerTree } from '../dist/reader.js';

let reader: LedgerReader;
let tree: LedgerTree;
const leaves: string[] = [];
/** `roots[n]` is that of the first n entries. */
const roots: string[] = [];

beforeAll(async () => {
  reader = LedgerReader.open((await buildLedger({ batches: [100, 300, 1, 700] })).path);
  tree = new LedgerTree(reader);
  const frontier = new MerkleFrontier();
  roots.push(frontier.rootHex());
  for (const { text } of reader.entriesFrom()) {
    leaves.push(leafHashHex(text));
    frontier.push(leaves.at(-1)!);
    roots.push(frontier.rootHex());
  }
});
afterAll(() => reader.close());

// Around the stored nodes of level 8, 9 and 10, and the ledger's own ends.
const SIZES = [0, 1, 2, 100, 255, 256, 257, 511, 512, 513, 767, 768, 1023, 1024, 1025, 1101, 1102];

test('has the root of every size that the ledger had', () => {
  expect(leaves).toHaveLength(1102);
  expect(roots.map((_, size) => tree.rootHex(size))).toEqual(roots);
});

test('proves that an entry is in the tree of every size behind it', () => {
  for (const size of SIZES) {
    for (const index of SIZES.filter((index) => index < size)) {
      const proof = tree.inclusionProof(index, size);
      expect(rootOfInclusionProof(index, size, leaves[index]!, proof), `${index} of ${size}`).toBe(roots[size]);
    }
  }
});

test('proves that every size continues every smaller one', () => {
  for (const size of SIZES) {
    for (const old of SIZES.filter((old) => old <= size)) {
      const proof = tree.consistencyProof(old, size);
      expect(isConsistent(old, roots[old]!, size, roots[size]!, proof), `${old} to ${size}`).toBe(true);
    }
  }
});

test('there is no proof of what the ledger does not have', () => {
  for (const size of [-1, 1103, 1.5, Number.NaN]) {
    expect(() => tree.rootHex(size)).toThrow(RangeError);
    expect(() => tree.inclusionProof(0, size)).toThrow(RangeError);
    expect(() => tree.consistencyProof(0, size)).toThrow(RangeError);
  }
  for (const index of [-1, 300, 0.5]) expect(() => tree.inclusionProof(index, 300)).toThrow(RangeError);
});

test('a file that lacks an entry or a node says so instead of proving nothing', async () => {
  for (const [lost, index, missing] of [
    ['DROP TRIGGER entries_no_delete; DELETE FROM entries WHERE seq = 520', 530, 'entry 520'],
    ['DELETE FROM nodes WHERE level = 9 AND node = 0', 600, 'the tree node 0 of level 9'],
    ["UPDATE nodes SET hash = x'00' WHERE level = 8 AND node = 3", 600, 'the tree node 3 of level 8'],
  ] as const) {
    const { path } = await buildLedger({ batches: [1101] });
    const db = new Database(path);
    db.exec(lost);
    db.close();
    const damaged = LedgerReader.open(path);
    expect(() => new LedgerTree(damaged).inclusionProof(index, 1102)).toThrow(
      expect.objectContaining({ code: 'tampered', message: `the ledger lacks ${missing}` }),
    );
    damaged.close();
  }
});
