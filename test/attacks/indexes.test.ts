/** Attack matrix: an index says which traces a range of entries holds; whoever signs a wrong one is found out. */
import { createHash } from 'node:crypto';
import { copyFileSync, cpSync } from 'node:fs';
import type { CanonicalObject } from '@infrafabric/format';
import { Ledger } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { beforeAll, describe, expect, test } from 'vitest';
import { at, type Built, buildLedger, found, newDirectory, verifyFile } from './ledger-files.js';

const sha = (...parts: readonly (Buffer | string)[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** RFC 6962 §2.1, by the book. */
function root(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return sha('');
  if (leaves.length === 1) return leaves[0]!;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha(Buffer.of(1), root(leaves.slice(0, split)), root(leaves.slice(split)));
}

/** The body of an index as docs/format.md describes it. */
function indexOf(path: string, from: number, to: number): CanonicalObject {
  const reader = LedgerReader.open(path);
  try {
    const spans = [...reader.entriesFrom(from)].filter(({ seq, entry }) => seq < to && entry.type === 'span');
    const tree = (keyOf: (body: CanonicalObject) => Buffer | undefined): CanonicalObject => {
      const seqs = new Map<string, number[]>();
      for (const { seq, entry } of spans) {
        const key = keyOf(entry.body)?.toString('hex');
        if (key !== undefined) seqs.set(key, [...(seqs.get(key) ?? []), seq]);
      }
      const leaves = [...seqs]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, of]) => {
          const octets = Buffer.alloc(8 * of.length);
          for (const [i, seq] of of.entries()) octets.writeBigUInt64BE(BigInt(seq), 8 * i);
          return sha(Buffer.of(0), Buffer.from(key, 'hex'), octets);
        });
      return { leaves: leaves.length, root: root(leaves).toString('hex') };
    };
    const text = (name: string) => (body: CanonicalObject) => {
      const value = body[name];
      return typeof value === 'string' ? sha(value) : undefined;
    };
    return {
      business: tree(text('business')),
      business_parent: tree(text('business_parent')),
      from,
      to,
      trace: tree((body) => Buffer.from(String(body.trace), 'hex')),
    };
  } finally {
    reader.close();
  }
}

let built: Built;
beforeAll(async () => {
  built = await buildLedger({ batches: [3, 40, 20], seed: 'indexes' });
});

/** Judges a copy of the ledger to which these indexes were appended, one commit each. */
async function judge(...bodies: readonly ((path: string) => CanonicalObject)[]) {
  const home = newDirectory();
  cpSync(built.home, home, { recursive: true });
  const ledger = await Ledger.open({ home });
  for (const body of bodies) await ledger.append([{ type: 'index', body: body(ledger.paths.ledger) }]);
  await ledger.close();
  const path = `${newDirectory()}/witness.db`;
  copyFileSync(ledger.paths.ledger, path);
  return verifyFile(path, { key: built.key });
}

const first = (path: string): CanonicalObject => indexOf(path, 0, 30);
const second = (path: string): CanonicalObject => indexOf(path, 30, 65);

test('honest indexes are VALID, and understood', async () => {
  expect(await judge(first, second)).toMatchObject({ verdict: 'VALID', problems: [], notUnderstood: {} });
});

test('of a range without spans it has empty trees', async () => {
  const empty = { leaves: 0, root: root([]).toString('hex') };
  const body = { business: empty, business_parent: empty, from: 0, to: 1, trace: empty };
  expect(await judge(() => body)).toMatchObject({ verdict: 'VALID', problems: [] });
});

describe('INVALID is one', () => {
  const changed = (change: CanonicalObject) => (path: string) => ({ ...first(path), ...change });
  const leaves = { leaves: 1, root: 'a'.repeat(64) };
  test.each<[string, readonly ((path: string) => CanonicalObject)[], string]>([
    [
      'that leaves a trace out',
      [(path) => ({ ...first(path), trace: indexOf(path, 0, 29).trace })],
      at('index.root', 64),
    ],
    ['with another root of business ids', [changed({ business: leaves })], at('index.root', 64)],
    ['with another root of parents', [changed({ business_parent: leaves })], at('index.root', 64)],
    ['that does not begin at 0', [(path) => indexOf(path, 1, 30)], at('index.range', 64)],
    ['that leaves a gap', [first, (path) => indexOf(path, 31, 65)], at('index.range', 65)],
    ['that overlaps', [first, (path) => indexOf(path, 29, 65)], at('index.range', 65)],
    ['of nothing', [(path) => indexOf(path, 0, 0)], at('index.range', 64)],
    ['of entries that come later', [(path) => indexOf(path, 0, 66)], at('index.range', 64)],
    ['without a range', [changed({ from: 'x' })], at('index.malformed', 64)],
    ['without a tree', [changed({ trace: 7 })], at('index.malformed', 64)],
  ])('%s', async (_, bodies, problem) => {
    const report = await judge(...bodies);
    expect(report.verdict).toBe('INVALID');
    expect(found(report)).toContain(problem);
  });
});
