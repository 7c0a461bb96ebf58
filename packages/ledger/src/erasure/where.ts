/**
 * Which entries a retention rule is about: conditions on what is signed of them in clear, nothing else. A small language, so
 * that a rule can be read aloud: `component=IF.witness.sip and not event=call_*`.
 *
 *     expr  = and { "or" and }        and = not { "and" not }       not = [ "not" ] ( "(" expr ")" | test )
 *     test  = field ( "=" | "!=" ) value
 *     value = text without white space, quotes, parentheses, "=" and "!"; or any text in '…' or "…", with \ before a quote,
 *             a backslash or a * or ? that stands for itself. Otherwise * is any text, ? any one character.
 */
import type { Entry } from '@infrafabric/format';

/** What can be asked for, and where it is in an entry's body; `type` is the entry's own. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  component: ['component'],
  event: ['event'],
  model: ['usage', 'model'],
  parent_trace_id: ['business_parent'],
  provider: ['usage', 'provider'],
  service: ['service'],
  trace_id: ['business'],
  type: [],
};

/** Where an expression stops making sense. */
export class WhereError extends Error {
  override readonly name = 'WhereError';
  /** Characters before it. */
  readonly position: number;

  constructor(message: string, position: number) {
    super(`${message}, at character ${position + 1}`);
    this.position = position;
  }
}

/** A parsed expression. */
export interface Where {
  /** Fields that it asks for. */
  readonly fields: ReadonlySet<string>;
  /** Whether an entry is meant. A field that it does not have equals nothing. */
  readonly matches: (entry: Pick<Entry, 'type' | 'body'>) => boolean;
}

type Test = Where['matches'];
type Token = { readonly at: number; readonly kind: 'word' | 'quoted' | '(' | ')' | '=' | '!='; readonly text: string };

const MAX_DEPTH = 32;
const MAX_CHARACTERS = 4096;

/** Parses an expression. @throws WhereError */
export function parseWhere(text: string): Where {
  if (text.length > MAX_CHARACTERS) throw new WhereError(`more than ${MAX_CHARACTERS} characters`, MAX_CHARACTERS);
  const parser = new Parser(tokensOf(text), text.length);
  const matches = parser.whole();
  return { fields: parser.fields, matches };
}

const TOKEN = /\s+|(?<sign>!=|=|\(|\))|(?<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?<word>[^\s()=!'"\\]+)/gsuy;

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    const match = TOKEN.exec(text);
    if (match === null) {
      const isQuote = text[at] === '"' || text[at] === "'";
      throw new WhereError(isQuote ? 'a quote that does not end' : `${JSON.stringify(text[at])} is not understood`, at);
    }
    const { sign, quoted, word } = match.groups!;
    if (sign !== undefined) tokens.push({ at, kind: sign as Token['kind'], text: sign });
    else if (quoted !== undefined) tokens.push({ at, kind: 'quoted', text: quoted.slice(1, -1) });
    else if (word !== undefined) tokens.push({ at, kind: 'word', text: word });
  }
  return tokens;
}

class Parser {
  readonly fields = new Set<string>();
  readonly #tokens: readonly Token[];
  readonly #end: number;
  #next = 0;

  constructor(tokens: readonly Token[], end: number) {
    this.#tokens = tokens;
    this.#end = end;
  }

  whole(): Test {
    const test = this.#or(0);
    const rest = this.#tokens[this.#next];
    if (rest !== undefined) throw new WhereError('"and" or "or" is missing', rest.at);
    return test;
  }

  #or(depth: number): Test {
    const tests = [this.#and(depth)];
    while (this.#takeWord('or')) tests.push(this.#and(depth));
    return tests.length === 1 ? tests[0]! : (entry) => tests.some((test) => test(entry));
  }

  #and(depth: number): Test {
    const tests = [this.#not(depth)];
    while (this.#takeWord('and')) tests.push(this.#not(depth));
    return tests.length === 1 ? tests[0]! : (entry) => tests.every((test) => test(entry));
  }

  #not(depth: number): Test {
    const at = this.#tokens[this.#next]?.at ?? this.#end;
    if (depth > MAX_DEPTH) throw new WhereError(`more than ${MAX_DEPTH} levels`, at);
    if (this.#takeWord('not')) {
      const test = this.#not(depth + 1);
      return (entry) => !test(entry);
    }
    if (this.#tokens[this.#next]?.kind !== '(') return this.#test();
    this.#next++;
    const test = this.#or(depth + 1);
    const close = this.#tokens[this.#next++];
    if (close?.kind !== ')') throw new WhereError('a ) is missing', close?.at ?? this.#end);
    return test;
  }

  #test(): Test {
    const field = this.#take(['word'], `a field is missing: ${Object.keys(FIELDS).join(', ')}`);
    const path = Object.hasOwn(FIELDS, field.text) ? FIELDS[field.text]! : undefined;
    if (path === undefined)
      throw new WhereError(`${JSON.stringify(field.text)} is no field: ${Object.keys(FIELDS).join(', ')}`, field.at);
    const sign = this.#take(['=', '!='], `= or != is missing after ${field.text}`);
    const value = this.#take(['word', 'quoted'], 'a value is missing');
    this.fields.add(field.text);
    const pattern = patternOf(value);
    const isMeant = sign.kind === '=';
    return ({ type, body }) => {
      const found = path.length === 0 ? type : member(body, path);
      return (found !== undefined && isLike(found, pattern)) === isMeant;
    };
  }

  #takeWord(word: string): boolean {
    const token = this.#tokens[this.#next];
    if (token?.kind !== 'word' || token.text.toLowerCase() !== word) return false;
    this.#next++;
    return true;
  }

  #take(kinds: readonly Token['kind'][], otherwise: string): Token {
    const token = this.#tokens[this.#next];
    if (token === undefined || !kinds.includes(token.kind)) throw new WhereError(otherwise, token?.at ?? this.#end);
    this.#next++;
    return token;
  }
}

function member(body: Entry['body'], path: readonly string[]): string | undefined {
  let value: unknown = body;
  for (const name of path)
    value =
      typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
  return typeof value === 'string' ? value : undefined;
}

const ANY = Symbol('any text');
const ONE = Symbol('any one character');
type Pattern = readonly (string | typeof ANY | typeof ONE)[];

function patternOf({ kind, text }: Token): Pattern {
  const pattern: (string | typeof ANY | typeof ONE)[] = [];
  for (let rest = [...text]; rest.length > 0; ) {
    const [character, ...others] = rest;
    const isEscaped = kind === 'quoted' && character === '\\';
    if (isEscaped) pattern.push(others[0]!);
    else pattern.push(character === '*' ? ANY : character === '?' ? ONE : character!);
    rest = isEscaped ? others.slice(1) : others;
  }
  return pattern;
}

/** In time proportional to text times pattern at worst: both may be hostile. */
function isLike(text: string, pattern: Pattern): boolean {
  const characters = [...text];
  let [t, p, star, mark] = [0, 0, -1, 0];
  while (t < characters.length) {
    if (p < pattern.length && pattern[p] !== ANY && (pattern[p] === ONE || pattern[p] === characters[t])) {
      t++;
      p++;
    } else if (pattern[p] === ANY) {
      star = p++;
      mark = t;
    } else if (star >= 0) {
      p = star + 1;
      t = ++mark;
    } else return false;
  }
  while (pattern[p] === ANY) p++;
  return p === pattern.length;
}
