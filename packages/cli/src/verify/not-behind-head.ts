/** What is given out as evidence must not come from an older copy. */
import { isNotBehindHead } from '@infrafabric/ledger/home';
import { CliError } from '../cli-error.js';

/** An older copy would be given out as if it were all there is. @throws CliError `ledger`, exit code 1. */
export function requireNotBehindHead(ledger: string, origin: string, size: number): void {
  if (isNotBehindHead(ledger, origin, size)) return;
  throw new CliError('ledger', 'the ledger is behind its remembered head, or the head is not its own', {
    hint: 'run if-witness verify',
    exitCode: 1,
  });
}
