/** Text is cut at a scalar boundary, as late as its limit allows. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fitText } from '../dist/index.js';
import { text } from './arbitraries.js';

/** What the text takes inside the quotes of canonical JSON. */
function octetsOf(fitting: string): number {
  return Buffer.byteLength(JSON.stringify(fitting)) - 2;
}

const scalars: readonly [what: string, scalar: string, octets: number][] = [
  ['a letter', 'a', 1],
  ['DEL, which is not escaped', '\x7f', 1],
  ['a quote', '"', 2],
  ['a backslash', '\\', 2],
  ['a newline', '\n', 2],
  ['NUL', '\0', 6],
  ['U+001F', '\x1f', 6],
  ['U+0080', '\u0080', 2],
  ['U+07FF', '\u07ff', 2],
  ['U+0800', '\u0800', 3],
  ['U+2028, which is not escaped', '\u2028', 3],
  ['U+FFFF', '\uffff', 3],
  ['U+10000', '\u{10000}', 4],
  ['U+10FFFF', '\u{10ffff}', 4],
];

describe('fitText', () => {
  test.each(scalars)('counts %s exactly, at every limit', (_, scalar, octets) => {
    const long = scalar.repeat(20);
    for (let limit = 0; limit <= 20 * octets + 1; limit++) {
      const count = Math.min(20, Math.floor(limit / octets));
      expect(fitText(long, limit)).toEqual({ text: scalar.repeat(count), cut: count < 20, lossy: false });
    }
  });

  test('fits 10,922 NULs into 65,535 octets and not one more', () => {
    expect(fitText('\0'.repeat(10_922), 65_535)).toMatchObject({ cut: false });
    expect(fitText('\0'.repeat(10_923), 65_535)).toEqual({ text: '\0'.repeat(10_922), cut: true, lossy: false });
  });

  test('gives the longest prefix of whole scalars that fits', () => {
    fc.assert(
      fc.property(text, fc.nat(40), (whole, limit) => {
        const fitted = fitText(whole, limit);
        expect(whole.startsWith(fitted.text)).toBe(true);
        expect(fitted.text.isWellFormed()).toBe(true);
        expect(octetsOf(fitted.text)).toBeLessThanOrEqual(limit);
        expect(fitted.cut).toBe(fitted.text !== whole);
        const next = [...whole.slice(fitted.text.length)][0];
        if (next !== undefined) expect(octetsOf(fitted.text + next)).toBeGreaterThan(limit);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    ['high alone', '\ud83d', '\ufffd'],
    ['low alone', 'a\ude00b', 'a\ufffdb'],
    ['swapped', '\ude00\ud83d', '\ufffd\ufffd'],
    ['a pair cut in half by somebody else', 'ok\u{1f600}'.slice(0, 3), 'ok\ufffd'],
  ])('turns a lone surrogate into U+FFFD and says so: %s', (_, broken, mended) => {
    expect(fitText(broken, 100)).toEqual({ text: mended, cut: false, lossy: true });
  });

  test('says that text was lossy even where the surrogate itself was cut off', () => {
    expect(fitText('abc\ud800', 3)).toEqual({ text: 'abc', cut: true, lossy: true });
  });

  test('takes a text of its own limit as it is, however long', () => {
    const long = 'é'.repeat(100_000);
    expect(fitText(long, 200_000)).toEqual({ text: long, cut: false, lossy: false });
    expect(fitText(long, 199_999).text).toHaveLength(99_999);
  });
});
