/** What both decoders remember about the span (or resource, or scope) they are in: its counts and its flaws. */
import { OtlpDecodeError } from './decode-error.js';
import type { DecodeLimits } from './decode-limits.js';
import { Lossy } from './lossy.js';
import type { RejectReason } from './rejected-spans.js';

/** Counts against {@link DecodeLimits} and collects `lossy` bits. */
export class DecodeState {
  readonly limits: DecodeLimits;
  /** Bits of {@link Lossy} seen since {@link DecodeState.begin}. */
  lossy = 0;
  /** The {@link Lossy} bit of the field being read: where a flaw found in a nested value belongs. */
  field = 0;
  /** The first reason to refuse what is being read. */
  rejection: RejectReason | undefined = undefined;
  private attributes = 0;
  private values = 0;

  constructor(limits: DecodeLimits) {
    this.limits = limits;
  }

  /** Starts a span, a resource or a scope. */
  begin(): void {
    this.lossy = 0;
    this.rejection = undefined;
    this.attributes = 0;
  }

  /** The field being read lost something. */
  markLossy(): void {
    this.lossy |= this.field;
  }

  /** A field of the sender was skipped. */
  markUnknown(): void {
    this.lossy |= Lossy.unknown_fields;
  }

  /** Refuses what is being read; the first reason stays. */
  reject(reason: RejectReason): void {
    this.rejection ??= reason;
  }

  /** Counts an attribute or nested value; `false` when it is one too many and must be skipped. */
  countAttribute(): boolean {
    this.countValue();
    if (++this.attributes <= this.limits.maxAttributes) return true;
    this.reject('too_many_attributes');
    return false;
  }

  /** Counts an event or a link of which there are `held` already; `false` when it must be skipped. */
  countItem(held: number, most: number, reason: RejectReason): boolean {
    this.countValue();
    if (held < most) return true;
    this.reject(reason);
    return false;
  }

  /** Whether a value may stand at this level; rejects when not. */
  allowDepth(depth: number): boolean {
    if (depth <= this.limits.maxDepth) return true;
    this.reject('too_deep');
    return false;
  }

  private countValue(): void {
    if (++this.values <= this.limits.maxValues) return;
    throw new OtlpDecodeError('too_many_values', `a request may hold ${this.limits.maxValues} values`);
  }
}
