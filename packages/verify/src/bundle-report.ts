/** What the judge says of a bundle. Codes are stable; sentences are for people and may change. docs/format.md §Bundle. */
import type { BundleSelection } from '@infrafabric/format';
import type { KeySource, PolicyAnswer, ProblemCode } from './report.js';

/** Stable codes of what can be wrong with a bundle; where they are a ledger's too, they mean the same. */
export type BundleProblemCode = ProblemCode | 'bundle.malformed' | 'bundle.root';

/** One finding. */
export interface BundleProblem {
  readonly code: BundleProblemCode;
  /** Entry that it concerns, where that can be said. */
  readonly seq?: number;
  readonly message: string;
  /** Checkpoint notes that contradict each other: keep both, they are the proof. */
  readonly evidence?: readonly string[];
}

/** Stable codes of verdicts. */
export type BundleVerdictCode =
  | 'valid.witnessed'
  | 'valid.anchored'
  | 'valid.unanchored'
  | 'incomplete.not-understood'
  | 'incomplete.self-asserted-key'
  | 'incomplete.payloads'
  | 'incomplete.anchor-not-compared'
  | 'incomplete.anchor-required'
  | 'incomplete.policy-unmet'
  | 'invalid';

/** An anchor, and what the bundle says to it. */
export interface BundleAnchor {
  readonly name: string;
  /** Undefined where the file is no checkpoint. */
  readonly size: number | undefined;
  /** `not-compared`: what is here does not give the root at its size. `foreign`: no key of this ledger signed it. */
  readonly state: 'agrees' | 'disagrees' | 'not-compared' | 'foreign';
  readonly message: string;
}

/** Seqs of entries without a hole between them. */
export interface EntryRun {
  readonly first: number;
  readonly last: number;
}

/** The report of one bundle. */
export interface BundleReport {
  readonly verdict: 'VALID' | 'INCOMPLETE' | 'INVALID';
  readonly code: BundleVerdictCode;
  /** 0 valid, 1 invalid, 3 could not tell. */
  readonly exitCode: 0 | 1 | 3;
  readonly origin: string | undefined;
  /** What was asked for, says whoever exported; nothing vouches for it. */
  readonly selection: BundleSelection | undefined;
  readonly checkpoint: { readonly size: number; readonly rootHex: string } | undefined;
  /** Entries found, and checked. */
  readonly entries: number;
  /** The first runs of them; `runCount` has them all. */
  readonly runs: readonly EntryRun[];
  readonly runCount: number;
  /** Every entry that the checkpoint covers is here. Only then is nothing left out. */
  readonly isWhole: boolean;
  readonly signaturesChecked: number;
  readonly payloads: { readonly present: number; readonly erased: number; readonly missing: number };
  readonly key: {
    readonly source: KeySource;
    readonly from: string;
    readonly keyIdHex: string | undefined;
    /** Of the key that signed the checkpoint, where the entries lead to it. */
    readonly newestKeyIdHex: string | undefined;
    /** Rotations from the held key to that one; undefined when the held key is none of this ledger's. */
    readonly reachedByRotations: number | undefined;
  };
  readonly anchors: readonly BundleAnchor[];
  /** Lines of others under the checkpoints that are here: all, those of witnesses that the policy knows, the rest. */
  readonly cosignatures: { readonly found: number; readonly checked: number; readonly unknown: number };
  /** What became of the policy; undefined when none was asked for. */
  readonly policy: PolicyAnswer | undefined;
  /** Entries by type that this version does not understand. */
  readonly notUnderstood: Readonly<Record<string, number>>;
  /** Entries of other ledgers that are here, and how many of them were not verified when they were imported. */
  readonly imported: { readonly entries: number; readonly unverified: number };
  /** Indexes that are here, and how many of them the bundle does not have all entries of. */
  readonly indexes: { readonly found: number; readonly notCompared: number };
  /** Spans that the ledger itself says were lost, from gap entries that are here. */
  readonly spansKnownLost: number;
  /** The first problems; `problemCount` has them all. */
  readonly problems: readonly BundleProblem[];
  readonly problemCount: number;
  /** What this verdict does not vouch for, in sentences. */
  readonly notVouchedFor: readonly string[];
}

/** Collects problems: keeps the first, counts all. */
export class BundleProblems {
  static readonly KEPT = 100;
  readonly #kept: BundleProblem[] = [];
  #count = 0;
  #invalid = 0;

  add(problem: BundleProblem): void {
    this.#count++;
    if (problem.code !== 'payload.missing') this.#invalid++;
    if (this.#kept.length < BundleProblems.KEPT) this.#kept.push(problem);
  }

  addAll({ kept, count }: { readonly kept: readonly BundleProblem[]; readonly count: number }): void {
    for (const problem of kept) this.add(problem);
    this.#count += count - kept.length;
  }

  /** In order of seq, those without one first. */
  get kept(): readonly BundleProblem[] {
    return [...this.#kept].sort((a, b) => (a.seq ?? -1) - (b.seq ?? -1));
  }

  get count(): number {
    return this.#count;
  }

  get anyInvalid(): boolean {
    return this.#invalid > 0;
  }
}
