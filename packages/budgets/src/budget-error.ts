/** The one error class of this package. That a budget is used up is an answer, not an error. */

/** Stable codes of {@link BudgetError}; the sentences may change. */
export type BudgetErrorCode =
  /** No budget of that name, or none that fits. */
  | 'budget.unknown'
  /** No budget is set at all. */
  | 'budget.none'
  /** Several budgets fit where one must be meant. */
  | 'budget.ambiguous'
  /** A name, amount, period, zone, level or scope that cannot be used. */
  | 'budget.invalid'
  /** What the budget is for was erased: set it again or remove it. */
  | 'budget.erased'
  /** No such reservation, or it is committed or released already. */
  | 'reservation.unknown'
  /** A destination of alerts cannot be used. */
  | 'destination.invalid';

/** Why it could not be done, with advice. */
export class BudgetError extends Error {
  override readonly name = 'BudgetError';
  readonly code: BudgetErrorCode;
  readonly hint: string | undefined;

  constructor(code: BudgetErrorCode, message: string, options?: ErrorOptions & { readonly hint?: string | undefined }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options?.hint;
  }
}
