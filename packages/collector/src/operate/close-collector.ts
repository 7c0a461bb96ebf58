/** Closing what a collector has open, within a deadline. */

import type { Anchorer } from '../anchor/anchorer.js';
import type { Door } from '../door/door.js';
import type { Forwarder } from '../forward/forwarder.js';
import type { LedgerIntake } from '../intake/ledger-intake.js';
import type { KeyRotation } from './key-rotation.js';
import type { Log } from './log.js';

/** What was opened so far. */
export interface OpenParts {
  readonly doors: Door[];
  intake?: LedgerIntake;
  forwarder?: Forwarder;
  anchorer?: Anchorer;
  rotation?: KeyRotation;
}

/** For the ledger's thread to finish a commit and close the file, beyond the deadline. */
const GRACE_MS = 3_000;

/** First the doors, so that nothing new comes in and what is under way is answered; then what they lead to. Never rejects. */
export async function closeCollector(open: OpenParts, deadlineMs: number, log?: Log): Promise<void> {
  const { doors, intake, forwarder, rotation, anchorer } = open;
  void rotation?.stop();
  const startedMs = performance.now();
  const leftMs = (): number => Math.max(0, deadlineMs - (performance.now() - startedMs));
  log?.info('collector.stopping', 'stopping: requests under way are finished', {
    in_flight_spans: intake?.inFlightSpans ?? 0,
    deadline_ms: deadlineMs,
  });
  await Promise.all(doors.map((door) => door.stop(leftMs())));
  const isClosed = await within(
    leftMs() + GRACE_MS,
    Promise.all([forwarder?.close(leftMs()), anchorer?.close(), intake?.close()]).catch((error: unknown) => {
      log?.error('collector.close', `closing failed: ${error instanceof Error ? error.message : String(error)}`);
    }),
  );
  if (!isClosed) log?.warn('collector.cut', 'the ledger was not closed in time; what was acknowledged is in it');
  // What was held back comes before the last line.
  log?.flush();
  log?.info('collector.stopped', 'stopped', { seconds: Math.round(performance.now() - startedMs) / 1000 });
}

/** Whether it was done within that time. */
async function within(ms: number, done: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const inTime = await Promise.race([done.then(() => true), late]);
  clearTimeout(timer);
  return inTime;
}
