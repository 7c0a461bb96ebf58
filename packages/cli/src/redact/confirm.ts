/** Asking before what cannot be undone. */
import { createInterface } from 'node:readline/promises';
import { isatty } from 'node:tty';
import { usageError } from '../cli-error.js';

/** Whether a person says yes. Where nobody can be asked, `--yes` must have been said. @throws CliError `usage` */
export async function confirm(question: string, isSaid: boolean): Promise<boolean> {
  if (isSaid) return true;
  if (!isatty(0) || !isatty(2))
    throw usageError(
      'what is erased cannot be brought back, and nobody is here to be asked',
      'look with --dry-run, then say --yes',
    );
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
