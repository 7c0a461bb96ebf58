/**
 * Values of header fields, RFC 3261 §25.1, as far as an observer needs them. The text is hostile: one pass, no regular
 * expression that can backtrack, results cut to what is recorded. What is malformed yields less, and never throws.
 */
import type { SipParty } from './sip-message.js';

const MAX_URI_LENGTH = 512;
const MAX_SHOWN_LENGTH = 64;

/** From, To, Contact, Refer-To: `"name" <uri>;params` or `uri;params`. */
export function parseNameAddr(value: string): { readonly uri: string; readonly params: string } {
  let at = skipBlanks(value, 0);
  if (value[at] === '"') at = endOfQuoted(value, at);
  const open = value.indexOf('<', at);
  if (open < 0) {
    // Without angle brackets the parameters are the header's (§20.10).
    const semicolon = value.indexOf(';', at);
    const uri = semicolon < 0 ? value.slice(at) : value.slice(at, semicolon);
    return { uri: plainUri(uri.trim()), params: semicolon < 0 ? '' : value.slice(semicolon) };
  }
  const close = value.indexOf('>', open);
  if (close < 0) return { uri: plainUri(value.slice(open + 1)), params: '' };
  return { uri: plainUri(value.slice(open + 1, close)), params: value.slice(close + 1) };
}

/** A party with its tag. */
export function parseParty(value: string): SipParty {
  const { uri, params } = parseNameAddr(value);
  return { uri, tag: paramOf(params, 'tag') };
}

/**
 * A parameter of the first element of a header value. Names compare without case; a comma outside quotes ends the element.
 * @param name lower case
 */
export function paramOf(params: string, name: string): string | undefined {
  if (params.includes('"')) return paramAmongQuoted(params, name);
  const comma = params.indexOf(',');
  const end = comma < 0 ? params.length : comma;
  for (let at = params.indexOf(';'); at >= 0 && at < end; at = params.indexOf(';', at + 1)) {
    const value = valueAt(params, at + 1, name);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** The same where quotes can hide separators. */
function paramAmongQuoted(params: string, name: string): string | undefined {
  let at = 0;
  while (at < params.length) {
    const char = params.charCodeAt(at);
    if (char === 0x2c /* , */) return undefined;
    if (char === 0x3b /* ; */) {
      const value = valueAt(params, at + 1, name);
      if (value !== undefined) return value;
    }
    at = char === 0x22 /* " */ ? endOfQuoted(params, at) : at + 1;
  }
  return undefined;
}

/** The value of the parameter that begins at a place, if it has that name and a value. */
function valueAt(params: string, from: number, name: string): string | undefined {
  const at = skipBlanks(params, from);
  if (!startsWithName(params, at, name)) return undefined;
  const equals = skipBlanks(params, at + name.length);
  return params[equals] === '=' ? tokenAt(params, skipBlanks(params, equals + 1)) : undefined;
}

/** A URI without password, parameters and headers: none of them says who it is, and each can hold what is secret. */
export function plainUri(uri: string): string {
  const at = uri.indexOf('@');
  const end = firstOf(uri, Math.max(at, 0));
  // A user part may hold semicolons and question marks (§25.1 user-unreserved); a colon starts the password.
  const colon = uri.indexOf(':', uri.indexOf(':') + 1);
  const plain = at >= 0 && colon >= 0 && colon < at ? uri.slice(0, colon) + uri.slice(at, end) : uri.slice(0, end);
  return printable(plain, MAX_URI_LENGTH);
}

/** Text that may be shown: control characters become spaces, cut at `limit`, whole characters. */
export function printable(text: string, limit: number = MAX_SHOWN_LENGTH): string {
  const cut = text.length > limit ? text.slice(0, limit) : text;
  return (CONTROL.test(cut) ? cut.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ') : cut).toWellFormed();
}
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

function startsWithName(text: string, at: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    // Letters of either case; no other character that a parameter's name can have meets a letter this way.
    if ((text.charCodeAt(at + i) | 0x20) !== name.charCodeAt(i)) return false;
  }
  return at + name.length >= text.length || SEPARATORS.has(text.charCodeAt(at + name.length));
}

/** Up to a separator; quotes and escapes removed from a quoted string. */
function tokenAt(text: string, at: number): string {
  if (text[at] === '"') return text.slice(at + 1, endOfQuoted(text, at) - 1).replace(/\\(.)/g, '$1');
  let end = at;
  while (end < text.length && (text[end] === '=' || !SEPARATORS.has(text.charCodeAt(end)))) end++;
  return text.slice(at, end);
}
const SEPARATORS = new Set([...'=; \t,>\r\n'].map((char) => char.charCodeAt(0)));

/** Place behind the closing quote; the end of the text when there is none. */
function endOfQuoted(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 0x5c /* \ */) at++;
    else if (char === 0x22 /* " */) return at + 1;
  }
  return text.length;
}

function skipBlanks(text: string, at: number): number {
  while (text[at] === ' ' || text[at] === '\t') at++;
  return at;
}

function firstOf(uri: string, from: number): number {
  const semicolon = uri.indexOf(';', from);
  const question = uri.indexOf('?', from);
  if (semicolon < 0) return question < 0 ? uri.length : question;
  return question < 0 ? semicolon : Math.min(semicolon, question);
}
