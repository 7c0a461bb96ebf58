/** The signing key is changed once it is old: at the start, then looked at now and again. Ingest goes on meanwhile. */
import { LedgerError, type Rotated } from '@infrafabric/ledger';
import type { Log } from './log.js';

const HOUR_MS = 3_600_000;

/** What it needs. */
export interface KeyRotationOptions {
  /** The age from which a key is changed, milliseconds. */
  readonly afterMs: number;
  /** Changes the key if it is that old; undefined when it is not. */
  readonly rotate: (ifOlderThanMs: number) => Promise<Rotated | undefined>;
  readonly log: Log;
}

/** Rotation by age, until it is stopped. A rotation that fails is logged and tried again; spans are taken all the same. */
export class KeyRotation {
  readonly #options: KeyRotationOptions;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #underWay: Promise<void>;

  constructor(options: KeyRotationOptions) {
    this.#options = options;
    this.#underWay = this.#look();
  }

  /** Resolves when none is under way any more. Never rejects. */
  stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    return this.#underWay;
  }

  async #look(): Promise<void> {
    const { afterMs, rotate, log } = this.#options;
    try {
      const rotated = await rotate(afterMs);
      if (rotated !== undefined) logRotated(log, rotated);
    } catch (error) {
      // The ledger is being closed.
      if (this.#stopped) return;
      const { code, message, hint } = error instanceof LedgerError ? error : new LedgerError('io', String(error));
      log.warn('keys.rotate', `the key is old, and could not be changed: ${message}`, { code, hint });
    }
    if (this.#stopped) return;
    this.#timer = setTimeout(
      () => {
        this.#underWay = this.#look();
      },
      Math.min(afterMs / 4, HOUR_MS),
    ).unref();
  }
}

function logRotated(log: Log, { seq, oldKeyIdHex, newKeyIdHex, newVkey, oldPrivateHalf }: Rotated): void {
  const fields = { seq, old_key: oldKeyIdHex, new_key: newKeyIdHex, vkey: newVkey, old_private: oldPrivateHalf };
  log.tell('info', 'keys.rotated', `entry ${seq} hands over from key ${oldKeyIdHex} to ${newKeyIdHex}`, fields);
  if (oldPrivateHalf === 'destroyed') return;
  const what = oldPrivateHalf === 'kept' ? 'could not be removed' : 'was never in this home: destroy it where it is';
  log.tell('warn', 'keys.old_private', `the private half of key ${oldKeyIdHex} ${what}`, { old_key: oldKeyIdHex });
}
