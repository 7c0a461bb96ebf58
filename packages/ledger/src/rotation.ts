/** What a rotation is asked and what it answers. How it is done: {@link Ledger.rotate}; what it means: docs/format.md §rotation. */
import type { Signer } from './signer.js';

/** How to rotate. */
export interface RotateOptions {
  /** Why, for whoever reads the ledger later: at most 4,096 octets. */
  readonly reason?: string | undefined;
  /** Only when the current key signs for at least so long, milliseconds, by receive times and this machine's clock. */
  readonly ifOlderThanMs?: number | undefined;
  /**
   * Where the new key is: `file` makes a key file, a signer is used as it is. Default: where `IF_WITNESS_SIGNER` says, else a
   * key file.
   */
  readonly to?: 'file' | Signer | undefined;
  /** Fingerprint or comment of the new key, where a signer process holds several. */
  readonly signerKey?: string | undefined;
}

/** A rotation that is durable. */
export interface Rotated {
  readonly origin: string;
  /** Of the rotation entry. */
  readonly seq: number;
  /** 8 hex. */
  readonly oldKeyIdHex: string;
  /** 8 hex. */
  readonly newKeyIdHex: string;
  /** To be given to verifiers. */
  readonly newVkey: string;
  /**
   * `destroyed`; `elsewhere`: it never was in this home, and whoever holds it must destroy it; `kept`: its file could not be
   * removed, which the next writer tries again.
   */
  readonly oldPrivateHalf: 'destroyed' | 'elsewhere' | 'kept';
}
