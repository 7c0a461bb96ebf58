/** Proof files of a real ledger, judged without it; and everything about them that could be another. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type Built, buildLedger } from '../../../test/attacks/ledger-files.js';
import { encodeTlogProof, parseTlogProof, type TlogProof, utf8Of } from '../../format/dist/index.js';
import { LedgerReader, LedgerTree } from '../../ledger/dist/reader.js';
import { judgeProof } from '../dist/index.js';

const SEQ = 300;
let built: Built;
let other: Built;
let file: Uint8Array;
let entry: Uint8Array;
let proof: TlogProof;

beforeAll(async () => {
  built = await buildLedger({ batches: [290, 100, 10] });
  other = await buildLedger({ batches: [290, 100, 10], seed: 'another' });
  [file, entry] = proofOf(built, SEQ);
  proof = parseTlogProof(file);
});

function proofOf({ path, entries }: Built, seq: number): [file: Uint8Array, entry: Uint8Array] {
  const reader = LedgerReader.open(path);
  try {
    const hashes = new LedgerTree(reader).inclusionProof(seq, entries);
    return [encodeTlogProof({ index: seq, hashes, checkpoint: reader.newestNote()! }), utf8Of(reader.entryText(seq)!)];
  } finally {
    reader.close();
  }
}

const codes = (octets: Uint8Array, of: Uint8Array = entry, { key } = built): string[] => {
  const report = judgeProof(octets, of, key);
  expect(report).toMatchObject({ verdict: 'INVALID', code: 'invalid', exitCode: 1 });
  return report.problems.map(({ code }) => code);
};
const changed = (change: Partial<TlogProof>): Uint8Array => encodeTlogProof({ ...proof, ...change });
const flipped = (octets: Uint8Array, at: number): Uint8Array =>
  octets.map((octet, i) => (i === at ? octet ^ 1 : octet));

describe('a proof', () => {
  test('of every entry at the edges of the tree holds, and says of which', () => {
    for (const seq of [0, 1, 255, 256, 290, 291, SEQ, 399, 400]) {
      expect(judgeProof(...proofOf(built, seq), built.key)).toMatchObject({
        verdict: 'VALID',
        code: 'valid.included',
        exitCode: 0,
        index: seq,
        checkpoint: { origin: built.key.name, size: 401 },
        entry: { seq },
        problems: [],
      });
    }
  });

  test('without a key is at best INCOMPLETE, and still refused when it does not add up', () => {
    expect(judgeProof(file, entry, undefined)).toMatchObject({
      verdict: 'INCOMPLETE',
      code: 'incomplete.self-asserted-key',
      exitCode: 3,
    });
    expect(judgeProof(changed({ index: SEQ + 1 }), entry, undefined).verdict).toBe('INVALID');
  });

  test('with a wrong index, or more, fewer or other hashes is refused', () => {
    for (const index of [0, SEQ - 1, SEQ + 1, 400]) expect(codes(changed({ index }))).toContain('entry.seq');
    expect(codes(changed({ index: 401 }))).toEqual(['entry.seq', 'proof.index']);
    const { hashes } = proof;
    expect(codes(changed({ hashes: hashes.slice(1) }))).toEqual(['proof.root']);
    expect(codes(changed({ hashes: hashes.slice(0, -1) }))).toEqual(['proof.root']);
    expect(codes(changed({ hashes: [...hashes, hashes[0]!] }))).toEqual(['proof.root']);
    for (const i of hashes.keys())
      expect(codes(changed({ hashes: hashes.with(i, 'a'.repeat(64)) }))).toEqual(['proof.root']);
  });

  test('of another entry, or of this one with a bit changed, is refused', () => {
    expect(codes(file, proofOf(built, SEQ + 1)[1])).toEqual(['entry.seq', 'proof.root']);
    for (let at = 0; at < entry.length; at += 7) expect(codes(file, flipped(entry, at))).toContain('proof.root');
    expect(codes(file, new Uint8Array())).toEqual(['entry.malformed', 'proof.root']);
    expect(codes(file, Uint8Array.of(0xff))).toEqual(['entry.octets']);
    expect(codes(file, Buffer.concat([entry, Buffer.from('\n')]))).toEqual(['proof.root']);
  });

  test('with the checkpoint of another size, ledger or key is refused', () => {
    const { checkpoint } = parseTlogProof(proofOf(other, SEQ)[0]);
    expect(codes(changed({ checkpoint }))).toEqual(['checkpoint.unsigned', 'key.origin', 'proof.root']);
    expect(codes(...proofOf(other, SEQ))).toEqual(['checkpoint.unsigned', 'key.origin']);
    const reader = LedgerReader.open(built.path);
    const older = [...reader.checkpoints(291)][0]![0]!.note!;
    reader.close();
    expect(codes(changed({ checkpoint: older }))).toEqual(['proof.index']);
    expect(codes(changed({ checkpoint: new Uint8Array() }))).toEqual(['checkpoint.malformed']);
    const text = Buffer.from(proof.checkpoint).toString();
    const resized = Buffer.from(text.replace('\n401\n', '\n402\n'));
    expect(codes(changed({ checkpoint: resized }))).toContain('checkpoint.signature');
  });

  test('with any one bit changed is never accepted as another', () => {
    for (let at = 0; at < file.length; at++) {
      const report = judgeProof(flipped(file, at), entry, built.key);
      expect(report.verdict, `bit of octet ${at}`).toBe('INVALID');
    }
  });

  test('that is none says so', () => {
    expect(codes(new Uint8Array())).toEqual(['proof.malformed']);
    expect(codes(Buffer.from('-----BEGIN CERTIFICATE-----'))).toEqual(['proof.malformed']);
  });
});
