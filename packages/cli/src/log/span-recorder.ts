/**
 * Spans into the ledger, or, while the ledger cannot take them, into the spool beside it. Answers only when they are durable
 * in one of the two.
 */
import {
  type Appended,
  draftSpan,
  isRetryable,
  Ledger,
  Spool,
  spoolDirectory,
  type WitnessPaths,
} from '@infrafabric/ledger';
import type { SpanRecord } from '@infrafabric/otlp';
import { CliError } from '../cli-error.js';

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

/** Records spans. Opens, and if need be creates, the ledger with the first of them. */
export class SpanRecorder {
  readonly #options: RecorderOptions;
  readonly #spool: Spool;
  #ledger: Ledger | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#spool = new Spool(spoolDirectory(options.paths.home, options.paths.ledger));
  }

  /** Commits spans as one batch. @throws LedgerError; CliError `not-recorded` when the spool does not take them either. */
  async record(records: readonly SpanRecord[]): Promise<Recorded> {
    try {
      const ledger = await this.#open();
      return { outcome: 'committed', entries: await ledger.append(records.map(draftSpan)) };
    } catch (error) {
      if (!isRetryable(error) || !this.#options.useSpool) throw error;
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
      return await drainSpool(this.#spool, this.#ledger, budgetMs);
    } catch {
      return 0;
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

  #lost(why: Error & { readonly hint?: string | undefined }): CliError {
    const refusal = this.#spool.refusal;
    const reason = refusal instanceof Error ? refusal.message : 'it took nothing';
    return new CliError('not-recorded', `nothing was recorded: ${why.message}; the spool: ${reason}`, {
      cause: why,
      hint: why.hint,
    });
  }
}
