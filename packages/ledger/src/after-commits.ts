/**
 * What is done about entries once their senders are answered: budgets are judged and the sums for reports brought up to date.
 * Both take turns with the appends of their thread; nothing in here throws or rejects.
 */
import type { Accounts } from './accounts/accounts.js';
import type { Ledger } from './ledger.js';
import type { AfterCommitModule } from './thread.js';

/** What it needs of the thread that it works in. */
export interface AfterCommitsOptions {
  /** Address of the module that judges; undefined for none. */
  readonly module: string | undefined;
  /** The ledger that is open now; undefined when there is none. */
  readonly ledger: () => Promise<Ledger | undefined>;
  /** Has work done when it is its turn. */
  readonly inTurn: (work: () => Promise<void>) => void;
  readonly tell: (notice: unknown) => void;
  /** Told when judging is due, and when it is done. */
  readonly onJudging: (judging: boolean) => void;
}

/** Commits come hundreds a second, and one look after many of them sees as much. */
const JUDGE_EVERY_MS = 200;
/** The sums begin so long after a commit. */
const SUM_UP_AFTER_MS = 1_000;
/** While commits go on, sums rest so many times as long as they took. What is left when somebody asks, he waits for. */
const REST_SHARE = 9;

/** One per thread. */
export class AfterCommits {
  readonly #options: AfterCommitsOptions;
  #module: AfterCommitModule | undefined;
  #isJudged = true;
  #judgedAtMs = 0;
  #judgeTimer: NodeJS.Timeout | undefined;
  #sumUpTimer: NodeJS.Timeout | undefined;
  #committedAtMs = 0;
  #accounts: Accounts | undefined;

  constructor(options: AfterCommitsOptions) {
    this.#options = options;
  }

  /** Something was committed. */
  committed(ledger: Ledger): void {
    this.#committedAtMs = performance.now();
    this.#judgeSoon(ledger);
    this.#sumUpTimer ??= this.#sumUpIn(SUM_UP_AFTER_MS);
  }

  /** Judges what is not judged yet. */
  async judge(): Promise<void> {
    clearTimeout(this.#judgeTimer);
    if (this.#isJudged) return;
    this.#isJudged = true;
    const { module, ledger, tell } = this.#options;
    try {
      const open = await ledger();
      this.#module ??= (await import(module!)) as AfterCommitModule;
      if (open !== undefined) await this.#module.afterCommit(open, tell);
    } catch (error) {
      tell({ type: 'warning', message: `budgets were not judged: ${String(error)}` });
    }
    this.#judgedAtMs = Date.now();
    this.#options.onJudging(false);
  }

  /** Lets go of the ledger; call before it is closed. The next commit starts anew. */
  async close(): Promise<void> {
    clearTimeout(this.#sumUpTimer);
    this.#sumUpTimer = undefined;
    await this.#module?.close().catch(() => undefined);
    this.#accounts?.close();
    this.#accounts = undefined;
  }

  /** Has the module look at what was committed: now, or soon after the last time. */
  #judgeSoon(ledger: Ledger): void {
    if (this.#options.module === undefined || !this.#isJudged || !hasBudget(ledger)) return;
    this.#isJudged = false;
    this.#options.onJudging(true);
    this.#judgeTimer = setTimeout(
      () => this.#options.inTurn(() => this.judge()),
      Math.max(0, this.#judgedAtMs + JUDGE_EVERY_MS - Date.now()),
    );
  }

  #sumUpIn(delayMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#options.inTurn(() => this.#sumUpSome()), delayMs).unref();
  }

  /** A part at a time: whatever comes in meanwhile goes first. */
  async #sumUpSome(): Promise<void> {
    this.#sumUpTimer = undefined;
    try {
      const open = await this.#options.ledger();
      if (open === undefined) return;
      this.#accounts ??= (await import('./accounts/accounts.js')).Accounts.open(await open.view(), {
        home: open.paths.home,
        catchUp: false,
      });
      const started = performance.now();
      if (this.#accounts.catchUpSome()) return;
      const ended = performance.now();
      const isQuiet = ended - this.#committedAtMs > SUM_UP_AFTER_MS;
      this.#sumUpTimer ??= this.#sumUpIn(isQuiet ? 0 : REST_SHARE * (ended - started));
    } catch {
      // Whoever asks for the sums will meet whatever is wrong.
    }
  }
}

function hasBudget(ledger: Ledger): boolean {
  try {
    return ledger.has('budget');
  } catch {
    // The append was answered for; the next one meets whatever is wrong.
    return false;
  }
}
