/**
 * The remembered head: `<ledger>.head` holds the newest checkpoint note that this machine saw. A chain signed by its owner
 * cannot show by itself that its end was cut off; this file can, as long as it is not rolled back with the ledger.
 */
import { readFileSync } from 'node:fs';
import { parseCheckpoint, parseNote } from '@infrafabric/format';
import type { Connection } from './database.js';
import { LedgerError } from './ledger-error.js';
import { writePrivateFile } from './private-file.js';
import { frontierAt, newestNote, type Tip } from './tip.js';

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

/**
 * Refuses a ledger that is older than, or differs from, its remembered head. Call inside a transaction.
 * @throws LedgerError `behind-head`.
 */
export function requireNotBehindHead(db: Connection, ledger: string, tip: Tip): void {
  const bytes = readHead(ledger);
  if (bytes === undefined || Buffer.compare(bytes, tip.note) === 0) return;
  const head = parseHead(bytes, ledger);
  if (head.origin !== tip.origin) throw behind(ledger, `the remembered head is of another ledger, ${head.origin}`);
  if (head.size > tip.size) {
    throw behind(
      ledger,
      `it has ${tip.size} entries, the remembered head has ${head.size}: an older copy, or its end was cut`,
    );
  }
  if (frontierAt(db, head.size).rootHex() !== head.rootHex) {
    throw behind(ledger, `its first ${head.size} entries differ from those of the remembered head`);
  }
}

/**
 * Remembers the newest committed checkpoint. Takes the ledger's own write lock, so that of two writers the later one
 * writes the later head. Call after COMMIT, outside a transaction.
 */
export function rememberHead(db: Connection, ledger: string): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    const note = newestNote(db);
    const head = readHead(ledger);
    if (note !== undefined && (head === undefined || isLater(note, head))) writePrivateFile(headFile(ledger), note);
  } finally {
    db.exec('ROLLBACK');
  }
}

function isLater(note: Uint8Array, head: Uint8Array): boolean {
  const now = parseCheckpoint(parseNote(note).text);
  const before = parseCheckpoint(parseNote(head).text);
  return now.origin === before.origin && now.size > before.size;
}

function parseHead(bytes: Uint8Array, ledger: string): ReturnType<typeof parseCheckpoint> {
  try {
    return parseCheckpoint(parseNote(bytes).text);
  } catch (cause) {
    throw new LedgerError('behind-head', `the remembered head is damaged: ${headFile(ledger)}`, {
      cause,
      hint: 'restore it, or compare the ledger with an anchor before you remove it',
    });
  }
}

function behind(ledger: string, what: string): LedgerError {
  return new LedgerError('behind-head', `refusing to continue this ledger: ${what}`, {
    hint: `restore the newer copy of ${ledger}; a copy restored on purpose is accepted by if-witness doctor --accept-head`,
  });
}
