/**
 * The collector's log: one line an event, JSON or text, to a function that writes it. What happens again and again is written
 * once a minute with a count. Never in it: tokens, headers, anything out of spans.
 */
import type { LogFormat, LogLevel } from '../config/settings.js';
import type { LogFields, LogLine } from './log-line.js';
import { renderJsonLine, renderTextLine } from './render-line.js';

/** How to log. */
export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Whether text lines are coloured. */
  readonly color?: boolean | undefined;
  /** Gets whole lines with their line break. Must not throw. */
  readonly write: (line: string) => void;
  /** How long an event is not written again after it was; default a minute. */
  readonly repeatMs?: number | undefined;
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
const MINUTE_MS = 60_000;

/** Events that are not written at present, and the newest of them. */
interface Repeated {
  count: number;
  last: LogLine;
  readonly timer: NodeJS.Timeout;
}

/** Writes lines. */
export class Log {
  readonly #options: LogOptions;
  readonly #repeated = new Map<string, Repeated>();

  constructor(options: LogOptions) {
    this.#options = options;
  }

  debug(event: string, message: string, fields: LogFields = {}): void {
    this.tell('debug', event, message, fields);
  }

  info(event: string, message: string, fields: LogFields = {}): void {
    this.tell('info', event, message, fields);
  }

  /** As {@link Log.limited}. */
  warn(event: string, message: string, fields: LogFields = {}): void {
    this.limited('warn', event, message, fields);
  }

  /** As {@link Log.limited}. */
  error(event: string, message: string, fields: LogFields = {}): void {
    this.limited('error', event, message, fields);
  }

  /** Writes the event each time. */
  tell(level: LogLevel, event: string, message: string, fields: LogFields = {}): void {
    if (this.#wants(level)) this.#write({ timeMs: Date.now(), level, event, message, fields });
  }

  /**
   * Writes an event with the same fields `code` and `exporter` once a minute; what came meanwhile is then one line, the newest,
   * with their number as `repeated`.
   */
  limited(level: LogLevel, event: string, message: string, fields: LogFields = {}): void {
    if (!this.#wants(level)) return;
    const key = JSON.stringify([event, fields.code, fields.exporter]);
    const line = { timeMs: Date.now(), level, event, message, fields };
    const repeated = this.#repeated.get(key);
    if (repeated !== undefined) {
      repeated.count++;
      repeated.last = line;
      return;
    }
    this.#write(line);
    const timer = setTimeout(() => this.#release(key), this.#options.repeatMs ?? MINUTE_MS).unref();
    this.#repeated.set(key, { count: 0, last: line, timer });
  }

  /** Writes what was held back. Events after it are written as ever. */
  flush(): void {
    for (const key of this.#repeated.keys()) this.#release(key);
  }

  #release(key: string): void {
    const { count, last, timer } = this.#repeated.get(key)!;
    clearTimeout(timer);
    this.#repeated.delete(key);
    if (count > 0) this.#write({ ...last, fields: { ...last.fields, repeated: count } });
  }

  #wants(level: LogLevel): boolean {
    return LEVELS.indexOf(level) >= LEVELS.indexOf(this.#options.level);
  }

  #write(line: LogLine): void {
    const { format, color, write } = this.#options;
    write(format === 'json' ? renderJsonLine(line) : renderTextLine(line, color === true));
  }
}
