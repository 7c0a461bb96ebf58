/** What the judge says. Codes are stable; sentences are for people and may change. docs/format.md §Verdicts. */

/** Stable codes of problems. `payload.missing` alone makes a ledger INCOMPLETE; every other makes it INVALID. */
export type ProblemCode =
  | 'store.corrupt'
  | 'store.schema'
  | 'store.integrity'
  | 'genesis.missing'
  | 'genesis.malformed'
  | 'entry.unreadable'
  | 'entry.octets'
  | 'entry.malformed'
  | 'entry.not-canonical'
  | 'entry.missing'
  | 'entry.seq'
  | 'entry.prev'
  | 'entry.clock'
  | 'entry.column'
  | 'entry.charge'
  | 'entry.uncovered'
  | 'checkpoint.malformed'
  | 'checkpoint.origin'
  | 'checkpoint.size'
  | 'checkpoint.root'
  | 'checkpoint.signature'
  | 'checkpoint.unsigned'
  | 'checkpoint.altered'
  | 'checkpoint.missing'
  | 'checkpoint.extra'
  | 'cosignature.malformed'
  | 'cosignature.signature'
  | 'adjustment.charge'
  | 'redaction.malformed'
  | 'redaction.target'
  | 'redaction.leaf'
  | 'erased.missing'
  | 'erased.unexpected'
  | 'erased.redaction'
  | 'import.malformed'
  | 'import.head'
  | 'import.note'
  | 'import.parts'
  | 'import.entry'
  | 'import.seq'
  | 'import.prev'
  | 'import.payload'
  | 'import.root'
  | 'index.malformed'
  | 'index.range'
  | 'index.root'
  | 'tree.node'
  | 'payload.digest'
  | 'payload.unexpected'
  | 'payload.missing'
  | 'payload.returned'
  | 'context.digest'
  | 'context.missing'
  | 'context.unreferenced'
  | 'key.origin'
  | 'rotation.key'
  | 'rotation.batch'
  | 'rotation.signature'
  | 'rotation.missing'
  | 'head.malformed'
  | 'head.origin'
  | 'head.signature'
  | 'rollback'
  | 'fork';

/** One finding. */
export interface Problem {
  readonly code: ProblemCode;
  /** First entry that it concerns, where that can be said. */
  readonly seq?: number;
  /** Column or table, where one was altered. */
  readonly column?: string;
  readonly message: string;
  /** Checkpoint notes that contradict each other: keep both, they are the proof. */
  readonly evidence?: readonly string[];
}

/** Where the trusted key came from. `none` makes the best verdict INCOMPLETE: the ledger then vouches for itself. */
export type KeySource = 'flag' | 'local' | 'none';

/** Stable codes of verdicts. */
export type VerdictCode =
  | 'valid.witnessed'
  | 'valid.anchored'
  | 'valid.unanchored'
  | 'incomplete.payloads'
  | 'incomplete.self-asserted-key'
  | 'incomplete.anchor-required'
  | 'incomplete.policy-unmet'
  | 'incomplete.witnesses-silent'
  | 'incomplete.not-understood'
  | 'invalid';

