/** Hex, base64 and UTF-8: exact inverses, and one text for each octet string. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  base64Of,
  bytesOfBase64,
  bytesOfHex,
  concatBytes,
  FormatError,
  hexOf,
  textOfUtf8,
  utf8Of,
} from '../dist/index.js';

const bytes = fc.uint8Array({ maxLength: 40 });

describe('hex', () => {
  test('is the inverse of itself and what Buffer writes', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        expect(hexOf(value)).toBe(Buffer.from(value).toString('hex'));
        expect(Buffer.compare(bytesOfHex(hexOf(value)), value)).toBe(0);
      }),
    );
  });

  test.each(['0', 'AB', '0g', ' 00', '00\n', '0x00', '٠٠'])('refuses %j', (text) => {
    expect(() => bytesOfHex(text)).toThrow(expect.objectContaining({ code: 'hex' }));
  });
});

describe('base64', () => {
  test('is the inverse of itself and what Buffer writes', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        expect(base64Of(value)).toBe(Buffer.from(value).toString('base64'));
        expect(Buffer.compare(bytesOfBase64(base64Of(value)), value)).toBe(0);
      }),
    );
  });

  test.each([
    'A',
    'AA',
    'AAA',
    'AA=',
    '=',
    '====',
    'A===',
    'AB==',
    'AAB=',
    'AA==AA==',
    'A_-A',
    'AAAA\n',
    ' AAAA',
    'AA A',
    'AAAA====',
  ])('refuses %j', (text) => {
    expect(() => bytesOfBase64(text)).toThrow(expect.objectContaining({ code: 'base64' }));
  });

  test('accepts one text for each octet string', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9+/]{0,6}={0,2}$/), (text) => {
        try {
          expect(base64Of(bytesOfBase64(text))).toBe(text);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('UTF-8', () => {
  test('is the inverse of itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(textOfUtf8(utf8Of(text))).toBe(text);
      }),
    );
    expect(textOfUtf8(utf8Of('\ufeffx'))).toBe('\ufeffx');
  });

  test.each([
    ['a lone continuation', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['an overlong 3-octet form', [0xe0, 0x80, 0x80]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a sequence that ends early', [0xf0, 0x90, 0x80]],
    ['beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['FF', [0xff]],
  ])('refuses %s', (_, octets) => {
    expect(() => textOfUtf8(Uint8Array.from(octets))).toThrow(expect.objectContaining({ code: 'utf8' }));
  });
});

test('concatBytes keeps order and empty parts', () => {
  expect(concatBytes(Uint8Array.of(1), new Uint8Array(), Uint8Array.of(2, 3))).toEqual(Uint8Array.of(1, 2, 3));
  expect(concatBytes()).toEqual(new Uint8Array());
});
