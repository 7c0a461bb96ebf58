/**
 * Key files of a ledger, in the witness home: `<key id>.key` (0600, the private key as golang.org/x/mod/sumdb/note writes
 * one: `PRIVATE+KEY+name+hex8+base64(0x01 ‖ seed)`) and `<key id>.vkey` beside it. Never beside the ledger.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { base64Of, bytesOfBase64, concatBytes, encodeVkey, parseVkey } from '@infrafabric/format';
import { LedgerError } from './ledger-error.js';
import { makePrivateDirectory, syncDirectory, writePrivateFile } from './private-file.js';
import { type Signer, signerOfSeed } from './signer.js';
import { keyDirectory } from './witness-home.js';

/** A key in the local key directory. */
export interface LocalKey {
  readonly keyIdHex: string;
  readonly vkey: string;
  readonly vkeyFile: string;
  /** Its private half is here too. */
  readonly canSign: boolean;
}

/** Makes a key pair for an origin; on disk and durable when this returns. */
export function createKey(home: string, origin: string, seed: Uint8Array = randomBytes(32)): Signer {
  const signer = createPrivateHalf(home, origin, seed);
  keepVkey(home, origin, encodeVkey(origin, signer.publicKey));
  return signer;
}

/** The private half alone: of a key that is about to become a ledger's, and may not. Durable when this returns. */
export function createPrivateHalf(home: string, origin: string, seed: Uint8Array): Signer {
  const signer = signerOfSeed(origin, seed);
  makePrivateDirectory(keyDirectory(home, origin));
  const skey = `PRIVATE+KEY+${origin}+${signer.keyIdHex}+${base64Of(concatBytes(Uint8Array.of(0x01), seed))}\n`;
  writePrivateFile(privateFile(home, origin, signer.keyIdHex), skey);
  return signer;
}

/** Keeps the public half of a ledger's key, for verifiers of this home; writes nothing when it is there. */
export function keepVkey(home: string, origin: string, vkey: string): void {
  const file = join(keyDirectory(home, origin), `${parseVkey(vkey).keyIdHex}.vkey`);
  if (existsSync(file)) return;
  makePrivateDirectory(keyDirectory(home, origin));
  writePrivateFile(file, `${vkey}\n`);
}

/**
 * Destroys a private half: overwrites its file, makes that durable, removes it. What a file system or an SSD keeps of older
 * blocks, and back-ups, are out of reach. @returns false when there was none.
 */
export function destroyPrivateHalf(home: string, origin: string, keyIdHex: string): boolean {
  const file = privateFile(home, origin, keyIdHex);
  if (!existsSync(file)) return false;
  const fd = openSync(file, 'r+');
  try {
    const { size } = fstatSync(fd);
    const noise = randomBytes(size);
    for (let done = 0; done < size; ) done += writeSync(fd, noise, done, size - done, done);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  unlinkSync(file);
  syncDirectory(keyDirectory(home, origin));
  return true;
}

/** Ids of the keys whose private half is here, whether or not a ledger names them. */
export function privateKeyIds(home: string, origin: string): string[] {
  const directory = keyDirectory(home, origin);
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => /^[0-9a-f]{8}\.key$/.test(name))
    .map((name) => name.slice(0, 8));
}

/**
 * Puts aside the public halves of keys that a ledger does not have, which its operator has said to continue: from then on
 * verifiers of this home do not expect them. @returns their ids.
 */
export function setAsideVkeys(home: string, origin: string, isOfLedger: (vkey: string) => boolean): string[] {
  const strange = localKeys(home, origin).filter(({ vkey }) => !isOfLedger(vkey));
  for (const { vkeyFile } of strange) renameSync(vkeyFile, `${vkeyFile}.given-up`);
  if (strange.length > 0) syncDirectory(keyDirectory(home, origin));
  return strange.map(({ keyIdHex }) => keyIdHex);
}

function privateFile(home: string, origin: string, keyIdHex: string): string {
  return join(keyDirectory(home, origin), `${keyIdHex}.key`);
}

/** The signer of one key. @throws LedgerError `key.missing`, `key.invalid`. */
export function loadSigner(home: string, origin: string, vkey: string): Signer {
  const { keyIdHex } = parseVkey(vkey);
  const file = privateFile(home, origin, keyIdHex);
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new LedgerError('key.missing', `the private key of ${origin} cannot be read: ${file}`, {
      cause,
      hint: 'restore the key file from your backup of the witness home, name that home with --home, or the process that holds the key with IF_WITNESS_SIGNER',
    });
  }
  const signer = signerOfSkey(origin, text);
  if (signer === undefined || encodeVkey(origin, signer.publicKey) !== vkey) {
    throw new LedgerError('key.invalid', `the key file is damaged or belongs to another ledger: ${file}`, {
      hint: 'restore the key file from your backup of the witness home',
    });
  }
  return signer;
}

function signerOfSkey(origin: string, skey: string): Signer | undefined {
  const head = `PRIVATE+KEY+${origin}+`;
  if (!skey.startsWith(head)) return undefined;
  try {
    const key = bytesOfBase64(skey.slice(head.length + 9));
    if (key.length !== 33 || key[0] !== 0x01) return undefined;
    return signerOfSeed(origin, key.subarray(1));
  } catch {
    return undefined;
  }
}

/** Keys of an origin that this witness home holds, by key id. Empty when there are none. */
export function localKeys(home: string, origin: string): LocalKey[] {
  const directory = keyDirectory(home, origin);
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => /^[0-9a-f]{8}\.vkey$/.test(name))
    .sort()
    .map((name) => {
      const keyIdHex = name.slice(0, 8);
      const vkeyFile = join(directory, name);
      return {
        keyIdHex,
        vkey: readFileSync(vkeyFile, 'utf8').trim(),
        vkeyFile,
        canSign: existsSync(join(directory, `${keyIdHex}.key`)),
      };
    });
}
