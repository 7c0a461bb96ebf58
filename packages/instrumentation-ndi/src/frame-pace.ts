/**
 * Whether frames come as often as their header says. The first frame sets the clock: each next one is due a period later. One
 * that comes a whole period after it was due is late, and the periods that went by without a frame are dropped frames.
 */

/** What is wrong with a frame's time. */
export interface Lateness {
  readonly lateMs: number;
  /** Periods that went by without a frame, 1 or more. */
  readonly dropped: number;
}

/** The clock of one stream. A source may run ahead by one period (two frames at once); further ahead moves the clock. */
export class FramePace {
  #dueMs: number | undefined;
  #rate: number | undefined;

  /**
   * Takes a frame's time.
   * @param nowMs monotonic milliseconds
   * @param framesPerSecond as the header says; a change of it, or none, begins anew
   */
  next(nowMs: number, framesPerSecond: number | undefined): Lateness | undefined {
    const dueMs = framesPerSecond === this.#rate ? this.#dueMs : undefined;
    this.#rate = framesPerSecond;
    if (framesPerSecond === undefined) return undefined;
    const periodMs = 1_000 / framesPerSecond;
    if (dueMs === undefined || nowMs < dueMs - periodMs) {
      this.#dueMs = nowMs + periodMs;
      return undefined;
    }
    const lateMs = nowMs - dueMs;
    const dropped = Math.max(0, Math.floor(lateMs / periodMs));
    this.#dueMs = dueMs + (dropped + 1) * periodMs;
    return dropped === 0 ? undefined : { lateMs, dropped };
  }
}
