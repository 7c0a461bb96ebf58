/**
 * What the judge needs of an entry, read from its bytes in key order without `JSON.parse`, which would cost more than the
 * hashing. Canonical bytes have every member of the envelope at a fixed distance from the end. What does not look canonical
 * is read the slow way, by {@link parseEntry}.
 */
import {
  type Entry,
  FormatError,
  heldSpan,
  parseEntry,
  readImportBody,
  type SpanBody,
  type TextAt,
} from '@infrafabric/format';

/** Members of an entry that the chain and the columns depend on. */
export interface EntryView {
  readonly at: string;
  readonly checkpoint: string | undefined;
  readonly backwards: boolean;
  readonly critical: boolean;
  readonly payload: string | undefined;
  readonly prev: string;
  readonly seq: number;
  readonly type: string;
  /** Of span entries, and of imports that hold a span. */
  readonly span: SpanColumns | undefined;
  /** An import of which others hold the rest: only {@link viewHeld} knows its `span`. */
  readonly inParts: boolean;
}

/** What the columns of a span entry must hold. */
export interface SpanColumns {
  readonly traceHex: string;
  readonly spanHex: string;
  readonly business: string | undefined;
  readonly businessParent: string | undefined;
  /** It says that its cost was worked out from a rate card. No column: it spares parsing most spans. */
  readonly isRated: boolean;
}

const HASH = 64;

/** Reads an entry. A `prev` that is foretold need not be looked at digit by digit. @throws FormatError `entry.malformed`. */
export function viewEntry(text: string, expectedPrev?: string): EntryView {
  return viewCanonical(text, viewTail(text, expectedPrev)) ?? viewParsed(text);
}

/** Payload digest of an entry, hex, without looking at the rest of it; undefined when it has none. @throws FormatError */
export function payloadDigestOf(text: string, seq: number): string | undefined {
  // Only span and import, the most frequent by far, are read this way.
  const type = text.endsWith(SPAN_TYPE) ? 'span' : 'import';
  const tail = `","seq":${seq},"type":"${type}"}`;
  const prevAt = text.length - tail.length - HASH - 9;
  if (
    text.endsWith(tail) &&
    text.startsWith(',"prev":"', prevAt) &&
    text.startsWith(',"payload":"', prevAt - HASH - 13)
  ) {
    return text.slice(prevAt - HASH - 1, prevAt - 1);
  }
  return viewEntry(text).payload;
}

interface Tail {
  readonly prev: string;
  readonly seq: number;
  readonly type: string;
  /** Where the tail starts in the text. */
  readonly at: number;
}

const SPAN_TYPE = ',"type":"span"}';

// Without joining texts to compare with: making one costs more than all the rest of a view.
function viewTail(text: string, expectedPrev: string | undefined): Tail | undefined {
  const isSpan = has(text, SPAN_TYPE, text.length - SPAN_TYPE.length);
  const typeAt = isSpan ? text.length - SPAN_TYPE.length : text.lastIndexOf(',"type":"');
  if (typeAt < 0 || !text.endsWith('"}')) return undefined;
  const type = isSpan ? 'span' : text.slice(typeAt + 9, -2);
  const seqAt = startOfDigits(text, typeAt) - 7;
  const at = seqAt - HASH - 10;
  if (at < 0 || !has(text, '","seq":', seqAt - 1) || !has(text, ',"prev":"', at)) return undefined;
  const seq = isDecimal(text, seqAt + 7, typeAt) ? Number(text.slice(seqAt + 7, typeAt)) : Number.NaN;
  const foretold = expectedPrev?.length === HASH && has(text, expectedPrev, at + 9);
  const prev = foretold ? expectedPrev : text.slice(at + 9, seqAt - 1);
  return Number.isSafeInteger(seq) && (foretold || isHash(prev)) && (isSpan || /^[a-z0-9-]{1,32}$/.test(type))
    ? { prev, seq, type, at }
    : undefined;
}

/** Several times as fast as `startsWith`, which compares unit by unit. */
function has(text: string, part: string, at: number): boolean {
  return text.substring(at, at + part.length) === part;
}

function startOfDigits(text: string, end: number): number {
  let at = end;
  while (isDigit(text.charCodeAt(at - 1))) at--;
  return at;
}

function viewCanonical(text: string, tail: Tail | undefined): EntryView | undefined {
  if (tail === undefined || !has(text, '{"at":"', 0)) return undefined;
  const { prev, seq, type } = tail;
  let end = tail.at;
  let payload: string | undefined;
  if (has(text, ',"payload":"', end - HASH - 13)) {
    payload = text.slice(end - HASH - 1, end - 1);
    end -= HASH + 13;
  }
  let critical = false;
  let backwards = false;
  let checkpoint: string | undefined;
  // The body's brace: none of the three rare members follows it.
  if (text.charCodeAt(end - 1) !== 0x7d) {
    critical = has(text, ',"critical":true', end - 16);
    if (critical) end -= 16;
    backwards = has(text, ',"clock":"backwards"', end - 20);
    if (backwards) end -= 20;
    if (has(text, ',"checkpoint":"', end - HASH - 16)) {
      checkpoint = text.slice(end - HASH - 1, end - 1);
      end -= HASH + 16;
    }
  }
  const atEnd = text.indexOf('"', 7);
  const at = text.slice(7, atEnd);
  if (!has(text, '","body":{', atEnd) || !isDecimal(text, 7, atEnd) || text.charCodeAt(end - 1) !== 0x7d /* } */)
    return undefined;
  let span: SpanColumns | undefined;
  if (type === 'import') return undefined;
  if (type === 'span') {
    span = viewSpanColumns(text, atEnd + 10);
    if (span === undefined) return undefined;
  }
  return { at, checkpoint, backwards, critical, payload, prev, seq, type, span, inParts: false };
}

