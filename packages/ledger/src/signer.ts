/** Who signs checkpoints. The interface is asynchronous so that a KMS, an HSM or another process can hold the key. */
import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { concatBytes, keyIdHexOf } from '@infrafabric/format';

/** Bytes in, Ed25519 signature (RFC 8032, 64 octets) out. */
export interface Signer {
  /** 32 octets. */
  readonly publicKey: Uint8Array;
  /** Key id under the ledger's origin, 8 hex. */
  readonly keyIdHex: string;
  sign(message: Uint8Array): Promise<Uint8Array>;
  /** Whether it could sign now, without signing anything; rejects when it could not. A signer in this process always can. */
  check?(): Promise<void>;
}

// RFC 8410: the fixed DER head of an Ed25519 PKCS #8 private key; the 32-octet seed follows.
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

/** A signer in this process, from the 32-octet seed of RFC 8032. */
export function signerOfSeed(origin: string, seed: Uint8Array): Signer {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' });
  const publicKey = publicKeyOf(key);
  return {
    publicKey,
    keyIdHex: keyIdHexOf(origin, publicKey),
    sign: async (message) => sign(null, message, key),
  };
}

function publicKeyOf(key: KeyObject): Uint8Array {
  // The last 32 octets of the SubjectPublicKeyInfo are the raw key (RFC 8410 §4).
  return concatBytes(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32));
}
