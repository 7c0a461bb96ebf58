/** The file `<ledger>.head`. What it is good for: remembered-head.ts. */
import { readFileSync } from 'node:fs';
import { type Checkpoint, parseCheckpoint, parseNote } from '@infrafabric/format';

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

/** What a remembered note says; undefined when it is damaged. No signature is checked. */
export function parseHead(bytes: Uint8Array): Checkpoint | undefined {
  try {
    return parseCheckpoint(parseNote(bytes).text);
  } catch {
    return undefined;
  }
}

/**
 * Whether a ledger of that name and size may be the newest that this machine saw: no head is remembered, or one of that
 * origin that is not larger. Roots are not compared.
 */
export function isNotBehindHead(ledger: string, origin: string, size: number): boolean {
  const bytes = readHead(ledger);
  if (bytes === undefined) return true;
  const head = parseHead(bytes);
  return head !== undefined && head.origin === origin && head.size <= size;
}
