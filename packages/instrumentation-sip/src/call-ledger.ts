/** What a call by hand needs of a ledger: handed in by the application, so that this package imports none. */

/** A ledger, as far as one call is concerned. */
export interface CallLedger {
  /** Writes all entries of a business trace into a file. */
  exportTrace(traceId: string, path: string): Promise<void> | void;
  /** Whether the ledger verifies as a whole. */
  verify(): Promise<boolean> | boolean;
}
