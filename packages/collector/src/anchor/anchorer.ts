/**
 * Anchors the ledger on a schedule, in a thread of its own: it reads the file as any reader does, and nothing that a witness,
 * a program or a full disk does to it reaches the threads that take spans in.
 */
import type { Worker } from 'node:worker_threads';
import type { AnchorEvent, AnchorPlan } from '@infrafabric/cosigner/anchor';
import { startOwnThread, type WitnessPaths } from '@infrafabric/ledger';
import type { Log } from '../operate/log.js';
import { AnchorCounts } from './anchor-counts.js';

/** @internal What the thread is started with. */
export interface AnchorThreadData {
  readonly paths: WitnessPaths;
  readonly plan: AnchorPlan;
}

/** A thread that failed is started again after this. */
const RESTART_MS = 10_000;

/** Anchoring that goes on until it is closed. It does not keep the process alive by itself. */
export class Anchorer {
  readonly counts: AnchorCounts = new AnchorCounts();
  readonly #data: AnchorThreadData;
  readonly #log: Log;
  #worker: Worker | undefined;
  #restart: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(paths: WitnessPaths, plan: AnchorPlan, log: Log) {
    this.#data = { paths, plan };
    this.#log = log;
    this.#start();
  }

  /** Ends it, with whatever is under way: what was cosigned or written stays, the rest is for the next start. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#restart);
    await this.#worker?.terminate();
  }

  #start(): void {
    const worker = startOwnThread(new URL('./anchor-worker.js', import.meta.url), 'witness-anchor', this.#data);
    worker.on('message', (event: AnchorEvent) => {
      this.counts.count(event);
      logAnchor(this.#log, event);
    });
    worker.on('error', (error) =>
      this.#log.error('anchor.thread', `the anchoring thread failed and is started again: ${error.message}`),
    );
    worker.on('exit', () => {
      this.#worker = undefined;
      if (!this.#isClosed) this.#restart = setTimeout(() => this.#start(), RESTART_MS).unref();
    });
    this.#worker = worker;
  }
}

function logAnchor(log: Log, event: AnchorEvent): void {
  switch (event.type) {
    case 'anchored': {
      const { size, file, by, failures } = event;
      log.info('anchor.taken', `anchored ${size} entries`, { size, file, cosigned_by: by });
      for (const { witness, reason } of failures)
        log.warn('anchor.witness', `not cosigned by ${witness}: ${reason}`, { code: witness });
      return;
    }
    case 'contradicted':
      log.error('anchor.contradicted', event.message, { evidence: event.evidence });
      return;
    case 'failed':
      log.warn('anchor.failed', event.message, { code: event.code, hint: event.hint });
  }
}
