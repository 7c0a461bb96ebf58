/** The other side of {@link WalBackfill}. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Connection, openForWriting, statement } from './database.js';
import type { BackfillAnswer } from './wal-backfill.js';

const { ledger } = workerData as { readonly ledger: string };
let db: Connection | undefined;

parentPort!.on('message', () => {
  let ok = false;
  try {
    db ??= openForWriting(ledger, 100);
    statement(db, 'PRAGMA wal_checkpoint(PASSIVE)').all();
    ok = true;
  } catch {
    // The writer goes on without; its log only grows. The next time it is opened anew.
    db?.close();
    db = undefined;
  }
  parentPort!.postMessage({ ok } satisfies BackfillAnswer);
});
