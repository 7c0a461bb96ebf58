/** Where a target goes on in a ledger, and what is to be said about it. Pure. */
import type { Cursor } from './cursor-file.js';

/** A ledger as a reader finds it. */
export interface LedgerState {
  readonly origin: string;
  /** One more than the newest seq. */
  readonly end: number;
  /** When its genesis entry was written, Unix milliseconds. */
  readonly begunMs: number;
}

/** A place, and the sentence for the log where it is not simply the one that was remembered. */
export interface StartingPlace {
  readonly next: number;
  readonly level: 'info' | 'warn';
  readonly message: string | undefined;
}

/**
 * A remembered place holds for its own ledger. Everything else starts at the ledger's present end, so that a new backend is
 * not flooded with history; but of a ledger that was begun after forwarding was started (`startedMs`) all is new.
 */
export function startingPlace(
  remembered: Cursor | 'none' | 'damaged',
  ledger: LedgerState,
  startedMs: number,
): StartingPlace {
  const end = ledger.begunMs >= startedMs ? 0 : ledger.end;
  const at = `it starts with entry ${end}; if-witness replay sends what is older`;
  if (remembered === 'none') return { next: end, level: 'info', message: `a new target: ${at}` };
  if (remembered === 'damaged') return { next: end, level: 'warn', message: `its cursor file was damaged: ${at}` };
  if (remembered.origin === null) return { next: remembered.next, level: 'info', message: undefined };
  if (remembered.origin !== ledger.origin) {
    return { next: end, level: 'warn', message: `this is another ledger than ${remembered.origin}: ${at}` };
  }
  if (remembered.next > ledger.end) {
    const what = `the ledger ends at ${ledger.end}, before entry ${remembered.next} where it was: an older copy?`;
    return { next: ledger.end, level: 'warn', message: `${what} It goes on with what comes next` };
  }
  return { next: remembered.next, level: 'info', message: undefined };
}
