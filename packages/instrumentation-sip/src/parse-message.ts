/**
 * Reads a SIP message (RFC 3261 §7, §25.1): start line, the dozen headers that place it in a call, body. Compact names and
 * folded lines are understood, bare LF is forgiven. Hostile input: sizes are bounded, nothing throws, nothing backtracks.
 */
import { endOfHeadInOctets, endOfHeadInText, MAX_HEAD_LENGTH } from './end-of-head.js';
import { type Header, headerAt } from './header-names.js';
import { paramOf, parseNameAddr, parseParty, printable } from './header-values.js';
import type { SipMessage, SipParty } from './sip-message.js';

/** What identifies a call, a dialog or a transaction is kept whole or not at all: cutting could make two into one. */
const MAX_ID_LENGTH = 256;
const MAX_NUMBER = 2 ** 32 - 1;

const UTF8 = new TextDecoder();
/** Of RFC 3261 and its like, which need no look at each character. */
const KNOWN_METHODS = new Set([
  'INVITE',
  'ACK',
  'BYE',
  'CANCEL',
  'REGISTER',
  'OPTIONS',
  'INFO',
  'UPDATE',
  'PRACK',
  'REFER',
  'NOTIFY',
]);
const METHOD = /^[A-Za-z0-9\-.!%*_+`'~]{1,32}$/;

type Headers = { [name in Header]: string | undefined };

/**
 * A message, or `undefined` for what is none or cannot be placed: keep-alives, other protocols, a missing Via, From, To,
 * Call-ID or CSeq, identifiers beyond 256 characters. Of a header that may occur once, the first counts.
 */
export function parseSipMessage(message: string | Uint8Array): SipMessage | undefined {
  const bodyAt = typeof message === 'string' ? endOfHeadInText(message) : endOfHeadInOctets(message);
  if (bodyAt > MAX_HEAD_LENGTH) return undefined;
  const head = typeof message === 'string' ? message.slice(0, bodyAt).toWellFormed() : textOfHead(message, bodyAt);
  let at = 0;
  while (head[at] === '\r' || head[at] === '\n') at++;
  const lineEnd = endOfLine(head, at);
  const start = parseStartLine(trimEnd(head, at, lineEnd));
  if (start === undefined) return undefined;
  return place(start, readHeaders(head, lineEnd + 1), message, bodyAt);
}

/** A plain view: a Buffer's own `subarray` costs more than the decoding. */
function textOfHead(octets: Uint8Array, end: number): string {
  return UTF8.decode(new Uint8Array(octets.buffer, octets.byteOffset, end));
}

interface StartLine {
  /** Empty in a response. */
  readonly method: string;
  readonly status: number | undefined;
  readonly reason: string;
}

function parseStartLine(line: string): StartLine | undefined {
  if (line.startsWith('SIP/2.0 ')) {
    const status = digits(line.slice(8, 11));
    if (status === undefined || status < 100 || status > 699 || (line.length > 11 && line[11] !== ' '))
      return undefined;
    return { method: '', status, reason: printable(line.slice(12)) };
  }
  const space = line.indexOf(' ');
  if (space < 1 || !line.endsWith(' SIP/2.0') || line.length < space + 10) return undefined;
  const method = line.slice(0, space);
  return KNOWN_METHODS.has(method) || METHOD.test(method) ? { method, status: undefined, reason: '' } : undefined;
}

function readHeaders(head: string, from: number): Headers {
  const headers: Headers = {
    via: undefined,
    from: undefined,
    to: undefined,
    callId: undefined,
    cseq: undefined,
    contact: undefined,
    length: undefined,
    type: undefined,
    expires: undefined,
    referTo: undefined,
    agent: undefined,
    ignored: '',
  };
  let at = from;
  let colon = -1;
  while (at < head.length) {
    let end = endOfLine(head, at);
    // A line that begins with a blank continues the one before (§7.3.1).
    let isFolded = false;
    while (head[end + 1] === ' ' || head[end + 1] === '\t') {
      end = endOfLine(head, end + 1);
      isFolded = true;
    }
    // Looked for once: lines without any would have the rest searched again and again.
    if (colon < at) colon = head.indexOf(':', at);
    if (colon < 0) break;
    if (colon > at && colon < end) {
      const header = headerAt(head, at, colon);
      if (header !== undefined && headers[header] === undefined) {
        headers[header] = isFolded
          ? head
              .slice(colon + 1, end)
              .replace(/\r?\n[ \t]+/g, ' ')
              .trim()
          : trimmed(head, colon + 1, end);
      }
    }
    at = end + 1;
  }
  return headers;
}

function place(start: StartLine, headers: Headers, whole: string | Uint8Array, bodyAt: number): SipMessage | undefined {
  const { via, callId, cseq } = headers;
  if (via === undefined || headers.from === undefined || headers.to === undefined) return undefined;
  if (callId === undefined || cseq === undefined || !isId(callId) || callId === '') return undefined;
  const [number, method] = parseCseq(cseq);
  if (number === undefined || method === undefined) return undefined;
  const branch = paramOf(via, 'branch') ?? '';
  const from = parseParty(headers.from);
  const to = parseParty(headers.to);
  if (!isId(branch) || !hasFittingTag(from) || !hasFittingTag(to)) return undefined;
  return {
    method: start.status === undefined ? start.method : method,
    status: start.status,
    reason: start.reason,
    callId: printable(callId, MAX_ID_LENGTH),
    from,
    to,
    cseq: number,
    branch,
    contentType: headers.type === undefined ? undefined : printable(headers.type),
    body: bodyOf(whole, bodyAt, headers.length),
    referTo: headers.referTo === undefined ? undefined : parseNameAddr(headers.referTo).uri,
    // Only registrations expire here, and nearly every message has a Contact.
    expiresSeconds: method === 'REGISTER' ? expiresOf(headers) : undefined,
    agent: headers.agent === undefined ? undefined : printable(headers.agent),
  };
}

/** `314159 INVITE` */
function parseCseq(value: string): readonly [number | undefined, string | undefined] {
  let space = value.indexOf(' ');
  if (space < 0) space = value.indexOf('\t');
  const number = digits(value.slice(0, Math.max(0, space)).trimEnd());
  const method = value.slice(space + 1).trimStart();
  return [number, KNOWN_METHODS.has(method) || METHOD.test(method) ? method : undefined];
}

function expiresOf(headers: Headers): number | undefined {
  if (headers.expires !== undefined) return digits(headers.expires);
  const params = headers.contact === undefined ? '' : parseNameAddr(headers.contact).params;
  const expires = paramOf(params, 'expires');
  return expires === undefined ? undefined : digits(expires);
}

/** Content-Length, in octets, cuts what is beyond it; without it the body goes to the end (§18.3). */
function bodyOf(whole: string | Uint8Array, bodyAt: number, length: string | undefined): Uint8Array | undefined {
  if (bodyAt >= whole.length) return undefined;
  const limit = length === undefined ? undefined : digits(length);
  if (limit === 0) return undefined;
  return typeof whole === 'string'
    ? ENCODER.encode(whole.slice(bodyAt)).subarray(0, limit)
    : new Uint8Array(whole.buffer, whole.byteOffset + bodyAt, Math.min(whole.length - bodyAt, limit ?? whole.length));
}
const ENCODER = new TextEncoder();

/** Up to ten digits, nothing else. */
function digits(text: string): number | undefined {
  if (text.length < 1 || text.length > 10) return undefined;
  let number = 0;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return undefined;
    number = number * 10 + digit;
  }
  return number <= MAX_NUMBER ? number : undefined;
}

function isId(text: string): boolean {
  return text.length <= MAX_ID_LENGTH;
}

function hasFittingTag(party: SipParty): boolean {
  return party.tag === undefined || isId(party.tag);
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

/** Without blanks at both ends, and with one slice. */
function trimmed(text: string, from: number, end: number): string {
  while (from < end && text.charCodeAt(from) <= 0x20) from++;
  while (end > from && text.charCodeAt(end - 1) <= 0x20) end--;
  return text.slice(from, end);
}

function trimEnd(text: string, from: number, end: number): string {
  return text.slice(from, text[end - 1] === '\r' ? end - 1 : end);
}
