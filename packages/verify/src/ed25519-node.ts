/** Ed25519 (RFC 8032) verification by `node:crypto`, about 14 times as fast as the portable one. */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';

// RFC 8410 §4: the fixed head of a SubjectPublicKeyInfo; the 32 octets of the key follow.
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');
const keys = new WeakMap<Uint8Array, KeyObject>();

/** Whether `signature` is the key's over `message`. The key was checked by `parseVkey`: canonical, not of small order. */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  let key = keys.get(publicKey);
  if (key === undefined) {
    key = createPublicKey({ key: Buffer.concat([SPKI_HEAD, publicKey]), format: 'der', type: 'spki' });
    keys.set(publicKey, key);
  }
  return signature.length === 64 && verify(null, message, key, signature);
}
