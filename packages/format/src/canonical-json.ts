/**
 * Canonical JSON, RFC 8785, for the values an entry may hold: strings, integers 0…2^53−1, true and false, arrays and
 * objects. No null (absent fields are omitted), no fractions (they travel as decimal text). docs/format.md §Canonical JSON.
 */
import { FormatError } from './format-error.js';

/** What an entry body may be made of. */
export type CanonicalValue = string | number | boolean | readonly CanonicalValue[] | CanonicalObject;

/** An object of {@link CanonicalValue}s; members that are `undefined` are omitted. */
export interface CanonicalObject {
  readonly [key: string]: CanonicalValue | undefined;
}

const MAX_DEPTH = 32;

/**
 * The one canonical text of a value; members sorted by UTF-16 code units.
 * @throws FormatError `json.value` for null, a lone surrogate, a number that is not an integer 0…2^53−1, or an object that
 * is not plain; `json.depth` beyond 32 levels.
 */
export function encodeCanonicalJson(value: CanonicalValue, depth = 0): string {
  if (depth > MAX_DEPTH) throw new FormatError('json.depth', `more than ${MAX_DEPTH} levels of nesting`);
  switch (typeof value) {
    case 'string':
      return encodeString(value);
    case 'number':
      return encodeInteger(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) break;
      if (Array.isArray(value)) return `[${value.map((item) => encodeCanonicalJson(item, depth + 1)).join(',')}]`;
      if (isPlain(value)) return encodeObject(value as CanonicalObject, depth);
      throw new FormatError('json.value', 'only plain objects and arrays can be written');
  }
  throw new FormatError('json.value', `${value === null ? 'null' : typeof value} cannot be written; omit the member`);
}

function encodeObject(object: CanonicalObject, depth: number): string {
  const members: string[] = [];
  for (const key of Object.keys(object).sort()) {
    const member = object[key];
    if (member !== undefined) members.push(`${encodeString(key)}:${encodeCanonicalJson(member, depth + 1)}`);
  }
  return `{${members.join(',')}}`;
}

/** A Date or a Map would silently become `{}`. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** A string as RFC 8785 §3.2.2.2 writes it, quotes included. @throws FormatError `json.value` for a lone surrogate. */
export function encodeString(text: string): string {
  // JSON.stringify escapes exactly what RFC 8785 asks for, except that it lets a lone surrogate through as \udXXX.
  if (!text.isWellFormed()) throw new FormatError('json.value', 'a string holds a lone surrogate');
  return JSON.stringify(text);
}

/** An integer 0…2^53−1. @throws FormatError `json.value` for any other number, −0 included. */
export function encodeInteger(value: number): string {
  if (!Number.isSafeInteger(value) || value < 0 || Object.is(value, -0)) {
    throw new FormatError('json.value', `${value} is not an integer 0…2^53−1; write it as decimal text`);
  }
  return String(value);
}

/**
 * The value of canonical text. @throws FormatError `json.value` when the text is not JSON, or is not byte for byte what
 * {@link encodeCanonicalJson} writes for its value (other key order, duplicate keys, spaces, escapes, fractions, null);
 * `json.depth` as there.
 */
export function parseCanonicalJson(text: string): CanonicalValue {
  let value: CanonicalValue;
  try {
    value = JSON.parse(text) as CanonicalValue;
  } catch (cause) {
    throw new FormatError('json.value', 'not JSON', { cause });
  }
  if (encodeCanonicalJson(value) !== text)
    throw new FormatError('json.value', 'JSON that is not in its canonical form');
  return value;
}
