/** Both halves of `#sha256`: what Node uses and what a browser gets. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sha256Hex as noble } from '../dist/sha256-noble.js';
import { sha256Hex as node } from '../dist/sha256-node.js';
import { text } from './arbitraries.js';

test.each([
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  ],
])('FIPS 180-4: %s', (message, digest) => {
  expect([node(message), noble(message)]).toEqual([digest, digest]);
});

test('both give the same digest for octets', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => noble(bytes) === node(bytes)));
});

test('both give the same digest for text, which is that of its UTF-8', () => {
  fc.assert(
    fc.property(text, (value) => {
      expect(noble(value)).toBe(node(value));
      expect(node(Buffer.from(value))).toBe(node(value));
    }),
  );
});
