/**
 * HMAC-SHA256 (RFC 2104) for one kind of key: a SHA-256 in hex, which is one block of ASCII. Both pads of such a key
 * are ASCII as well, so that the long inner hash is taken of text. An observer does this for every message.
 */
import { sha256Hex } from '@infrafabric/format';

const BLOCK_OCTETS = 64;

const innerPad: number[] = Array<number>(BLOCK_OCTETS).fill(0);
const outer = new Uint8Array(BLOCK_OCTETS + 32);

/** HMAC-SHA256 of a well-formed text, hex. @param keyHex 64 lowercase hex digits, used as the text they are */
export function hmacKeyedWithHash(keyHex: string, text: string): string {
  for (let at = 0; at < BLOCK_OCTETS; at++) {
    const code = keyHex.charCodeAt(at);
    innerPad[at] = code ^ 0x36;
    outer[at] = code ^ 0x5c;
  }
  const inner = sha256Hex(String.fromCharCode.apply(null, innerPad) + text);
  for (let at = 0; at < 32; at++) {
    outer[BLOCK_OCTETS + at] = (NIBBLES[inner.charCodeAt(2 * at)]! << 4) | NIBBLES[inner.charCodeAt(2 * at + 1)]!;
  }
  return sha256Hex(outer);
}

const NIBBLES = Uint8Array.from({ length: 128 }, (_, code) =>
  Math.max(0, '0123456789abcdef'.indexOf(String.fromCharCode(code))),
);
