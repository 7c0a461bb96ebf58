/** Keys that are kept between requests: never another text than the one sent, whatever falls on whatever. */
import { expect, test } from 'vitest';
import { spanRecord } from '../../../test/attacks/spans.js';
import { decodeTraceRequest, encodeTraceRequest, type SpanRecord } from '../dist/index.js';

const decodedKeys = (request: Uint8Array) => decodeTraceRequest(request).spans[0]!.attributes.map(([key]) => key);
const withKeys = (keys: readonly string[]): SpanRecord =>
  spanRecord(1, { attributes: keys.map((key) => [key, true] as const) });

test('keys are read as they were sent, many more than are kept, again and again', () => {
  const keys = Array.from({ length: 20_000 }, (_, i) => `key.${i % 10_000}.${'é'.repeat(i % 40)}`);
  const request = encodeTraceRequest([withKeys(keys)]);
  expect(decodedKeys(request)).toEqual(keys);
  expect(decodedKeys(request)).toEqual(keys);
});

test('keys that share a beginning, an end or all but their length are told apart', () => {
  const keys = [
    '',
    'a',
    'aa',
    'aaa',
    'b',
    'ab',
    'ba',
    'x'.repeat(64),
    'x'.repeat(65),
    `${'x'.repeat(63)}y`,
    '\u0000',
    '\u0000\u0000',
  ];
  const request = encodeTraceRequest([withKeys([...keys, ...keys])]);
  expect(decodedKeys(request)).toEqual([...keys, ...keys]);
});

test('a key that is no UTF-8 is lossy each time, and does not become the key of U+FFFD', () => {
  const marker = 'k\ufffdk';
  const clean = encodeTraceRequest([withKeys([marker])]);
  // EF BF BD becomes three octets that are no UTF-8 and read as the same text.
  const broken = Buffer.from(clean);
  const at = broken.indexOf(Buffer.from('\ufffd'));
  broken.set([0xff, 0x41, 0x41], at);
  for (let round = 0; round < 2; round++) {
    const { spans } = decodeTraceRequest(broken);
    expect(spans[0]!.attributes[0]![0]).toBe('k\ufffdAAk');
    expect(spans[0]!.lossy).toEqual(['attributes']);
    expect(decodeTraceRequest(clean).spans[0]!.lossy).toEqual([]);
  }
});
