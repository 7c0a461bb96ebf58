/**
 * One witness on a folder at a time: two that share it could each compare with the same state and then both write. `lock`
 * holds who has it. After a crash it is taken over, if that process is really gone.
 */
import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CosignerError } from './cosigner-error.js';

/** Takes the folder. @returns how to give it back @throws CosignerError `in-use` */
export function lockFolder(folder: string): () => void {
  const lock = join(folder, 'lock');
  const takeover = join(folder, 'lock.takeover');
  const mine = identityOf(process.pid)!;
  if (!create(lock, mine)) {
    requireGone(lock);
    // Of two that find the same dead owner one takes over; the other finds either file.
    if (!create(takeover, mine)) throw inUse(takeover);
    try {
      requireGone(lock);
      unlinkSync(lock);
      if (!create(lock, mine)) throw inUse(lock);
    } finally {
      unlinkSync(takeover);
    }
  }
  return () => {
    if (read(lock) === mine) unlinkSync(lock);
  };
}

/** Whether the file could be made; a file that is there stays. */
function create(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function requireGone(lock: string): void {
  const owner = read(lock);
  const pid = Number(/^(\d{1,10}) /.exec(owner ?? '')?.[1] ?? Number.NaN);
  if (owner === undefined || Number.isNaN(pid) || identityOf(pid) === owner) throw inUse(lock);
}

/** Number, start and boot of a process; undefined when there is none. A number alone is given again to others. */
function identityOf(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined;
  }
  try {
    // proc(5): the name of the program, field 2, can hold anything; field 22 is when it was started.
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return `${pid} ${fields[19]} ${boot}\n`;
  } catch {
    // No /proc: a number that is in use again looks like the owner, and a person has to look.
    return `${pid} \n`;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

function inUse(file: string): CosignerError {
  return new CosignerError('in-use', `another witness runs on this folder: ${file}`, {
    hint: 'stop it first; if there is none, remove that file',
  });
}
