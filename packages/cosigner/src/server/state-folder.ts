/**
 * What a witness has cosigned last, one file for each log: `state/<hex SHA-256 of the origin>` holds the checkpoint with the
 * log's signatures and our cosignature. Written by temporary name, fsync, rename, fsync of the folder, before anybody is
 * answered. Whoever takes the folder away makes the witness forget, and then it could be made to cosign two histories.
 */
import { existsSync } from 'node:fs';
import { open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type Note, type ParsedCheckpoint, sha256Hex, utf8Of } from '@infrafabric/format';
import { readNote } from '@infrafabric/verify';
import { CosignerError } from './cosigner-error.js';

/** The newest checkpoint that was cosigned of a log. */
export interface Cosigned {
  readonly checkpoint: ParsedCheckpoint;
  readonly note: Note;
  readonly octets: Uint8Array;
}

/** Where a witness keeps its state. */
export function stateFolder(folder: string): string {
  return join(folder, 'state');
}

/** Reads and writes state. One log at a time is the caller's to see to; nothing is remembered in between. */
export class StateFolder {
  readonly #path: string;

  /** @throws CosignerError `state` where there is none: a witness never begins anew by itself. */
  constructor(folder: string) {
    this.#path = stateFolder(folder);
    if (existsSync(this.#path)) return;
    throw new CosignerError('state', `what this witness has cosigned is not there: ${this.#path}`, {
      hint: 'restore the newest copy; a witness that has forgotten must start again under a new key',
    });
  }

  /** Undefined for a log that was never cosigned. @throws CosignerError `state` where the file is damaged. */
  async read(origin: string): Promise<Cosigned | undefined> {
    const cosigned = await this.readByHash(sha256Hex(origin));
    if (cosigned !== undefined && cosigned.checkpoint.origin !== origin)
      throw damaged(this.#file(sha256Hex(origin)), 'it is of another log');
    return cosigned;
  }

  /** The same by the hex SHA-256 of the origin. */
  async readByHash(originHash: string): Promise<Cosigned | undefined> {
    const file = this.#file(originHash);
    let octets: Uint8Array;
    try {
      octets = await readFile(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    const read = readNote(octets);
    if (!read.ok) throw damaged(file, read.message);
    return { checkpoint: read.checkpoint, note: read.note, octets };
  }

  /** Puts a note in the place of the one before; durable when this resolves. After a failure either of them is there. */
  async write(origin: string, note: string): Promise<void> {
    const file = this.#file(sha256Hex(origin));
    const temporary = `${file}.tmp`;
    await writeDurably(temporary, utf8Of(note));
    // Dies here: the old state holds, and nobody was answered.
    await rename(temporary, file);
    await syncFolder(this.#path);
    // Dies here: the new state holds; whoever asked was not answered, and learns its size by asking again.
  }

  /** Keeps a signed checkpoint that contradicts what was cosigned, as evidence; at most 16 a log. @returns its path */
  async keepEvidence(origin: string, octets: Uint8Array): Promise<string | undefined> {
    const start = `fork-${sha256Hex(origin)}-`;
    const kept = (await readdir(this.#path)).filter((name) => name.startsWith(start));
    const name = `${start}${sha256Hex(octets).slice(0, 16)}.note`;
    const path = join(this.#path, name);
    if (kept.includes(name)) return path;
    if (kept.length >= 16) return undefined;
    await writeDurably(path, octets);
    await syncFolder(this.#path);
    return path;
  }

  #file(originHash: string): string {
    return join(this.#path, originHash);
  }
}

async function writeDurably(path: string, octets: Uint8Array): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(octets);
    await file.sync();
  } catch (error) {
    await unlink(path).catch(() => undefined);
    throw error;
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function damaged(file: string, why: string): CosignerError {
  return new CosignerError('state', `the state of a log is damaged: ${file}: ${why}`, {
    hint: 'restore the newest copy of the file; never delete it',
  });
}
