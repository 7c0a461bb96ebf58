/**
 * A ledger behind a worker thread, for programs whose event loop must not wait for SQLite: exporter and collector. Bytes go
 * over, a summary comes back after commit; no object per span crosses.
 */
import type { Worker } from 'node:worker_threads';
import type { Ledger, LedgerOptions } from './ledger.js';
import { LedgerError, type LedgerErrorCode } from './ledger-error.js';
import { startOwnThread } from './own-thread.js';
import type { PackedSpans } from './pack-spans.js';
import type { Rotated } from './rotation.js';

/** What became of the spans of one request; given only after commit. */
export interface RequestSummary {
  readonly appended: number;
  /** Spans that were in the ledger already. */
  readonly duplicates: number;
  /** Spans that cannot be witnessed, by reason. */
  readonly rejected: readonly { readonly reason: string; readonly count: number }[];
}

/** Spans that are known to be lost; becomes a signed `gap` entry. */
export interface Gap {
  readonly count: number;
  /** Stable word, e.g. `spool.full`. */
  readonly reason: string;
  /** Who lost them, e.g. a service name. */
  readonly source: string;
  readonly sinceUnixNano: bigint;
  readonly untilUnixNano: bigint;
}

/** A commit that one or more requests of {@link LedgerThread.appendPacked} shared. */
export interface GroupCommit {
  readonly requests: number;
  readonly spans: number;
  /** From the first look at the group to its commit. */
  readonly seconds: number;
}

/** Options that can cross to the thread. */
export interface LedgerThreadOptions extends Omit<LedgerOptions, 'signer' | 'sources' | 'longLived' | 'backfill'> {
  /** For a program that does little else: two more threads see to it that nothing but appending keeps this one from appending. */
  readonly ingest?: boolean;
  /**
   * Address of a module that the thread loads and calls after commits, once there is a `budget` entry: see
   * {@link AfterCommitModule}. Answers to requests do not wait for it.
   */
  readonly afterCommit?: string | undefined;
}

/** What a module for {@link LedgerThreadOptions.afterCommit} exports. */
export interface AfterCommitModule {
  /** Called after one or more commits, never twice at a time. `tell` hands a notice to {@link LedgerThread.onNotice}. */
  afterCommit(ledger: Ledger, tell: (notice: unknown) => void): Promise<void>;
  /** Called before the ledger is closed. */
  close(): Promise<void>;
}

/** @internal What crosses. */
export type ThreadRequest =
  | { readonly id: number; readonly type: 'spans'; readonly request: Uint8Array }
  | { readonly id: number; readonly type: 'packed'; readonly packed: PackedSpans }
  | { readonly id: number; readonly type: 'gap'; readonly gap: Gap }
  | { readonly id: number; readonly type: 'probe' }
  | { readonly id: number; readonly type: 'rotate'; readonly ifOlderThanMs: number }
  | { readonly id: number; readonly type: 'close' };

/** @internal What became of one request. */
export type ThreadAnswer =
  | { readonly id: number; readonly summary: RequestSummary; readonly rotated?: Rotated }
  | {
      readonly id: number;
      readonly error: { readonly code: LedgerErrorCode; readonly message: string; readonly hint?: string };
    };

/** @internal What comes back. */
export type ThreadResponse =
  | { readonly notice: unknown }
  /** While it is so, the process is kept alive: what was committed last is judged too. */
  | { readonly judging: boolean }
  | {
      readonly answers: readonly ThreadAnswer[];
      readonly commit?: GroupCommit;
      /** Blocks of packed spans, to be used again. */
      readonly blocks?: readonly Uint8Array[];
    };

type Settled = Extract<ThreadAnswer, { summary: unknown }>;

interface Waiting {
  readonly resolve: (answer: Settled) => void;
  readonly reject: (error: unknown) => void;
}

/** What a commit makes is garbage after it: a nursery four times as large takes 30 MB more and is no faster. */
const INGEST_LIMITS = { maxYoungGenerationSizeMb: 12 };

/** Handle of the thread. It does not keep the process alive by itself while nothing is under way. */
export class LedgerThread {
  readonly #options: LedgerThreadOptions;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #nextId = 0;
  #closed = false;
  #isJudging = false;
  /** Told what the module of `afterCommit` has to say. */
  onNotice: (notice: unknown) => void = () => undefined;
  /** Told of every commit of packed spans, before their requests are answered. */
  onCommit: (commit: GroupCommit) => void = () => undefined;
  /** Given the whole block of octets of packed spans that are done with, to be used again. */
  onBlock: (block: Uint8Array) => void = () => undefined;

