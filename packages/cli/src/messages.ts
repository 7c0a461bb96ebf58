/** Messages for people, on stderr. Foreign text in them is escaped here. */
import { escapeLines } from './escape.js';
import { printErr } from './output.js';

/** Says things, unless `--quiet` asked for silence. */
export class Messages {
  readonly #quiet: boolean;

  constructor(quiet: boolean) {
    this.#quiet = quiet;
  }

  /** Something that a person at a terminal likes to know. */
  note(text: string): void {
    if (!this.#quiet) printErr(`${escapeLines(text)}\n`);
  }

  /** Something that went differently than asked, although the command goes on. */
  warn(text: string): void {
    this.note(`warning: ${text}`);
  }
}
