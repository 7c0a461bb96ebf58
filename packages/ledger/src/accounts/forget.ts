/** What the accounts took from payloads goes with the payloads: who a call was for. */
import { existsSync } from 'node:fs';
import { type Connection, openScratch } from '../database.js';
import { accountsFile } from './accounts.js';

/**
 * Forgets session and user of these entries, and leaves no copy in the file's pages or its log. The accounts themselves are
 * brought up to date when somebody asks for them. @returns false where a reader holds the log
 * @throws LedgerError when the file cannot be opened
 */
export function forgetInAccounts(home: string, origin: string, seqs: Iterable<number>): boolean {
  const file = accountsFile(home, origin);
  if (!existsSync(file)) return true;
  const db = openScratch(file);
  try {
    if (db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'calls'").get() === undefined) return true;
    if (forget(db, seqs) === 0) return true;
    // Rows of it change their size and move; made anew, no page has an older copy of one.
    db.exec('VACUUM');
    const [result] = db.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
    return result?.busy === 0;
  } finally {
    db.close();
  }
}

function forget(db: Connection, seqs: Iterable<number>): number {
  const clear = db.prepare(
    'UPDATE calls SET session = NULL, person = NULL WHERE seq = ? AND (session IS NOT NULL OR person IS NOT NULL)',
  );
  return db.transaction(() => {
    let changed = 0;
    for (const seq of seqs) changed += clear.run(seq).changes;
    return changed;
  })();
}
