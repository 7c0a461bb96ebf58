/** Many events as one: for what happens sixty times a second and need not be sixty entries. */
import { type Context, context, diag } from '@opentelemetry/api';
import type { Records } from './session.js';
import type { EventUsage, JsonValue } from './session-event.js';

/** When a batch is recorded, and as what. */
export interface WitnessBatchOptions {
  /** Events of a batch; default 30. */
  readonly size?: number;
  /** A batch is recorded at the latest so long after its first event, milliseconds; default 1,000. 0: by size alone. */
  readonly maxAgeMs?: number;
  /** Name of the event; default `batch_complete`. */
  readonly name?: string;
  /** What the whole batch used and cost. */
  readonly usageOf?: (events: readonly JsonValue[]) => EventUsage;
}

const DEFAULT_SIZE = 30;
const DEFAULT_MAX_AGE_MS = 1_000;

/** Collects events and records each batch as one, with `event_count` and `events`. It does not keep the process alive. */
export class WitnessBatch {
  readonly #recorder: Records;
  readonly #options: WitnessBatchOptions;
  readonly #size: number;
  readonly #maxAgeMs: number;
  readonly #parent: Context;
  #events: JsonValue[] = [];
  #startMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @throws RangeError for a size that is no whole number above 0, or an age that is none from 0 up. */
  constructor(recorder: Records, options: WitnessBatchOptions = {}, parent: Context = context.active()) {
    this.#recorder = recorder;
    this.#options = options;
    this.#parent = parent;
    this.#size = options.size ?? DEFAULT_SIZE;
    this.#maxAgeMs = options.maxAgeMs ?? DEFAULT_MAX_AGE_MS;
    if (!Number.isSafeInteger(this.#size) || this.#size < 1)
      throw new RangeError('size must be a whole number above 0');
    if (!(this.#maxAgeMs >= 0)) throw new RangeError('maxAgeMs must be 0 or more');
  }

  /** Takes an event; records the batch when it is full. */
  add(event: JsonValue): void {
    if (this.#events.push(event) === 1) this.#begin();
    if (this.#events.length >= this.#size) this.flush();
  }

  /** Records what there is; nothing when there is nothing. Call it when the session ends. */
  flush(): void {
    clearTimeout(this.#timer);
    if (this.#events.length === 0) return;
    const events = this.#events;
    this.#events = [];
    const usage = this.#usageOf(events);
    this.#recorder.record(
      {
        name: this.#options.name ?? 'batch_complete',
        payload: { event_count: events.length, events },
        startTime: this.#startMs,
        endTime: Date.now(),
        ...(usage === undefined ? {} : { usage }),
      },
      this.#parent,
    );
  }

  /** Called from a timer, where what the application's function throws would end the process. */
  #usageOf(events: readonly JsonValue[]): EventUsage | undefined {
    try {
      return this.#options.usageOf?.(events);
    } catch (error) {
      diag.error('the usage of a batch is not known: usageOf failed', error);
      return undefined;
    }
  }

  #begin(): void {
    this.#startMs = Date.now();
    if (this.#maxAgeMs === 0) return;
    this.#timer = setTimeout(() => this.flush(), this.#maxAgeMs);
    // Browsers number their timers.
    if (typeof this.#timer === 'object') this.#timer.unref();
  }
}
