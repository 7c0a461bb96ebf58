/**
 * Forwards what is in the ledger to OTLP backends. The ledger is the queue: every span is in it, whole and durable, before it
 * could be forwarded, so this is a reader with a place in it for each target. All of it happens in a thread of its own.
 */
import type { Worker } from 'node:worker_threads';
import { startOwnThread, type WitnessPaths, witnessPaths } from '@infrafabric/ledger';
import { type Backoff, DEFAULT_BACKOFF, tracesEndpoint } from '@infrafabric/otlp/send';
import type { ForwardLog } from './forward-log.js';
import type { ForwardReport, ForwardRequest, ForwardThreadData } from './forward-messages.js';
import type { ForwardCounts, ForwardTarget } from './forward-target.js';
import { writeStartingCursors } from './starting-cursors.js';

/** How to forward. */
export interface ForwarderOptions {
  /** Witness home; default `IF_WITNESS_HOME`, else `~/.if-witness`. */
  readonly home?: string | undefined;
  /** Ledger file; default `witness.db` in the home. It need not be there yet. */
  readonly ledger?: string | undefined;
  /** Their names must differ. */
  readonly targets: readonly ForwardTarget[];
  readonly onLog: ForwardLog;
  /** Pauses after failures; default a second, doubled up to half a minute. */
  readonly backoff?: Backoff;
}

/** Wakes the thread at most this often. */
const WAKE_EVERY_MS = 20;
/** A thread that failed is started again after this. */
const RESTART_MS = 1_000;
/** For the thread to say goodbye, beyond the deadline. */
const GRACE_MS = 1_000;

/** Forwarding to all targets. It does not keep the process alive by itself. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #paths: WitnessPaths;
  readonly #startedMs = Date.now();
  #counts: readonly ForwardCounts[];
  #worker: Worker | undefined;
  #closing: Promise<void> | undefined;
  #restart: NodeJS.Timeout | undefined;
  #throttle: NodeJS.Timeout | undefined;
  #wakeAgain = false;

  /**
   * Looks at the ledger once and writes the cursor files that are missing: create it before the first span is taken in. What
   * is committed after that is forwarded.
   * @throws TypeError, RangeError for targets that make no sense.
   */
  constructor(options: ForwarderOptions) {
    requireTargets(options.targets);
    this.#options = options;
    this.#paths = witnessPaths(options);
    const names = options.targets.map(({ name }) => name);
    const behind = writeStartingCursors(this.#paths, names, this.#startedMs, options.onLog);
    this.#counts = options.targets.map(({ name, maxBehind }, i) => ({
      exporter: name,
      sentSpans: 0,
      sendFailedSpans: 0,
      droppedSpans: 0,
      queueSize: behind[i]!,
      queueCapacity: maxBehind,
    }));
    if (options.targets.length > 0) this.#start();
  }

  /** Something was committed: it is looked at soon instead of within a quarter of a second. Cheap, call it often. */
  wake(): void {
    if (this.#throttle !== undefined) {
      this.#wakeAgain = true;
      return;
    }
    this.#send({ type: 'wake' });
    this.#throttle = setTimeout(() => {
      this.#throttle = undefined;
      if (!this.#wakeAgain) return;
      this.#wakeAgain = false;
      this.wake();
    }, WAKE_EVERY_MS).unref();
  }

  /** One a target, in their order; at most about a quarter of a second old. */
  counts(): ForwardCounts[] {
    return [...this.#counts];
  }

  /**
   * Goes on until the ledger's present end or the first failure, at most until the deadline; keeps the places. What was sent
   * when the deadline cut it off is sent again by the next forwarder. A second call gets the same promise.
   */
  close(deadlineMs: number): Promise<void> {
    this.#closing ??= this.#close(deadlineMs);
    return this.#closing;
  }

  async #close(deadlineMs: number): Promise<void> {
    clearTimeout(this.#restart);
    clearTimeout(this.#throttle);
    const worker = this.#worker;
    if (worker === undefined) return;
    worker.ref();
    const ended = new Promise<void>((resolve) => {
      worker.once('exit', () => resolve());
    });
    this.#send({ type: 'close', deadlineMs });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs + GRACE_MS);
    });
    await Promise.race([ended, late]);
    clearTimeout(timer);
    await worker.terminate();
  }

  #send(request: ForwardRequest): void {
    this.#worker?.postMessage(request);
  }

  #start(): void {
    const { targets, backoff = DEFAULT_BACKOFF } = this.#options;
    const data: ForwardThreadData = {
      ...this.#paths,
      targets,
      counts: this.#counts,
      backoff,
      startedMs: this.#startedMs,
    };
    // An SDK that NODE_OPTIONS or --import loads would make spans of our requests, which would come in here again.
    const worker = startOwnThread(new URL('./forward-worker.js', import.meta.url), 'witness-forward', data);
    worker.on('message', (report: ForwardReport) => {
      if (report.type === 'counts') this.#counts = report.counts;
      else this.#options.onLog(report.event);
    });
    worker.on('error', (error) => this.#tellFailed(error));
    worker.on('exit', () => {
      this.#worker = undefined;
      if (this.#closing !== undefined) return;
      this.#restart = setTimeout(() => this.#start(), RESTART_MS).unref();
    });
    this.#worker = worker;
  }

  #tellFailed(error: unknown): void {
    const message = `the forwarding thread failed and is started again: ${error instanceof Error ? error.message : error}`;
    this.#options.onLog({ level: 'error', event: 'forward.thread', exporter: undefined, message, details: {} });
  }
}

function requireTargets(targets: readonly ForwardTarget[]): void {
  const names = new Set<string>();
  for (const { name, url, timeoutMs, maxBehind, maxRequestBytes } of targets) {
    if (names.has(name)) throw new RangeError(`two targets are called ${name}: give each a name of its own`);
    names.add(name);
    // A URL may hold a key: it is not repeated.
    if (tracesEndpoint(url) === undefined) throw new TypeError(`the URL of target ${name} must be http or https`);
    for (const [what, value] of Object.entries({ timeoutMs, maxBehind, maxRequestBytes })) {
      if (!Number.isSafeInteger(value) || value < 1)
        throw new RangeError(`${what} of target ${name} must be 1 or more`);
    }
  }
}
