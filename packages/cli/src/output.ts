/**
 * Where text leaves the program. Results go to stdout and nothing else does; messages, progress and errors go to stderr.
 * Writing is synchronous: a slow reader slows the command down instead of filling memory, and a closed pipe is noticed at
 * once. Node's own streams would also cost a tenth of the time that `log` takes.
 */
import { writeSync } from 'node:fs';

/** Whoever read stdout has gone (`| head -1`): there is nobody left to tell anything. */
export class ClosedPipe extends Error {
  override readonly name = 'ClosedPipe';
}

/** Writes a result, as it is. @throws ClosedPipe. */
export function printOut(data: string | Uint8Array): void {
  try {
    writeWhole(1, data);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EPIPE') throw new ClosedPipe('stdout is closed', { cause });
    throw cause;
  }
}

/** Writes the result of work that goes on afterwards: a reader who has gone is no reason to leave that undone. */
export function printOutInPassing(data: string): void {
  try {
    printOut(data);
  } catch (error) {
    if (!(error instanceof ClosedPipe)) throw error;
  }
}

/** Writes a message, as it is. Never throws: a message that nobody can read is no reason to stop. */
export function printErr(text: string): void {
  try {
    writeWhole(2, text);
  } catch {
    // stderr is closed.
  }
}

function writeWhole(fd: number, data: string | Uint8Array): void {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      // Another process made the shared pipe non-blocking, and it is full.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
