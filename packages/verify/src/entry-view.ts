/**
 * What the judge needs of an entry, read from its bytes in key order without `JSON.parse`, which would cost more than the
 * hashing. Canonical bytes have every member of the envelope at a fixed distance from the end. What does not look canonical
 * is read the slow way, by {@link parseEntry}.
 */
import { type Entry, FormatError, parseEntry, type SpanBody } from '@infrafabric/format';

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
  /** Span entries only. */
  readonly span: SpanColumns | undefined;
}

/** What the columns of a span entry must hold. */
export interface SpanColumns {
  readonly traceHex: string;
  readonly spanHex: string;
  readonly business: string | undefined;
  readonly businessParent: string | undefined;
}

const HASH = 64;

/** The place in which the reader expects an entry; lets the common case be one comparison of the entry's tail. */
export interface ExpectedPlace {
  readonly seq: number;
  readonly prev: string;
}

/** Reads an entry. @throws FormatError `entry.malformed`. */
export function viewEntry(text: string, expected?: ExpectedPlace): EntryView {
  return viewCanonical(text, viewTail(text, expected)) ?? viewParsed(text);
}

/** Payload digest of an entry, hex, without looking at the rest of it; undefined when it has none. @throws FormatError */
export function payloadDigestOf(text: string, seq: number): string | undefined {
  const tail = `","seq":${seq},"type":"span"}`;
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

function viewTail(text: string, expected: ExpectedPlace | undefined): Tail | undefined {
  if (expected !== undefined) {
    const tail = `,"prev":"${expected.prev}","seq":${expected.seq},"type":"span"}`;
    if (text.endsWith(tail))
      return { prev: expected.prev, seq: expected.seq, type: 'span', at: text.length - tail.length };
  }
  const typeAt = text.lastIndexOf(',"type":"');
  const seqAt = text.lastIndexOf(',"seq":', typeAt - 1);
  const at = seqAt - HASH - 10;
  if (typeAt < 0 || seqAt < 0 || !text.endsWith('"}') || !text.startsWith(',"prev":"', at)) return undefined;
  const type = text.slice(typeAt + 9, -2);
  const digits = text.slice(seqAt + 7, typeAt);
  const seq = isDecimal(digits) ? Number(digits) : Number.NaN;
  const prev = text.slice(seqAt - HASH - 1, seqAt - 1);
  return Number.isSafeInteger(seq) && isHash(prev) && /^[a-z0-9-]{1,32}$/.test(type)
    ? { prev, seq, type, at }
    : undefined;
}

function viewCanonical(text: string, tail: Tail | undefined): EntryView | undefined {
  if (tail === undefined || !text.startsWith('{"at":"')) return undefined;
  const { prev, seq, type } = tail;
  let end = tail.at;
  let payload: string | undefined;
  if (text.startsWith(',"payload":"', end - HASH - 13)) {
    payload = text.slice(end - HASH - 1, end - 1);
    end -= HASH + 13;
  }
  let critical = false;
  let backwards = false;
  let checkpoint: string | undefined;
  // The body's brace: none of the three rare members follows it.
  if (text.charCodeAt(end - 1) !== 0x7d) {
    critical = text.startsWith(',"critical":true', end - 16);
    if (critical) end -= 16;
    backwards = text.startsWith(',"clock":"backwards"', end - 20);
    if (backwards) end -= 20;
    if (text.startsWith(',"checkpoint":"', end - HASH - 16)) {
      checkpoint = text.slice(end - HASH - 1, end - 1);
      end -= HASH + 16;
    }
  }
  const atEnd = text.indexOf('"', 7);
  const at = text.slice(7, atEnd);
  if (!text.startsWith('","body":{', atEnd) || !isDecimal(at) || text.charCodeAt(end - 1) !== 0x7d /* } */)
    return undefined;
  let span: SpanColumns | undefined;
  if (type === 'span') {
    span = viewSpanColumns(text, atEnd + 10);
    if (span === undefined) return undefined;
  }
  return { at, checkpoint, backwards, critical, payload, prev, seq, type, span };
}

/** `from` is just inside the body. A quote inside a JSON string is escaped, so `,"span":"` is always a member's start. */
function viewSpanColumns(text: string, from: number): SpanColumns | undefined {
  let business: string | undefined;
  let businessParent: string | undefined;
  let at = from;
  const named = text.startsWith('"business', at);
  if (named && text.startsWith('"business":"', at)) {
    const end = endOfString(text, at + 12);
    business = unescaped(text, at + 12, end);
    if (business === undefined) return undefined;
    at = end + 2;
  }
  if (named && text.startsWith('"business_parent":"', at)) {
    const end = endOfString(text, at + 19);
    businessParent = unescaped(text, at + 19, end);
    if (businessParent === undefined) return undefined;
    at = end + 2;
  }
  const span = text.indexOf(',"span":"', at) + 9;
  if (span < 9 || !text.startsWith('","start":"', span + 16)) return undefined;
  const trace = text.indexOf(',"trace":"', span + 27) + 10;
  if (trace < 10 || text.charCodeAt(trace + 32) !== 0x22 /* " */) return undefined;
  return { spanHex: text.slice(span, span + 16), traceHex: text.slice(trace, trace + 32), business, businessParent };
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
function isDecimal(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x30 || code > 0x39) return false;
  }
  return text.length > 0 && (text.length === 1 || text.charCodeAt(0) !== 0x30);
}

function isHash(text: string): boolean {
  for (let i = 0; i < HASH; i++) {
    const code = text.charCodeAt(i);
    if (!((code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66))) return false;
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
    span: entry.type === 'span' ? spanColumnsOf(entry) : undefined,
  };
}

function spanColumnsOf(entry: Entry): SpanColumns {
  const { business, business_parent, span, trace } = entry.body as Partial<SpanBody>;
  const isText = (value: unknown): boolean => value === undefined || typeof value === 'string';
  if (typeof span !== 'string' || typeof trace !== 'string' || !isText(business) || !isText(business_parent)) {
    throw new FormatError('entry.malformed', 'the span body lacks its ids');
  }
  return { traceHex: trace, spanHex: span, business, businessParent: business_parent };
}
