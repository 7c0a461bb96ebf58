/**
 * Spans known to be lost, until a signed `gap` entry says so in the ledger. They are kept in memory only: a process that
 * ends before the ledger works again has told its log, not the ledger.
 */
import type { LedgerThread } from '@infrafabric/ledger/thread';

interface Loss {
  readonly count: number;
  readonly source: string;
  readonly sinceUnixNano: bigint;
  readonly untilUnixNano: bigint;
}

/** Losses by reason. */
export class Losses {
  readonly #losses = new Map<string, Loss>();

  get any(): boolean {
    return this.#losses.size > 0;
  }

  /** Counts lost spans. `source`: the service that they were of. */
  add(count: number, reason: string, source: string): void {
    const now = BigInt(Date.now()) * 1_000_000n;
    const loss = { count, source, sinceUnixNano: now, untilUnixNano: now };
    this.#losses.set(reason, joined(this.#losses.get(reason), loss));
  }

  /** Appends one gap entry per reason. What fails is kept for the next time. @throws LedgerError by rejection. */
  async record(thread: LedgerThread): Promise<void> {
    for (const [reason, loss] of [...this.#losses]) {
      this.#losses.delete(reason);
      try {
        await thread.appendGap({ reason, ...loss, source: loss.source.toWellFormed().slice(0, 200) });
      } catch (error) {
        const since = this.#losses.get(reason);
        this.#losses.set(reason, since === undefined ? loss : joined(loss, since));
        throw error;
      }
    }
  }
}

function joined(earlier: Loss | undefined, later: Loss): Loss {
  if (earlier === undefined) return later;
  return { ...earlier, count: earlier.count + later.count, untilUnixNano: later.untilUnixNano };
}
