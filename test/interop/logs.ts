/** Ledgers for programs that check transparency logs, and ways to run those. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { cleanEnv, Home, type Ran } from '../cli/run.js';

/** Sizes at which tiles begin, end and reach the next level. */
export const SIZES = [1, 255, 256, 257, 700, 65_536, 70_000];

/** A ledger that grows. */
export class GrowingLog {
  readonly home: Home = new Home();
  #size = 0;

  /** Appends until it has so many entries, genesis included. */
  growTo(size: number): void {
    if (this.#size === 0) this.#ran(['verify', '-q']);
    const from = Math.max(1, this.#size);
    let lines = '';
    for (let seq = from; seq < size; seq++) {
      lines += `{"event":"event ${seq} é","component":"c","trace_id":"t${seq % 7}"}\n`;
    }
    if (lines !== '') this.#ran(['log', '--batch', '-q'], lines);
    this.#size = size;
  }

  /** The key to verify with. */
  get vkey(): string {
    return this.#ran(['keys', 'show']).trim();
  }

  /** Exports tiles into a folder beside the home. @returns the folder */
  tiles(name: string): string {
    const folder = this.home.beside(name);
    this.#ran(['export', '--format', 'tiles', '--output', folder, '-q']);
    return folder;
  }

  /** The newest checkpoint, in a file. */
  anchor(name: string): string {
    return this.file(name, this.#ran(['anchor']));
  }

  /** Writes a file beside the home. @returns its path */
  file(name: string, content: string | Uint8Array): string {
    const path = this.home.beside(name);
    writeFileSync(path, content);
    return path;
  }

  /** Octets of every entry. */
  entries(): Buffer[] {
    const db = new Sqlite(this.home.ledger, { readonly: true });
    try {
      return db.prepare('SELECT CAST(entry AS BLOB) FROM entries ORDER BY seq').pluck().all() as Buffer[];
    } finally {
      db.close();
    }
  }

  /** Notes of all checkpoints, by size. */
  checkpoints(): Map<number, Buffer> {
    const db = new Sqlite(this.home.ledger, { readonly: true });
    try {
      const rows = db.prepare('SELECT size, note FROM checkpoints ORDER BY size').raw().all();
      return new Map(rows as [number, Buffer][]);
    } finally {
      db.close();
    }
  }

  #ran(args: readonly string[], input?: string): string {
    const ran = this.home.witness(args, input === undefined ? {} : { input });
    if (ran.exitCode !== 0) throw new Error(`${args.join(' ')}: ${ran.stderr}`);
    return ran.stdout;
  }
}

/** A copy of a folder of files. */
function copyFolder(from: string, to: string): string {
  for (const path of readdirSync(from, { recursive: true }) as string[]) {
    if (statSync(join(from, path)).isDirectory()) continue;
    mkdirSync(dirname(join(to, path)), { recursive: true });
    copyFileSync(join(from, path), join(to, path));
  }
  return to;
}

/** Runs a peer to its end; one that does not end is ended, and has no exit code. */
export function runPeer([program, ...args]: readonly [string, ...string[]], timeoutMs = 300_000): Ran {
  const ran = spawnSync(program, args, { env: cleanEnv(), encoding: 'utf8', timeout: timeoutMs });
  return { exitCode: ran.status, stdout: ran.stdout, stderr: ran.stderr };
}

/** Files of a log of 700 entries, of each kind. */
export const FILES_OF_700: readonly string[] = [
  'tile/0/000',
  'tile/0/002.p/188',
  'tile/1/000.p/2',
  'tile/entries/001',
  'checkpoint',
];

/** A log of 700 entries, and a copy of its tiles in which one bit of a file is another. */
export function withOneBitChanged(path: string): { readonly log: GrowingLog; readonly changed: string } {
  const log = new GrowingLog();
  log.growTo(700);
  const changed = copyFolder(log.tiles('tiles'), log.home.beside('changed'));
  const octets = readFileSync(join(changed, path));
  octets[Math.floor(octets.length / 2)]! ^= 1;
  writeFileSync(join(changed, path), octets);
  return { log, changed };
}
