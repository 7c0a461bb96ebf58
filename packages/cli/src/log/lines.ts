/** Lines out of chunks of bytes, in bounded memory. */
import { textOfUtf8 } from '@infrafabric/format';

/** A line, without its line break. */
export interface Line {
  /** From 1. */
  readonly number: number;
  /** Its text; undefined when it is too long or not UTF-8, which `fault` says. */
  readonly text: string | undefined;
  readonly fault: string | undefined;
}

const NEWLINE = 0x0a;

/** Splits what is pushed into lines. */
export class LineSplitter {
  readonly #maxOctets: number;
  #parts: Uint8Array[] = [];
  #octets = 0;
  #number = 0;

  constructor(maxOctets: number) {
    this.#maxOctets = maxOctets;
  }

  /** The lines that end in this chunk. */
  *push(chunk: Uint8Array): Generator<Line> {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#keep(chunk.subarray(start, end));
      start = end + 1;
      yield this.#line();
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  /** The last line, if it has no line break. */
  end(): Line | undefined {
    return this.#octets === 0 ? undefined : this.#line();
  }

  /** Of a line that is too long only the length is kept. */
  #keep(part: Uint8Array): void {
    this.#octets += part.length;
    if (this.#octets > this.#maxOctets) this.#parts = [];
    else this.#parts.push(part);
  }

  #line(): Line {
    const parts = this.#parts;
    const octets = this.#octets;
    this.#parts = [];
    this.#octets = 0;
    const number = ++this.#number;
    if (octets > this.#maxOctets) {
      return { number, text: undefined, fault: `the line has ${octets} bytes, more than ${this.#maxOctets}` };
    }
    try {
      return { number, text: textOfUtf8(parts.length === 1 ? parts[0]! : Buffer.concat(parts)), fault: undefined };
    } catch {
      return { number, text: undefined, fault: 'the line is not UTF-8' };
    }
  }
}
