/** Values of one large JSON object, one by one: members of the object, and elements of those that are arrays. */
import { closeSync, openSync, readSync } from 'node:fs';
import { CliError } from '../cli-error.js';

/** A member of the outermost object, or an element of such a member. */
export interface FoundValue {
  readonly key: string;
  /** It is an element of the array under that key. */
  readonly isElement: boolean;
  readonly value: unknown;
}

const CHUNK_OCTETS = 1024 * 1024;
/** Longer than any payload in base64, together with its span in JSON. */
const MAX_VALUE_OCTETS = 400 * 1024 * 1024;

const [QUOTE, BACKSLASH, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST, COMMA, COLON] = [
  0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d, 0x2c, 0x3a,
];

/** Reads a file in pieces; no more than one value is in memory. @throws CliError `input` for what is not such an object. */
export function* jsonValues(file: string): Generator<FoundValue> {
  const fd = openSync(file, 'r');
  try {
    const cutter = new Cutter(file);
    const chunk = Buffer.allocUnsafe(CHUNK_OCTETS);
    for (let n = readSync(fd, chunk); n > 0; n = readSync(fd, chunk)) yield* cutter.push(chunk.subarray(0, n));
    cutter.end();
  } finally {
    closeSync(fd);
  }
}

/** Cuts text at the structure of its two outermost levels; all else is left to `JSON.parse`. */
class Cutter {
  readonly #file: string;
  #depth = 0;
  #inString = false;
  #escaped = false;
  #key: string | undefined;
  #inList = false;
  #isOver = false;
  /** Octets of the value, or key, that is being read. */
  #pieces: Buffer[] = [];
  #gathered = 0;

  constructor(file: string) {
    this.#file = file;
  }

  *push(chunk: Buffer): Generator<FoundValue> {
    let from = 0;
    for (let i = 0; i < chunk.length; i++) {
      const octet = chunk[i]!;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (octet === BACKSLASH) this.#escaped = true;
        else if (octet === QUOTE) this.#inString = false;
        continue;
      }
      if (octet === QUOTE) {
        this.#inString = true;
        continue;
      }
      if (octet === OPEN || octet === OPEN_LIST) {
        this.#depth++;
        const isList =
          this.#depth === 2 && octet === OPEN_LIST && this.#key !== undefined && this.#isBlank(chunk, from, i);
        if (this.#depth === 1 || isList) {
          if (this.#depth === 1 && octet !== OPEN) throw this.#malformed('it is no object');
          this.#inList = isList;
          this.#drop();
          from = i + 1;
        }
        continue;
      }
      const level = this.#inList ? 2 : 1;
      const closes = octet === CLOSE || octet === CLOSE_LIST;
      if (this.#depth === level && (octet === COMMA || octet === COLON || closes)) {
        const text = this.#take(chunk, from, i);
        from = i + 1;
        if (octet === COLON) this.#key = this.#keyOf(text);
        else {
          if (text.trim() !== '') yield this.#value(text);
          else if (octet === COMMA && this.#key !== undefined && !this.#inList)
            throw this.#malformed('a value is missing');
          if (octet === COMMA && !this.#inList) this.#key = undefined;
        }
      }
      if (!closes) continue;
      if (this.#depth === 2 && this.#inList) {
        this.#inList = false;
        this.#key = undefined;
      }
      this.#depth--;
      if (this.#depth < 0) throw this.#malformed('it does not end where it should');
      if (this.#depth === 0) this.#isOver = true;
    }
    this.#keep(chunk, from, chunk.length);
  }

  end(): void {
    if (!this.#isOver || this.#depth !== 0) throw this.#malformed('it ends too early');
  }

  #value(text: string): FoundValue {
    const key = this.#key;
    if (key === undefined) throw this.#malformed('a member without a name');
    try {
      return { key, isElement: this.#inList, value: JSON.parse(text) };
    } catch (cause) {
      throw this.#malformed(`under ${key}: ${(cause as Error).message}`);
    }
  }

  #keyOf(text: string): string {
    try {
      const key: unknown = JSON.parse(text);
      if (typeof key === 'string') return key;
    } catch {
      // Said below.
    }
    throw this.#malformed('a member without a name');
  }

  #isBlank(chunk: Buffer, from: number, to: number): boolean {
    if (this.#pieces.some((piece) => piece.toString('latin1').trim() !== '')) return false;
    return chunk.toString('latin1', from, to).trim() === '';
  }

  #take(chunk: Buffer, from: number, to: number): string {
    this.#keep(chunk, from, to);
    const text = Buffer.concat(this.#pieces).toString('utf8');
    this.#drop();
    return text;
  }

  #drop(): void {
    this.#pieces = [];
    this.#gathered = 0;
  }

  #keep(chunk: Buffer, from: number, to: number): void {
    if (to <= from) return;
    this.#gathered += to - from;
    if (this.#gathered > MAX_VALUE_OCTETS) throw this.#malformed('a value is larger than any that an export holds');
    // The chunk is read into again.
    this.#pieces.push(Buffer.from(chunk.subarray(from, to)));
  }

  #malformed(why: string): CliError {
    return new CliError('input', `${this.#file} is not JSON as an export has it: ${why}`, {
      hint: 'was it cut off? compare its size with the original',
    });
  }
}
