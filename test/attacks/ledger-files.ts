/** Ledgers on disk for the attacks: built by the real writer, copied before each edit, judged by the real verifier. */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseVkey, type VerifierKey } from '@infrafabric/format';
import { type Draft, draftSpan, headFile, Ledger, localKeys, readHead, type Sources } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import {
  type ChainFindings,
  type ChainOptions,
  type ChainSource,
  claimedEpochs,
  judgeChain,
  openAnchor,
  type Problem,
  type ProblemCode,
  Problems,
  planRanges,
  type Report,
  type VerifyOptions,
  verifyLedger,
  vouchedRootsOf,
  vouchingKeys,
  withDamageAsFinding,
} from '@infrafabric/verify';
import { afterAll, expect } from 'vitest';
import { disagreements, noteOpinion } from './second-opinions.js';

import { spanRecord } from './spans.js';

const root = mkdtempSync(join(tmpdir(), 'attacks-'));
let made = 0;

afterAll(() => {
  try {
    expect(disagreements(), 'files of which the second verifier says something else').toEqual([]);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}, 300_000);

/** A fresh directory, removed after the test file. */
export function newDirectory(): string {
  const directory = join(root, String(made++));
  mkdirSync(directory, { mode: 0o700 });
  return directory;
}

/** A ledger that was written honestly. */
export interface Built {
  readonly home: string;
  readonly path: string;
  readonly key: VerifierKey;
  readonly entries: number;
}

/** Clock and randomness that repeat: the same seed gives the same file, key and origin included. */
export function seededSources(seed: string, firstUnixNano = 1_753_000_000_000_000_000n): Sources {
  let calls = 0;
  let now = firstUnixNano;
  return {
    nowUnixNano: () => (now += 1_000_000n),
    randomBytes: (octets) => {
      const parts: Buffer[] = [];
      for (let have = 0; have < octets; have += 32) {
        parts.push(createHash('sha256').update(`${seed}/${calls++}`).digest());
      }
      return Buffer.concat(parts).subarray(0, octets);
    },
  };
}

/** What a ledger is made of. */
export interface Recipe {
  /** Spans of each batch after genesis. */
  readonly batches: readonly number[];
  readonly seed?: string;
  /** What entry `seq` is made from; default a span of {@link spanRecord}. */
  readonly draft?: (seq: number) => Draft;
}

/** Builds a ledger in a home of its own. */
export async function buildLedger({ batches, seed = 'attacks', draft = spanDraft }: Recipe): Promise<Built> {
  const home = newDirectory();
  const ledger = await Ledger.open({ home, sources: seededSources(seed) });
  try {
    let seq = 1;
    for (const size of batches) {
      await ledger.append(Array.from({ length: size }, (_, i) => draft(seq + i)));
      seq += size;
    }
    return { home, path: ledger.paths.ledger, key: keyOf(home, ledger.origin()), entries: seq };
  } finally {
    await ledger.close();
  }
}

/** The draft of span number `n`. */
export function spanDraft(n: number): Draft {
  return draftSpan(spanRecord(n));
}

/** The key that a witness home holds for an origin. */
export function keyOf(home: string, origin: string): VerifierKey {
  return parseVkey(localKeys(home, origin)[0]!.vkey);
}

/** Batch sizes that give a ledger of `entries` entries, genesis included, with several checkpoints. */
export function batchesFor(entries: number): number[] {
  const batches: number[] = [];
  for (let rest = entries - 1, size = 1; rest > 0; rest -= size, size = Math.min(rest, size * 2 + 1))
    batches.push(size);
  return batches;
}

/** Copies a ledger, its WAL if there is one, and its remembered head into a directory of their own. */
export function copyLedger(path: string, { head = true } = {}): string {
  const copy = join(newDirectory(), 'witness.db');
  copyFileSync(path, copy);
  if (existsSync(`${path}-wal`)) copyFileSync(`${path}-wal`, `${copy}-wal`);
  if (head && existsSync(headFile(path))) copyFileSync(headFile(path), headFile(copy));
  return copy;
}

/** How to verify; `anchors` are notes. */
export interface How extends Omit<VerifyOptions, 'anchors' | 'key'> {
  readonly key: VerifierKey | undefined;
  readonly anchors?: readonly Uint8Array[];
  /** False where the second verifier is known to look less closely. */
  readonly secondOpinion?: boolean;
}

/**
 * The report on a file; without `head` in `how`, no remembered head is asked for. Judges the chain again in two ranges, as
 * two threads do, and fails the test when those are content with a chain that is not; and again row by row, which must
 * give the same as blocks of rows.
 */
export function verifyFile(path: string, { anchors = [], secondOpinion = true, ...how }: How): Report {
  const reader = LedgerReader.open(path);
  try {
    const opened = anchors.map((note, i) => {
      const anchor = openAnchor(
        note,
        how.key!,
        `anchor ${i}`,
        vouchingKeys(how.key!, how.alsoHeld ?? [], claimedEpochs(reader)),
        how.policy?.policy,
      );
      if (!anchor.ok) throw new Error(anchor.message);
      return anchor.root;
    });
    const report = verifyLedger(reader, { ...how, anchors: opened });
    const vouched = vouchedRootsOf(reader, { ...how, anchors: opened });
    const chain = { deep: how.deep === true, vouched, ...(how.cardOf === undefined ? {} : { cardOf: how.cardOf }) };
    expectSameByRows(reader, chain);
    const inRanges = rangeProblems(reader, chain);
    // What witnesses say when they are asked is no finding in the chain.
    const ofChain = report.problems.some(({ code }) => OF_THE_CHAIN.test(code)) && how.asked === undefined;
    if (ofChain && inRanges.length === 0) {
      throw new Error(`two ranges are content, the whole is not: ${found(report)}`);
    }
    if (secondOpinion) noteOpinion(path, { ...how, anchors }, report);
    return report;
  } finally {
    reader.close();
  }
}

/** Codes that the judgement of the chain gives, and a range of it must give too. */
const OF_THE_CHAIN = /^(entry|genesis|redaction|tree)\.|^checkpoint\.(?!signature|unsigned)|^(fork|rollback)$/;

function rangeProblems(reader: LedgerReader, options: ChainOptions): readonly Problem[] {
  const problems = new Problems();
  withDamageAsFinding(problems, () => {
    for (const range of planRanges(reader.entryCount(), 2)) judgeChain(reader, problems, { ...options, range });
  });
  return problems.kept;
}

/** A ledger of which the judge gets one row after the other. */
export function rowByRow(reader: LedgerReader): ChainSource {
  return {
    entryCount: () => reader.entryCount(),
    checkpointCount: () => reader.checkpointCount(),
    entries: (from, to) => reader.entries(from, to),
    entryOctets: (seq) => reader.entryOctets(seq),
    checkpoints: (fromSize) => reader.checkpoints(fromSize),
    node: (level, node) => reader.node(level, node),
    nodes: (from, to) => reader.nodes(from, to),
  };
}

/** Fails the test unless blocks of rows and single rows give the same findings and problems. */
export function expectSameByRows(reader: LedgerReader, options: ChainOptions): void {
  expect(judgedChain(reader, options)).toEqual(judgedChain(rowByRow(reader), options));
}

function judgedChain(
  source: ChainSource,
  options: ChainOptions,
): { findings: ChainFindings | undefined; problems: readonly Problem[]; count: number } {
  const problems = new Problems();
  let findings: ChainFindings | undefined;
  withDamageAsFinding(problems, () => {
    findings = judgeChain(source, problems, options);
  });
  return { findings, problems: problems.kept, count: problems.count };
}

/** Problems of the chain alone when `sample` signatures are looked at besides the first and the newest. */
export function chainProblems(source: ChainSource, sample = 1): readonly Problem[] {
  const problems = new Problems();
  withDamageAsFinding(problems, () => void judgeChain(source, problems, { signatureSample: sample }));
  return problems.kept;
}

/** The report on a file beside which a head is remembered. */
export function verifyAgainstHead(path: string, how: How): Report {
  return verifyFile(path, { ...how, head: readHead(path) ?? null });
}

/** The vkey that the genesis entry of a file names. */
export function vkeyOf(path: string): string {
  const reader = LedgerReader.open(path);
  try {
    return String(reader.genesis()!.entry.body.key);
  } finally {
    reader.close();
  }
}

/** Octets of the newest checkpoint note of a file. */
export function newestNote(path: string): Uint8Array {
  const reader = LedgerReader.open(path);
  try {
    return Uint8Array.from(reader.newestNote()!);
  } finally {
    reader.close();
  }
}

/** Problems as `code@seq`, sorted by seq as the report has them. */
export function found(report: Report): string[] {
  return report.problems.map(({ code, seq }) => (seq === undefined ? code : `${code}@${seq}`));
}

/** A problem as {@link found} writes it. */
export function at(code: ProblemCode, seq: number): string {
  return `${code}@${seq}`;
}

export type { ProblemCode };

/** Numbers in 0…1 that repeat with the seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
