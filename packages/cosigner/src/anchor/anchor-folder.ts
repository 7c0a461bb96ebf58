/**
 * A folder of anchors, one file for each size: `<origin>-<size>.note`. The newest one of the ledger is looked at before the
 * next is written: whoever has anchors at hand notices a rollback without asking for it.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { encodeNote, parseNote, utf8Of } from '@infrafabric/format';
import { writePrivateFile } from '@infrafabric/ledger';
import { openNote } from '@infrafabric/verify';
import { AnchorError } from './anchor-error.js';
import type { AnchoredLedger, NewestCheckpoint } from './newest-checkpoint.js';

/** Sizes have as many digits, so that names sort as they do. */
const DIGITS = 16;

/** Whether a path names a folder that is there. */
export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/**
 * Writes an anchor, mode 0600, whole or not at all, after checking it against the newest one there. A file of that size gains
 * the signature lines that it lacks. @returns the path
 * @throws AnchorError `contradicted`, `io`; LedgerError
 */
export function writeAnchor(folder: string, ledger: AnchoredLedger, newest: NewestCheckpoint, note: string): string {
  const start = `${newest.origin.replace(/[^A-Za-z0-9.]/g, '-').replace(/^\.+/, '')}-`;
  const path = join(folder, `${start}${String(newest.size).padStart(DIGITS, '0')}.note`);
  try {
    const [before] = readdirSync(folder)
      .filter((name) => name.startsWith(start) && /^\d{16}\.note$/.test(name.slice(start.length)))
      .sort()
      .reverse();
    const merged = before === undefined ? note : checked(join(folder, before), ledger, newest, note);
    writePrivateFile(path, merged);
    return path;
  } catch (cause) {
    if (typeof (cause as NodeJS.ErrnoException).code !== 'string' || !('syscall' in (cause as object))) throw cause;
    throw new AnchorError('io', `the anchor cannot be written: ${(cause as Error).message}`, { cause });
  }
}

/** The note to write, once the newest anchor there is known to agree. */
function checked(file: string, ledger: AnchoredLedger, newest: NewestCheckpoint, note: string): string {
  const octets = readFileSync(file);
  const opened = ledger
    .keys(newest)
    .map((key) => openNote(octets, key))
    .find(({ ok }) => ok);
  // Somebody else's: it says nothing here.
  if (opened?.ok !== true || opened.checkpoint.origin !== newest.origin) return note;
  const { size, rootHex } = opened.checkpoint;
  if (size > newest.size || ledger.rootHex(size) !== rootHex) {
    const what = size > newest.size ? `${size} entries, the ledger has ${newest.size}` : 'other entries';
    throw new AnchorError('contradicted', `rollback or fork: the anchor ${file} is of ${what}`, {
      hint: `keep both notes, and run if-witness verify --anchor ${file}`,
      evidence: [octets.toString('utf8'), note],
    });
  }
  if (size < newest.size) return note;
  const there = parseNote(octets);
  const given = parseNote(utf8Of(note));
  if (there.text !== given.text) return note;
  const isThere = new Set(given.signatures.map(({ name, keyIdHex }) => `${name}+${keyIdHex}`));
  const kept = there.signatures.filter(({ name, keyIdHex }) => !isThere.has(`${name}+${keyIdHex}`));
  return encodeNote(given.text, [...given.signatures, ...kept]);
}
