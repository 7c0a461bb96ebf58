/**
 * Where spans wait on disk while the ledger cannot take them. One file is one OTLP `ExportTraceServiceRequest` (protobuf),
 * 0600 in a 0700 directory, written under a temporary name, fsynced, then renamed: a file that is listed is whole. Whoever
 * appends it to the ledger removes it after commit; dying in between is harmless, because the ledger knows its spans again.
 * Several processes may share one directory.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makePrivateDirectory, syncDirectory } from './private-file.js';

/** How much a spool may hold. */
export interface SpoolOptions {
  /** Bytes on disk, those of other processes included; default 256 MiB. */
  readonly maxBytes?: number;
}

const REQUEST = '.otlp';
const TEMPORARY = '.tmp';
const SET_ASIDE = '.bad';
/** A file takes at least this much of a disk, however little is in it. */
const BLOCK_BYTES = 4096;
/** What other processes do is looked up this often, or less often where looking takes long. */
const LOOK_EVERY_MS = 1_000;
/** A temporary file this old was left by a process that died. */
const ABANDONED_MS = 3_600_000;

let filesWritten = 0;

/** A directory of waiting requests. Nothing is created before the first request is put. */
export class Spool {
  readonly directory: string;
  readonly #maxBytes: number;
  /** Bytes by file name, as of the last look, and what this process did since. */
  readonly #sizes = new Map<string, number>();
  #bytes = 0;
  #nextLook = 0;
  #refusal: unknown;

  constructor(directory: string, options: SpoolOptions = {}) {
    this.directory = directory;
    this.#maxBytes = options.maxBytes ?? 256 * 1024 * 1024;
  }

  /** Why the last put answered false: what the file system threw, or a RangeError for the bound. */
  get refusal(): unknown {
    return this.#refusal;
  }

  /** Writes a request; true once it is durable, false when it does not fit or the disk refuses. Never throws. */
  putSync(request: Uint8Array): boolean {
    const name = newName();
    if (!this.#reserve(name, request.length)) return false;
    const temporary = join(this.directory, name + TEMPORARY);
    try {
      this.#makeDirectory();
      const fd = openSync(temporary, 'wx', 0o600);
      try {
        for (let done = 0; done < request.length; ) done += writeSync(fd, request, done);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(temporary, join(this.directory, name));
      // Dies here: the name may be gone after a power cut, and nobody was told that the request is kept.
      syncDirectory(this.directory);
      return true;
    } catch (error) {
      this.#giveUp(name, error);
      try {
        rmSync(temporary, { force: true });
      } catch {
        // Abandoned, and found by a later look.
      }
      return false;
    }
  }

  /** The same as {@link Spool.putSync} without making the event loop wait for the disk. */
  async put(request: Uint8Array): Promise<boolean> {
    const name = newName();
    if (!this.#reserve(name, request.length)) return false;
    const temporary = join(this.directory, name + TEMPORARY);
    try {
      this.#makeDirectory();
      const file = await open(temporary, 'wx', 0o600);
      try {
        await file.writeFile(request);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, join(this.directory, name));
      const directory = await open(this.directory, 'r');
      try {
        await directory.sync();
      } finally {
        await directory.close();
      }
      return true;
    } catch (error) {
      this.#giveUp(name, error);
      await rm(temporary, { force: true }).catch(() => undefined);
      return false;
    }
  }

  /** Names of the waiting requests, oldest first. Throws what the file system throws, except for a missing directory. */
  list(): string[] {
    return this.#names()
      .filter((name) => name.endsWith(REQUEST))
      .sort();
  }

  /** A waiting request, or undefined when another process was faster. */
  read(name: string): Uint8Array | undefined {
    try {
      return readFileSync(join(this.directory, name));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** Forgets a request whose spans are committed. */
  remove(name: string): void {
    try {
      unlinkSync(join(this.directory, name));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    this.#forget(name);
  }

  /** Keeps a request that cannot be read, or not all of it, under a name that is not listed: `<name>.bad`. */
  setAside(name: string): void {
    try {
      renameSync(join(this.directory, name), join(this.directory, name + SET_ASIDE));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  /** Bytes on disk, requests set aside included; what other processes do is seen about a second later. */
  bytes(): number {
    if (Date.now() >= this.#nextLook) this.#look();
    return this.#bytes;
  }

  #reserve(name: string, length: number): boolean {
    const size = Math.max(length, BLOCK_BYTES);
    try {
      if (this.bytes() + size > this.#maxBytes) {
        throw new RangeError(`the spool may hold ${this.#maxBytes} bytes: ${this.directory}`);
      }
    } catch (error) {
      this.#refusal = error;
      return false;
    }
    this.#sizes.set(name, size);
    this.#bytes += size;
    return true;
  }

  #giveUp(name: string, error: unknown): void {
    this.#refusal = error;
    this.#forget(name);
  }

  #forget(name: string): void {
    this.#bytes -= this.#sizes.get(name) ?? 0;
    this.#sizes.delete(name);
  }

  #look(): void {
    const began = Date.now();
    const present = new Set(this.#names());
    for (const name of this.#sizes.keys()) {
      // One that is being written has its temporary name for now.
      if (!present.has(name) && !present.has(name + TEMPORARY) && !present.has(name + SET_ASIDE)) this.#forget(name);
    }
    for (const name of present) {
      const request = name.replace(/\.(tmp|bad)$/, '');
      if (!request.endsWith(REQUEST)) continue;
      if (this.#sizes.has(request) && !name.endsWith(TEMPORARY)) continue;
      const found = statSync(join(this.directory, name), { throwIfNoEntry: false });
      if (found === undefined) continue;
      if (name.endsWith(TEMPORARY) && began - found.mtimeMs > ABANDONED_MS) {
        rmSync(join(this.directory, name), { force: true });
      } else if (!this.#sizes.has(request)) {
        const size = Math.max(found.size, BLOCK_BYTES);
        this.#sizes.set(request, size);
        this.#bytes += size;
      }
    }
    const ended = Date.now();
    this.#nextLook = ended + Math.max(LOOK_EVERY_MS, 100 * (ended - began));
  }

  #names(): string[] {
    try {
      return readdirSync(this.directory);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  #makeDirectory(): void {
    if (statSync(this.directory, { throwIfNoEntry: false }) !== undefined) return;
    makePrivateDirectory(this.directory);
    // The new names in the directories above are as much part of the file's path as its own.
    for (let path = dirname(this.directory), levels = 0; levels < 2; path = dirname(path), levels++)
      syncDirectory(path);
  }
}

/** Sorts by time, then by order within a process; unique among all processes. */
function newName(): string {
  const order = String(filesWritten++ % 1_000_000).padStart(6, '0');
  return `${Date.now()}-${order}-${process.pid}-${randomBytes(4).toString('hex')}${REQUEST}`;
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
