/** Windows in their order: one is open, those behind it wait until their hashes are there. */
import { FrameWindow } from './frame-window.js';

/** A hasher that hangs must not fill the memory. */
const MAX_WAITING = 64;

/** When windows close, and what then. */
export interface WindowQueueOptions {
  readonly windowFrames: number;
  readonly windowMs: number;
  /** A closed window whose hashes are all there, or given up; in order. */
  readonly onReady: (window: FrameWindow) => void;
  /** More windows wait than ever should: the hashes that are under way must be given up. */
  readonly onStuck: () => void;
}

/** Opens windows by need and closes them by size and by time. Its timer does not keep the process alive. */
export class WindowQueue {
  readonly #options: WindowQueueOptions;
  readonly #waiting: FrameWindow[] = [];
  #current: FrameWindow | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #batches = 0;

  constructor(options: WindowQueueOptions) {
    this.#options = options;
  }

  /** Windows so far. */
  get batches(): number {
    return this.#batches;
  }

  get isEmpty(): boolean {
    return this.#current === undefined && this.#waiting.length === 0;
  }

  /** The newest that is not recorded yet. */
  get newest(): FrameWindow | undefined {
    return this.#current ?? this.#waiting.at(-1);
  }

  /** The open window; a new one when there is none. @param nowMs Unix milliseconds */
  open(nowMs: number): FrameWindow {
    if (this.#current === undefined) {
      this.#timer = setTimeout(() => this.flush(), this.#options.windowMs);
      this.#timer.unref();
      this.#current = new FrameWindow(++this.#batches, nowMs);
    }
    return this.#current;
  }

  /** Closes the open window when it is full. */
  flushFull(): void {
    if (this.#current !== undefined && this.#current.size >= this.#options.windowFrames) this.flush();
  }

  /** Closes the open window, if it has frames. */
  flush(): void {
    clearTimeout(this.#timer);
    const window = this.#current;
    this.#current = undefined;
    if (window === undefined || window.size === 0) return;
    window.isClosed = true;
    window.endMs = Date.now();
    this.#waiting.push(window);
    this.release();
    if (this.#waiting.length > MAX_WAITING) this.#options.onStuck();
  }

  /** Hands on the windows that are ready; to be called when a hash has come. */
  release(): void {
    while (this.#waiting[0]?.isReady) this.#options.onReady(this.#waiting.shift()!);
  }
}
