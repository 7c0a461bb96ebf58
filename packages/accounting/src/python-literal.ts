/** The text of a Python dict (`{'input_tokens': 5104, 'speed': None}`), which some producers send where JSON belongs. */

/** A value of JSON. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [member: string]: JsonValue };

const MAX_DEPTH = 16;
const NUMBER = /[+-]?\d{1,20}(?:\.\d{1,20})?(?:[eE][+-]?\d{1,3})?/y;
const WORDS: readonly (readonly [string, JsonValue])[] = [
  ['None', null],
  ['True', true],
  ['False', false],
];

/** The value of a literal of dicts, lists, tuples, strings, numbers, None, True, False; undefined for any other text. */
export function parsePythonLiteral(text: string): JsonValue | undefined {
  try {
    return parseSimple(text) ?? new LiteralReader(text).whole();
  } catch (error) {
    if (error instanceof NotALiteral) return undefined;
    throw error;
  }
}

/** Most are JSON but for quotes and three words, and `JSON.parse` is many times as fast as anything written here. */
function parseSimple(text: string): JsonValue | undefined {
  // Text with a quote inside has the other kind around it, or an escape.
  if (text.includes('"') || text.includes('\\')) return undefined;
  const json = text
    .replaceAll("'", '"')
    .replaceAll(': None', ': null')
    .replaceAll(': True', ': true')
    .replaceAll(': False', ': false');
  try {
    return JSON.parse(json) as JsonValue;
  } catch {
    return undefined;
  }
}

class NotALiteral extends Error {}

class LiteralReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): JsonValue {
    const value = this.#value(0);
    this.#space();
    if (this.#at !== this.#text.length) throw new NotALiteral();
    return value;
  }

  #value(depth: number): JsonValue {
    if (depth > MAX_DEPTH) throw new NotALiteral();
    this.#space();
    const first = this.#text[this.#at];
    if (first === '{') return this.#dict(depth);
    if (first === '[') return this.#list(depth, ']');
    if (first === '(') return this.#list(depth, ')');
    if (first === "'" || first === '"') return this.#string(first);
    for (const [word, value] of WORDS) if (this.#skip(word)) return value;
    NUMBER.lastIndex = this.#at;
    const number = NUMBER.exec(this.#text)?.[0];
    if (number === undefined) throw new NotALiteral();
    this.#at += number.length;
    return Number(number);
  }

  #dict(depth: number): JsonValue {
    const members: [string, JsonValue][] = [];
    this.#at++;
    for (;;) {
      this.#space();
      if (this.#skip('}')) return Object.fromEntries(members);
      const name = this.#value(depth + 1);
      this.#space();
      if (!this.#skip(':')) throw new NotALiteral();
      const value = this.#value(depth + 1);
      if (typeof name === 'string') members.push([name, value]);
      this.#space();
      if (!this.#skip(',') && this.#text[this.#at] !== '}') throw new NotALiteral();
    }
  }

  #list(depth: number, end: string): JsonValue {
    const elements: JsonValue[] = [];
    this.#at++;
    for (;;) {
      this.#space();
      if (this.#skip(end)) return elements;
      elements.push(this.#value(depth + 1));
      this.#space();
      if (!this.#skip(',') && this.#text[this.#at] !== end) throw new NotALiteral();
    }
  }

  /** Escapes stay as they are written, but for quotes: no name or count that is looked for has any. */
  #string(quote: string): string {
    const start = ++this.#at;
    for (; this.#at < this.#text.length; this.#at++) {
      const char = this.#text[this.#at];
      if (char === '\\') this.#at++;
      else if (char === quote) return this.#text.slice(start, this.#at++);
    }
    throw new NotALiteral();
  }

  #skip(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #space(): void {
    while (this.#text.charCodeAt(this.#at) === 0x20 || this.#text.charCodeAt(this.#at) === 0x0a) this.#at++;
  }
}
