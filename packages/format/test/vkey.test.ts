/** Verifier keys: what golang.org/x/mod/sumdb/note reads, less the keys under which anybody can sign. */
import { createHash } from 'node:crypto';
import { Point } from '@noble/ed25519';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { base64Of, encodeVkey, hexOf, isKeyName, isWeakPublicKey, keyIdHexOf, parseVkey } from '../dist/index.js';

const P = 2n ** 255n - 19n;

/** 32 octets, little-endian y with the sign of x in the top bit. */
function encodingOf(y: bigint, sign: 0 | 1): Uint8Array {
  const bytes = Uint8Array.from({ length: 32 }, (_, i) => Number((y >> BigInt(8 * i)) & 0xffn));
  bytes[31]! |= sign << 7;
  return bytes;
}

/** The same question asked of another library: of small order, or not the one encoding of its point. */
function nobleCallsItWeak(bytes: Uint8Array): boolean {
  const y = BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`) & (2n ** 255n - 1n);
  if (y >= P) return true;
  try {
    return Point.fromBytes(bytes, true).isSmallOrder();
  } catch {
    return false;
  }
}

function vkeyOf(name: string, publicKey: Uint8Array): string {
  return encodeVkey(name, publicKey);
}

/** The eight points whose order divides 8. */
function smallOrderPoints(): InstanceType<typeof Point>[] {
  const generator = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');
  const points = [Point.ZERO];
  for (let i = 1; i < 8; i++) points.push(points.at(-1)!.add(generator));
  return points;
}

const key = Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex');

describe('parseVkey', () => {
  test.each([
    ['the Go checksum database', 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8'],
    ['the documentation of sumdb/note', 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'],
  ])('reads the key of %s', (_, vkey) => {
    const { name, keyIdHex, publicKey } = parseVkey(vkey);
    expect([name, keyIdHex]).toEqual(vkey.split('+').slice(0, 2));
    expect(encodeVkey(name, publicKey)).toBe(vkey);
  });

  test('is the inverse of encodeVkey', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }).filter(isKeyName),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        (name, bytes) => {
          fc.pre(!isWeakPublicKey(bytes));
          const parsed = parseVkey(vkeyOf(name, bytes));
          expect([parsed.name, parsed.keyIdHex]).toEqual([name, keyIdHexOf(name, bytes)]);
          expect(hexOf(parsed.publicKey)).toBe(hexOf(bytes));
        },
      ),
    );
  });

  test('takes the first four octets of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ key) as key id', () => {
    const digest = createHash('sha256').update('é/log\n\x01').update(key).digest('hex');
    expect(keyIdHexOf('é/log', key)).toBe(digest.slice(0, 8));
  });

  const good = vkeyOf('log', key);
  const [, id, material] = good.split('+') as [string, string, string];

  test.each([
    ['nothing', ''],
    ['one part', 'log'],
    ['two parts', `log+${id}`],
    ['no key', `log+${id}+`],
    ['an empty name', good.replace('log', '')],
    ['a space in the name', good.replace('log', 'l g')],
    ['U+0085 in the name', good.replace('log', 'l\u0085g')],
    ['another name than the key id is of', good.replace('log', 'lug')],
    ['another key id', good.replace(id, '00000000')],
    ['a key id in upper case', good.replace(id, id.toUpperCase())],
    ['a key id of 7 digits', good.replace(id, id.slice(1))],
    ['a space at the end', `${good} `],
    ['a newline at the end', `${good}\n`],
    ['no padding', `log+${keyIdHexOf('log', key.subarray(1))}+${base64Of(key.subarray(1)).replace('=', '')}`],
    ['base64url', `log+${id}+${material.replaceAll('/', '_').replaceAll('+', '-')}_`],
    ['31 octets', vkeyOf('log', key.subarray(1))],
    ['33 octets', vkeyOf('log', Buffer.concat([key, key.subarray(0, 1)]))],
    ['a cosigner key, type 0x04', `log+${id}+${base64Of(Buffer.concat([Buffer.of(4), key]))}`],
    ['a private key', `PRIVATE+KEY+${good}`],
  ])('refuses %s', (_, text) => {
    expect(() => parseVkey(text)).toThrow(expect.objectContaining({ code: 'vkey.malformed' }));
  });
});

describe('weak public keys', () => {
  test('are the eight points of small order, however x is signed', () => {
    const encodings = new Set(smallOrderPoints().map((point) => hexOf(point.toBytes())));
    expect(encodings.size).toBe(8);
    for (const hex of encodings) {
      for (const sign of [0x00, 0x80]) {
        const bytes = Buffer.from(hex, 'hex');
        bytes[31]! = (bytes[31]! & 0x7f) | sign;
        expect(isWeakPublicKey(bytes)).toBe(true);
        expect(nobleCallsItWeak(bytes)).toBe(true);
        expect(() => parseVkey(vkeyOf('log', bytes))).toThrow(expect.objectContaining({ code: 'vkey.weak' }));
      }
    }
  });

  test('are all encodings of y from p on, which another y below 19 has already', () => {
    for (let y = P; y < 2n ** 255n; y++) {
      for (const sign of [0, 1] as const) {
        const bytes = encodingOf(y, sign);
        expect(isWeakPublicKey(bytes)).toBe(true);
        expect(nobleCallsItWeak(bytes)).toBe(true);
        expect(() => Point.fromBytes(bytes, false)).toThrow();
        expect(() => parseVkey(vkeyOf('log', bytes))).toThrow(expect.objectContaining({ code: 'vkey.weak' }));
      }
    }
  });

  test('are no others, as @noble/ed25519 sees it', () => {
    for (let y = 0n; y < 64n; y++) {
      for (const near of [y, P - 1n - y, 2n ** 254n + y]) {
        for (const sign of [0, 1] as const) {
          const bytes = encodingOf(near, sign);
          expect(isWeakPublicKey(bytes)).toBe(nobleCallsItWeak(bytes));
        }
      }
    }
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        expect(isWeakPublicKey(bytes)).toBe(nobleCallsItWeak(bytes));
      }),
      { numRuns: 200 },
    );
  });

  test('do not include a key of Go or of RFC 8032', () => {
    expect(isWeakPublicKey(key)).toBe(false);
    expect(isWeakPublicKey(Point.BASE.toBytes())).toBe(false);
  });

  test('leave the octets that were asked about as they were', () => {
    const bytes = encodingOf(1n, 1);
    const before = hexOf(bytes);
    isWeakPublicKey(bytes);
    expect(hexOf(bytes)).toBe(before);
  });
});

describe('key names', () => {
  test('have no Unicode White_Space, no plus sign and no lone surrogate', () => {
    const refused: number[] = [];
    const expected: number[] = [];
    for (let code = 0; code <= 0xffff; code++) {
      const character = String.fromCharCode(code);
      if (!isKeyName(`a${character}b`)) refused.push(code);
      if (character === '+' || !character.isWellFormed() || /\p{White_Space}/u.test(character)) expected.push(code);
    }
    expect(refused).toEqual(expected);
    expect(isKeyName('')).toBe(false);
  });
});
