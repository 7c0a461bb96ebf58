import { describe, expect, test } from 'vitest';
import { parseUnixNano } from '../dist/log/time-text.js';
import { aboutDuration, exactMs, isoOfUnixNano } from '../dist/read/nano-text.js';

describe('a time', () => {
  test.each([
    ['2025-11-11T10:00:00Z', 1_762_855_200_000_000_000n],
    ['2025-11-11t10:00:00.5z', 1_762_855_200_500_000_000n],
    ['2025-11-11 11:00:00.123456789+01:00', 1_762_855_200_123_456_789n],
    ['2025-11-11T10:00:00.1234567891Z', 1_762_855_200_123_456_789n],
    ['1762855200', 1_762_855_200_000_000_000n],
    ['1762855200.25', 1_762_855_200_250_000_000n],
    ['1762855200123', 1_762_855_200_123_000_000n],
    ['1762855200123456', 1_762_855_200_123_456_000n],
    ['1762855200123456789', 1_762_855_200_123_456_789n],
    ['0', 0n],
    ['18446744073709551615', 2n ** 64n - 1n],
  ])('%s is understood', (text, nanos) => {
    expect(parseUnixNano(text)).toBe(nanos);
  });

  test.each([
    '',
    'now',
    '2025-11-11',
    '2025-11-11T10:00:00',
    '2025-02-31T10:00:00Z',
    '2025-11-11T25:00:00Z',
    '1969-12-31T23:59:59Z',
    '18446744073709551616',
    '123456789012345678901',
    '1762855200123.5',
    '-1',
    '1e9',
    ' 1',
  ])('%j is none', (text) => {
    expect(parseUnixNano(text)).toBeUndefined();
  });

  test('comes back with nine decimals', () => {
    expect(isoOfUnixNano(1_762_855_200_000_000_001n)).toBe('2025-11-11T10:00:00.000000001Z');
    expect(isoOfUnixNano(2n ** 64n - 1n)).toBe('2554-07-21T23:34:33.709551615Z');
  });
});

describe('a duration', () => {
  test.each([
    [0n, '0'],
    [1n, '0.000001'],
    [1_500_000n, '1.5'],
    [-500_000n, '-0.5'],
    [12_000_000n, '12'],
  ])('of %s ns is exactly %s ms', (nanos, text) => {
    expect(exactMs(nanos)).toBe(text);
  });

  test.each([
    [0n, '0 ms'],
    [999n, '999 ns'],
    [350_900n, '350 µs'],
    [999_999n, '999 µs'],
    [12_345_678n, '12.3 ms'],
    [999_999_999n, '999 ms'],
    [1_234_567_890n, '1.23 s'],
    [59_999_999_999n, '59.9 s'],
    [125_000_000_000n, '2m 05s'],
    [11_220_000_000_000n, '3h 07m'],
    [187_200_000_000_000n, '2d 04h'],
    [-1_000_000n, '-1 ms'],
  ])('of %s ns is about %s', (nanos, text) => {
    expect(aboutDuration(nanos)).toBe(text);
  });
});
