/** What a verification is asked, and what was found for it elsewhere. */
import type { VerifierKey } from '@infrafabric/format';
import type { ChainFindings, ChainOptions, VouchedRoot } from './chain-findings.js';
import type { AskedPolicy } from './cosigned-sizes.js';
import type { KeySource, Problem } from './report.js';

/** What the verifier trusts, and how hard it looks. */
export interface VerifyOptions extends Pick<ChainOptions, 'cardOf' | 'deep' | 'onProgress'> {
  /** The key held by the verifier; undefined when there is none. Never one that was found in the ledger. */
  readonly key?: VerifierKey | undefined;
  /**
   * Further keys of this ledger that are held, and that it must have: one to which it never rotated shows an older copy, or a
   * fork by whoever has an older key.
   */
  readonly alsoHeld?: readonly VerifierKey[];
  /** Where the key came from, for the report. */
  readonly keySource?: Exclude<KeySource, 'none'>;
  readonly keyFrom?: string;
  /** Octets of the remembered head; `null` when there is none; undefined when it was not asked for. */
  readonly head?: Uint8Array | null;
  /** Anchors, already opened under the key by {@link openAnchor}. */
  readonly anchors?: readonly VouchedRoot[];
  readonly requireAnchor?: boolean;
  /** Who must have cosigned. */
  readonly policy?: AskedPolicy | undefined;
  /** What witnesses answered that were asked about the newest checkpoint; undefined when none were. */
  readonly asked?: AskedWitnesses | undefined;
  readonly allSignatures?: boolean;
  /** Findings about the store that were made elsewhere, e.g. in a second thread. */
  readonly store?: StoreFindings;
  /** Findings about the whole chain that were made elsewhere, without a problem. */
  readonly chain?: JudgedChain;
}

/** Witnesses that were asked. What they signed or showed is among the anchors. */
export interface AskedWitnesses {
  /** Keys of those that cosigned it now: that they had seen nothing larger. */
  readonly cosigned: readonly VerifierKey[];
  /** What others say against it without showing a note. */
  readonly contradictions: readonly Contradiction[];
}

/** What a witness says against the newest checkpoint that it was shown. */
export interface Contradiction {
  /** For people: `the witness alice at http://…`. */
  readonly witness: string;
  /** `rollback`: it has cosigned `size` entries; `fork`: other entries up to `size`. */
  readonly kind: 'rollback' | 'fork';
  readonly size: number;
}

/** A whole chain that was judged in parts. */
export interface JudgedChain {
  readonly findings: ChainFindings;
  /** Signatures that were checked, with the held key, where the parts were judged; undefined when none were. */
  readonly signaturesChecked: number | undefined;
  readonly timingsMs: Readonly<Record<string, number>>;
}

/** What {@link judgeStore} found; plain data that can cross threads. */
export interface StoreFindings {
  readonly problems: readonly Problem[];
  readonly problemCount: number;
  readonly payloadsPresent: number;
  readonly timingsMs: Readonly<Record<string, number>>;
}
