/**
 * C2SP signed-note verifier keys: `name+hex8(key id)+base64(type ‖ Ed25519 public key)`; the type is 0x01 for a log, 0x04 for
 * a cosigner. Source: c2sp.org/signed-note, c2sp.org/tlog-cosignature, golang.org/x/mod/sumdb/note.
 */
import { sha256Hex } from '#sha256';
import { base64Of, bytesOfBase64, concatBytes, hexOf, utf8Of } from './bytes.js';
import { FormatError } from './format-error.js';

/** What a key signs: 0x01 the text of a note, 0x04 a cosignature/v1 over it. */
export type KeyType = 0x01 | 0x04;

const ED25519: KeyType = 0x01;
const ED25519_COSIGNER: KeyType = 0x04;
const TYPE_NAMES: Readonly<Record<number, string>> = {
  1: 'an Ed25519 key (type 0x01)',
  4: 'an Ed25519 cosigner key (type 0x04)',
  6: 'an ML-DSA-44 cosigner key (type 0x06)',
};

/** A parsed verifier key. */
export interface VerifierKey {
  readonly name: string;
  /** First four octets of SHA-256(name ‖ 0x0A ‖ type ‖ public key), 8 hex. */
  readonly keyIdHex: string;
  /** 32 octets, canonical, not of small order. */
  readonly publicKey: Uint8Array;
}

/** Key id of an Ed25519 key under a name, 8 hex. */
export function keyIdHexOf(name: string, publicKey: Uint8Array, type: KeyType = ED25519): string {
  return sha256Hex(concatBytes(utf8Of(name), Uint8Array.of(0x0a, type), publicKey)).slice(0, 8);
}

/** The vkey text of a key. */
export function encodeVkey(name: string, publicKey: Uint8Array, type: KeyType = ED25519): string {
  return `${name}+${keyIdHexOf(name, publicKey, type)}+${base64Of(concatBytes(Uint8Array.of(type), publicKey))}`;
}

/**
 * Reads a vkey. @throws FormatError `vkey.malformed` when the text is not one or its key id is not its own;
 * `vkey.weak` for a public key that is of small order or not canonical (with such a key anyone can sign).
 */
export function parseVkey(text: string): VerifierKey {
  return parseVkeyOfType(text, ED25519, 'as `if-witness keys show` prints it');
}

/** Reads the vkey of a cosigner, of type 0x04. Its key ids are never those of a log's. @throws FormatError as {@link parseVkey}. */
export function parseCosignerVkey(text: string): VerifierKey {
  return parseVkeyOfType(text, ED25519_COSIGNER, 'as `if-witness witness show` prints it');
}

function parseVkeyOfType(text: string, type: KeyType, asPrinted: string): VerifierKey {
  const parts = text.split('+');
  const [name, keyIdHex] = parts;
  // Base64 may itself hold '+'.
  const key = parts.slice(2).join('+');
  if (
    name === undefined ||
    keyIdHex === undefined ||
    !isKeyName(name) ||
    !/^[0-9a-f]{8}$/.test(keyIdHex) ||
    key === ''
  ) {
    throw new FormatError('vkey.malformed', `expected name+8 hex+base64, ${asPrinted}`);
  }
  let bytes: Uint8Array;
  try {
    bytes = bytesOfBase64(key);
  } catch (cause) {
    throw new FormatError('vkey.malformed', 'the key part is not canonical base64', { cause });
  }
  if (bytes[0] !== type || bytes.length !== 33) throw new FormatError('vkey.malformed', notOfType(type, bytes));
  const publicKey = bytes.slice(1);
  if (keyIdHexOf(name, publicKey, type) !== keyIdHex) {
    throw new FormatError('vkey.malformed', 'the key id does not belong to this name and key');
  }
  if (isWeakPublicKey(publicKey))
    throw new FormatError('vkey.weak', 'the public key is of small order or not canonical');
  return { name, keyIdHex, publicKey };
}

function notOfType(type: KeyType, bytes: Uint8Array): string {
  const found = bytes[0] === type ? undefined : TYPE_NAMES[bytes[0] ?? 0];
  return `not ${TYPE_NAMES[type]} of 32 octets${found === undefined ? '' : `: it is ${found}`}`;
}

/** Whether a text can name a key: not empty, no `+`, no Unicode White_Space, well-formed. */
export function isKeyName(name: string): boolean {
  // JavaScript's \s lacks U+0085 and has U+FEFF, so White_Space is spelled out.
  return (
    name !== '' &&
    name.isWellFormed() &&
    !/[+\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/.test(name)
  );
}

/** Little-endian y of the points whose order divides 8 (sign bit cleared), RFC 8032 curve. */
const SMALL_ORDER_Y: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

/** Whether a 32-octet public key is of small order, or encodes a y that is not below p = 2^255 − 19. */
export function isWeakPublicKey(publicKey: Uint8Array): boolean {
  const y = publicKey.slice();
  y[31] = y[31]! & 0x7f;
  const canonical = y[31]! < 0x7f || y.subarray(1, 31).some((byte) => byte !== 0xff) || y[0]! < 0xed;
  return !canonical || SMALL_ORDER_Y.has(hexOf(y));
}
