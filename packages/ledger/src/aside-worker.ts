/** The other side of {@link Aside}. */
import { statSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { AfterCommits } from './after-commits.js';
import type { AsideAnswer } from './aside.js';
import { Ledger } from './ledger.js';
import type { LedgerThreadOptions } from './thread.js';
import { witnessPaths } from './witness-home.js';

const { home, ledger: path, timeoutMs, afterCommit } = workerData as LedgerThreadOptions;
let opened: Promise<Ledger> | undefined;
let inode: number | undefined;
let queue: Promise<void> = Promise.resolve();

const after = new AfterCommits({
  module: afterCommit,
  ledger: async () => opened,
  inTurn,
  tell: (notice) => answer({ notice }),
  onJudging: () => undefined,
});

parentPort!.on('message', (request: 'committed' | 'close') => inTurn(request === 'close' ? close : committed));

function inTurn(work: () => Promise<void>): void {
  queue = queue.then(work);
}

async function committed(): Promise<void> {
  try {
    // First: where there is none any more, opening would begin another.
    const { ino } = statSync(witnessPaths({ home, ledger: path }).ledger);
    opened ??= Ledger.open({ home, ledger: path, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
    const open = await opened;
    inode ??= ino;
    // Replaced: the new file is opened when the next commit is told.
    if (ino === inode) after.committed(open);
    else await letGo();
  } catch {
    await letGo();
  }
}

async function close(): Promise<void> {
  await after.judge();
  await letGo();
  answer({ closed: true });
}

async function letGo(): Promise<void> {
  const closing = opened;
  opened = undefined;
  inode = undefined;
  await after.close();
  await closing?.then((open) => open.close()).catch(() => undefined);
}

function answer(message: AsideAnswer): void {
  parentPort!.postMessage(message);
}
