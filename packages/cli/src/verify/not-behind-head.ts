/** What is given out as evidence must not come from an older copy. */
import { readHead } from '@infrafabric/ledger/home';
import { readNote } from '@infrafabric/verify/proof';
import { CliError } from '../cli-error.js';

/** An older copy would be given out as if it were all there is. @throws CliError `ledger`, exit code 1. */
export function requireNotBehindHead(ledger: string, origin: string, size: number): void {
  const head = readHead(ledger);
  const read = head === undefined ? undefined : readNote(head);
  if (read === undefined || (read.ok && read.checkpoint.origin === origin && read.checkpoint.size <= size)) return;
  throw new CliError('ledger', 'the ledger is behind its remembered head, or the head is not its own', {
    hint: 'run if-witness verify',
    exitCode: 1,
  });
}