/** The report of one verification. */
export interface Report {
  readonly verdict: 'VALID' | 'INCOMPLETE' | 'INVALID';
  readonly code: VerdictCode;
  /** 0 valid, 1 invalid, 3 could not tell. */
  readonly exitCode: 0 | 1 | 3;
  readonly origin: string | undefined;
  /** Entries found, and checked. */
  readonly entries: number;
  readonly newestCheckpoint: { readonly size: number; readonly rootHex: string } | undefined;
  readonly checkpoints: { readonly checked: number; readonly signaturesChecked: number };
  readonly payloads: PayloadCounts;
  readonly key: JudgedKey;
  readonly head: 'agrees' | 'missing' | 'not-asked' | 'disagrees';
  /** Sizes of the anchors that the ledger is consistent with. */
  readonly anchors: readonly number[];
  /** Rows of `cosignatures`: all, those of witnesses that the policy knows, those of others. */
  readonly cosignatures: { readonly stored: number; readonly checked: number; readonly unknown: number };
  /** What became of the policy; undefined when none was asked for. */
  readonly policy: PolicyAnswer | undefined;
  /** Entries by type that this version does not understand. */
  readonly notUnderstood: Readonly<Record<string, number>>;
  /** Entries of other ledgers that it holds, and how many of them were not verified when they were imported. */
  readonly imported: { readonly entries: number; readonly unverified: number };
  /** Spans that the ledger itself says were lost, from gap entries. */
  readonly spansKnownLost: number;
  /** The first problems; `problemCount` has them all. */
  readonly problems: readonly Problem[];
  readonly problemCount: number;
  /** What this verdict does not vouch for, in sentences. */
  readonly notVouchedFor: readonly string[];
  /** Milliseconds by part. */
  readonly timingsMs: Readonly<Record<string, number>>;
}

/** A checkpoint that enough witnesses cosigned. */
export interface Witnessed {
  readonly size: number;
  /** When, by their clocks, enough of them had: seconds since the Unix epoch. Never compared with any other clock. */
  readonly timeUnixS: number;
  /** Names that the policy gives them, in order of their times. */
  readonly by: readonly string[];
}

/** Whether a policy is met. */
export interface PolicyAnswer {
  /** Where it came from, for people. */
  readonly from: string;
  /** Who must have cosigned: `2 of (alice, bob, carol)`. */
  readonly quorum: string;
  /** It lists no log, or this one under the held key. */
  readonly acceptsLog: boolean;
  /** The largest checkpoint for which the quorum is met. */
  readonly witnessed: Witnessed | undefined;
  /** Both are as they should be, or nobody must have cosigned. */
  readonly isMet: boolean;
}

/** The key that the verdict rests on, and the one that signs now. */
export interface JudgedKey {
  readonly source: KeySource;
  readonly from: string;
  readonly keyIdHex: string | undefined;
  /** Of the newest epoch; undefined when the ledger names none that can be used. */
  readonly newestKeyIdHex: string | undefined;
  /** How many keys the ledger has had, the present one included. */
  readonly epochs: number;
  /** Rotations from the held key to the newest: 0 when the newest is held, undefined when no key of the ledger is. */
  readonly reachedByRotations: number | undefined;
}

/** Payloads as found. */
export interface PayloadCounts {
  readonly present: number;
  /** Erased by a redaction entry, which is as good as present. */
  readonly erased: number;
  readonly missing: number;
}

/** Takes findings of rules that ledgers and bundles share. */
export interface ProblemSink {
  add(problem: Problem): void;
}

/** Collects problems: keeps the first, counts all. */
export class Problems {
  static readonly KEPT = 100;
  readonly #kept: Problem[] = [];
  #count = 0;
  #invalid = 0;

  add(problem: Problem): void {
    this.#count++;
    if (problem.code !== 'payload.missing') this.#invalid++;
    if (this.#kept.length < Problems.KEPT) this.#kept.push(problem);
  }

  addAll(problems: readonly Problem[], count: number): void {
    for (const problem of problems) this.add(problem);
    this.#count += count - problems.length;
  }

  /** In order of seq, those without one first. */
  get kept(): readonly Problem[] {
    return [...this.#kept].sort((a, b) => (a.seq ?? -1) - (b.seq ?? -1));
  }

  get count(): number {
    return this.#count;
  }

  get anyInvalid(): boolean {
    return this.#invalid > 0;
  }
}

/** Runs a part of the judging; damage that the source reports becomes a problem instead of an exception. */
export function withDamageAsFinding(problems: Problems, part: () => void): void {
  try {
    part();
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'corrupt') throw error;
    problems.add({ code: 'store.corrupt', message: `the file is damaged: ${(error as Error).message}` });
  }
}
