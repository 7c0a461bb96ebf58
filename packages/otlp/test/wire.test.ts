import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeBase64, parseBase64 } from '../dist/base64.js';
import { hexOf, writeHex } from '../dist/hex.js';
import { ProtoReader, ProtoWriter } from '../dist/index.js';
import { textDecoderSlicer, utf8Slicer } from '../dist/utf8.js';
import { toHex } from './samples.js';

describe('writer and reader are inverses', () => {
  test('for every kind of value, in any sequence', () => {
    const values = fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant('uint32' as const), value: fc.integer({ min: 0, max: 0xffffffff }) }),
        fc.record({ kind: fc.constant('int53' as const), value: fc.maxSafeInteger() }),
        fc.record({
          kind: fc.constant('int64' as const),
          value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        }),
        fc.record({ kind: fc.constant('fixed32' as const), value: fc.integer({ min: 0, max: 0xffffffff }) }),
        fc.record({ kind: fc.constant('fixed64' as const), value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }),
        fc.record({ kind: fc.constant('double' as const), value: fc.double() }),
        fc.record({ kind: fc.constant('string' as const), value: fc.string({ unit: 'binary', maxLength: 300 }) }),
      ),
    );
    fc.assert(
      fc.property(values, (list) => {
        const writer = new ProtoWriter(1);
        for (const { kind, value } of list) {
          if (kind === 'uint32') writer.varint(value);
          else if (kind === 'int53') writer.int53(value);
          else if (kind === 'int64') writer.int64(value);
          else if (kind === 'fixed32') writer.fixed32(value);
          else if (kind === 'fixed64') writer.fixed64(value);
          else if (kind === 'double') writer.double(value);
          else writer.string(value);
        }
        const reader = new ProtoReader(writer.finish());
        for (const { kind, value } of list) {
          if (kind === 'uint32') expect(reader.uint32()).toBe(value);
          else if (kind === 'int53') expect(reader.int64()).toBe(BigInt(value));
          else if (kind === 'int64') expect(reader.int64()).toBe(value);
          else if (kind === 'fixed32') expect(reader.fixed32()).toBe(value);
          else if (kind === 'fixed64') expect(reader.fixed64()).toBe(value);
          else if (kind === 'double') expect(reader.double()).toBe(value);
          else expect(reader.string()).toBe(value);
        }
        expect(reader.pos).toBe(reader.bytes.length);
      }),
      { numRuns: 300 },
    );
  });

  test('nested messages of every length around a varint boundary', () => {
    for (const length of [0, 1, 127, 128, 129, 16_383, 16_384, 2_097_151, 2_097_152]) {
      const writer = new ProtoWriter();
      const outer = writer.open(0x0a);
      const inner = writer.open(0x12);
      writer.raw(new Uint8Array(length).fill(7));
      writer.close(inner);
      writer.varint(5);
      writer.close(outer);
      const reader = new ProtoReader(writer.finish());
      expect(reader.tag()).toBe(0x0a);
      const end = reader.enter();
      expect(reader.tag()).toBe(0x12);
      const content = reader.copyBytes();
      expect(content.length).toBe(length);
      expect(content.every((byte) => byte === 7)).toBe(true);
      expect(reader.uint32()).toBe(5);
      expect(reader.pos).toBe(reader.end);
      reader.leave(end);
      expect(reader.pos).toBe(reader.bytes.length);
    }
  });
});

test('a finished message is not changed by the next one', () => {
  const writer = new ProtoWriter();
  writer.string('first');
  const first = writer.finish();
  writer.string('other');
  expect(toHex(first)).toBe(`05${Buffer.from('first').toString('hex')}`);
});

test('without Buffer, text is decoded to the same strings', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 24 }), fc.nat(4), (bytes, start) => {
      const from = Math.min(start, bytes.length);
      expect(textDecoderSlicer(bytes).utf8Slice(from, bytes.length)).toBe(
        utf8Slicer(bytes).utf8Slice(from, bytes.length),
      );
    }),
    { numRuns: 2_000 },
  );
});

test.each(['\ufeff', '\ufeffx', 'x\ufeff'])('a byte order mark is text: %j', (text) => {
  const bytes = new TextEncoder().encode(text);
  expect(textDecoderSlicer(bytes).utf8Slice(0, bytes.length)).toBe(text);
  expect(utf8Slicer(bytes).utf8Slice(0, bytes.length)).toBe(text);
});

test('hex and base64 are those of Buffer, and read back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const buffer = Buffer.from(bytes);
      const hex = hexOf(bytes, 0, bytes.length);
      expect(hex).toBe(buffer.toString('hex'));
      const target = new Uint8Array(bytes.length + 2);
      expect(writeHex(hex, target, 1)).toBe(true);
      expect(target.subarray(1, -1)).toStrictEqual(bytes);
      expect(encodeBase64(bytes)).toBe(buffer.toString('base64'));
      for (const encoding of ['base64', 'base64url'] as const)
        expect(parseBase64(buffer.toString(encoding))).toStrictEqual(bytes);
    }),
  );
});

test.each(['g0', 'A0', '0', '00\u0130\u0130', '\u00000'])('%j is not lowercase hex', (text) => {
  expect(writeHex(text, new Uint8Array(8), 0)).toBe(false);
});

test.each(['a', '=', '====', 'a===', 'ab=c', 'ab==cd==', 'a b=', 'é===', 'aaaa='])('%j is not base64', (text) => {
  expect(parseBase64(text)).toBeUndefined();
});
