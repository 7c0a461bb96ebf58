/** Stdout for results of many small pieces. */
import { isatty } from 'node:tty';
import { printOut } from './output.js';

const PIECE_CHARS = 64 * 1024;

/** Gathers text and writes it in larger pieces. Call `flush` at the end. */
export class BufferedOut {
  readonly #escape: (text: string) => string;
  #text = '';

  /** `escapeForTerminal` is applied only where stdout is a terminal. */
  constructor(escapeForTerminal: ((text: string) => string) | undefined) {
    this.#escape = escapeForTerminal !== undefined && isatty(1) ? escapeForTerminal : (text) => text;
  }

  readonly write = (text: string): void => {
    this.#text += text;
    if (this.#text.length >= PIECE_CHARS) this.flush();
  };

  flush(): void {
    const text = this.#text;
    this.#text = '';
    if (text !== '') printOut(this.#escape(text));
  }
}
