/** One thread's share of verifying a ledger file, and what it found. Plain data that can cross threads. */
import type { LedgerReader } from '@infrafabric/ledger/reader';
import {
  type ChainFindings,
  type ChainOptions,
  type ChainRange,
  judgeChain,
  judgeIntegrity,
  judgePayloads,
  judgeSchema,
  type PayloadFindings,
  Problems,
  withDamageAsFinding,
} from '@infrafabric/verify';

/** What one thread has to do. */
export interface Part {
  readonly range: ChainRange;
  /** Also SQLite's own check and the schema: about as much work as half the chain. */
  readonly store: boolean;
  readonly payloads: { readonly from: number; readonly to: number };
  readonly chain: Pick<ChainOptions, 'deep' | 'vouched' | 'signatureSample'>;
}

/** What it found. Any problem at all sends the whole ledger to the careful, single-threaded judge. */
export interface PartFindings {
  readonly problems: number;
  readonly chain: ChainFindings | undefined;
  readonly payloads: PayloadFindings;
  readonly timingsMs: Readonly<Record<string, number>>;
}

/** Carries out one part. Never throws for what a file holds. */
export function carryOut(reader: LedgerReader, part: Part, onProgress?: (entries: number) => void): PartFindings {
  const problems = new Problems();
  const timingsMs: Record<string, number> = {};
  let chain: ChainFindings | undefined;
  let payloads: PayloadFindings = { present: 0, unnamed: [] };
  const timed = (name: string, run: () => void): void => {
    const start = performance.now();
    withDamageAsFinding(problems, run);
    timingsMs[name] = Math.round(performance.now() - start);
  };
  if (part.store) {
    timed('schema', () => judgeSchema(reader, problems));
    timed('integrity', () => judgeIntegrity(reader, problems));
  }
  timed('chain', () => {
    chain = judgeChain(reader, problems, {
      ...part.chain,
      range: part.range,
      ...(onProgress === undefined ? {} : { onProgress }),
    });
  });
  timed('payloads', () => {
    payloads = judgePayloads(reader, problems, part.payloads.from, part.payloads.to);
  });
  return { problems: problems.count, chain, payloads, timingsMs };
}
