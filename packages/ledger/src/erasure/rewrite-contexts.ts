/**
 * Writes the contexts anew once some were deleted. They lie in order of their digests, so with every new one SQLite moves
 * others from page to page and leaves copies behind. Pages that are given back are zeroed, so the whole table is emptied
 * and filled again: a ledger has few contexts, each stored once.
 */
import { randomBytes } from 'node:crypto';
import { type Connection, statement } from '../database.js';

/** Enough octets to make the first page of the table, which is never given back, an inner one: then it is zeroed. */
const FILLER = { rows: 8, octets: 2048 };

/** Call inside a write transaction. */
export function rewriteContexts(db: Connection): void {
  const stored = statement(db, 'SELECT digest, kind, context FROM contexts ORDER BY digest').raw().all() as unknown[][];
  const remove = statement(db, 'DELETE FROM contexts WHERE digest = ?');
  const insert = statement(db, 'INSERT INTO contexts (digest, kind, context) VALUES (?, ?, ?)');
  for (const [digest] of stored) remove.run(digest);
  const fillers = Array.from({ length: FILLER.rows }, () => randomBytes(32));
  for (const digest of fillers) insert.run(digest, 'resource', Buffer.alloc(FILLER.octets));
  for (const digest of fillers) remove.run(digest);
  for (const row of stored) insert.run(...row);
}
