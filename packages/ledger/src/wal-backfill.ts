/**
 * Moves committed pages from the write-ahead log into the ledger file without the writer waiting: SQLite's own automatic
 * checkpoint does that inside every hundredth commit and makes it ten times as long. A second thread does the bulk
 * (`wal_checkpoint(PASSIVE)`), then the writer the few frames that came meanwhile, so that the log starts over.
 */
import type { Worker } from 'node:worker_threads';
import { type Connection, statement } from './database.js';
import { startOwnThread } from './own-thread.js';

/** Octets appended to the ledger after which the log is moved; the log itself is about twice as long. */
const BACKFILL_OCTETS = 8 * 1024 * 1024;
/** So much without the thread having done anything means that it cannot: the writer does it. */
const OVERDUE_OCTETS = 8 * BACKFILL_OCTETS;

/** @internal What the thread answers. */
export interface BackfillAnswer {
  readonly ok: boolean;
}

/** The log of one writing connection. */
export class WalBackfill {
  readonly #db: Connection;
  readonly #worker: Worker;
  #octets = 0;
  #state: 'idle' | 'running' | 'finish' | 'dead' = 'idle';

  /** @param ledger path of the file that `db` has open. */
  constructor(db: Connection, ledger: string) {
    this.#db = db;
    db.pragma('wal_autocheckpoint = 0');
    this.#worker = startOwnThread(new URL('./wal-backfill-worker.js', import.meta.url), 'witness-wal', { ledger });
    this.#worker.on('message', ({ ok }: BackfillAnswer) => {
      this.#state = ok ? 'finish' : 'idle';
    });
    this.#worker.on('error', () => this.#giveUp());
    this.#worker.on('exit', () => this.#giveUp());
  }

  /** Call after each commit, outside of a transaction. */
  committed(octets: number): void {
    if (this.#state === 'dead') return;
    this.#octets += octets;
    if (this.#state === 'finish' || this.#octets > OVERDUE_OCTETS) this.#finish();
    else if (this.#state === 'idle' && this.#octets > BACKFILL_OCTETS) {
      this.#state = 'running';
      this.#octets = 0;
      this.#worker.postMessage('backfill');
    }
  }

  /** Ends the thread. SQLite moves the rest when the last connection is closed. */
  async close(): Promise<void> {
    this.#state = 'dead';
    await this.#worker.terminate();
  }

  #finish(): void {
    if (this.#state === 'finish') this.#state = 'idle';
    else this.#octets = 0;
    try {
      statement(this.#db, 'PRAGMA wal_checkpoint(PASSIVE)').all();
    } catch {
      // The commit stands. A log that cannot be moved now is moved later, and is complete meanwhile.
    }
  }

  #giveUp(): void {
    if (this.#state === 'dead') return;
    this.#state = 'dead';
    this.#db.pragma('wal_autocheckpoint = 1000');
  }
}
