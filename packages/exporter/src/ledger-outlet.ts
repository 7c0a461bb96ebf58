/**
 * The ledger and its spool, seen from a process that must never wait for either or fail with them: knows whether the ledger
 * works, tries again with backoff and jitter when it does not, drains the spool when it does, and counts.
 */
import { LedgerError, Spool, spoolDirectory, witnessPaths } from '@infrafabric/ledger';
import { LedgerThread, type RequestSummary } from '@infrafabric/ledger/thread';
import { type Counts, newCounts } from './counts.js';
import { drainSpool } from './drain-spool.js';
import { Losses } from './losses.js';
import { type SayOnce, sayOnce } from './say-once.js';
import { tellNotice } from './tell-notice.js';
import { checked, type WitnessOptions } from './witness-options.js';

const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 10_000;

/** One per pipeline. Nothing in it throws or rejects, its constructor apart. */
export class LedgerOutlet {
  readonly counts: Counts = newCounts();
  readonly say: SayOnce;
  readonly #spool: Spool;
  readonly #thread: LedgerThread;
  readonly #losses = new Losses();
  /** What waits in memory because the spool was full, too. */
  readonly #drainMemory: () => Promise<void>;
  /** Why the last commit failed; undefined while the ledger works. */
  #outage: Error | undefined;
  #retryMs = FIRST_RETRY_MS;
  #draining: Promise<void> | undefined;
  #drainAgain = false;
  #drainTimer: NodeJS.Timeout | undefined;
  #drainAt = 0;
  #stopped = false;

  /** @throws RangeError for an option out of range. Opens nothing yet, but for a look whether something waits in the spool. */
  constructor(options: WitnessOptions, drainMemory: () => Promise<void>) {
    const { home, ledger } = witnessPaths(options);
    this.say = sayOnce(options.warn);
    this.#drainMemory = drainMemory;
    const maxBytes = checked('spoolMaxBytes', options.spoolMaxBytes, 256 * 1024 * 1024);
    this.#spool = new Spool(spoolDirectory(home, ledger), { maxBytes });
    this.#thread = new LedgerThread({
      home,
      ledger,
      timeoutMs: checked('timeoutMs', options.timeoutMs, 5_000),
      afterCommit: import.meta.resolve('@infrafabric/budgets/after-commit'),
    });
    this.#thread.onNotice = (notice) => void tellNotice(notice, this.say);
    this.drainIn(0);
  }

  /** Why nothing is sent to the ledger at present. */
  get outage(): Error | undefined {
    return this.#outage;
  }

  /** Commits a request; resolves with the error instead of rejecting. The buffer is transferred. */
  async append(request: Uint8Array): Promise<RequestSummary | Error> {
    try {
      const summary = await this.#thread.appendTraceRequest(request);
      this.counts.duplicates += summary.duplicates;
      if (this.#outage !== undefined || this.#losses.any) this.drainIn(0);
      this.#outage = undefined;
      this.#retryMs = FIRST_RETRY_MS;
      return summary;
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** Writes a request to the spool, to be drained later; false when the spool cannot take it. */
  async spool(request: Uint8Array, spans: number): Promise<boolean> {
    return this.#spooled(await this.#spool.put(request), spans);
  }

  /** The same, while everybody waits. */
  spoolSync(request: Uint8Array, spans: number): boolean {
    return this.#spooled(this.#spool.putSync(request), spans);
  }

  /** Counts spans that are gone. `reason` is a stable word. */
  lose(spans: number, reason: string, service = 'unknown_service'): void {
    this.counts.lost += spans;
    this.#losses.add(spans, reason, service);
    this.say(`lost.${reason}`, `spans are lost (${reason}); how many is in counts.lost`);
  }

  /** Counts spans that no ledger can hold. */
  reject(spans: number, reason: string, service = 'unknown_service'): void {
    this.counts.rejected += spans;
    this.#losses.add(spans, `rejected.${reason}`, service);
    this.say(`rejected.${reason}`, `a span cannot be witnessed (${reason}); how many is in counts.rejected`);
  }

  /** Drains after about this time: half as early to half as late, so that processes do not come back all at once. */
  drainIn(delayMs: number = this.#retryMs): void {
    if (this.#stopped) return;
    const inMs = delayMs * (0.5 + Math.random());
    if (this.#drainTimer !== undefined && this.#drainAt <= Date.now() + inMs) return;
    clearTimeout(this.#drainTimer);
    this.#drainAt = Date.now() + inMs;
    this.#drainTimer = setTimeout(() => {
      this.#drainTimer = undefined;
      void this.drain();
    }, inMs).unref();
  }

  /** Brings memory, spool and the record of losses into the ledger, as far as it works. */
  drain(): Promise<void> {
    // What came after the present pass had listed the spool needs another one.
    this.#drainAgain = this.#draining !== undefined;
    this.#draining ??= this.#drainPass().finally(() => {
      this.#draining = undefined;
      if (this.#drainAgain) this.drainIn(0);
    });
    return this.#draining;
  }

  /** Drains, and once more what came while a drain was under way. */
  async drainAll(): Promise<void> {
    await this.#draining;
    await this.drain();
  }

  /** Starts no drain any more. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#drainTimer);
  }

  /** Ends the thread after what it is at. */
  close(): Promise<void> {
    return this.#thread.close();
  }

  async #drainPass(): Promise<void> {
    try {
      await this.#drainMemory();
      await drainSpool(this.#spool, {
        append: (request) => this.#appendOrThrow(request),
        drained: ({ appended, duplicates, rejected }) => {
          this.counts.drained += appended + duplicates;
          for (const { reason, count } of rejected) this.reject(count, reason);
        },
        setAside: (name, why) => {
          this.counts.filesSetAside++;
          this.say('spool.bad', `kept as ${this.#spool.directory}/${name}.bad: ${why}`);
        },
        isStopped: () => this.#stopped,
      });
      // Nothing is left to try the ledger with: the next request tries it.
      this.#outage = undefined;
      if (this.#losses.any && !this.#stopped) await this.#losses.record(this.#thread);
    } catch (error) {
      if (error instanceof LedgerError) this.#failed(error);
      else this.say('spool.read', `the spool cannot be read: ${messageOf(error)}`);
      this.drainIn();
    }
  }

  async #appendOrThrow(request: Uint8Array): Promise<RequestSummary> {
    const summary = await this.append(request);
    if (summary instanceof Error) throw summary;
    return summary;
  }

  #failed(error: unknown): Error {
    const problem = error instanceof Error ? error : new Error(String(error));
    const code = problem instanceof LedgerError ? problem.code : 'io';
    this.#outage = problem;
    this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
    this.say(`ledger.${code}`, `${problem.message}; spans wait in ${this.#spool.directory}`);
    return problem;
  }

  #spooled(done: boolean, spans: number): boolean {
    if (done) this.counts.spooled += spans;
    else this.say('spool.full', `the spool cannot take spans: ${messageOf(this.#spool.refusal)}`);
    return done;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
