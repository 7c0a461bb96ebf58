/**
 * A tlog-tiles directory on disk. What its `checkpoint` covers is never written again; what lies beyond was left by an export
 * that did not finish, and nobody can have been told of it. The checkpoint takes its place last, when all it covers is durable.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { MAX_NOTE_OCTETS } from '@infrafabric/format';
import { CliError, usageError } from '../cli-error.js';

const CHECKPOINT = 'checkpoint';
const WRITING = '.writing-';

/** A directory to which tiles are added. */
export class TileDirectory {
  readonly #shown: string;
  readonly #path: string;
  readonly #temporary: string;
  /** Checkpoint that was there at the start. */
  readonly #before: Buffer | undefined;
  readonly #unsynced = new Set<string>();

  /** @throws CliError `usage` when something else is there, `io`. */
  constructor(directory: string) {
    this.#shown = directory;
    this.#path = resolve(directory);
    this.#temporary = join(this.#path, `${WRITING}${process.pid}`);
    this.#before = this.#failing(() => {
      // Private until its owner opens it: entries are about to be in it.
      if (!existsSync(this.#path)) this.#makeDirectory(this.#path, 0o700);
      const names = readdirSync(this.#path);
      for (const name of names)
        if (name.startsWith(WRITING) && !isRunning(Number(name.slice(WRITING.length)))) rmSync(join(this.#path, name));
      const ours = names.every((name) => name === 'tile' || name.startsWith('.'));
      if (!ours && !names.includes(CHECKPOINT)) {
        throw usageError(
          `--output ${directory} holds other things than tiles`,
          'name a new directory, an empty one, or one that an earlier export wrote',
        );
      }
      return this.#readCheckpoint();
    });
  }

  /** Octets of the checkpoint up to which the directory is complete; undefined in a new one. */
  get checkpoint(): Uint8Array | undefined {
    return this.#before;
  }

  has(path: string): boolean {
    return existsSync(join(this.#path, path));
  }

  /** Writes a file below the directory; durable only after {@link commit}. */
  write(path: string, bytes: Uint8Array): void {
    const target = join(this.#path, path);
    this.#failing(() => {
      this.#makeDirectory(dirname(target), 0o755);
      this.#writeTemporary(bytes, false);
      renameSync(this.#temporary, target);
    });
    this.#unsynced.add(target).add(dirname(target));
  }

  /** Makes everything written durable, then gives the directory its new checkpoint. `onFile` is called for each file. */
  commit(checkpoint: Uint8Array, onFile: () => void): void {
    this.#failing(() => {
      for (const path of this.#unsynced) {
        sync(path);
        onFile();
      }
      // Another export may have been here meanwhile; the log must not go back.
      const now = this.#readCheckpoint();
      if (!(now === this.#before || (now !== undefined && this.#before?.equals(now)))) {
        throw new CliError('io', `another export wrote to ${this.#shown} meanwhile`, { hint: 'run it again' });
      }
      if (this.#before?.equals(checkpoint)) return;
      this.#writeTemporary(checkpoint, true);
      // From here on a client may ask for everything that the new checkpoint covers.
      renameSync(this.#temporary, join(this.#path, CHECKPOINT));
      sync(this.#path);
    });
    this.#unsynced.clear();
  }

  /** Removes a file or a folder of files that the committed checkpoint makes superfluous. */
  remove(path: string): void {
    this.#failing(() => rmSync(join(this.#path, path), { recursive: true, force: true }));
  }

  /** Leaves nothing half-written behind. */
  close(): void {
    rmSync(this.#temporary, { force: true });
  }

  #readCheckpoint(): Buffer | undefined {
    const path = join(this.#path, CHECKPOINT);
    if (!existsSync(path)) return undefined;
    const bytes = readFileSync(path);
    if (bytes.length > MAX_NOTE_OCTETS) throw new Error(`its checkpoint has ${bytes.length} octets`);
    return bytes;
  }

  #makeDirectory(path: string, mode: number): void {
    const first = mkdirSync(path, { recursive: true, mode });
    if (first === undefined) return;
    for (let made = path; made.length >= first.length; made = dirname(made)) this.#unsynced.add(dirname(made));
  }

  #writeTemporary(bytes: Uint8Array, durable: boolean): void {
    const fd = openSync(this.#temporary, 'w', 0o644);
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
      if (durable) fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }

  #failing<T>(step: () => T): T {
    try {
      return step();
    } catch (cause) {
      if (cause instanceof CliError) throw cause;
      throw new CliError('io', `cannot write ${this.#shown}: ${(cause as Error).message}`, { cause });
    }
  }
}

function sync(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
