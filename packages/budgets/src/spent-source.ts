/** Where a budget learns what was spent. */
import type { Scope, Spent } from '@infrafabric/accounting/budgets';

/** Sums of counted charges; exact. */
export interface SpentSource {
  /**
   * What spans in the scope cost in US dollars. Times are Unix nanoseconds of the span's start, half-open; an undefined bound
   * is open. `scope` holds exact texts by dimension, of which all must hold; a business trace id stands for the flows under it
   * as well.
   */
  spent(scope: Scope, sinceUnixNano: bigint | undefined, untilUnixNano: bigint | undefined): Spent;
  /** Seq after the newest entry that was counted. */
  readonly size: number;
  /** Counts what was appended since. Inside a write transaction it reaches what that transaction sees. */
  catchUp(): void;
}
