/** Attribute values that hold structure: JSON text, the text of a Python dict, or an OTLP kvlist. */
import type { AttributeValue } from './attribute-value.js';
import { type JsonValue, parsePythonLiteral } from './python-literal.js';

export type { JsonValue } from './python-literal.js';

/** An object of JSON. */
export type JsonObject = { readonly [member: string]: JsonValue };

/** Longest text of a usage alone; the longest that was seen has 600 characters. */
export const MAX_USAGE_CHARS = 16_384;
/** Longest text of a whole answer that is parsed for its usage: bounds the time that one span can cost. */
export const MAX_ANSWER_CHARS = 262_144;
/** Depth and members of a kvlist that are looked at. */
const MAX_DEPTH = 8;
const MAX_MEMBERS = 1_000;

/** The structure in a value of at most `maxChars` characters; undefined when there is none. Never throws. */
export function structureOf(value: AttributeValue, maxChars: number): JsonValue | undefined {
  if (typeof value !== 'string') return isNested(value) ? plainOf(value, { left: MAX_MEMBERS }, 0) : undefined;
  if (value.length > maxChars) return undefined;
  const parsed = parseText(value);
  // Text in text: some producers encode each value as JSON once more.
  return typeof parsed === 'string' ? parseText(parsed) : parsed;
}

function parseText(text: string): JsonValue | undefined {
  const start = firstAfterSpace(text, 0);
  const first = text[start];
  if (first !== '{' && first !== '[' && first !== '"') return undefined;
  // A failed attempt costs many times a good one, so what begins as Python is not tried as JSON.
  if (first === '{' && text[firstAfterSpace(text, start + 1)] === "'")
    return text.length <= MAX_USAGE_CHARS ? parsePythonLiteral(text) : undefined;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

function firstAfterSpace(text: string, from: number): number {
  let at = from;
  while (at < from + 8 && text.charCodeAt(at) <= 0x20) at++;
  return at;
}

function isNested(value: AttributeValue): boolean {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}

function plainOf(value: AttributeValue, budget: { left: number }, depth: number): JsonValue {
  if (budget.left-- <= 0 || depth > MAX_DEPTH || value === null || value instanceof Uint8Array) return null;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object') return value;
  if ('kvlist' in value && Array.isArray(value.kvlist))
    return Object.fromEntries(value.kvlist.map(([name, member]) => [name, plainOf(member, budget, depth + 1)]));
  return Array.isArray(value) ? value.map((element) => plainOf(element, budget, depth + 1)) : null;
}

/** A member of an object, or an element of an array; undefined when it is not there. Sees no inherited member. */
export function memberOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as JsonObject)[name];
}

/** What a path of names leads to. */
export function atPath(value: JsonValue | undefined, path: readonly string[]): JsonValue | undefined {
  let at = value;
  for (const name of path) at = memberOf(at, name);
  return at;
}

/** Whether it is an object, not an array. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
