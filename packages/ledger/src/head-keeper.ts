/** When the head is remembered: after each commit, or for writers with many of them now and then, and when they close. */
import type { Connection } from './database.js';
import { rememberHead } from './remembered-head.js';

/** Remembers the head of the ledger that a connection writes. Nothing in it throws. */
export class HeadKeeper {
  readonly #db: Connection;
  readonly #ledger: string;
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;
  #isBehind = false;
  #rememberedAtMs = Number.NEGATIVE_INFINITY;

  /** @param everyMs 0: after each commit. */
  constructor(db: Connection, ledger: string, everyMs: number) {
    this.#db = db;
    this.#ledger = ledger;
    this.#everyMs = everyMs;
  }

  /** Call after each commit, outside of a transaction. */
  committed(): void {
    this.#isBehind = true;
    const dueInMs = this.#rememberedAtMs + this.#everyMs - performance.now();
    if (dueInMs <= 0) this.#remember();
    else this.#timer ??= setTimeout(() => this.#whenFree(), dueInMs).unref();
  }

  /** Remembers what is not remembered yet. Call before the connection is closed. */
  close(): void {
    clearTimeout(this.#timer);
    if (this.#isBehind) this.#remember();
  }

  #whenFree(): void {
    this.#timer = undefined;
    // In the middle of an append, whose commit calls again; where it fails, the next one's does.
    if (!this.#db.inTransaction) this.#remember();
  }

  /** A head that cannot be written is behind, which is safe: it only ever goes forward. */
  #remember(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isBehind = false;
    this.#rememberedAtMs = performance.now();
    try {
      rememberHead(this.#db, this.#ledger);
    } catch {
      // The batch is committed; the next commit tries again.
    }
  }
}