  /** The ledger is opened, or created, by the first append; a failure to do so is that append's failure. */
  constructor(options: LedgerThreadOptions = {}) {
    this.#options = options;
  }

  /**
   * Appends the spans of an OTLP `ExportTraceServiceRequest` (protobuf). The buffer is transferred: do not use it after.
   * @throws LedgerError by rejection; then nothing is acknowledged and the same request may be sent again.
   */
  appendTraceRequest(request: Uint8Array): Promise<RequestSummary> {
    // A view into a larger buffer (Node's Buffer pool) would take its neighbours along.
    const whole = request.byteLength === request.buffer.byteLength ? request : request.slice();
    return this.#summary({ type: 'spans', request: whole }, [whole.buffer as ArrayBuffer]);
  }

  /**
   * Appends spans that `packSpans` prepared. Requests that wait at the same time share a commit. What is packed is
   * transferred: do not use it after.
   * @throws LedgerError by rejection; then nothing is acknowledged and the same spans may be sent again.
   */
  appendPacked(packed: PackedSpans): Promise<RequestSummary> {
    return this.#summary({ type: 'packed', packed }, [
      packed.octets.buffer as ArrayBuffer,
      packed.places.buffer as ArrayBuffer,
    ]);
  }

  /** Records spans that are known to be lost. */
  appendGap(gap: Gap): Promise<RequestSummary> {
    return this.#summary({ type: 'gap', gap }, []);
  }

  /**
   * Hands over to a new key, between two commits, when the current one is at least so old; undefined when it is not.
   * @throws LedgerError by rejection, as `Ledger.rotate`.
   */
  async rotateKey(ifOlderThanMs: number): Promise<Rotated | undefined> {
    return (await this.#call({ type: 'rotate', ifOlderThanMs }, [])).rotated;
  }

  /** Opens the ledger, creating it when there is none, and asks whether it could be appended to. @throws LedgerError by rejection. */
  async probe(): Promise<void> {
    await this.#call({ type: 'probe' }, []);
  }

  /** Finishes what is under way, closes the file and ends the thread. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#worker !== undefined) await this.#send(this.#worker, { type: 'close' }, []).catch(() => undefined);
    await this.#worker?.terminate();
  }

  async #summary(message: Unnumbered, transfer: ArrayBuffer[]): Promise<RequestSummary> {
    return (await this.#call(message, transfer)).summary;
  }

  #call(message: Unnumbered, transfer: ArrayBuffer[]): Promise<Settled> {
    if (this.#closed) return Promise.reject(new LedgerError('closed', 'the ledger thread is closed'));
    this.#worker ??= this.#start();
    return this.#send(this.#worker, message, transfer);
  }

  #send(worker: Worker, message: Unnumbered, transfer: ArrayBuffer[]): Promise<Settled> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      worker.ref();
      worker.postMessage({ ...message, id }, transfer);
    });
  }

  #start(): Worker {
    const module = new URL('./thread-worker.js', import.meta.url);
    const limits = this.#options.ingest === true ? INGEST_LIMITS : undefined;
    const worker = startOwnThread(module, 'witness-ledger', this.#options, limits);
    worker.on('message', (response: ThreadResponse) => this.#settle(response));
    worker.on('error', (cause) => this.#fail(worker, new LedgerError('io', 'the ledger thread failed', { cause })));
    worker.on('exit', () => this.#fail(worker, new LedgerError('closed', 'the ledger thread ended')));
    return worker;
  }

  #settle(response: ThreadResponse): void {
    if ('notice' in response) {
      this.onNotice(response.notice);
      return;
    }
    if ('judging' in response) {
      this.#isJudging = response.judging;
      if (this.#isJudging) this.#worker?.ref();
      else if (this.#waiting.size === 0) this.#worker?.unref();
      return;
    }
    if (response.commit !== undefined) this.onCommit(response.commit);
    for (const block of response.blocks ?? []) this.onBlock(block);
    for (const answer of response.answers) {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ('summary' in answer) waiting?.resolve(answer);
      else waiting?.reject(new LedgerError(answer.error.code, answer.error.message, { hint: answer.error.hint }));
    }
    if (this.#waiting.size === 0 && !this.#isJudging) this.#worker?.unref();
  }

  /** Whatever was under way is unknown, not acknowledged; the next call starts a new thread. */
  #fail(worker: Worker, error: LedgerError): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#isJudging = false;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

type Unnumbered = ThreadRequest extends infer R ? (R extends ThreadRequest ? Omit<R, 'id'> : never) : never;
