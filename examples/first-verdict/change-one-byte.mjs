/** Plays the forger: copies a ledger and changes one bit of one signed entry in the copy. */
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Ledger } from '@infrafabric/ledger';

/** An entry as it lies in the file: canonical JSON, so its members come in this order. */
const entryPattern = /\{"at":"\d+","body":\{(?:(?!\{"at":").)*?"seq":(\d+),"type":"span"\}/gs;

/** Copies a ledger that nobody writes to any more into one file: what waited in its write-ahead log is in it too. */
export async function copyLedger(home, ledger, copy) {
  for (const part of ['', '-wal']) if (existsSync(ledger + part)) copyFileSync(ledger + part, copy + part);
  // SQLite folds the log into the file when its last writer closes it; a process that a signal ended had no time for it.
  await (await Ledger.open({ home, ledger: copy })).close();
}

/**
 * Flips the last bit of the event name of the first entry whose event begins as asked.
 * @returns {{ seq: number, offset: number, before: string, after: string }} where, and the event name before and after
 */
export function changeOneByte(file, eventStart) {
  const bytes = readFileSync(file);
  // One character per byte, so that places in the text are places in the file.
  for (const { 0: entry, 1: seq, index } of bytes.toString('latin1').matchAll(entryPattern)) {
    const event = /"event":"([^"]+)"/.exec(entry);
    if (!event?.[1].startsWith(eventStart)) continue;
    const closingQuote = index + event.index + event[0].length - 1;
    const offset = closingQuote - 1;
    bytes[offset] ^= 1;
    writeFileSync(file, bytes);
    const after = event[1].slice(0, -1) + String.fromCharCode(bytes[offset]);
    return { seq: Number(seq), offset, before: event[1], after };
  }
  throw new Error(`${file} has no entry whose event begins with ${eventStart}`);
}
