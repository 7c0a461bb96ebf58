/** How long to wait before sending again. Pure. */

/** Bounds of the pauses, milliseconds. */
export interface Backoff {
  /** About the first pause; each later one is about twice as long. */
  readonly firstMs: number;
  /** No pause is longer by itself. */
  readonly longestMs: number;
}

/** What the OTLP specification leaves to the client: a second, doubled up to half a minute. */
export const DEFAULT_BACKOFF: Backoff = { firstMs: 1_000, longestMs: 30_000 };

/** A backend may ask for this much patience and no more: a mistaken header must not stop forwarding for a day. */
const LONGEST_ASKED_MS = 600_000;

/**
 * The pause after a number of failures in a row (1 or more): exponential, ±50 % so that many clients do not come back
 * together, and never shorter than the answer asked for (`afterMs`, honoured up to 10 minutes).
 */
export function retryPauseMs(
  failures: number,
  afterMs: number | undefined,
  { firstMs, longestMs }: Backoff,
  random: () => number = Math.random,
): number {
  const pauseMs = Math.min(firstMs * 2 ** (failures - 1), longestMs) * (0.5 + random());
  return Math.max(Math.min(pauseMs, longestMs), Math.min(afterMs ?? 0, LONGEST_ASKED_MS));
}
