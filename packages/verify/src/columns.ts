/** What the columns beside an entry's bytes must say, in the form in which a source joins them. */
import { SEGMENT_BITS } from '@infrafabric/format';
import type { EntryView } from './entry-view.js';

/** Names of the joined columns, in order. */
export const COLUMN_NAMES = ['segment', 'trace_id', 'span_id', 'type', 'business', 'business_parent'] as const;

/** The joined columns of an entry; see `EntryRow`. */
export function expectedColumns({ seq, type, span }: EntryView): string {
  const segment = Math.floor(seq / 2 ** SEGMENT_BITS);
  if (span === undefined) return `${segment} nullnull${utf8Length(type)}:${type}::`;
  const { traceHex, spanHex, business, businessParent } = span;
  const named = type === 'span' ? '4:span' : textColumn(type);
  return `${segment} x'${traceHex}'x'${spanHex}'${named}${textColumn(business)}${textColumn(businessParent)}`;
}

/** Seq and columns of an entry as an `EntryBlock` has them. */
export function expectedInBlock(seq: number, view: EntryView): string {
  const { span, type } = view;
  // Ids of other lengths could be cut in another place and still be the same together.
  const isPlain = type === 'span' && span?.businessParent === undefined && span?.traceHex.length === 32;
  if (!isPlain) return `${seq} ${expectedColumns(view)}`;
  const { traceHex, spanHex, business } = span;
  return business === undefined ? `${seq} ${traceHex}${spanHex}` : `${seq} ${traceHex}${spanHex}:${business}`;
}

/** The first column in which the joined columns of an entry differ from what they must be; undefined when none does. */
export function differingColumn(view: EntryView, actual: string): string | undefined {
  let expected = '';
  const differs = expectedParts(view).findIndex((part) => {
    expected += part;
    return !actual.startsWith(expected);
  });
  return COLUMN_NAMES[differs] ?? (actual === expected ? undefined : COLUMN_NAMES.at(-1));
}

function expectedParts({ seq, type, span }: EntryView): readonly string[] {
  return [
    `${Math.floor(seq / 2 ** SEGMENT_BITS)} `,
    blobColumn(span?.traceHex),
    blobColumn(span?.spanHex),
    textColumn(type),
    textColumn(span?.business),
    textColumn(span?.businessParent),
  ];
}

function blobColumn(hex: string | undefined): string {
  return hex === undefined ? 'null' : `x'${hex}'`;
}

function textColumn(text: string | undefined): string {
  return text === undefined ? ':' : `${utf8Length(text)}:${text}`;
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
