/** SHA-256 (FIPS 180-4) where there is no `node:crypto`: browsers. Same contract as sha256-node.ts. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

/** Lowercase hex SHA-256 of bytes, or of the UTF-8 octets of a well-formed string. */
export function sha256Hex(data: string | Uint8Array): string {
  return bytesToHex(sha256(typeof data === 'string' ? utf8ToBytes(data) : data));
}
