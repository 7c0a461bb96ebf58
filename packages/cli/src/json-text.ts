/**
 * JSON as this program prints it: indented, one member a line, safe for a terminal, numbers exact. `JSON.stringify` would
 * lose the digits of a large number in an event's payload; here JSON text can be put in as it was given.
 */
import { escapeJson } from './escape.js';

/** JSON text that is put in as it is, but for white space. It must be valid. */
export class RawJson {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** What can be printed; members that are undefined are left out. */
export type JsonOut =
  | string
  | number
  | boolean
  | null
  | RawJson
  | readonly JsonOut[]
  | { readonly [key: string]: JsonOut | undefined };

/** Indented JSON text without a final newline; lines after the first are indented by `level` steps more. */
export function renderJson(value: JsonOut, level = 0): string {
  return escapeJson(write(value, level));
}

function write(value: JsonOut, level: number): string {
  if (value instanceof RawJson) return indentJson(value.text, level);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = `\n${STEP.repeat(level + 1)}`;
  const outer = `\n${STEP.repeat(level)}`;
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    return `[${inner}${value.map((item: JsonOut) => write(item, level + 1)).join(`,${inner}`)}${outer}]`;
  }
  const members = Object.entries(value).filter((member): member is [string, JsonOut] => member[1] !== undefined);
  if (members.length === 0) return '{}';
  const lines = members.map(([key, member]) => `${JSON.stringify(key)}: ${write(member, level + 1)}`);
  return `{${inner}${lines.join(`,${inner}`)}${outer}}`;
}

const STEP = '  ';
/** A string, a run of characters that are no structure (numbers, words), or one structural character. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[^\s{}[\]:,"]+|[{}[\]:,]/g;
/** Deeper levels stay on one line each side: indenting a bomb of brackets would take the square of its length. */
const DEEPEST_INDENTED = 64;

/** Valid JSON text with our line breaks; strings and numbers are copied. */
function indentJson(text: string, level: number): string {
  const parts: string[] = [];
  let depth = level;
  const breakLine = (): void => {
    if (depth - level <= DEEPEST_INDENTED) parts.push('\n', STEP.repeat(depth));
  };
  let opened = false;
  for (const [token] of text.matchAll(TOKEN)) {
    const closes = token === '}' || token === ']';
    if (closes) depth--;
    // An empty object or array stays on its line.
    if (opened !== closes) breakLine();
    opened = token === '{' || token === '[';
    if (opened) depth++;
    parts.push(token === ':' ? ': ' : token);
    if (token === ',') breakLine();
  }
  return parts.join('');
}
