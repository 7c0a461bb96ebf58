/** What the accounts can be asked, and what they answer. */
import type { Sums } from './sums.js';

/** What calls can be told apart by without looking at each of them. */
export interface GroupOf {
  readonly component: string | undefined;
  readonly model: string | undefined;
  readonly provider: string | undefined;
  readonly service: string | undefined;
  /** Rate card that the cost was computed from; undefined where it was not. */
  readonly card: string | undefined;
  /** How the model was found on that card: `exact`, `prefix`, `fallback`. */
  readonly match: string | undefined;
}

/** Sums of one quarter of an hour. */
export interface RollupRow extends GroupOf {
  /** Start of the quarter of an hour in which the calls began. */
  readonly bucketUnixNano: bigint;
  readonly currency: string;
  readonly sums: Sums;
}

/** One call that counts. */
export interface CountedCall extends GroupOf {
  readonly seq: number;
  readonly traceHex: string;
  readonly startUnixNano: bigint;
  readonly business: string | undefined;
  /** The outermost flow that the call's flow belongs to; `business` where it names none. */
  readonly rootBusiness: string | undefined;
  readonly session: string | undefined;
  readonly user: string | undefined;
  readonly currency: string;
  readonly sums: Sums;
}

/** Half-open in the start of the call; an undefined bound is open. */
export interface TimeRange {
  readonly sinceUnixNano?: bigint | undefined;
  readonly untilUnixNano?: bigint | undefined;
}

/** Exact values that must all hold. */
export type Scope = Readonly<
  Partial<Record<'component' | 'model' | 'provider' | 'service' | 'business' | 'session' | 'user', string>>
>;

/** Why a span with usage does not count. */
export interface Verdict {
  readonly counts: boolean;
  /** As `countCalls` says: `container`, `same-call`, `known-call`. */
  readonly why: string | undefined;
  /** Seq of a span that counts in its place. */
  readonly by: number | undefined;
  /** Seq of the span whose cost is this call's, where it is not its own. */
  readonly costFrom: number | undefined;
}
