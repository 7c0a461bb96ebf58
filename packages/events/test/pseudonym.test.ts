import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hmacSha256Hex, pseudonymiser } from '../dist/index.js';

const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.constant('\ud83d'));

test("HMACs are node:crypto's, for keys of any length", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), text, (key, name) => {
      expect(hmacSha256Hex(key, name)).toBe(createHmac('sha256', key).update(name, 'utf8').digest('hex'));
    }),
    { numRuns: 500 },
  );
});

test('RFC 4231, test cases 2 and 6', () => {
  expect(hmacSha256Hex(Buffer.from('Jefe'), 'what do ya want for nothing?')).toBe(
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
  expect(hmacSha256Hex(Buffer.alloc(131, 0xaa), 'Test Using Larger Than Block-Size Key - Hash Key First')).toBe(
    '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
  );
});

test('a name has one pseudonym under a key, another under another, and is not in it', () => {
  const [one, other] = [pseudonymiser(Buffer.alloc(16, 1)), pseudonymiser(Buffer.alloc(16, 2))];
  fc.assert(
    fc.property(text, text, (name, second) => {
      expect(one(name)).toMatch(/^p-[0-9a-f]{16}$/);
      expect(one(name)).toBe(one(name));
      expect(one(name)).not.toBe(other(name));
      if (name.toWellFormed() !== second.toWellFormed()) expect(one(name)).not.toBe(one(second));
    }),
  );
});

test('a key that can be guessed is refused', () => {
  expect(() => pseudonymiser(Buffer.alloc(15))).toThrow('at least 16 octets');
});
