/** A line of progress on stderr, only where that is a terminal. */
import { isatty } from 'node:tty';
import { printErr } from './output.js';

const EVERY_MS = 100;
const CLEAR_LINE = '\r\x1b[K';

/** Shows how far a command is. */
export class Progress {
  readonly #shows: boolean;
  #next = 0;
  #shown = false;

  constructor(quiet: boolean) {
    this.#shows = !quiet && isatty(2);
  }

  /** Shows a line, if the last one is old enough. */
  show(text: () => string): void {
    if (!this.#shows || Date.now() < this.#next) return;
    this.#next = Date.now() + EVERY_MS;
    this.#shown = true;
    printErr(CLEAR_LINE + text());
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#shown) printErr(CLEAR_LINE);
    this.#shown = false;
  }
}

/** `[████····]  50 %`. */
export function bar(done: number, all: number): string {
  const share = all > 0 ? Math.min(1, done / all) : 0;
  const full = Math.floor(share * 24);
  return `[${'█'.repeat(full)}${'·'.repeat(24 - full)}] ${String(Math.floor(share * 100)).padStart(3)} %`;
}
