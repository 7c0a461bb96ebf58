/** A note beside the ledger while older copies of what was erased may still lie in its write-ahead log. */
import { rmSync, statSync } from 'node:fs';
import { writePrivateFile } from '../private-file.js';

function noteFile(ledger: string): string {
  return `${ledger}.erasing`;
}

/** Says so, durably, before the first payload goes. */
export function noteUnfinished(ledger: string): void {
  if (!isUnfinished(ledger)) writePrivateFile(noteFile(ledger), 'if-witness redact --finish\n');
}

/** Whether an erasure was begun and did not get to its end, or is under way. */
export function isUnfinished(ledger: string): boolean {
  return statSync(noteFile(ledger), { throwIfNoEntry: false }) !== undefined;
}

/** Nothing is left of what was erased. */
export function noteFinished(ledger: string): void {
  rmSync(noteFile(ledger), { force: true });
}
