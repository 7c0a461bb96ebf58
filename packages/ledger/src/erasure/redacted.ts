/** What is asked of an erasure, and what came of it. */

/** What became of one target. */
export type RedactOutcome =
  /** Erased now, by this entry. */
  | { readonly outcome: 'erased'; readonly seq: number; readonly redaction: number }
  /** Erased before, by that entry; nothing was written. */
  | { readonly outcome: 'already'; readonly seq: number; readonly redaction: number }
  /** Nothing was written: there is no such entry; it never had a payload; its payload is gone and no entry says why. */
  | { readonly outcome: 'no-entry' | 'no-payload' | 'missing'; readonly seq: number };

/** How to erase. */
export interface RedactOptions {
  /** Targets of one transaction; others may append between two. Default 256. */
  readonly batch?: number;
  /** How long to try to get rid of older copies while others read or write, milliseconds; default 10,000. */
  readonly timeoutMs?: number;
  /** Told how many targets are dealt with. */
  readonly onProgress?: (targets: number) => void;
  /** Told how many payloads were looked through for the contexts that they name; in the worst case all of them are. */
  readonly onSurvey?: (payloads: number) => void;
  /** Stops between two batches: what was erased stays so. */
  readonly signal?: AbortSignal;
}

/** What was erased. */
export interface Redacted {
  /** In order of seq; those that were not got to after `signal` are not among them. */
  readonly targets: readonly RedactOutcome[];
  /** Octets of payloads and their salts. */
  readonly octets: number;
  /** Resources and scopes that went with the last payload that named them. */
  readonly contexts: number;
  /**
   * No older copy is left in the file's pages, in its write-ahead log, or in the accounts of the home. False where a reader
   * holds the log: the copies go when a later erasure, of nothing at least, comes to its end.
   */
  readonly overwritten: boolean;
}
