/** The checkers of proofs against the vectors of transparency-dev/merkle; see merkle/ORIGIN.md. */
import { readFileSync } from 'node:fs';
import { isConsistent, rootOfInclusionProof } from '@infrafabric/format';
import { expect, test } from 'vitest';

interface Vector {
  readonly name: string;
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
}

interface Inclusion extends Vector {
  readonly leafIdx: number;
  readonly treeSize: number;
  readonly leafHash: string | null;
  readonly root: string | null;
}

interface Consistency extends Vector {
  readonly size1: number;
  readonly size2: number;
  readonly root1: string | null;
  readonly root2: string | null;
}

const read = <V>(file: string): V[] =>
  JSON.parse(readFileSync(new URL(`merkle/${file}.json`, import.meta.url), 'utf8')) as V[];
const hexOf = (base64: string | null): string => Buffer.from(base64 ?? '', 'base64').toString('hex');
const hashes = ({ proof }: Vector): string[] => (proof ?? []).map(hexOf);

test('every inclusion proof is accepted or refused as Go does', () => {
  const vectors = read<Inclusion>('inclusion');
  const answers = vectors.map((vector) => {
    const root = rootOfInclusionProof(vector.leafIdx, vector.treeSize, hexOf(vector.leafHash), hashes(vector));
    return [vector.name, root !== undefined && root === hexOf(vector.root)];
  });
  expect(answers).toEqual(vectors.map(({ name, wantErr }) => [name, !wantErr]));
  expect(vectors.filter(({ wantErr }) => !wantErr)).toHaveLength(6);
  expect(vectors).toHaveLength(98);
});

/** Its two roots have 12 octets, which Go does not look at. */
const NO_HASHES = 'additional/sizes-are-equal-one-and-proof-is-empty';

test('every consistency proof is accepted or refused as Go does', () => {
  const vectors = read<Consistency>('consistency');
  const answers = vectors.map((vector) => {
    const { name, size1, size2, root1, root2 } = vector;
    return [name, isConsistent(size1, hexOf(root1), size2, hexOf(root2), hashes(vector))];
  });
  expect(answers).toEqual(vectors.map(({ name, wantErr }) => [name, !wantErr && name !== NO_HASHES]));
  expect(vectors.filter(({ wantErr }) => !wantErr)).toHaveLength(6);
  expect(vectors).toHaveLength(98);
});
