/** A bundle as a file, read piece by piece, and the key that is held for the ledger that it says it is of. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { type BundleHeader, FormatError, parseBundleLine, utf8Of } from '@infrafabric/format';
import { CliError } from '../cli-error.js';
import type { ChosenKey } from './choose-key.js';
import { localKeyOfNote } from './local-key-of-note.js';

/** The first piece holds a whole first line, whose note has at most 1,000,000 octets. */
const PIECE_OCTETS = 4 * 1024 * 1024;

/** The key that the witness home holds for the ledger that a bundle says it is of. Its own word for its key is not asked. */
export function heldKeyOfBundle(home: string, first: Uint8Array): ChosenKey | undefined {
  const header = headerOfBundle(first);
  return header === undefined ? undefined : localKeyOfNote(home, header.origin, utf8Of(header.checkpoint));
}

/** The first line of a bundle, in its first octets; undefined where it is no bundle's. Nothing of it is to be trusted. */
export function headerOfBundle(first: Uint8Array): BundleHeader | undefined {
  const end = first.indexOf(0x0a);
  try {
    const header = parseBundleLine(first.subarray(0, end < 0 ? undefined : end));
    return header.line === 'header' ? header : undefined;
  } catch (error) {
    // That it is no bundle, the judge says.
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** Octets of a file, `-` for stdin. */
export class BundleFile {
  readonly #fd: number;
  readonly #name: string;
  readonly size: number;
  done = 0;

  /** @throws CliError `io` */
  constructor(name: string) {
    this.#name = name;
    try {
      if (name === '') throw new Error('its name is empty');
      this.#fd = name === '-' ? 0 : openSync(name, 'r');
      const stat = fstatSync(this.#fd);
      if (stat.isDirectory()) throw new Error('it is a directory');
      this.size = stat.size;
    } catch (cause) {
      throw this.#failed(cause as Error);
    }
  }

  /** From where it was read to. @throws CliError `io` */
  *pieces(): Generator<Uint8Array> {
    for (;;) {
      const piece = new Uint8Array(PIECE_OCTETS);
      let filled = 0;
      while (filled < PIECE_OCTETS) {
        const read = this.#read(piece, filled);
        if (read === 0) break;
        filled += read;
      }
      if (filled === 0) return;
      this.done += filled;
      yield piece.subarray(0, filled);
    }
  }

  close(): void {
    if (this.#fd !== 0) closeSync(this.#fd);
  }

  #read(piece: Uint8Array, at: number): number {
    for (;;) {
      try {
        return readSync(this.#fd, piece, at, piece.length - at, null);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EOF') return 0;
        // A pipe that has nothing yet, where it does not block.
        if (code !== 'EAGAIN') throw this.#failed(error as Error);
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
      }
    }
  }

  #failed(cause: Error): CliError {
    return new CliError('io', `the bundle cannot be read: ${this.#name}: ${cause.message}`, { cause });
  }
}
