/** What the columns beside an entry's bytes must say, in the form in which a source joins them. */
import { SEGMENT_BITS } from '@infrafabric/format';
import type { EntryView } from './entry-view.js';

/** The joined columns of an entry; see `EntryRow.columns`. */
export function expectedColumns({ seq, type, span }: EntryView): string {
  const head = `${Math.floor(seq / 2 ** SEGMENT_BITS)} ${utf8Length(type)}:${type}`;
  if (span === undefined) return `${head} - - - -`;
  return `${head} ${span.traceHex} ${span.spanHex} ${textColumn(span.business)} ${textColumn(span.businessParent)}`;
}

/** Names of the joined columns, in order. */
export const COLUMN_NAMES = ['segment', 'type', 'trace_id', 'span_id', 'business', 'business_parent'] as const;

/** The first column in which two joined texts differ. */
export function differingColumn(expected: string, actual: string | null): string {
  if (actual === null) return COLUMN_NAMES[0];
  let at = 0;
  while (at < expected.length && expected[at] === actual[at]) at++;
  const column = expected.slice(0, at).split(' ').length - 1;
  return COLUMN_NAMES[Math.min(column, COLUMN_NAMES.length - 1)] ?? 'entry';
}

function textColumn(text: string | undefined): string {
  return text === undefined ? '-' : `${utf8Length(text)}:${text}`;
}

// Node counts natively, ten times as fast; a browser has no Buffer.
const countNatively = (globalThis as { Buffer?: { byteLength(text: string): number } }).Buffer?.byteLength;

/** Octets of a well-formed string in UTF-8. */
export function utf8Length(text: string): number {
  if (countNatively !== undefined && text.length > 16) return countNatively(text);
  let octets = text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) octets += code > 0x7ff && (code < 0xd800 || code > 0xdfff) ? 2 : 1;
  }
  return octets;
}
