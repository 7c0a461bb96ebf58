/** The file `<ledger>.head`. What it is good for: remembered-head.ts. */
import { readFileSync } from 'node:fs';

/** Where the head of a ledger is remembered. */
export function headFile(ledger: string): string {
  return `${ledger}.head`;
}

/** Octets of the remembered note, or undefined when there is none. */
export function readHead(ledger: string): Uint8Array | undefined {
  try {
    return readFileSync(headFile(ledger));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
