/**
 * Gives every target a durable place in the ledger before the first span is taken in: what comes after that is forwarded,
 * however soon the process dies.
 */
import type { WitnessPaths } from '@infrafabric/ledger';
import { CursorFile } from './cursor-file.js';
import type { ForwardLog } from './forward-log.js';
import { lookAtLedger } from './ledger-tail.js';
import { type LedgerState, startingPlace } from './starting-place.js';

/**
 * Writes the cursor files that are missing or do not fit the ledger; answers each target's distance from the ledger's end.
 * Where the ledger cannot be read now, or a file not be written, that is left to the thread, and told.
 */
export function writeStartingCursors(
  paths: WitnessPaths,
  targets: readonly string[],
  startedMs: number,
  log: ForwardLog,
): number[] {
  const ledger = look(paths.ledger);
  return targets.map((target) => {
    const file = new CursorFile(paths, target);
    const found = file.read();
    if (ledger === 'unreadable') return 0;
    if (ledger === 'none') {
      if (typeof found === 'string') keep(file, target, null, 0, log);
      return 0;
    }
    const { next, level, message } = startingPlace(found, ledger, startedMs);
    if (message !== undefined) {
      log({ level, event: 'forward.start', exporter: target, message, details: { next_seq: next } });
    }
    if (typeof found === 'string' || found.origin !== ledger.origin || found.next !== next) {
      keep(file, target, ledger.origin, next, log);
    }
    return ledger.end - next;
  });
}

function look(path: string): LedgerState | 'none' | 'unreadable' {
  try {
    return lookAtLedger(path);
  } catch (error) {
    return (error as { code?: unknown }).code === 'gone' ? 'none' : 'unreadable';
  }
}

function keep(file: CursorFile, exporter: string, origin: string | null, next: number, log: ForwardLog): void {
  try {
    file.write({ origin, next });
  } catch (error) {
    const message = `the place in the ledger cannot be kept: ${(error as Error).message}`;
    log({ level: 'warn', event: 'forward.cursor', exporter, message, details: {} });
  }
}
