/**
 * The remembered head: `<ledger>.head` holds the newest checkpoint note that this machine saw. A chain signed by its owner
 * cannot show by itself that its end was cut off; this file can, as long as it is not rolled back with the ledger.
 */
import { type Checkpoint, parseCheckpoint, parseNote } from '@infrafabric/format';
import type { Connection } from './database.js';
import { headFile, parseHead, readHead } from './head-file.js';
import { LedgerError } from './ledger-error.js';
import { writePrivateFile } from './private-file.js';
import { frontierAt, newestNote, type Tip } from './tip.js';

/** How a ledger contradicts its remembered head. */
export interface Contradiction {
  readonly what: string;
  /** The head; undefined when the file is damaged. */
  readonly head: Checkpoint | undefined;
}

/** Whether a ledger is older than, or differs from, its remembered head. Call inside a transaction. */
export function contradictionOfHead(db: Connection, ledger: string, tip: Tip): Contradiction | undefined {
  const bytes = readHead(ledger);
  if (bytes === undefined || Buffer.compare(bytes, tip.note) === 0) return undefined;
  const head = parseHead(bytes);
  if (head === undefined) return { what: `the remembered head is damaged: ${headFile(ledger)}`, head };
  const contradicts = (what: string): Contradiction => ({ what, head });
  if (head.origin !== tip.origin) return contradicts(`the remembered head is of another ledger, ${head.origin}`);
  if (head.size > tip.size) {
    return contradicts(
      `it has ${tip.size} entries, the remembered head has ${head.size}: an older copy, or its end was cut`,
    );
  }
  if (frontierAt(db, head.size).rootHex() === head.rootHex) return undefined;
  return contradicts(`its first ${head.size} entries differ from those of the remembered head`);
}

/** Refuses a ledger that contradicts its remembered head. Call inside a transaction. @throws LedgerError `behind-head`. */
export function requireNotBehindHead(db: Connection, ledger: string, tip: Tip): void {
  const contradiction = contradictionOfHead(db, ledger, tip);
  if (contradiction === undefined) return;
  throw new LedgerError('behind-head', `refusing to continue this ledger: ${contradiction.what}`, {
    hint: `restore the newer copy of ${ledger}; a copy restored on purpose is accepted by if-witness doctor --accept-head`,
  });
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
