/** c2sp.org/tlog-cosignature, Ed25519. The example is the specification's own; its key is not known, its layout is. */
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  cosignedMessage,
  encodeCosignature,
  encodeSignatureLine,
  encodeVkey,
  FormatError,
  keyIdHexOf,
  parseCosignature,
  parseCosignerVkey,
  parseSignatureLine,
  parseVkey,
  textOfUtf8,
} from '../dist/index.js';

/** From c2sp.org/tlog-cosignature. */
const EXAMPLE =
  '— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==';
const TEXT = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n';

test("the specification's example has its time, and is written back as it was", () => {
  const line = parseSignatureLine(EXAMPLE);
  const { timeUnixS, signature } = parseCosignature(line.signature);
  expect(timeUnixS).toBe(1679315147);
  expect(signature).toHaveLength(64);
  expect(encodeSignatureLine({ ...line, signature: encodeCosignature({ timeUnixS, signature }) })).toBe(EXAMPLE);
});

test('what is signed is header, time and the whole text', () => {
  expect(textOfUtf8(cosignedMessage(1679315147, TEXT))).toBe(`cosignature/v1\ntime 1679315147\n${TEXT}`);
});

test('a signature made as specified verifies, and of another time does not', () => {
  const seed = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 9)]);
  const key = createPrivateKey({ key: seed, format: 'der', type: 'pkcs8' });
  const signature = sign(null, cosignedMessage(12, TEXT), key);
  const read = parseCosignature(encodeCosignature({ timeUnixS: 12, signature }));
  expect(verify(null, cosignedMessage(read.timeUnixS, TEXT), createPublicKey(key), read.signature)).toBe(true);
  expect(verify(null, cosignedMessage(13, TEXT), createPublicKey(key), read.signature)).toBe(false);
});

test.each([
  ['71 octets', Buffer.alloc(71, 1)],
  ['73 octets', Buffer.alloc(73, 1)],
  ['a time of zero', Buffer.concat([Buffer.alloc(8), Buffer.alloc(64, 1)])],
  ['a time from 2^53 on', Buffer.concat([Buffer.from('0020000000000000', 'hex'), Buffer.alloc(64, 1)])],
  ['a time beyond 2^63', Buffer.concat([Buffer.alloc(8, 0xff), Buffer.alloc(64, 1)])],
])('%s are refused', (_, octets) => {
  expect(() => parseCosignature(octets)).toThrow(FormatError);
});

test('the largest time that is exact is read exactly', () => {
  const octets = encodeCosignature({ timeUnixS: 2 ** 53 - 1, signature: new Uint8Array(64) });
  expect(parseCosignature(octets).timeUnixS).toBe(2 ** 53 - 1);
});

describe('keys of cosigners', () => {
  const publicKey = Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex');
  const vkey = encodeVkey('witness.example/w', publicKey, 4);

  test('are of type 0x04, and their ids are not those of a log of the same name and key', () => {
    expect(parseCosignerVkey(vkey)).toMatchObject({ name: 'witness.example/w' });
    expect(keyIdHexOf('witness.example/w', publicKey, 4)).not.toBe(keyIdHexOf('witness.example/w', publicKey));
  });

  test('and those of logs are not taken for each other', () => {
    expect(() => parseVkey(vkey)).toThrow(/it is an Ed25519 cosigner key/);
    expect(() => parseCosignerVkey(encodeVkey('log', publicKey))).toThrow(/it is an Ed25519 key \(type 0x01\)/);
  });

  test('of ML-DSA-44 are refused by name', () => {
    const pq = `w+00000000+${Buffer.concat([Buffer.of(6), Buffer.alloc(1312, 1)]).toString('base64')}`;
    expect(() => parseCosignerVkey(pq)).toThrow(/ML-DSA-44/);
  });

  test('that are weak are refused', () => {
    const weak = new Uint8Array(32);
    weak[0] = 1;
    expect(() => parseCosignerVkey(encodeVkey('w', weak, 4))).toThrow(expect.objectContaining({ code: 'vkey.weak' }));
  });
});

test.each([
  '',
  '—',
  'witness x',
  '— a',
  '— a b',
  '— a AAAA',
  '— a  AAAAAAAA',
  '— a AAAAAAAA ',
  '— a+b AAAAAAAA',
  '— \x01 AAAAAAAA',
  '- a AAAAAAAA',
  '— a AAAAAAAA\n',
])('a signature line %j is refused', (line) => {
  expect(() => parseSignatureLine(line)).toThrow(FormatError);
});
