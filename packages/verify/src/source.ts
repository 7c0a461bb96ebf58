/**
 * The narrow interface through which the judge reads a ledger: rows as they are, nothing interpreted. A SQLite file, an
 * exported bundle or an array can stand behind it. All methods see one state; rows come in key order, in chunks.
 * A source throws an error whose `code` is `corrupt` when what lies behind it is damaged: to the judge that is a finding.
 */
import type { SchemaObject } from '@infrafabric/format';

/** One row of `entries`; a tuple, because a ledger has millions. */
export type EntryRow = readonly [
  seq: number,
  /** The stored text; no string when it is stored as something else or has more than 65,535 octets. */
  entry: string | Uint8Array | null,
  /**
   * The other columns as one text: the segment and a space; trace id and span id, each as `x'…'` in hex or `null`; type,
   * business and business parent, each as `octets:text`, or `:` for NULL.
   */
  columns: string | Uint8Array,
];

/** Consecutive rows of `entries` in one piece. */
export interface EntryBlock {
  /** 0x00 and the octets of `entry`, row after row: what RFC 6962 hashes of each. Only what is TEXT is in it. */
  readonly octets: Uint8Array;
  /**
   * Row after row, 0x00 between them: seq, a space and the columns as in {@link EntryRow}. Of a span with ids of 16 and 8
   * octets, without a parent flow and in its segment only: seq, a space, both ids in hex, and `:` and business if it is not
   * NULL.
   */
  readonly columns: Uint8Array;
}

/** One row of `checkpoints`; null where the storage class is wrong. */
export interface CheckpointRow {
  readonly size: number;
  readonly note: Uint8Array | null;
}

/** One row of `nodes`. */
export interface NodeRow {
  readonly level: number;
  readonly node: number;
  readonly hash: Uint8Array | null;
}

/** One row of `cosignatures`; null where a value is no TEXT or longer than {@link MAX_COSIGNATURE_OCTETS}. */
export interface CosignatureRow {
  readonly size: number;
  readonly witness: Uint8Array | null;
  readonly line: Uint8Array | null;
}

/** No line of an algorithm there is comes near this. */
export const MAX_COSIGNATURE_OCTETS = 16_384;

/** One row of `payloads`, with the text of the entry of that seq. */
export type PayloadRow = readonly [
  seq: number,
  /** "if-witness/payload/v1\0" ‖ salt ‖ payload, whose hash is the digest; null unless the salt is a blob of 32 octets, the payload a blob. */
  digested: Uint8Array | null,
  entry: string | null,
];

/** One row of `erased`. */
export type ErasedRow = readonly [seq: number, redaction: number];

/** One row of `contexts`. */
export interface ContextRow {
  readonly digest: Uint8Array | null;
  readonly kind: string | null;
  readonly context: Uint8Array | null;
}

/** The text columns of one entry as octets, for the rare row in which decoding met U+FFFD. */
export interface EntryOctets {
  readonly entry: Uint8Array;
  readonly type: Uint8Array | null;
  readonly business: Uint8Array | null;
  readonly businessParent: Uint8Array | null;
}

/** What a store says about itself. */
export interface StoreSummary {
  readonly schema: readonly SchemaObject[];
  readonly applicationId: number;
  readonly userVersion: number;
  readonly encoding: string;
}

/** Entries and checkpoints: what the chain is made of. */
export interface ChainSource {
  /** Entries there are, for progress; the judge counts for itself. */
  entryCount(): number;
  checkpointCount(): number;
  /** Entries with `from` <= seq < `to`. */
  entries(from: number, to: number): Iterable<readonly EntryRow[]>;
  /**
   * The next rows with `from` <= seq < `to`, as many as the source sees fit; undefined when there are none. A source can do
   * without: this is a faster way to rows in which nothing is wrong.
   */
  entryBlock?(from: number, to: number): EntryBlock | undefined;
  entryOctets(seq: number): EntryOctets;
  /** Checkpoints of at least this size. */
  checkpoints(fromSize: number): Iterable<readonly CheckpointRow[]>;
  /** The checkpoint note that is stored under a size, null where its storage class is wrong; a faster way to one of them. */
  noteOfSize?(size: number): Uint8Array | null | undefined;
  /** Hash of one stored tree node. */
  node(level: number, node: number): Uint8Array | undefined;
  /**
   * Entries of type `rotation` in order of seq, found without reading the others: where to look for keys before the chain is
   * judged. A source can do without where nothing but the ledger itself is judged.
   */
  rotations?(): readonly (readonly [seq: number, text: string])[];
  /** Stored tree nodes whose last leaf is among `from` <= seq < `to`, those that no tree has at either end; or more of them. */
  nodes(from: number, to: number): Iterable<readonly NodeRow[]>;
}

/** The store around the chain, and the payloads beside it. */
export interface StoreSource {
  summary(): StoreSummary;
  /** First finding of SQLite's `integrity_check` of a table and its indexes; undefined when it says ok. */
  integrityFinding(table: string): string | undefined;
  /** Payloads with `from` <= seq < `to`. */
  payloads(from: number, to: number): Iterable<readonly PayloadRow[]>;
  /**
   * Seqs of the first `limit` entries from `from` on that have no payload row: all spans among them, and of other types at
   * least those that carry a payload's digest.
   */
  withoutPayload(from: number, limit: number): readonly number[];
  /** Rows of `erased` with `from` <= seq < `to`; none in a store of version 1. */
  erased(from: number, to: number): Iterable<readonly ErasedRow[]>;
  contexts(): Iterable<readonly ContextRow[]>;
  /** In order of size and witness. A source without has none. */
  cosignatures?(): Iterable<readonly CosignatureRow[]>;
}
