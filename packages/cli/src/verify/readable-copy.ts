/**
 * A ledger in a directory that cannot be written, or on a full disk: SQLite must create its `-shm` beside the file, so the
 * file and its WAL are copied to a private place and read there.
 */
import { accessSync, constants, existsSync, lstatSync, statSync } from 'node:fs';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { CliError } from '../cli-error.js';

/** What SQLite's failure to make its `-shm` looks like, by what stood in the way. */
const CANNOT_MAKE_SHM: ReadonlySet<unknown> = new Set(['gone', 'readonly', 'full', 'io']);

/** Whether SQLite cannot read the file where it lies, although anybody else could. */
export function needsCopy(path: string): boolean {
  try {
    LedgerReader.open(path).close();
    return false;
  } catch (error) {
    return CANNOT_MAKE_SHM.has((error as { code?: unknown }).code) && isReadable(path);
  }
}

function isReadable(path: string): boolean {
  const files = [path, `${path}-wal`].map((file) => lstatSync(file, { throwIfNoEntry: false }));
  if (files[0] === undefined || existsSync(`${path}-journal`)) return false;
  if (!files.every((file) => file === undefined || file.isFile())) return false;
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/** A copy of one state. */
export interface ReadableCopy {
  readonly path: string;
  /** Whether the original is still what was copied. */
  readonly isCurrent: () => boolean;
  readonly remove: () => Promise<void>;
}

const ATTEMPTS = 5;

/** Copies file and WAL, to a directory of its own in `parent`. @throws CliError `io` when a writer is always faster, or the disk refuses. */
export async function copyToRead(path: string, parent: string = tmpdir()): Promise<ReadableCopy> {
  const directory = await mkdtemp(join(parent, 'if-witness-'));
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true });
  try {
    const copy = join(directory, basename(path));
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const before = stateOf(path);
      await copyFile(path, copy);
      await rm(`${copy}-wal`, { force: true });
      if (existsSync(`${path}-wal`)) await copyFile(`${path}-wal`, `${copy}-wal`);
      // File and WAL of two different moments would look like a damaged ledger.
      if (stateOf(path) === before) return { path: copy, isCurrent: () => stateOf(path) === before, remove };
    }
  } catch (cause) {
    await remove();
    throw new CliError('io', `the ledger cannot be copied to be read: ${(cause as Error).message}`, { cause });
  }
  await remove();
  throw new CliError('io', `the ledger was written to all the time while it was copied: ${path}`, {
    hint: 'try again, or stop the writer',
  });
}

function stateOf(path: string): string {
  const state = (file: string): string => {
    const found = statSync(file, { bigint: true, throwIfNoEntry: false });
    return found === undefined ? '-' : `${found.dev}:${found.ino}:${found.size}:${found.mtimeNs}`;
  };
  return `${state(path)} ${state(`${path}-wal`)}`;
}
