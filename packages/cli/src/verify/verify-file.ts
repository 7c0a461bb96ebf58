/**
 * Verifies a ledger file with two threads, which take ranges of the chain and then of the payloads as they go; one of them runs
 * SQLite's own check first. Where both find nothing wrong, that is the report; where anything is wrong, the whole ledger goes
 * once more through the single-threaded judge, which says precisely what.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { WitnessPaths } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import {
  claimedEpochs,
  epochIndexOf,
  judgeUnnamed,
  type KeyEpochs,
  keyEpochs,
  mergeFindings,
  onlyKey,
  Problems,
  planRanges,
  type Report,
  type VerifyOptions,
  verifyLedger,
  vouchedRootsOf,
} from '@infrafabric/verify';
import { knownCards } from './known-cards.js';
import { carryOut, type Work, type WorkFindings } from './verify-part.js';
import type { FromThread, ToThread } from './verify-thread.js';

/** A second thread costs some 40 ms to start; below this many entries it does not pay. */
const PARALLEL_FROM = 20_000;
/** Parts that the threads take one by one, so that neither waits long for the other: one of them has more to do. */
const PARTS = 12;
/** A writer may commit between the two openings. */
const OPEN_ATTEMPTS = 20;

/** What {@link verifyFile} found. */
export interface FileReport {
  readonly report: Report;
  /** False when the path names another file now than when reading began: the report is about the first one. */
  readonly sameFile: boolean;
}

/**
 * Verifies a file as it is at one moment. @throws LedgerError when it cannot be read at all; `corrupt` when it is no
 * database.
 */
export async function verifyFile({ home, ledger }: WitnessPaths, options: VerifyOptions): Promise<FileReport> {
  const pair: Pair = { reader: LedgerReader.open(ledger), worker: undefined };
  try {
    const report =
      (await verifyInTwo({ home, ledger }, pair, options)) ??
      verifyLedger(pair.reader, { ...options, cardOf: knownCards(home) });
    return { report, sameFile: isSameFile(pair.reader) };
  } finally {
    pair.reader.close();
    await pair.worker?.terminate();
  }
}

interface Pair {
  reader: LedgerReader;
  worker: Worker | undefined;
}

/** The report of both threads; undefined where only the single-threaded judge can say. */
async function verifyInTwo(
  { home, ledger }: WitnessPaths,
  pair: Pair,
  options: VerifyOptions,
): Promise<Report | undefined> {
  try {
    if (pair.reader.entryCount() < PARALLEL_FROM || !(await openPair(ledger, pair))) return undefined;
    return await verifyTogether(pair.reader, pair.worker!, options, home);
  } catch (error) {
    // Damage is a finding, and the single-threaded judge finds it.
    if ((error as { code?: unknown }).code === 'corrupt') return undefined;
    throw error;
  }
}

/** Opens the file in a second thread at the same state as the reader, reopening either until they agree. */
async function openPair(path: string, pair: Pair): Promise<boolean> {
  const worker = new Worker(new URL('./verify-thread.js', import.meta.url), { workerData: { path }, execArgv: [] });
  worker.on('error', () => undefined);
  pair.worker = worker;
  for (let attempt = 0; attempt < OPEN_ATTEMPTS; attempt++) {
    const opened = await ask(worker, { type: 'open' });
    if (opened?.type !== 'opened') return false;
    const mine = pair.reader.newestNote() ?? new Uint8Array();
    if (Buffer.compare(opened.note ?? new Uint8Array(), mine) === 0) return true;
    const later = LedgerReader.open(path);
    pair.reader.close();
    pair.reader = later;
  }
  return false;
}

async function verifyTogether(
  reader: LedgerReader,
  worker: Worker,
  options: VerifyOptions,
  home: string,
): Promise<Report | undefined> {
  const entries = reader.entryCount();
  const payloads = Array.from({ length: PARTS }, (_, i) => ({
    from: Math.floor((entries * i) / PARTS),
    to: i === PARTS - 1 ? Number.POSITIVE_INFINITY : Math.floor((entries * (i + 1)) / PARTS),
  }));
  const work: Work = {
    ranges: planRanges(entries, PARTS),
    payloads,
    taken: new Int32Array(new SharedArrayBuffer(8)),
    chain: {
      ...(options.deep === undefined ? {} : { deep: options.deep }),
      vouched: vouchedRootsOf(reader, options),
      signatureSample: options.allSignatures === true ? Number.POSITIVE_INFINITY : 10_000,
    },
    keys: keysToCheckWith(reader, options),
    home,
  };
  const second = ask(worker, { type: 'judge', work });
  const first = carryOut(reader, work, false, options.onProgress);
  const answer = await second;
  return answer?.type === 'judged' ? concludeTogether(reader, work, [first, answer.findings], options) : undefined;
}

/** The keys as the ledger's index has them: whether its chain has the same shows only when all of it was read. */
function keysToCheckWith(reader: LedgerReader, { key }: VerifyOptions): KeyEpochs | undefined {
  if (key === undefined) return undefined;
  const claimed = claimedEpochs(reader);
  return claimed !== undefined && epochIndexOf(claimed, key) >= 0 ? claimed : onlyKey(key);
}

function concludeTogether(
  reader: LedgerReader,
  work: Work,
  threads: readonly WorkFindings[],
  options: VerifyOptions,
): Report | undefined {
  const problems = new Problems();
  const payloads = threads.flatMap((thread) => thread.payloads);
  judgeUnnamed(payloads, problems);
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
  const chain = threads.flatMap((thread) => thread.chain).sort(([a], [b]) => a - b);
  const [first, ...rest] = chain.map(([, findings]) => findings);
  const complete = chain.length === work.ranges.length && payloads.length === work.payloads.length;
  if (problems.count + sum(threads.map((thread) => thread.problems)) > 0 || !complete || first === undefined)
    return undefined;
  const findings = mergeFindings([first, ...rest]);
  if (work.keys !== undefined && !isSame(work.keys, keyEpochs(findings.genesisVkey, findings.rotations)))
    return undefined;
  const slower = (name: string): number => Math.max(...threads.map(({ timingsMs }) => timingsMs[name] ?? 0));
  return verifyLedger(reader, {
    ...options,
    chain: {
      findings,
      signaturesChecked:
        work.keys === undefined ? undefined : sum(threads.map(({ signaturesChecked }) => signaturesChecked)),
      timingsMs: { chain: slower('chain'), signatures: slower('signatures') },
    },
    store: {
      problems: [],
      problemCount: 0,
      payloadsPresent: sum(payloads.map(({ present }) => present)),
      timingsMs: { schema: slower('schema'), integrity: slower('integrity'), payloads: slower('payloads') },
    },
  });
}

/** One question, one answer; undefined when the thread failed, which leaves everything to this one. */
async function ask(worker: Worker, message: ToThread): Promise<FromThread | undefined> {
  worker.postMessage(message);
  try {
    const answered = once(worker, 'message');
    const ended = once(worker, 'exit').then(() => [undefined]);
    const [answer] = (await Promise.race([answered, ended])) as [FromThread | undefined];
    return answer;
  } catch {
    return undefined;
  }
}

function isSame(a: KeyEpochs, b: KeyEpochs): boolean {
  const idsOf = (epochs: KeyEpochs): string =>
    epochs
      .map(({ key, closing }) => `${key === undefined ? '' : Buffer.from(key.publicKey).toString('hex')} ${closing}`)
      .join();
  return idsOf(a) === idsOf(b);
}

function isSameFile(reader: LedgerReader): boolean {
  try {
    return reader.isSameFile();
  } catch {
    // It is gone.
    return false;
  }
}
