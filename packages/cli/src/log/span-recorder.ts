/**
 * Spans into the ledger, or, while the ledger cannot take them, into the spool beside it. Answers only when they are durable
 * in one of the two.
 */
import {
  type Appended,
  draftSpan,
  isRetryable,
  Ledger,
  LedgerError,
  Spool,
  spanDrafter,
  spoolDirectory,
  type WitnessPaths,
} from '@infrafabric/ledger';
import type { HomePricing } from '@infrafabric/ledger/pricing';
import type { SpanRecord } from '@infrafabric/otlp';
import { WITNESS_COMPONENT, WITNESS_PAYLOAD, WITNESS_TRACE_ID, WITNESS_TRACE_PARENT_ID } from '@infrafabric/semconv';
import { CliError } from '../cli-error.js';
import type { Messages } from '../messages.js';

/** Attributes of an event that uses nothing. */
const WITHOUT_PRICE: ReadonlySet<string> = new Set([
  WITNESS_TRACE_ID,
  WITNESS_TRACE_PARENT_ID,
  WITNESS_COMPONENT,
  WITNESS_PAYLOAD,
]);

/** What became of spans. */
export type Recorded =
  | { readonly outcome: 'committed'; readonly entries: readonly Appended[] }
  /** They wait in the spool; `why` the ledger did not take them. */
  | { readonly outcome: 'spooled'; readonly why: Error };

/** How to record. */
export interface RecorderOptions {
  readonly paths: WitnessPaths;
  /** How long to wait for another writer. */
  readonly timeoutMs: number;
  /** Whether spans that the ledger cannot take may wait in the spool. */
  readonly useSpool: boolean;
  /** Many batches will follow. */
  readonly longLived: boolean;
}

/** Whether another process may succeed later without anybody mending the ledger itself. */
function canWait(error: unknown): boolean {
  return isRetryable(error) || (error instanceof LedgerError && error.code === 'sqlite-build');
}

/** Records spans. Opens, and if need be creates, the ledger with the first of them. */
export class SpanRecorder {
  readonly #options: RecorderOptions;
  readonly #spool: Spool;
  #pricing: HomePricing | undefined;
  #ledger: Ledger | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#spool = new Spool(spoolDirectory(options.paths.home, options.paths.ledger));
  }

  /** Commits spans as one batch. @throws LedgerError; CliError `not-recorded` when the spool does not take them either. */
  async record(records: readonly SpanRecord[]): Promise<Recorded> {
    try {
      const ledger = await this.#open();
      const draft = records.some(mayHavePrice) ? await this.#drafter() : draftSpan;
      return { outcome: 'committed', entries: await ledger.append(records.map(draft)) };
    } catch (error) {
      if (!canWait(error) || !this.#options.useSpool) throw error;
      const why = error as Error & { readonly hint?: string | undefined };
      const { encodeTraceRequest } = await import('@infrafabric/otlp');
      if (!this.#spool.putSync(encodeTraceRequest(records))) throw this.#lost(why);
      return { outcome: 'spooled', why };
    }
  }

  /** Appends what waits in the spool, for about `budgetMs`; how many spans that were. Never throws: they can wait on. */
  async drain(budgetMs: number): Promise<number> {
    try {
      if (this.#ledger === undefined || this.#spool.list().length === 0) return 0;
      const { drainSpool } = await import('./drain-spool.js');
      return await drainSpool(this.#spool, this.#ledger, await this.#drafter(), budgetMs);
    } catch {
      return 0;
    }
  }

  /** Judges the budgets that there are, and says what is due. Never throws. */
  async judge(messages: Messages): Promise<void> {
    if (this.#ledger?.has('budget') !== true) return;
    const { judgeAfter } = await import('../budget/judge-after.js');
    await judgeAfter(this.#ledger, messages);
  }

  /** Brings the sums of reports up to date, so that the next report need not wait. Never throws: it can. */
  async sumUp(): Promise<void> {
    try {
      const view = await this.#ledger?.view();
      if (view === undefined) return;
      const { Accounts } = await import('@infrafabric/ledger/accounts');
      Accounts.open(view, { home: this.#options.paths.home }).close();
    } catch {
      // The report will meet whatever is wrong.
    }
  }

  /** Closes the ledger. */
  async close(): Promise<void> {
    await this.#ledger?.close();
  }

  async #open(): Promise<Ledger> {
    const { paths, timeoutMs, longLived } = this.#options;
    this.#ledger ??= await Ledger.open({ ...paths, timeoutMs, longLived });
    return this.#ledger;
  }

  /** Drafts with prices; loaded for the first span that may have one. */
  async #drafter(): Promise<typeof draftSpan> {
    if (this.#pricing === undefined) {
      const { HomePricing } = await import('@infrafabric/ledger/pricing');
      this.#pricing = new HomePricing(this.#options.paths.home);
    }
    await this.#pricing.refresh();
    return spanDrafter(this.#pricing);
  }

  #lost(why: Error & { readonly hint?: string | undefined }): CliError {
    const refusal = this.#spool.refusal;
    const reason = refusal instanceof Error ? refusal.message : 'it took nothing';
    return new CliError('not-recorded', `nothing was recorded: ${why.message}; the spool: ${reason}`, {
      cause: why,
      hint: why.hint,
    });
  }
}

function mayHavePrice({ attributes }: SpanRecord): boolean {
  return attributes.some(([key]) => !WITHOUT_PRICE.has(key));
}
