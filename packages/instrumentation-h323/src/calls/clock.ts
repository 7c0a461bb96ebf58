/** Times of what is observed: milliseconds since 1970, which recordings may put in the past. */
import type { HrTime } from '@opentelemetry/api';

/** As the OpenTelemetry API takes it: a bare number could be read as one relative to the process's start. */
export function hrTimeOf(atMs: number): HrTime {
  const seconds = Math.floor(atMs / 1000);
  return [seconds, Math.round((atMs - seconds * 1000) * 1e6)];
}

/** Goes on from the time of what was observed last, so that a replayed recording does not time out at once. */
export class ObservedClock {
  #lastMs = Number.NEGATIVE_INFINITY;
  #seenAt = 0;

  /** Something happened then. */
  observe(atMs: number): void {
    if (atMs < this.#lastMs) return;
    this.#lastMs = atMs;
    this.#seenAt = performance.now();
  }

  /** Now, on the clock of what is observed; negative infinity before anything was. */
  now(): number {
    return this.#lastMs + (performance.now() - this.#seenAt);
  }
}
