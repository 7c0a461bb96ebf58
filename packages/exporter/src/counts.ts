/** What became of the spans, in numbers. */

/** Spans, unless it says files. A span in the spool of another process, drained by this one, is in this one's `drained`. */
export interface WitnessCounts {
  /** Committed to the ledger straight from memory. */
  readonly witnessed: number;
  /** Those of the committed ones, drained ones included, that the ledger held already. */
  readonly duplicates: number;
  /** Written to the spool. */
  readonly spooled: number;
  /** Committed to the ledger from the spool. */
  readonly drained: number;
  /** Refused for good, because they are not spans that a ledger can hold. */
  readonly rejected: number;
  /** Gone: neither ledger nor spool nor memory had room, or they ended after shutdown. */
  readonly lost: number;
  /** Spool files renamed to `.bad`: not readable, or holding spans that were rejected. */
  readonly filesSetAside: number;
}

/** For counting. */
export type Counts = { -readonly [name in keyof WitnessCounts]: number };

export function newCounts(): Counts {
  return { witnessed: 0, duplicates: 0, spooled: 0, drained: 0, rejected: 0, lost: 0, filesSetAside: 0 };
}
