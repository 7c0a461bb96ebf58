/** The events of one connection: each with who it is about, when, and who said what to whom. */
import {
  type EventRecorder,
  type EventUsage,
  type Payload,
  type SessionEvent,
  withBusinessIds,
} from '@infrafabric/events';
import type { Attributes, Context } from '@opentelemetry/api';
import { ATTR_LADDER_FROM, ATTR_LADDER_LABEL, ATTR_LADDER_TO } from './names.js';

/** What an event has beside its payload. */
export interface EventDetails {
  /** Which way an arrow of the ladder goes, and what is written at it. */
  readonly arrow?: { readonly from: 'local' | 'remote'; readonly label: string } | undefined;
  readonly usage?: EventUsage | undefined;
  readonly error?: SessionEvent['error'];
  /** When it happened, milliseconds since 1970; default: now. */
  readonly atMs?: number | undefined;
  /** Business trace id, where it is another one than the connection's. */
  readonly traceId?: string | undefined;
}

/** The two ends, as the ladder names them. */
export interface Ends {
  readonly local: string;
  readonly remote: string;
}

/** Writes the events of one connection. */
export class ConnectionEvents {
  /** When the connection was made, milliseconds since 1970. */
  readonly startMs: number;
  readonly #recorder: EventRecorder;
  readonly #context: Context;
  readonly #ends: Ends;
  // Wall clocks are set; durations must not notice.
  readonly #start: number = performance.now();

  constructor(recorder: EventRecorder, context: Context, startMs: number, ends: Ends) {
    this.#recorder = recorder;
    this.#context = context;
    this.startMs = startMs;
    this.#ends = ends;
  }

  /** Milliseconds since the connection was made, whole. */
  get elapsedMs(): number {
    return Math.round(performance.now() - this.#start);
  }

  /** Milliseconds since 1970, in step with `elapsedMs`. */
  get nowMs(): number {
    return this.startMs + performance.now() - this.#start;
  }

  /** Records an event. */
  record(name: string, payload: Payload, details: EventDetails = {}): void {
    const { arrow, usage, error, atMs = this.nowMs, traceId } = details;
    const event: SessionEvent = {
      name,
      payload: { peer_id: this.#ends.local, ...payload, timestamp: isoTime(atMs) },
      startTime: atMs,
      attributes: arrow === undefined ? undefined : this.#ladder(arrow),
      usage,
      error,
    };
    this.#recorder.record(event, traceId === undefined ? this.#context : withBusinessIds({ traceId }, this.#context));
  }

  #ladder({ from, label }: NonNullable<EventDetails['arrow']>): Attributes {
    const { local, remote } = this.#ends;
    return {
      [ATTR_LADDER_FROM]: from === 'local' ? local : remote,
      [ATTR_LADDER_TO]: from === 'local' ? remote : local,
      [ATTR_LADDER_LABEL]: label,
    };
  }
}

let isoSecond = Number.NaN;
let isoPrefix = '';

/** ISO 8601 in UTC, as `toISOString`, which takes as long as all the rest of an event: most of them share a second. */
function isoTime(atMs: number): string {
  const second = Math.floor(atMs / 1_000);
  if (second !== isoSecond) {
    isoPrefix = new Date(second * 1_000).toISOString().slice(0, 20);
    isoSecond = second;
  }
  return `${isoPrefix}${String(Math.floor(atMs) % 1_000).padStart(3, '0')}Z`;
}
