/**
 * Attack matrix: somebody without a plan. Thousands of random edits by SQL and by octets, of the file and of what lies beside
 * it; none may be VALID with another content. SEED and ROUNDS choose others, SLOW=1 makes a hundred thousand, ROUND repeats one.
 */
import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { VerifierKey } from '@infrafabric/format';
import { type Draft, Ledger, LedgerError, readHead } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { verifyLedger } from '@infrafabric/verify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { contentOf } from './content.js';
import { chainProblems, copyLedger, keyOf, newDirectory, rowByRow, seededSources, spanDraft } from './ledger-files.js';
import { editAtRandom, Random } from './random-edits.js';

const SEED = process.env.SEED ?? '11';
const ROUNDS = Number(process.env.ROUNDS ?? (process.env.SLOW === '1' ? 100_000 : 1_000));
const ROUND = process.env.ROUND;

/** A ledger with its write-ahead log moved into it, and the same one with half of it in the log. */
interface Subject {
  readonly path: string;
  readonly key: VerifierKey;
  readonly head: Uint8Array;
  readonly content: string;
}

let subjects: Subject[];
let ledger: Ledger;

beforeAll(async () => {
  const home = newDirectory();
  const sources = seededSources('attacker');
  const gap: Draft = { type: 'gap', body: { count: 3, reason: 'spool.full', since: '1', source: 'test', until: '2' } };
  const first = await Ledger.open({ home, sources });
  await first.append([spanDraft(1), gap, ...spansFrom(3, 40)]);
  await first.append(spansFrom(43, 230));
  const { paths } = first;
  await first.close();
  const key = keyOf(home, first.origin());
  const subject = (path: string): Subject => ({
    path,
    key,
    head: readHead(path)!,
    content: contentOf(copyLedger(path)),
  });
  const settled = subject(copyLedger(paths.ledger));
  // Left open, so that what it appends stays in the log.
  ledger = await Ledger.open({ home, sources });
  await ledger.append([...spansFrom(273, 20), gap]);
  await ledger.append(spansFrom(294, 9));
  subjects = [subject(copyLedger(paths.ledger)), settled];
  expect(existsSync(`${subjects[0]!.path}-wal`)).toBe(true);
  expect(existsSync(`${subjects[1]!.path}-wal`)).toBe(false);
}, 60_000);

afterAll(() => ledger.close());

function spansFrom(n: number, count: number): Draft[] {
  return Array.from({ length: count }, (_, i) => spanDraft(n + i));
}

/** Whether a judge is content with a file. */
type Judge = (reader: LedgerReader, subject: Subject) => string;

const ours: Judge = (reader, { key, head }) => verifyLedger(reader, { key, head }).verdict;

/** What a judge says, in a word; `HOLE` when it is content with another content, or ends in another way than by a verdict. */
function outcomeOf(path: string, subject: Subject, judge: Judge): string {
  let reader: LedgerReader | undefined;
  try {
    reader = LedgerReader.open(path);
    const verdict = judge(reader, subject);
    reader.close();
    if (verdict !== 'VALID') return verdict;
    return contentOf(path) === subject.content ? 'VALID, same content' : 'HOLE: changed and VALID';
  } catch (error) {
    return error instanceof LedgerError ? `error ${error.code}` : `HOLE: ${error}`;
  } finally {
    reader?.close();
  }
}

/** Edits a subject once for each round. @returns how many edits ended how, and those that are holes. */
function attack(
  rounds: readonly number[],
  judge: Judge,
  seed = SEED,
): { classes: Record<string, number>; holes: string[] } {
  const directory = newDirectory();
  const path = join(directory, 'witness.db');
  const classes = new Map<string, number>();
  const holes: string[] = [];
  for (const round of rounds) {
    const random = new Random(`${seed}/${round}`);
    const subject = random.oneOf(subjects);
    rmSync(directory, { recursive: true });
    mkdirSync(directory);
    copyFileSync(subject.path, path);
    if (existsSync(`${subject.path}-wal`)) copyFileSync(`${subject.path}-wal`, `${path}-wal`);
    const name = editAtRandom(path, random);
    const outcome = outcomeOf(path, subject, judge);
    classes.set(outcome, (classes.get(outcome) ?? 0) + 1);
    if (outcome.startsWith('HOLE')) holes.push(`SEED=${seed} ROUND=${round}: ${name}: ${outcome}`);
  }
  return { classes: Object.fromEntries([...classes].sort()), holes };
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

test('what it edits is VALID as it is', () => {
  for (const subject of subjects)
    expect(outcomeOf(copyLedger(subject.path), subject, ours)).toBe('VALID, same content');
});

test.each<[string, Judge]>([
  ['the chain alone', (reader) => (chainProblems(rowByRow(reader)).length === 0 ? 'VALID' : 'INVALID')],
  ['everything but the head', (reader, { key }) => verifyLedger(reader, { key }).verdict],
])('finds holes in a judge that looks at %s', { timeout: 120_000 }, (_, judge) => {
  expect(attack(upTo(120), judge).holes).not.toEqual([]);
});

test('a value that says it is larger than SQLite allows is damage, as any other', () => {
  expect(attack([24_825], ours, '11')).toEqual({ classes: { INVALID: 1 }, holes: [] });
});

test(`${ROUNDS} random edits, seed ${SEED}: never VALID with another content`, {
  timeout: 120_000 + ROUNDS * 200,
}, () => {
  const before = process.memoryUsage().rss;
  const { classes, holes } = attack(ROUND === undefined ? upTo(ROUNDS) : [Number(ROUND)], ours);
  console.log(`edits with seed ${SEED}:`, classes);
  expect(holes).toEqual([]);
  const known = /^(VALID, same content|INVALID|INCOMPLETE|error (corrupt|gone|io|schema|tampered))$/;
  expect(Object.keys(classes).filter((name) => !known.test(name))).toEqual([]);
  // A file must not choose how much memory its verification takes.
  expect(process.memoryUsage().rss - before).toBeLessThan(700_000_000);
  // Not everything that was edited is content, but most is.
  if (ROUND === undefined && ROUNDS >= 500) expect(classes.INVALID).toBeGreaterThan(ROUNDS / 3);
});
