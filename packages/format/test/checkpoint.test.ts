/** Checkpoint texts and the notes around them. test/vectors/notes.test.ts compares the parsers with Go's. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodeCheckpoint,
  encodeNote,
  FormatError,
  hexOf,
  isKeyName,
  isOrigin,
  MAX_NOTE_OCTETS,
  parseCheckpoint,
  parseNote,
  utf8Of,
} from '../dist/index.js';

const root = fc.uint8Array({ minLength: 32, maxLength: 32 });
const origins = fc.stringMatching(/^[!-*,-~]{1,40}$/);
const signature = fc.record(
  {
    name: fc.string({ minLength: 1, maxLength: 12 }).filter(isKeyName),
    keyIdHex: fc.uint8Array({ minLength: 4, maxLength: 4 }).map(hexOf),
    signature: fc.uint8Array({ minLength: 1, maxLength: 80 }),
  },
  { noNullPrototype: true },
);
const good = `log\n7\n${'A'.repeat(43)}=\n`;

describe('a checkpoint', () => {
  test('is read back as it was written', () => {
    fc.assert(
      fc.property(origins, fc.maxSafeNat(), root, (origin, size, bytes) => {
        const checkpoint = { origin, size, rootHex: hexOf(bytes) };
        expect(parseCheckpoint(encodeCheckpoint(checkpoint))).toEqual({ ...checkpoint, extensions: [] });
      }),
    );
  });

  test('keeps extension lines', () => {
    expect(parseCheckpoint(`${good}a\n b \n`).extensions).toEqual(['a', ' b ']);
  });

  test.each([
    ['nothing', ''],
    ['no final newline', good.slice(0, -1)],
    ['two lines', good.split('\n').slice(0, 2).join('\n')],
    ['an empty origin', good.replace('log', '')],
    ['an empty line at the end', `${good}\n`],
    ['size 07', good.replace('\n7', '\n07')],
    ['size +7', good.replace('\n7', '\n+7')],
    ['size -0', good.replace('\n7', '\n-0')],
    ['size 7.0', good.replace('\n7', '\n7.0')],
    ['size 7e0', good.replace('\n7', '\n7e0')],
    ['size 0x7', good.replace('\n7', '\n0x7')],
    ['a space before the size', good.replace('\n7', '\n 7')],
    ['size 2^53', good.replace('\n7', '\n9007199254740992')],
    ['a root of 31 octets', good.replace('AAA=', '==')],
    ['a root in base64url', good.replace('A', '_')],
    ['a root with trailing bits', good.replace('A=', 'B=')],
  ])('is malformed with %s', (_, text) => {
    expect(() => parseCheckpoint(text)).toThrow(expect.objectContaining({ code: 'checkpoint.malformed' }));
  });

  test('has sizes up to 2^53−1', () => {
    expect(parseCheckpoint(good.replace('\n7', '\n9007199254740991')).size).toBe(Number.MAX_SAFE_INTEGER);
    expect(parseCheckpoint(good.replace('\n7', '\n0')).size).toBe(0);
  });
});

describe('an origin', () => {
  test('is 1 to 255 printable ASCII characters without space or plus', () => {
    for (let code = 0; code < 0x180; code++) {
      const expected = code > 0x20 && code < 0x7f && code !== 0x2b;
      expect([code, isOrigin(String.fromCharCode(code))]).toEqual([code, expected]);
    }
    expect(isOrigin('')).toBe(false);
    expect(isOrigin('x'.repeat(255))).toBe(true);
    expect(isOrigin('x'.repeat(256))).toBe(false);
    expect(isOrigin('x\n')).toBe(false);
  });
});

describe('a note', () => {
  test('is read back as it was written', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[^\0-\x1f\ud800-\udfff]{1,20}\n$/),
        fc.array(signature, { minLength: 1, maxLength: 5 }),
        (text, signatures) => {
          expect(parseNote(utf8Of(encodeNote(text, signatures)))).toEqual({ text, signatures });
        },
      ),
    );
  });

  test('never makes the parser throw anything but FormatError', () => {
    const note = utf8Of(encodeNote(good, [{ name: 'log', keyIdHex: '00000000', signature: new Uint8Array(64) }]));
    fc.assert(
      fc.property(fc.nat(note.length - 1), fc.nat(255), fc.boolean(), (at, octet, cut) => {
        const changed = cut ? note.slice(0, at) : note.with(at, octet);
        try {
          parseCheckpoint(parseNote(changed).text);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('has at most 1,000,000 octets', () => {
    const around = encodeNote('\n', [{ name: 'log', keyIdHex: '00000000', signature: new Uint8Array(64) }]).length + 2;
    const note = (octets: number): Uint8Array =>
      utf8Of(
        encodeNote(`${'x'.repeat(octets - around)}\n`, [
          { name: 'log', keyIdHex: '00000000', signature: new Uint8Array(64) },
        ]),
      );
    expect(note(MAX_NOTE_OCTETS)).toHaveLength(MAX_NOTE_OCTETS);
    expect(parseNote(note(MAX_NOTE_OCTETS)).signatures).toHaveLength(1);
    expect(() => parseNote(note(MAX_NOTE_OCTETS + 1))).toThrow(expect.objectContaining({ code: 'note.too-large' }));
  });
});
