/**
 * An import is all there or not at all: it is written to a file beside the ledger's name, which takes that name when it is
 * complete. It has an origin and a key of its own.
 */
import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { openExisting } from '../database.js';
import { headFile } from '../head-file.js';
import { Ledger, type LedgerOptions } from '../ledger.js';
import { LedgerError } from '../ledger-error.js';
import { makePrivateDirectory, syncDirectory } from '../private-file.js';
import { LedgerReader } from '../reader.js';
import { keyDirectory, type WitnessPaths, witnessPaths } from '../witness-home.js';
import type { ForeignLedger } from './foreign-ledger.js';
import { type Imported, importEntries } from './import-entries.js';

/** How to import. */
export interface ImportOptions extends Pick<LedgerOptions, 'home' | 'ledger' | 'sources'> {
  readonly onProgress?: (entries: number) => void;
}

/** The new ledger. */
export interface ImportedLedger extends Imported {
  readonly paths: WitnessPaths;
  readonly origin: string;
}

/**
 * Imports another ledger into a file that is not there yet, or holds nothing but genesis, which it then replaces.
 * @throws LedgerError `not-fresh` where the file holds entries; then, and after any other error, it is as it was.
 */
export async function importLedger(foreign: ForeignLedger, options: ImportOptions): Promise<ImportedLedger> {
  const paths = witnessPaths(options);
  requireFresh(paths.ledger);
  makePrivateDirectory(dirname(paths.ledger));
  removeLeftovers(paths.ledger);
  const temporary = join(dirname(paths.ledger), `${prefixOf(paths.ledger)}${process.pid}`);
  let origin: string | undefined;
  try {
    const ledger = await Ledger.open({ ...options, ...paths, ledger: temporary });
    let imported: Imported;
    try {
      origin = ledger.origin();
      imported = await importEntries(ledger, foreign, options.onProgress);
    } finally {
      await ledger.close();
    }
    // Again: somebody may have begun to write meanwhile.
    requireFresh(paths.ledger);
    takePlace(temporary, paths.ledger);
    return { ...imported, paths, origin };
  } catch (error) {
    removeLedger(temporary);
    // A key that signed nothing that is left.
    if (origin !== undefined) rmSync(keyDirectory(paths.home, origin), { recursive: true, force: true });
    throw error;
  }
}

/** @throws LedgerError `not-fresh`, `behind-head`, or why a file that is there cannot be read. */
export function requireFresh(path: string): void {
  if (!existsSync(path)) {
    if (!existsSync(headFile(path))) return;
    throw new LedgerError('behind-head', `the ledger is gone, but its head is remembered: ${headFile(path)}`, {
      hint: 'import into another file (--ledger), or move that head away and keep it as evidence',
    });
  }
  const reader = LedgerReader.open(path);
  try {
    const entries = reader.entryCount();
    if (entries <= 1) return;
    throw new LedgerError('not-fresh', `there is a ledger with ${entries} entries already: ${path}`, {
      hint: 'import into a new one: name a file that is not there with --ledger, or another --home',
    });
  } finally {
    reader.close();
  }
}

function takePlace(temporary: string, path: string): void {
  // A log of the file that is replaced would be taken for one of the new file.
  if (existsSync(path)) openExisting(path, 1_000).close();
  if ((statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0)
    throw new LedgerError('locked', `another process has the empty ledger open: ${path}`, {
      hint: 'end it, then try again',
    });
  for (const left of [`${path}-wal`, `${path}-shm`, headFile(path)]) rmSync(left, { force: true });
  renameSync(temporary, path);
  // Dies here: a complete ledger without a remembered head; the next writer remembers it.
  if (existsSync(headFile(temporary))) renameSync(headFile(temporary), headFile(path));
  syncDirectory(dirname(path));
}

function prefixOf(path: string): string {
  return `.${basename(path)}.import-`;
}

/** What imports left that did not end: files of processes that are no more. */
function removeLeftovers(path: string): void {
  const directory = dirname(path);
  const prefix = prefixOf(path);
  for (const name of readdirSync(directory)) {
    const pid = name.startsWith(prefix) ? /^\d+/.exec(name.slice(prefix.length))?.[0] : undefined;
    if (pid !== undefined && !isRunning(Number(pid))) rmSync(join(directory, name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function removeLedger(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '.head']) rmSync(path + suffix, { force: true });
}
