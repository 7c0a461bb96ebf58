/** What forwarding has to tell its operator. */

/** One event. Messages may hold foreign text, of one line, without control characters; never a header. */
export interface ForwardLogEvent {
  readonly level: 'info' | 'warn' | 'error';
  readonly event: ForwardEventName;
  /** The target's name; undefined where it is about all of them. */
  readonly exporter: string | undefined;
  readonly message: string;
  /** Further facts, snake_case. */
  readonly details: Readonly<Record<string, string | number>>;
}

/** Stable words. */
export type ForwardEventName =
  /** A target's place in the ledger was chosen anew. */
  | 'forward.start'
  /** A request failed and is tried again. At most once a minute. */
  | 'forward.retry'
  /** The first success after failures that were told. */
  | 'forward.recovered'
  /** Spans that this target will not get. Said at once, then summed up once a minute. `reason` says why. */
  | 'forward.lost'
  /** The backend took everything, but warns. At most once a minute. */
  | 'forward.warning'
  /** The ledger could not be read for some time, or can be again. */
  | 'forward.ledger'
  /** A cursor file cannot be read or written. */
  | 'forward.cursor'
  /** The thread failed and is started again. */
  | 'forward.thread';

/** Takes events. */
export type ForwardLog = (event: ForwardLogEvent) => void;

/** Lets something through at once, then again only after a minute. */
export class OncePerMinute {
  readonly #everyMs: number;
  #nextMs = 0;

  constructor(everyMs = 60_000) {
    this.#everyMs = everyMs;
  }

  /** Whether it is time; if so, the minute starts. */
  isDue(nowMs: number): boolean {
    if (nowMs < this.#nextMs) return false;
    this.#nextMs = nowMs + this.#everyMs;
    return true;
  }
}
