/** Ed25519 (RFC 8032) verification where there is no `node:crypto`: browsers, and the second opinion in tests. */
import { hashes, verify } from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';

hashes.sha512 = sha512;

/** Whether `signature` is the key's over `message`; strict RFC 8032 rules, as `node:crypto` has them. */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    // The default (ZIP 215) accepts the identity key for every message.
    return signature.length === 64 && verify(signature, message, publicKey, { zip215: false });
  } catch {
    return false;
  }
}
