/** How wide the terminal is that a result goes to. */
import { isatty, WriteStream } from 'node:tty';

/** Cells of the terminal on stdout; undefined where stdout is none, and nothing should be cut. */
export function terminalWidth(): number | undefined {
  if (!isatty(1)) return undefined;
  return new WriteStream(1).columns || undefined;
}
