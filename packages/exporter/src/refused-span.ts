/** Why a span cannot be witnessed at all. Thrown inside this package only; at its border it is a count and one warning. */

/** Stable words, those of the collector where it refuses the same thing. */
export type RefusalReason =
  | 'trace_id'
  | 'span_id'
  | 'parent_span_id'
  | 'link_id'
  | 'too_deep'
  | 'too_many_attributes'
  /** Reading it threw, or it is not shaped like a span. */
  | 'unreadable';

/** Signals a span that is refused. */
export class RefusedSpan extends Error {
  override readonly name = 'RefusedSpan';
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, options?: ErrorOptions) {
    super(`refused a span: ${reason}`, options);
    this.reason = reason;
  }
}
