/**
 * Who signs a ledger's checkpoints. Which key it must be, the ledger says; here its private half is found, in a key file or with
 * whoever holds it, a new one is made, and a checkpoint is signed.
 */
import {
  encodeCheckpoint,
  encodeNote,
  encodeVkey,
  type MerkleFrontier,
  type NoteSignature,
  parseVkey,
  utf8Of,
} from '@infrafabric/format';
import type { Connection } from './database.js';
import type { KeyHolder } from './key-holder.js';
import { createKey, createPrivateHalf, loadSigner, privateKeyIds } from './keys.js';
import { LedgerError } from './ledger-error.js';
import { finishRotations } from './past-keys.js';
import type { RotateOptions } from './rotation.js';
import { type Signer, signerOfSeed } from './signer.js';
import { isSignedBy, type Tip } from './tip.js';

/** A key that signs a checkpoint. */
export interface SigningKey {
  readonly vkey: string;
  readonly signer: Signer;
}

/** What a set of signers is made of. */
export interface EpochSignersOptions {
  readonly home: string;
  /** A signer that the caller gave. */
  readonly given: Signer | undefined;
  /** Who has private keys that are in no file; undefined: nobody. */
  readonly holder: KeyHolder | undefined;
  readonly randomBytes: (octets: number) => Uint8Array;
}

/** Signers of one ledger. */
export class EpochSigners {
  readonly #options: EpochSignersOptions;
  /** Signers of key files, whose answers need not be checked. */
  readonly #ofFiles = new WeakSet<Signer>();
  #current: Signer | undefined;

  constructor(options: EpochSignersOptions) {
    this.#options = options;
    this.#current = options.given;
  }

  /** The signer of a ledger that is about to begin; durable. @throws LedgerError `signer`, `signer.unknown`. */
  async first(origin: string): Promise<Signer> {
    const { home, holder, randomBytes } = this.#options;
    this.#current ??=
      holder === undefined
        ? this.#ofFile(createKey(home, origin, randomBytes(32)))
        : await holder.choose(origin, () => false);
    return this.#current;
  }

  /** The signer of the present epoch. Call inside the transaction that checked `tip`. @throws LedgerError `key.missing`, `key.invalid`. */
  current(db: Connection, tip: Tip): Signer {
    const { home, holder } = this.#options;
    const { origin, vkey } = tip;
    if (this.#current !== undefined && encodeVkey(origin, this.#current.publicKey) === vkey) return this.#current;
    const { keyIdHex, publicKey } = parseVkey(vkey);
    this.#current =
      holder === undefined || privateKeyIds(home, origin).includes(keyIdHex)
        ? this.#ofFile(loadSigner(home, origin, vkey))
        : holder.signer(origin, publicKey);
    finishRotations(db, home, tip);
    return this.#current;
  }

  /**
   * A signer for the next epoch; durable, and not the current one before {@link EpochSigners.handOver}.
   * @throws LedgerError `key.invalid` for a key that the ledger has had, `signer`, `signer.unknown`; FormatError `vkey.weak`.
   */
  async next(origin: string, usedIds: readonly string[], { to, signerKey }: RotateOptions): Promise<Signer> {
    const { holder } = this.#options;
    const isUsed = (vkey: string): boolean => usedIds.includes(parseVkey(vkey).keyIdHex);
    if (typeof to === 'object') {
      if (!isUsed(encodeVkey(origin, to.publicKey))) return to;
      throw new LedgerError('key.invalid', 'the ledger has used that key already, and a key serves one epoch', {
        hint: 'rotate to a new one',
      });
    }
    if (to === undefined && holder !== undefined) return holder.choose(origin, isUsed, signerKey);
    return this.#newFile(origin, usedIds);
  }

  /** From now on this one signs. */
  handOver(signer: Signer): void {
    this.#current = signer;
  }

  /** Whether the private half is a file that was made here. */
  isOfFile(signer: Signer): boolean {
    return this.#ofFiles.has(signer);
  }

  /** A signed checkpoint: one line for each key, in this order. @throws LedgerError `signer`. */
  async checkpoint(origin: string, keys: readonly SigningKey[], frontier: MerkleFrontier): Promise<Uint8Array> {
    const text = encodeCheckpoint({ origin, size: frontier.size, rootHex: frontier.rootHex() });
    const lines: NoteSignature[] = [];
    for (const { vkey, signer } of keys) {
      // The signer cannot know its key id: that depends on the origin, which is made with the ledger.
      const { keyIdHex } = parseVkey(vkey);
      lines.push({ name: origin, keyIdHex, signature: await signatureOf(signer, text) });
    }
    const note = utf8Of(encodeNote(text, lines));
    // A checkpoint that its key did not sign could never be continued, and the entries under it never be verified.
    const vkeys = keys.map(({ vkey }) => vkey);
    if (keys.every(({ signer }) => this.isOfFile(signer)) || isSignedBy(note, vkeys)) return note;
    throw new LedgerError('signer', "what the signer answered is not its key's Ed25519 signature", {
      hint: 'check which key the signer holds; nothing was written',
    });
  }

  #newFile(origin: string, usedIds: readonly string[]): Signer {
    const { home, randomBytes } = this.#options;
    for (;;) {
      const seed = randomBytes(32);
      const { keyIdHex } = parseVkey(encodeVkey(origin, signerOfSeed(origin, seed).publicKey));
      // Of four octets two keys may have the same id, once in four thousand million times.
      if (usedIds.includes(keyIdHex) || privateKeyIds(home, origin).includes(keyIdHex)) continue;
      return this.#ofFile(createPrivateHalf(home, origin, seed));
    }
  }

  #ofFile(signer: Signer): Signer {
    this.#ofFiles.add(signer);
    return signer;
  }
}

async function signatureOf(signer: Signer, text: string): Promise<Uint8Array> {
  let signature: Uint8Array;
  try {
    signature = await signer.sign(utf8Of(text));
  } catch (cause) {
    if (cause instanceof LedgerError) throw cause;
    throw new LedgerError('signer', 'the signer failed', { cause, hint: 'check the signer, then try again' });
  }
  if (signature.length === 64) return signature;
  throw new LedgerError('signer', 'what the signer answered is no Ed25519 signature', {
    hint: 'check what signs; nothing was written',
  });
}
