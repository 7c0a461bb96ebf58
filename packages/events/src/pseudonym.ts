/**
 * Names that must not be witnessed in clear (numbers, URIs, addresses), made into pseudonyms before anything is recorded: the
 * same name is the same pseudonym under one key, and without the key nobody finds the name by trying. HMAC-SHA256, RFC 2104.
 */
import { bytesOfHex, concatBytes, sha256Hex, utf8Of } from '@infrafabric/format';

const BLOCK_OCTETS = 64;

/** HMAC-SHA256 of a text, hex. @param key any octets */
export function hmacSha256Hex(key: Uint8Array, text: string): string {
  const block = new Uint8Array(BLOCK_OCTETS);
  block.set(key.length > BLOCK_OCTETS ? bytesOfHex(sha256Hex(key)) : key);
  const inner = block.map((octet) => octet ^ 0x36);
  const outer = block.map((octet) => octet ^ 0x5c);
  return sha256Hex(concatBytes(outer, bytesOfHex(sha256Hex(concatBytes(inner, utf8Of(text))))));
}

/** A function that makes pseudonyms: `p-` and 16 hex digits. @param key secret, at least 16 octets @throws RangeError */
export function pseudonymiser(key: Uint8Array): (name: string) => string {
  if (key.length < 16) throw new RangeError('the key of pseudonyms must have at least 16 octets');
  return (name) => `p-${hmacSha256Hex(key, name).slice(0, 16)}`;
}
