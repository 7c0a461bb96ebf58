/** Results that go to a file: private, and whole or not there at all. */
import {
  closeSync,
  fsyncSync,
  lstatSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { CliError } from './cli-error.js';

/** A file that takes its name only when it is complete. */
export interface FileOutput {
  readonly write: (data: string | Uint8Array) => void;
  /** Makes it durable and gives it its name. */
  readonly commit: () => void;
  /** Takes it away again, unless it was committed. */
  readonly abandon: () => void;
}

/** Text is gathered to pieces of this size. */
const PIECE_OCTETS = 64 * 1024;

/**
 * Opens an output file, mode 0600, under a temporary name beside its own. @throws CliError `usage` when it would replace one of
 * the ledger's own files, `io`.
 */
export function openFileOutput(file: string, ledger: string): FileOutput {
  refuseLedgerFiles(file, ledger);
  const target = resolve(file);
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
  const failing = <T>(step: () => T): T => {
    try {
      return step();
    } catch (cause) {
      throw new CliError('io', `cannot write ${file}: ${(cause as Error).message}`, { cause });
    }
  };
  const fd = failing(() => {
    if (statSync(target, { throwIfNoEntry: false })?.isDirectory() === true) throw new Error('it is a directory');
    return openSync(temporary, 'wx', 0o600);
  });
  let pieces: Uint8Array[] = [];
  let gathered = 0;
  let isOpen = true;
  const flush = (): void => {
    const bytes = Buffer.concat(pieces);
    pieces = [];
    gathered = 0;
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
  };
  return {
    write: (data) => {
      const bytes = typeof data === 'string' ? Buffer.from(data) : data;
      pieces.push(bytes);
      gathered += bytes.length;
      if (gathered >= PIECE_OCTETS) failing(flush);
    },
    commit: () =>
      failing(() => {
        flush();
        fsyncSync(fd);
        closeSync(fd);
        isOpen = false;
        renameSync(temporary, target);
      }),
    abandon: () => {
      if (!isOpen) return;
      closeSync(fd);
      rmSync(temporary, { force: true });
    },
  };
}

/** Writes a whole file, mode 0600. @throws CliError as {@link openFileOutput}. */
export function writeFileOutput(file: string, ledger: string, text: string): void {
  if (file === '') throw new CliError('usage', '--output is empty');
  const output = openFileOutput(file, ledger);
  try {
    output.write(text);
    output.commit();
  } finally {
    output.abandon();
  }
}

/** An export over the ledger would be the end of the ledger. */
function refuseLedgerFiles(file: string, ledger: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal', '.head']) {
    if (isSame(file, ledger + suffix)) {
      throw new CliError('usage', `--output ${file} is a file of the ledger itself`, { hint: 'name another file' });
    }
  }
}

function isSame(a: string, b: string): boolean {
  if (resolve(a) === resolve(b)) return true;
  if (lstatSync(a, { throwIfNoEntry: false }) === undefined) return inRealDirectory(a) === inRealDirectory(b);
  const [first, second] = [statSync(a, { throwIfNoEntry: false }), statSync(b, { throwIfNoEntry: false })];
  return first !== undefined && second !== undefined && first.dev === second.dev && first.ino === second.ino;
}

function inRealDirectory(file: string): string {
  const directory = dirname(resolve(file));
  try {
    return join(realpathSync(directory), basename(file));
  } catch {
    return resolve(file);
  }
}
