/** Keeps the book of budgets up to what a ledger holds: it reads control entries, and spans only by their ids. */
import { type BookEntry, BudgetBook } from '@infrafabric/accounting/budgets';
import type { CanonicalObject, Charge } from '@infrafabric/format';
import type { LedgerView, StoredEntry } from '@infrafabric/ledger/reader';

/** What it reads of a ledger; `LedgerReader` is one. */
export type KeptLedger = Pick<LedgerView, 'entryCount' | 'entriesOfType' | 'entry' | 'payload' | 'spanIds'>;

/** A book and how far it has read. */
export class BookKeeper {
  readonly book: BudgetBook = new BudgetBook();
  readonly #ledger: KeptLedger;
  #size = 0;
  #seenSpans = 0;

  constructor(ledger: KeptLedger) {
    this.#ledger = ledger;
    this.catchUp();
  }

  /** Takes in what was appended since. */
  catchUp(): void {
    const size = this.#ledger.entryCount();
    if (size <= this.#size) return;
    const entries = (['alert', 'budget'] as const).flatMap((type) => [...this.#ledger.entriesOfType(type, this.#size)]);
    // What another process has appended since the count is for the next time, when its neighbours are seen as well.
    const counted = entries.filter(({ seq }) => seq < size).sort((a, b) => a.seq - b.seq);
    for (const stored of counted) this.book.apply(this.#bookEntry(stored));
    this.#size = size;
    this.#settle(size);
  }

  /** Looks for spans that say what a reservation was for. One that has no cost leaves the caller's word standing. */
  #settle(size: number): void {
    const { awaited } = this.book;
    if (awaited.size > 0) {
      // The span of a reservation comes after it.
      const from = Math.max(this.#seenSpans, Math.min(...awaited.values()));
      const found: [number, string][] = [];
      for (const [seq, id] of this.#ledger.spanIds(from)) if (awaited.has(id)) found.push([seq, id]);
      for (const [seq, id] of found) {
        const charge = this.#ledger.entry(seq)?.entry.body.charge as unknown as Charge | undefined;
        if (charge?.cost !== undefined && charge.currency === 'USD') this.book.settle(id);
      }
    }
    this.#seenSpans = size;
  }

  #bookEntry({ seq, entry }: StoredEntry): BookEntry {
    const { type, body, at } = entry;
    const payload = entry.payload === undefined ? undefined : parsed(this.#ledger.payload(seq)?.payload);
    return { seq, type, body, atUnixNano: BigInt(at), payload };
  }
}

function parsed(payload: Uint8Array | undefined): CanonicalObject | undefined {
  if (payload === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(payload).toString());
    return typeof value === 'object' && value !== null ? (value as CanonicalObject) : undefined;
  } catch {
    return undefined;
  }
}
