/** What an import takes from: another ledger, wherever it is read from. Whether it is what was signed is the caller's to say. */
import type { ContextKind } from '@infrafabric/format';

/** An entry of the other ledger. */
export interface ForeignEntry {
  /** As its own octets say. */
  readonly seq: number;
  /** The entry, octet for octet. */
  readonly text: string;
  /** Undefined where it has none, or none came along. */
  readonly payload: { readonly salt: Uint8Array; readonly payload: Uint8Array } | undefined;
}

/** Entries under one checkpoint of the other ledger. */
export interface ForeignRun {
  /** Of the other ledger. */
  readonly origin: string;
  /** A checkpoint note; lines of cosigners may be left out. */
  readonly note: Uint8Array;
  /** Vkey under which the note was opened and by which every entry of the run is vouched for; undefined: nobody verified it. */
  readonly vkey: string | undefined;
  /** In order of seq, each once. */
  entries(): Iterable<ForeignEntry>;
}

/** Another ledger, or what is left of it. */
export interface ForeignLedger {
  /** In order of seq. */
  readonly runs: readonly ForeignRun[];
  /** Seqs of the other ledger whose payloads it says it erased. */
  readonly erased: ReadonlySet<number>;
  /** A context that payloads name; undefined where it did not come along. */
  context(kind: ContextKind, digestHex: string): Uint8Array | undefined;
}
