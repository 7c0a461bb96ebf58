/** Options that exporter and processor share. */

/** All are optional. */
export interface WitnessOptions {
  /** Witness home; default `IF_WITNESS_HOME`, else `~/.if-witness`. */
  readonly home?: string | undefined;
  /** Ledger file; default `witness.db` in the home. */
  readonly ledger?: string | undefined;
  /** How long a commit may wait for another writer before its spans go to the spool; default 5,000. */
  readonly timeoutMs?: number | undefined;
  /** Bytes of spans that may wait in memory; what comes on top is written to the spool at once. Default 32 MiB. */
  readonly memoryMaxBytes?: number | undefined;
  /** Bytes that the spool may take on disk, those of other processes included; default 256 MiB. */
  readonly spoolMaxBytes?: number | undefined;
  /** Longest that `shutdown` takes; what is not committed by then goes to the spool. Default 10,000. */
  readonly shutdownTimeoutMs?: number | undefined;
  /** Told each kind of warning and loss once; default the API's `diag.warn`, silent until a logger is set. */
  readonly warn?: ((message: string) => void) | undefined;
}

/** @throws RangeError unless `value` is a number, 0 or more. */
export function checked(name: string, value: number | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (typeof value === 'number' && value >= 0) return value;
  throw new RangeError(`${name} must be a number, 0 or more: ${String(value)}`);
}
