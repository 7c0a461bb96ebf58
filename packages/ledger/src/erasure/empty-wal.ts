/** Emptying the write-ahead log: what a transaction erased is in its older pages until then. */
import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, statement } from '../database.js';

/**
 * Moves the log into the file and truncates it. Readers and writers of other processes can keep that from happening; it is
 * tried until the time is up, outside of a transaction. @returns whether the log is empty, or was since
 */
export async function emptyWal(db: Connection, path: string, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    if (truncateWal(db, path)) return true;
    if (Date.now() >= deadline) return false;
    await sleep(20 + 60 * Math.random());
  }
}

function truncateWal(db: Connection, path: string): boolean {
  try {
    const [result] = statement(db, 'PRAGMA wal_checkpoint(TRUNCATE)').all() as { busy: number }[];
    return result?.busy === 0;
  } catch (error) {
    // Somebody else is at it; where the log has no octets any more, they were done first.
    if (!/^SQLITE_(BUSY|LOCKED)/.test(String((error as { code?: unknown }).code))) throw error;
    return (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) === 0;
  }
}
