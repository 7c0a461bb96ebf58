/** What the accounts read of a ledger: `LedgerReader` is one; so is the writer's view inside its transaction. */
import type { StoredEntry, StoredPayload } from '../reader.js';

/** One state of a ledger. */
export interface EntrySource {
  /** Ledger file. */
  readonly path: string;
  genesis(): StoredEntry | undefined;
  /** As many as the newest seq promises. */
  entryCount(): number;
  /** Stored text of one entry. */
  entryText(seq: number): string | undefined;
  /** Stored texts from `from` on, at most `limit`. */
  entryTexts(from: number, limit: number): [seq: number, text: string][];
  /** Seqs of the entries of an OpenTelemetry trace, in order. */
  seqsOfTrace(traceIdHex: string): number[];
  payload(seq: number): StoredPayload | undefined;
}
