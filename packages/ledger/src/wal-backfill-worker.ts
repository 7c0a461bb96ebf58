/** The other side of {@link WalBackfill}. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Connection, openExisting, statement } from './database.js';
import type { BackfillAnswer } from './wal-backfill.js';

/** The writer goes on meanwhile: what came during one pass is moved by the next, in ever less time. */
const PASSES = 3;
/** So few frames are left to the writer. */
const FEW_FRAMES = 250;

const { ledger } = workerData as { readonly ledger: string };
let db: Connection | undefined;

parentPort!.on('message', () => {
  let ok = false;
  try {
    db ??= openExisting(ledger, 100);
    let moved = 0;
    for (let pass = 0; pass < PASSES; pass++) {
      const [result] = statement(db, 'PRAGMA wal_checkpoint(PASSIVE)').all() as { checkpointed: number }[];
      const frames = result!.checkpointed - moved;
      moved = result!.checkpointed;
      if (frames < FEW_FRAMES) break;
    }
    ok = true;
  } catch {
    // The writer goes on without; its log only grows. The next time it is opened anew.
    db?.close();
    db = undefined;
  }
  parentPort!.postMessage({ ok } satisfies BackfillAnswer);
});
