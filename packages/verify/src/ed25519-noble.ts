/** Ed25519 (RFC 8032) verification where there is no `node:crypto`: browsers, and the second opinion in tests. */

import { concatBytes } from '@infrafabric/format';
import { hashes, Point, verify } from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';

hashes.sha512 = sha512;

/** Whether `signature` is the key's over `message`; strict RFC 8032 rules, as `node:crypto` has them. */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    // The default (ZIP 215) accepts the identity key for every message.
    const holds = signature.length === 64 && verify(signature, message, publicKey, { zip215: false });
    return holds && holdsWithoutCofactor(publicKey, message, signature);
  } catch {
    return false;
  }
}

/**
 * noble multiplies both sides by 8, which forgives a point of small order that a key's owner adds to R or to the key;
 * `node:crypto`, Go and OpenSSL do not. Two verdicts on one note must not be had, so R is compared as octets, as they do.
 */
function holdsWithoutCofactor(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const r = signature.subarray(0, 32);
  const k = integerOf(sha512(concatBytes(r, publicKey, message))) % Point.CURVE().n;
  const sB = Point.BASE.multiply(integerOf(signature.subarray(32)), false);
  const expected = sB.subtract(Point.fromBytes(publicKey).multiply(k, false)).toBytes();
  return expected.every((octet, i) => octet === r[i]);
}

function integerOf(littleEndian: Uint8Array): bigint {
  return littleEndian.reduceRight((sum, octet) => (sum << 8n) | BigInt(octet), 0n);
}
