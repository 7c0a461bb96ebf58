/**
 * The two Ed25519 verifiers, `node:crypto` and `@noble/ed25519`, give the same answer to everything that may stand in a
 * note: Wycheproof's vectors, see wycheproof/ORIGIN.md, RFC 8032's, and signatures that a key's owner made ambiguous.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { encodeVkey, isWeakPublicKey, parseVkey } from '@infrafabric/format';
import { Point } from '@noble/ed25519';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { verifyEd25519 as noble } from '../../packages/verify/dist/ed25519-noble.js';
import { verifyEd25519 as node } from '../../packages/verify/dist/ed25519-node.js';

interface Vector {
  readonly tcId: number;
  readonly comment: string;
  readonly pk: string;
  readonly msg: string;
  readonly sig: string;
  readonly result: 'valid' | 'invalid';
}

const vectors = JSON.parse(
  readFileSync(new URL('wycheproof/ed25519.json', import.meta.url), 'utf8'),
) as readonly Vector[];
const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));

/** As a verifier meets it: a key comes through `parseVkey`, and one that is refused there verifies nothing. */
function answers(pk: Uint8Array, message: Uint8Array, signature: Uint8Array): [boolean, boolean] {
  let key: Uint8Array;
  try {
    key = parseVkey(encodeVkey('log', pk)).publicKey;
  } catch {
    return [false, false];
  }
  return [node(key, message, signature), noble(key, message, signature)];
}

describe('Wycheproof', () => {
  test('has 151 vectors, most of them invalid', () => {
    expect(vectors).toHaveLength(151);
    expect(vectors.filter(({ result }) => result === 'valid').length).toBeGreaterThan(60);
  });

  test.each(vectors.map((vector) => [vector.tcId, vector.result, vector.comment, vector] as const))(
    '%i is %s: %s',
    (_id, result, _comment, { pk, msg, sig }) => {
      const expected = result === 'valid';
      expect(answers(bytes(pk), bytes(msg), bytes(sig))).toEqual([expected, expected]);
    },
  );
});

describe('RFC 8032 §7.1', () => {
  test.each([
    [
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      '',
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    ],
    [
      '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
      '72',
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    ],
    [
      'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
      'af82',
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
    ],
  ])('%s', (pk, msg, sig) => {
    expect(answers(bytes(pk), bytes(msg), bytes(sig))).toEqual([true, true]);
    expect(answers(bytes(pk), bytes(`${msg}00`), bytes(sig))).toEqual([false, false]);
  });
});

describe('small-order and non-canonical keys', () => {
  test('verify nothing, although node:crypto with OpenSSL below 3.5 takes the identity for a key of everybody', () => {
    const identity = bytes(`01${'00'.repeat(31)}`);
    const forged = bytes(`01${'00'.repeat(63)}`);
    if (Number.parseFloat(process.versions.openssl) < 3.5) expect(node(identity, bytes('00'), forged)).toBe(true);
    expect(answers(identity, bytes('00'), forged)).toEqual([false, false]);
  });
});

describe('anything', () => {
  const length = (octets: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: octets, maxLength: octets });

  test('gets the same answer from both', () => {
    fc.assert(
      fc.property(length(32), length(3), fc.oneof(length(64), length(63), length(65)), (pk, message, signature) => {
        const [first, second] = answers(pk, message, signature);
        expect(first).toBe(second);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a signature that only holds times the cofactor', () => {
  const ORDER = Point.CURVE().n;
  const torsion = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');
  const message = bytes('00');

  const integer = (octets: Uint8Array): bigint => BigInt(`0x${Buffer.from(octets).reverse().toString('hex')}`);
  const octets = (scalar: bigint): Buffer => Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex').reverse();

  /** A signature by secret 11 with nonce 13 over the given encodings of key and R. */
  function sign(key: Uint8Array, r: Uint8Array): Uint8Array {
    const k = integer(createHash('sha512').update(r).update(key).update(message).digest()) % ORDER;
    return new Uint8Array(Buffer.concat([r, octets((13n + k * 11n) % ORDER)]));
  }

  const key = Point.BASE.multiply(11n);
  const r = Point.BASE.multiply(13n);

  test('is made rightly here: without torsion it verifies', () => {
    expect(answers(key.toBytes(), message, sign(key.toBytes(), r.toBytes()))).toEqual([true, true]);
  });

  test.each([
    ['R', key.toBytes(), r.add(torsion).toBytes()],
    ['the key', key.add(torsion).toBytes(), r.toBytes()],
  ])('is refused: torsion in %s', (_, pk, nonce) => {
    expect(isWeakPublicKey(pk)).toBe(false);
    expect(answers(pk, message, sign(pk, nonce))).toEqual([false, false]);
  });
});
