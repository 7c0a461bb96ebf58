/** All entries of a ledger, in order, also of a damaged one: what cannot be read is given as such. */
import { type Entry, FormatError, parseEntry, type TextAt } from '@infrafabric/format';
import type { LedgerReader } from '@infrafabric/ledger/reader';
import { CliError } from '../cli-error.js';
import { type SpanEntry, spanEntryOf } from './span-entry.js';

/** An entry as found. */
export type FoundEntry =
  | { readonly kind: 'span'; readonly entry: SpanEntry }
  | { readonly kind: 'control'; readonly seq: number; readonly text: string; readonly entry: Entry }
  | { readonly kind: 'malformed'; readonly seq: number; readonly text: string | undefined };

/** Entries one by one, in bounded memory. @throws LedgerError `corrupt` when SQLite cannot read on. */
export function* storedEntries(reader: LedgerReader): Generator<FoundEntry> {
  const textAt: TextAt = (seq) => reader.entryText(seq);
  for (const rows of reader.entries(0, Number.POSITIVE_INFINITY)) {
    for (const [seq, text] of rows)
      yield typeof text === 'string' ? readEntry(seq, text, textAt) : { kind: 'malformed', seq, text: undefined };
  }
}

function readEntry(seq: number, text: string, textAt: TextAt): FoundEntry {
  try {
    const entry = parseEntry(text);
    const span = spanEntryOf(seq, text, entry, textAt);
    return span === undefined ? { kind: 'control', seq, text, entry } : { kind: 'span', entry: span };
  } catch (error) {
    if (error instanceof FormatError || error instanceof CliError) return { kind: 'malformed', seq, text };
    throw error;
  }
}
