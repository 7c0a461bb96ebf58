/** How to judge a chain, and what it turned out to be. Plain data that can cross threads, but for the callbacks. */
import type { CardOf } from './judge-charges.js';
import type { Redactions } from './judge-redactions.js';
import type { RotationFound } from './key-epochs.js';

/** A root that somebody outside the ledger vouches for. */
export interface VouchedRoot {
  readonly size: number;
  readonly rootHex: string;
  /** The note that says so, as evidence. */
  readonly note: string;
  /** `the remembered head`, `the anchor FILE`. */
  readonly what: string;
}

/** A part of the chain, judged by itself so that several threads can share the work. */
export interface ChainRange {
  /** First seq; a multiple of 256, so that the tree up to it can be taken from stored nodes. */
  readonly from: number;
  /** Seq after the last; the ledger's size in the last range. */
  readonly to: number;
  /** Nothing follows. */
  readonly last: boolean;
}

/** How to judge. */
export interface ChainOptions {
  /** Default: the whole chain. */
  readonly range?: ChainRange;
  /** Also require canonical JSON of every entry. */
  readonly deep?: boolean;
  readonly vouched?: readonly VouchedRoot[];
  /** Checkpoints whose signature is to be checked besides first and newest; the rest is bound by hash. */
  readonly signatureSample?: number;
  readonly onProgress?: (entries: number) => void;
  /** Rate cards at hand, to compare charges with. */
  readonly cardOf?: CardOf;
}

/** What the chain turned out to be. */
export interface ChainFindings {
  readonly entries: number;
  readonly checkpoints: number;
  readonly origin: string | undefined;
  /** Vkey that genesis names; never trusted by itself. */
  readonly genesisVkey: string | undefined;
  readonly formatVersion: number | undefined;
  readonly newest: { readonly size: number; readonly rootHex: string; readonly note: Uint8Array } | undefined;
  /** Notes whose signatures are to be checked: first, newest, first and last of each key's epoch, and a spread of the others. */
  readonly sampled: readonly { readonly size: number; readonly note: Uint8Array }[];
  readonly notUnderstood: Readonly<Record<string, number>>;
  readonly criticalNotUnderstood: boolean;
  readonly spansKnownLost: number;
  /** Seqs of `restored` entries: there a newer state was given up on purpose. */
  readonly restoredAt: readonly number[];
  /** Rotations of the signing key, in order. */
  readonly rotations: readonly RotationFound[];
  /** Entries that carry a payload's digest. */
  readonly payloadsExpected: number;
  readonly redactions: Redactions;
  /** Seqs of the first and the last `import`, whose rules {@link judgeImports} judges. */
  readonly imports: { readonly first: number; readonly last: number } | undefined;
  /** Seqs of `index` entries, whose rules {@link judgeIndexes} judges. */
  readonly indexes: readonly number[];
}
