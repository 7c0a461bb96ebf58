/** An event of the collector's log. */
import type { LogLevel } from '../config/settings.js';

/** Further facts of an event. */
export type LogFields = Readonly<Record<string, unknown>>;

/** One event. */
export interface LogLine {
  readonly timeMs: number;
  readonly level: LogLevel;
  /** A stable word, such as `ledger.unavailable`. */
  readonly event: string;
  /** For people; may change. */
  readonly message: string;
  readonly fields: LogFields;
}