/** `from` is just inside the body. A quote inside a JSON string is escaped, so `,"span":"` is always a member's start. */
function viewSpanColumns(text: string, from: number): SpanColumns | undefined {
  let business: string | undefined;
  let businessParent: string | undefined;
  let at = from;
  const named = has(text, '"business', at);
  if (named && has(text, '"business":"', at)) {
    const end = endOfString(text, at + 12);
    business = unescaped(text, at + 12, end);
    if (business === undefined) return undefined;
    at = end + 2;
  }
  if (named && has(text, '"business_parent":"', at)) {
    const end = endOfString(text, at + 19);
    businessParent = unescaped(text, at + 19, end);
    if (businessParent === undefined) return undefined;
    at = end + 2;
  }
  const isRated = has(text, '"charge":{', at) && !has(text, '"source":"unp', at + 10) && saysRated(text, at);
  const span = text.indexOf(',"span":"', at) + 9;
  if (span < 9 || !has(text, '","start":"', span + 16)) return undefined;
  const trace = text.indexOf(',"trace":"', span + 27) + 10;
  if (trace < 10 || text.charCodeAt(trace + 32) !== 0x22 /* " */) return undefined;
  const [spanHex, traceHex] = [text.slice(span, span + 16), text.slice(trace, trace + 32)];
  return { spanHex, traceHex, business, businessParent, isRated };
}

/** A quote inside a JSON string is escaped, so these are members and no texts. */
function saysRated(text: string, from: number): boolean {
  return text.includes('"rated":{', from) || text.includes('"source":"computed"', from);
}

function endOfString(text: string, from: number): number {
  let end = text.indexOf('"', from);
  for (;;) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === 0x5c /* \ */) slashes++;
    if (slashes % 2 === 0 || end < 0) return end;
    end = text.indexOf('"', end + 1);
  }
}

/** Undefined when the string does not end, or holds an escape that JSON does not have. */
function unescaped(text: string, from: number, to: number): string | undefined {
  if (to < 0) return undefined;
  const raw = text.slice(from, to);
  if (!raw.includes('\\')) return raw;
  try {
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    return undefined;
  }
}

/** A decimal without sign or leading zero. */
function isDecimal(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (!isDigit(text.charCodeAt(i))) return false;
  return to > from && (to === from + 1 || text.charCodeAt(from) !== 0x30);
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isHash(text: string): boolean {
  for (let i = 0; i < HASH; i++) {
    const code = text.charCodeAt(i);
    if (!(isDigit(code) || (code >= 0x61 && code <= 0x66))) return false;
  }
  return text.length === HASH;
}

function viewParsed(text: string): EntryView {
  const entry = parseEntry(text);
  return {
    at: entry.at,
    checkpoint: entry.checkpoint,
    backwards: entry.clock === 'backwards',
    critical: entry.critical === true,
    payload: entry.payload,
    prev: entry.prev,
    seq: entry.seq,
    type: entry.type,
    ...(entry.type === 'import' ? importColumnsOf(entry) : NO_IMPORT),
    ...(entry.type === 'span' ? { span: spanColumnsOf(entry) } : {}),
  };
}

const NO_IMPORT = { span: undefined, inParts: false } as const;

function importColumnsOf(entry: Entry): Pick<EntryView, 'span' | 'inParts'> {
  const body = readImportBody(entry.body);
  if (body?.kind !== 'entry') return NO_IMPORT;
  if (body.parts !== undefined) return { span: undefined, inParts: body.part === 0 };
  return { span: heldColumns(entry, () => undefined), inParts: false };
}

/** The view of an import in parts, with the columns of the span that all of them hold; `textAt` gives the others. */
export function viewHeld(view: EntryView, text: string, textAt: TextAt): EntryView {
  return { ...view, span: heldColumns(parseEntry(text), textAt) };
}

function heldColumns(holder: Entry, textAt: TextAt): SpanColumns | undefined {
  const held = heldSpan(holder, textAt);
  // Its charge is a fact about the other ledger.
  return held === undefined ? undefined : { ...spanColumnsOf(held.entry), isRated: false };
}

function spanColumnsOf(entry: Entry): SpanColumns {
  const { business, business_parent, charge, span, trace } = entry.body as Partial<SpanBody>;
  const isText = (value: unknown): boolean => value === undefined || typeof value === 'string';
  if (typeof span !== 'string' || typeof trace !== 'string' || !isText(business) || !isText(business_parent)) {
    throw new FormatError('entry.malformed', 'the span body lacks its ids');
  }
  const isRated = charge !== undefined && (charge.rated !== undefined || charge.source === 'computed');
  return { traceHex: trace, spanHex: span, business, businessParent: business_parent, isRated };
}
