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

/** The first column in which the joined columns of an entry differ from what they must be; undefined when none does. */
export function differingColumn(view: EntryView, actual: string | null): string | undefined {
  if (actual === null) return COLUMN_NAMES[0];
  // Texts may hold spaces, so what is expected says where each column ends.
  const expected = expectedParts(view);
  let at = 0;
  const differs = expected.findIndex((part, i) => {
    const end = at + part.length;
    const whole =
      actual.startsWith(part, at) && (i < expected.length - 1 ? actual[end] === ' ' : end === actual.length);
    at = end + 1;
    return !whole;
  });
  return COLUMN_NAMES[differs];
}

function expectedParts(view: EntryView): readonly string[] {
  const { span } = view;
  const head = [String(Math.floor(view.seq / 2 ** SEGMENT_BITS)), textColumn(view.type)];
  if (span === undefined) return [...head, '-', '-', '-', '-'];
  return [...head, span.traceHex, span.spanHex, textColumn(span.business), textColumn(span.businessParent)];
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
