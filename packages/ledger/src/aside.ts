/** {@link AfterCommits} in a thread and with a connection of its own: for writers that must not be kept from writing. */
import type { Worker } from 'node:worker_threads';
import { startOwnThread } from './own-thread.js';
import type { LedgerThreadOptions } from './thread.js';

/** The thread is told of commits at most so often; it looks at everything that was committed by then. */
const TELL_EVERY_MS = 50;

/** What it makes dies young; a large nursery only takes memory from the process. */
const SMALL_NURSERY = { maxYoungGenerationSizeMb: 8 };

/** @internal What the thread answers. */
export type AsideAnswer = { readonly notice: unknown } | { readonly closed: true };

/** Handle of the thread. Without it nothing is lost: reports and the command line judge and sum up by themselves. */
export class Aside {
  readonly #worker: Worker;
  #timer: NodeJS.Timeout | undefined;
  #onClosed: () => void = () => undefined;

  constructor(options: LedgerThreadOptions, tell: (notice: unknown) => void) {
    const module = new URL('./aside-worker.js', import.meta.url);
    this.#worker = startOwnThread(module, 'witness-aside', options, SMALL_NURSERY);
    this.#worker.on('message', (answer: AsideAnswer) => {
      if ('notice' in answer) tell(answer.notice);
      else this.#onClosed();
    });
    this.#worker.on('error', (error) => {
      tell({ type: 'warning', message: `budgets are no longer judged here: ${String(error)}` });
    });
    this.#worker.on('exit', () => this.#onClosed());
  }

  /** Something was committed. */
  committed(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#worker.postMessage('committed');
    }, TELL_EVERY_MS).unref();
  }

  /** Judges what was committed, then ends the thread. */
  async close(): Promise<void> {
    if (this.#timer !== undefined) this.#worker.postMessage('committed');
    clearTimeout(this.#timer);
    const closed = new Promise<void>((resolve) => {
      this.#onClosed = resolve;
    });
    this.#worker.postMessage('close');
    await closed;
    await this.#worker.terminate();
  }
}
