/**
 * The thread of the forwarder: looks where the ledger is, tells the lines, keeps their cursors. Nothing here can slow the
 * threads that take spans in: all they share is the file.
 */
import { stat } from 'node:fs/promises';
import { getPriority, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { CursorFile } from './cursor-file.js';
import { type ForwardLog, OncePerMinute } from './forward-log.js';
import type { ForwardReport, ForwardRequest, ForwardThreadData } from './forward-messages.js';
import { LedgerTail } from './ledger-tail.js';
import { TargetLine } from './target-line.js';

/** Where processors are short, taking spans in goes first: what waits here is safe. */
const NICENESS = 5;
const LOOK_EVERY_MS = 250;
/** A cursor file costs an fsync. */
const SAVE_EVERY_MS = 1_000;

const port = parentPort!;
const { home, ledger, targets, counts, backoff, startedMs } = workerData as ForwardThreadData;
const report = (message: ForwardReport): void => port.postMessage(message);
const log: ForwardLog = (event) => report({ type: 'log', event });

const tail = new LedgerTail(ledger, log);
const lines = targets.map(
  (target, i) =>
    new TargetLine({
      target,
      tail,
      file: new CursorFile({ home, ledger }, target.name),
      backoff,
      startedMs,
      counts: counts[i]!,
      log,
    }),
);
const unsaved = new OncePerMinute();
let reported = '';
let savedMs = Date.now();

/**
 * On Linux a thread has a priority of its own; elsewhere this would be about the whole process. What it starts inherits it, so
 * the process's pool of threads, which belongs to all of them, is started before.
 */
async function giveWay(): Promise<void> {
  if (process.platform !== 'linux') return;
  try {
    await stat('/');
    setPriority(Math.min(19, getPriority() + NICENESS));
  } catch {
    // A sandbox may forbid it.
  }
}

function look(): void {
  const state = tail.look();
  if (state !== undefined) for (const line of lines) line.observe(state);
}

function tick(): void {
  look();
  if (Date.now() - savedMs >= SAVE_EVERY_MS) save('due');
  reportCounts();
}

function save(losses: 'due' | 'all'): void {
  savedMs = Date.now();
  for (const line of lines) {
    try {
      line.save(losses);
    } catch (error) {
      if (!unsaved.isDue(Date.now())) continue;
      const message = `the place in the ledger cannot be kept: ${(error as Error).message}; after a crash spans are sent again`;
      log({ level: 'warn', event: 'forward.cursor', exporter: line.counts.exporter, message, details: {} });
    }
  }
}

function reportCounts(): void {
  const all = lines.map((line) => line.counts);
  const text = JSON.stringify(all);
  if (text === reported) return;
  reported = text;
  report({ type: 'counts', counts: all });
}

async function close(deadlineMs: number): Promise<void> {
  for (const line of lines) line.close();
  await Promise.race([running, new Promise((resolve) => setTimeout(resolve, deadlineMs))]);
  clearInterval(ticking);
  save('all');
  reportCounts();
  tail.close();
  // Ends the thread with whatever request is still under way, once the messages are out.
  setImmediate(() => process.exit());
}

port.on('message', (request: ForwardRequest) => {
  if (request.type === 'wake') look();
  else void close(request.deadlineMs);
});
void giveWay();
const running = Promise.all(lines.map((line) => line.run()));
const ticking = setInterval(tick, LOOK_EVERY_MS);
