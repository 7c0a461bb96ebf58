/**
 * What became of each alert at each destination: one small file each, in the witness home, so that a restart neither repeats
 * nor loses one. A claim beside it keeps two processes from delivering the same at once.
 */
import { existsSync, readFileSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { sha256Hex } from '@infrafabric/format';
import { makePrivateDirectory, writePrivateFile } from '@infrafabric/ledger';

/** Of one alert at one destination. */
export interface Delivery {
  readonly state: 'pending' | 'delivered' | 'failed';
  readonly attempts: number;
  /** Not before; Unix milliseconds. */
  readonly nextMs: number;
  /** Why the last attempt failed. */
  readonly error?: string | undefined;
}

/** Of an alert that nobody has tried to deliver. */
export const UNTRIED: Delivery = { state: 'pending', attempts: 0, nextMs: 0 };

/** Longer than any attempt takes: a claim that is older belongs to a process that died. */
const CLAIM_MS = 90_000;

/** Of one ledger. */
export class DeliveryFiles {
  readonly #directory: string;

  constructor(home: string, origin: string) {
    this.#directory = join(home, 'alerts', sha256Hex(origin).slice(0, 16));
  }

  /** What is known; {@link UNTRIED} where there is no file, or none that can be read. */
  read(alertSeq: number, destination: string): Delivery {
    try {
      const { state, attempts, next, error } = JSON.parse(readFileSync(this.#file(alertSeq, destination), 'utf8')) as {
        readonly state: Delivery['state'];
        readonly attempts: number;
        readonly next: number;
        readonly error?: string;
      };
      return { state, attempts, nextMs: next, error };
    } catch {
      return UNTRIED;
    }
  }

  /** Keeps it durably. */
  write(alertSeq: number, destination: string, { state, attempts, nextMs, error }: Delivery): void {
    makePrivateDirectory(this.#directory);
    const text = `${JSON.stringify({ state, attempts, next: nextMs, error })}\n`;
    writePrivateFile(this.#file(alertSeq, destination), text);
  }

  /** Takes the right to deliver; undefined when another process has it. Call what it answers when done. */
  claim(alertSeq: number, destination: string): (() => void) | undefined {
    makePrivateDirectory(this.#directory);
    const file = `${this.#file(alertSeq, destination)}.claim`;
    if (this.#hasDied(file)) {
      const stale = `${file}.${process.pid}.stale`;
      try {
        // Of several that see it only one can move it away.
        renameSync(file, stale);
        unlinkSync(stale);
      } catch {
        return undefined;
      }
    }
    try {
      const claim = { host: hostname(), pid: process.pid, until: Date.now() + CLAIM_MS };
      writePrivateFile(file, JSON.stringify(claim), { exclusive: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
      throw error;
    }
    return () => {
      if (existsSync(file)) unlinkSync(file);
    };
  }

  #hasDied(claim: string): boolean {
    if (!existsSync(claim)) return false;
    try {
      const { host, pid, until } = JSON.parse(readFileSync(claim, 'utf8')) as {
        readonly host: string;
        readonly pid: number;
        readonly until: number;
      };
      // Of a process on another machine, or in another container, nothing is known but its time.
      return Date.now() >= until || (host === hostname() && !isAlive(pid));
    } catch {
      // Being written just now, or left by a process that died over it.
      const { mtimeMs } = statSync(claim, { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() };
      return Date.now() - mtimeMs >= CLAIM_MS;
    }
  }

  #file(alertSeq: number, destination: string): string {
    return join(this.#directory, `${alertSeq}-${destination}`);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
