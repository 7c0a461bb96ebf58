/** Verifying a ledger file in parts that two threads share, and what they found. Plain data that can cross threads. */
import type { LedgerReader } from '@infrafabric/ledger/reader';
import {
  CHAIN_TABLES,
  type ChainFindings,
  type ChainOptions,
  type ChainRange,
  judgeChain,
  judgeIntegrity,
  judgePayloads,
  judgeSchema,
  judgeSignatures,
  type KeyEpochs,
  PAYLOAD_TABLES,
  type PayloadFindings,
  Problems,
  withDamageAsFinding,
} from '@infrafabric/verify';
import { knownCards } from './known-cards.js';

/** Everything that is to be done, known to both threads alike. */
export interface Work {
  readonly ranges: readonly ChainRange[];
  /** Payloads of the entries `from` <= seq < `to`. */
  readonly payloads: readonly { readonly from: number; readonly to: number }[];
  /** Two counters: the next range, and the next of `payloads`, that nobody has taken. */
  readonly taken: Int32Array;
  readonly chain: Pick<ChainOptions, 'deep' | 'vouched' | 'signatureSample'>;
  /** Keys to check signatures with; without them, signatures are left for later. */
  readonly keys: KeyEpochs | undefined;
  /** Witness home, for the rate cards in it. */
  readonly home: string;
}

/** What one thread found. Any problem at all sends the whole ledger to the careful, single-threaded judge. */
export interface WorkFindings {
  readonly problems: number;
  /** By index in `ranges`. */
  readonly chain: readonly (readonly [index: number, findings: ChainFindings])[];
  readonly payloads: readonly PayloadFindings[];
  readonly signaturesChecked: number;
  readonly timingsMs: Readonly<Record<string, number>>;
}

const RANGES = 0;
const PAYLOADS = 1;

/**
 * Takes part after part until nothing is left; `store` says that this thread does SQLite's own check and the schema as
 * well. Never throws for what a file holds.
 */
export function carryOut(
  reader: LedgerReader,
  work: Work,
  store: boolean,
  onProgress?: (entries: number) => void,
): WorkFindings {
  const problems = new Problems();
  const timingsMs: Record<string, number> = {};
  const chain: [number, ChainFindings][] = [];
  const payloads: PayloadFindings[] = [];
  let signaturesChecked = 0;
  const timed = (name: string, run: () => void): void => {
    const start = performance.now();
    withDamageAsFinding(problems, run);
    timingsMs[name] = Math.round(performance.now() - start);
  };
  if (store) {
    timed('schema', () => judgeSchema(reader, problems));
    timed('integrity', () => judgeIntegrity(reader, problems, CHAIN_TABLES));
  }
  timed('chain', () => {
    const progress = onProgress === undefined ? {} : { onProgress };
    const cardOf = knownCards(work.home);
    for (const [index, range] of left(work, RANGES, work.ranges))
      chain.push([index, judgeChain(reader, problems, { ...work.chain, cardOf, range, ...progress })]);
  });
  timed('signatures', () => {
    if (work.keys === undefined) return;
    for (const [, { sampled }] of chain) signaturesChecked += judgeSignatures(sampled, work.keys, problems);
  });
  timed('payloads', () => {
    if (store) judgeIntegrity(reader, problems, PAYLOAD_TABLES);
    for (const [, { from, to }] of left(work, PAYLOADS, work.payloads))
      payloads.push(judgePayloads(reader, problems, from, to));
  });
  return { problems: problems.count, chain, payloads, signaturesChecked, timingsMs };
}

function* left<T>({ taken }: Work, counter: number, parts: readonly T[]): Generator<[number, T]> {
  for (let index = Atomics.add(taken, counter, 1); index < parts.length; index = Atomics.add(taken, counter, 1))
    yield [index, parts[index]!];
}
