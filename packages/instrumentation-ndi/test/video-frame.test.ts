/** Which octets of a buffer are picture, by FourCC. */
import { expect, test } from 'vitest';
import { fourCCOf, headerTextsOf, visibleBytesOf, visibleOctetsOf } from '../dist/video-frame.js';
import { UYVY } from './support.js';

/** FourCC as grandiose numbers it. */
const CODES = {
  UYVY,
  UYVA: 1_096_178_005,
  P216: 909_193_808,
  PA16: 909_197_648,
  YV12: 842_094_169,
  I420: 808_596_553,
  NV12: 842_094_158,
  BGRA: 1_095_911_234,
  BGRX: 1_481_787_202,
  RGBA: 1_094_862_674,
  RGBX: 1_480_738_642,
} as const;

test.each([
  ['UYVY', 3_840, 1_080, 3_840 * 1_080],
  ['BGRA', 7_680, 1_080, 7_680 * 1_080],
  ['UYVA', 3_840, 1_080, 3_840 * 1_080 + 1_920 * 1_080],
  ['NV12', 1_920, 1_080, (1_920 * 1_080 * 3) / 2],
  ['I420', 1_920, 1_080, (1_920 * 1_080 * 3) / 2],
  ['YV12', 5, 3, 15 + 2 * 3 * 2],
  ['P216', 3_840, 1_080, 2 * 3_840 * 1_080],
  ['PA16', 3_840, 1_080, 3 * 3_840 * 1_080],
] as const)('%s of stride %i and %i lines has %i octets', (letters, lineStrideBytes, yres, octets) => {
  for (const fourCC of [letters, CODES[letters]]) {
    const header = headerTextsOf({ fourCC, lineStrideBytes, yres });
    expect(fourCCOf(header)).toBe(letters);
    expect(visibleOctetsOf(header)).toBe(octets);
  }
});

test('of a format that is not known, or without a stride, the whole buffer is picture', () => {
  const data = new Uint8Array(100);
  for (const header of [{ fourCC: 'H264', lineStrideBytes: 4, yres: 2 }, { fourCC: UYVY, yres: 2 }, {}]) {
    expect(visibleBytesOf({ data }, headerTextsOf(header))?.length).toBe(100);
  }
});

test('the picture is a view of the buffer, never a copy of it', () => {
  const data = new Uint8Array(100);
  const visible = visibleBytesOf({ data }, headerTextsOf({ fourCC: UYVY, lineStrideBytes: 4, yres: 2 }))!;
  expect([visible.buffer === data.buffer, visible.length]).toEqual([true, 8]);
  expect(visibleBytesOf({ data: new SharedArrayBuffer(9) }, {})?.length).toBe(9);
});

test('fields are bounded texts', () => {
  expect(
    headerTextsOf({ xres: 1_920, timecode: [3, 40], fourCC: 'é'.repeat(200), yres: {}, pictureAspectRatio: 16 / 9 }),
  ).toEqual({
    xres: '1920',
    timecode: '3,40',
    fourCC: 'é'.repeat(64),
    pictureAspectRatio: String(16 / 9),
  });
});
