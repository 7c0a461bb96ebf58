/**
 * Where a target is in the ledger: a small file of mode 0600 in the witness home, replaced as a whole. It may be behind (a
 * second of work, after a crash), never ahead: what it names as next may have been sent, what is before it was.
 */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { sha256Hex } from '@infrafabric/format';
import { makePrivateDirectory, type WitnessPaths, writePrivateFile } from '@infrafabric/ledger';

/** A place in a ledger. */
export interface Cursor {
  /** Of which ledger; null before there was one. */
  readonly origin: string | null;
  /** Seq of the first entry that was not dealt with. */
  readonly next: number;
}

/** The cursor file of one target and one ledger file. */
export class CursorFile {
  readonly path: string;
  readonly #target: string;
  readonly #ledger: string;
  readonly #directory: string;

  constructor(paths: WitnessPaths, target: string) {
    // From the home, so that a home that is moved keeps its cursors.
    this.#ledger = relative(paths.home, paths.ledger);
    this.#target = target;
    this.#directory = join(paths.home, 'forward');
    this.path = join(this.#directory, `${sha256Hex(JSON.stringify([target, this.#ledger])).slice(0, 32)}.json`);
  }

  /** What it says; `damaged` for a file that cannot be read or says something else. */
  read(): Cursor | 'none' | 'damaged' {
    try {
      const { target, origin, next } = JSON.parse(readFileSync(this.path, 'utf8')) as Readonly<Record<string, unknown>>;
      if (target !== this.#target || !(typeof origin === 'string' || origin === null)) return 'damaged';
      return typeof next === 'number' && Number.isSafeInteger(next) && next >= 0 ? { origin, next } : 'damaged';
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'none' : 'damaged';
    }
  }

  /** Keeps a place durably. @throws Error of the file system */
  write({ origin, next }: Cursor): void {
    makePrivateDirectory(this.#directory);
    const text = JSON.stringify({ target: this.#target, ledger: this.#ledger, origin, next });
    writePrivateFile(this.path, `${text}\n`);
  }
}
