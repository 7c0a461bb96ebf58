/** Small files of others, read whole but never beyond what they may be. */
import { closeSync, openSync, readSync } from 'node:fs';
import { CliError } from '../cli-error.js';

const PIECE = 65_536;

/** The octets of a file, `-` for stdin. @throws CliError `io`, `input` when there are more than `most`. */
export function readInput(file: string, most: number, what: string): Uint8Array {
  if (file === '') throw new CliError('usage', `the name of the file with ${what} is empty`);
  let fd: number | undefined;
  try {
    fd = file === '-' ? 0 : openSync(file, 'r');
    return readAll(fd, most, what);
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError('io', `${what} cannot be read: ${(cause as Error).message}`, { cause });
  } finally {
    if (fd !== undefined && fd !== 0) closeSync(fd);
  }
}

// In pieces and not by size: stdin, pipes and devices have none.
function readAll(fd: number, most: number, what: string): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (let octets = 0; ; ) {
    const piece = new Uint8Array(PIECE);
    const read = readPiece(fd, piece);
    if (read === 0) return Buffer.concat(pieces);
    octets += read;
    if (octets > most) throw new CliError('input', `${what} has more than ${most.toLocaleString('en')} octets`);
    pieces.push(piece.subarray(0, read));
  }
}

/** A terminal or pipe that has nothing yet says EAGAIN where it does not block. */
function readPiece(fd: number, piece: Uint8Array): number {
  for (;;) {
    try {
      return readSync(fd, piece);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}
