/** Payloads that their entries promise, and that are neither there nor erased by a redaction. */

import type { ChainFindings } from './chain-findings.js';
import { viewEntry } from './entry-view.js';
import { Problems, withDamageAsFinding } from './report.js';
import type { ChainSource, StoreSource } from './source.js';
import type { StoreFindings } from './verify-options.js';

/** Seqs that are asked for at once. */
const SEQS_AT_ONCE = 1_000;

interface MissingFrom {
  readonly chain: ChainFindings | undefined;
  readonly store: StoreFindings;
  /** The first redaction of each target. */
  readonly first: ReadonlyMap<number, number>;
}

/** Reports them, the first ones by name. @returns how many there are */
export function missingPayloads(
  source: ChainSource & StoreSource,
  { chain, store, first }: MissingFrom,
  problems: Problems,
): number {
  if (chain === undefined) return 0;
  const missing = chain.payloadsExpected - store.payloadsPresent - first.size;
  if (missing <= 0) return 0;
  // Which ones is a question for the whole table; one that is known to be damaged might never answer.
  if (problems.anyInvalid) return missing;
  withDamageAsFinding(problems, () => {
    let listed = 0;
    for (const seq of withoutPayload(source)) {
      if (first.has(seq) || !carriesPayload(source, seq)) continue;
      if (++listed > Problems.KEPT) break;
      problems.add({
        code: 'payload.missing',
        seq,
        column: 'payloads',
        message: `the payload of entry ${seq} is missing, and no redaction entry says why`,
      });
    }
  });
  return missing;
}

function* withoutPayload(source: StoreSource): Generator<number> {
  for (let from = 0; ; ) {
    const seqs = source.withoutPayload(from, SEQS_AT_ONCE);
    yield* seqs;
    if (seqs.length < SEQS_AT_ONCE) return;
    from = seqs.at(-1)! + 1;
  }
}

/** Whether the entry says that it has one; it was found to be well-formed before. */
function carriesPayload(source: ChainSource, seq: number): boolean {
  const [row] = [...source.entries(seq, seq + 1)].flat();
  return typeof row?.[1] === 'string' && viewEntry(row[1]).payload !== undefined;
}
