/** Whether what was erased is gone from everywhere here. */
import type { WitnessPaths } from '@infrafabric/ledger';
import { isUnfinished } from '@infrafabric/ledger/erasure';
import { type Finding, problem } from './finding.js';

/** A finding where an erasure did not come to its end, or is under way; undefined otherwise. */
export function checkErasure({ ledger }: WitnessPaths): Finding | undefined {
  if (!isUnfinished(ledger)) return undefined;
  return problem(
    'erasure',
    'payloads were erased, but an older copy may remain in the write-ahead log or the accounts',
    'end what reads the ledger, then run if-witness redact --finish',
  );
}
