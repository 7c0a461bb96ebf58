/** What was handed to the sender, counted by interval: uncompressed octets, not those on the network, which NDI compresses. */

/** Counts of one interval. */
export interface Throughput {
  readonly seconds: number;
  readonly frames: number;
  readonly videoBytes: number;
  readonly audioBytes: number;
}

/** A counter that is emptied once an interval. */
export class ThroughputMeter {
  readonly #intervalMs: number;
  #sinceMs: number | undefined;
  #frames = 0;
  #videoBytes = 0;
  #audioBytes = 0;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** Takes a frame of video. @returns the interval that ended before it, if one did. */
  video(nowMs: number, bytes: number): Throughput | undefined {
    const ended =
      this.#sinceMs !== undefined && nowMs - this.#sinceMs >= this.#intervalMs ? this.take(nowMs) : undefined;
    this.#sinceMs ??= nowMs;
    this.#frames++;
    this.#videoBytes += bytes;
    return ended;
  }

  audio(nowMs: number, bytes: number): void {
    this.#sinceMs ??= nowMs;
    this.#audioBytes += bytes;
  }

  /** Empties the counter; undefined when nothing was counted. */
  take(nowMs: number): Throughput | undefined {
    if (this.#sinceMs === undefined) return undefined;
    const taken = {
      seconds: Math.max(0, nowMs - this.#sinceMs) / 1_000,
      frames: this.#frames,
      videoBytes: this.#videoBytes,
      audioBytes: this.#audioBytes,
    };
    this.#sinceMs = undefined;
    this.#frames = this.#videoBytes = this.#audioBytes = 0;
    return taken;
  }
}
