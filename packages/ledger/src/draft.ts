/** What callers hand to the writer: an entry without its place in the chain. */
import type { CanonicalObject, EntryType, SpanBody } from '@infrafabric/format';

/** A finished span to be witnessed. The three byte strings are canonical OTLP protobuf; see docs/format.md §Payload. */
export interface SpanDraft {
  readonly type: 'span';
  readonly body: SpanBody;
  readonly resourceContext: Uint8Array;
  readonly scopeContext: Uint8Array;
  readonly span: Uint8Array;
}

/** Any other entry. */
export interface ControlDraft {
  /** A rotation is made by `Ledger.rotate`: two keys must sign behind it. */
  readonly type: Exclude<EntryType, 'span' | 'genesis' | 'rotation'>;
  readonly body: CanonicalObject;
  /** What must be erasable of a `budget`. Other types have none. */
  readonly payload?: CanonicalObject;
  /** A verifier that does not understand this type must not say VALID. */
  readonly critical?: true;
}

/** Something to append. */
export type Draft = SpanDraft | ControlDraft;

/** What became of a draft; given only after commit. */
export interface Appended {
  /** `duplicate`: the same span, whole, was in the ledger already and was acknowledged again. */
  readonly outcome: 'appended' | 'duplicate';
  readonly seq: number;
  /** Leaf hash of the entry, hex. */
  readonly hashHex: string;
}
