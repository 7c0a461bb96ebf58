/**
 * The key of a witness: `key` in its folder, mode 0600, one line as Go's sumdb/note writes private keys, of type 0x04;
 * `vkey` beside it, to be given to others. A cosigner's key is never a log's: their key ids differ by type.
 */
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  base64Of,
  bytesOfBase64,
  cosignedMessage,
  encodeCosignature,
  encodeSignatureLine,
  encodeVkey,
  FormatError,
  isKeyName,
  parseCosignerVkey,
  type VerifierKey,
} from '@infrafabric/format';
import { makePrivateDirectory, writePrivateFile } from '@infrafabric/ledger';
import { CosignerError } from './cosigner-error.js';
import { stateFolder } from './state-folder.js';

const TYPE = 0x04;
// RFC 8410: the fixed DER head of an Ed25519 PKCS #8 private key; the 32-octet seed follows.
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Cosigns. */
export interface WitnessKey {
  readonly key: VerifierKey;
  readonly vkey: string;
  /** The signature line, without its newline, over the text of a checkpoint. @param timeUnixS seconds, not 0 */
  cosign(text: string, timeUnixS: number): string;
}

/**
 * Makes the key of a new witness, and the empty state that belongs to it; durable when this returns.
 * @throws CosignerError `key-exists`; RangeError for a name that cannot be one.
 */
export async function createWitnessKey(folder: string, name: string): Promise<WitnessKey> {
  // Names are shown in notes and lines: one that needs escaping serves nobody.
  if (!isKeyName(name) || !/^[!-~]{1,255}$/.test(name)) {
    throw new RangeError('the name of a witness is 1 to 255 printable ASCII characters without space or +');
  }
  const file = keyFile(folder);
  if (existsSync(file)) {
    throw new CosignerError('key-exists', `there is a key already: ${file}`, {
      hint: 'a witness keeps its key; start another one with another --dir',
    });
  }
  makePrivateDirectory(folder);
  // Before the key: a key without its state is refused.
  await mkdir(stateFolder(folder), { recursive: true, mode: 0o700 });
  const witness = witnessKeyOf(name, randomBytes(32));
  writePrivateFile(join(folder, 'vkey'), `${witness.vkey}\n`);
  writePrivateFile(file, `${witness.skey}\n`, { exclusive: true });
  return witness;
}

/** The key in a folder. @throws CosignerError `no-key`, `bad-key`. */
export function loadWitnessKey(folder: string): WitnessKey {
  const file = keyFile(folder);
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new CosignerError('no-key', `no witness key can be read: ${file}`, {
      cause,
      hint: 'make one with if-witness witness keygen NAME',
    });
  }
  const [, name, keyIdHex, key] = /^PRIVATE\+KEY\+([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text) ?? [];
  const bytes = key === undefined ? undefined : bytesIn(key);
  if (name === undefined || !isKeyName(name) || bytes?.length !== 33 || bytes[0] !== TYPE) throw badKey(file);
  const witness = witnessKeyOf(name, bytes.subarray(1));
  if (witness.key.keyIdHex !== keyIdHex) throw badKey(file);
  return witness;
}

/** Where the key of a folder is. */
export function keyFile(folder: string): string {
  return join(folder, 'key');
}

/** The key of a seed. @param seed 32 octets, RFC 8032 */
export function witnessKeyOf(name: string, seed: Uint8Array): WitnessKey & { readonly skey: string } {
  const signer = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' });
  const vkey = encodeVkey(name, publicKeyOf(signer), TYPE);
  const key = parseCosignerVkey(vkey);
  return {
    key,
    vkey,
    skey: `PRIVATE+KEY+${name}+${key.keyIdHex}+${base64Of(Buffer.concat([Uint8Array.of(TYPE), seed]))}`,
    cosign: (text, timeUnixS) => {
      const signature = sign(null, cosignedMessage(timeUnixS, text), signer);
      return encodeSignatureLine({ ...key, signature: encodeCosignature({ timeUnixS, signature }) });
    },
  };
}

function publicKeyOf(key: KeyObject): Uint8Array {
  // The last 32 octets of the SubjectPublicKeyInfo are the raw key (RFC 8410 §4).
  return new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32));
}

function bytesIn(base64: string): Uint8Array | undefined {
  try {
    return bytesOfBase64(base64);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function badKey(file: string): CosignerError {
  return new CosignerError('bad-key', `not the private key of a witness: ${file}`, {
    hint: 'restore the file from your backup',
  });
}
