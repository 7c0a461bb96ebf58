/** Byte for byte what the `canonicalize` package (RFC 8785, by one of its authors) writes, and nothing it would not. */
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CanonicalValue, encodeCanonicalJson, FormatError, parseCanonicalJson } from '../dist/index.js';
import { canonicalValue } from './arbitraries.js';

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof FormatError) return error.code;
    throw error;
  }
  return 'none';
}

/** `levels` arrays around a number. */
function nested(levels: number): CanonicalValue {
  let value: CanonicalValue = 1;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}

describe('writing', () => {
  test('agrees with canonicalize on every value', () => {
    fc.assert(
      fc.property(canonicalValue, (value) => {
        expect(encodeCanonicalJson(value)).toBe(canonicalize(value));
      }),
      { numRuns: 500 },
    );
  });

  test('sorts members by UTF-16 code units, where U+1F600 comes before U+E000', () => {
    const value = { '\ue000': 1, '\u{1f600}': 2, a: 3, '': 4, '9': 5, '10': 6 };
    expect(encodeCanonicalJson(value)).toBe('{"":4,"10":6,"9":5,"a":3,"\u{1f600}":2,"\ue000":1}');
    expect(canonicalize(value)).toBe(encodeCanonicalJson(value));
  });

  test('escapes what RFC 8785 escapes and nothing else', () => {
    let all = '';
    for (let code = 0; code < 0x100; code++) all += String.fromCharCode(code);
    expect(encodeCanonicalJson(`${all}\u2028\u2029\ufeff\u{10ffff}`)).toBe(
      canonicalize(`${all}\u2028\u2029\ufeff\u{10ffff}`),
    );
    expect(encodeCanonicalJson('\x00\x08\x1f\x7f/"\\')).toBe('"\\u0000\\b\\u001f\x7f/\\"\\\\"');
  });

  test('leaves undefined members out', () => {
    expect(encodeCanonicalJson({ b: undefined, a: 1 })).toBe('{"a":1}');
  });

  test.each([
    ['null', null],
    ['undefined', undefined],
    ['an undefined item', [undefined]],
    ['a nested null', { a: [null] }],
    ['a fraction', 0.5],
    ['a negative number', -1],
    ['minus zero', -0],
    ['2^53', 2 ** 53],
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['a bigint', 1n],
    ['a function', () => 1],
    ['a high surrogate alone', '\ud800'],
    ['a low surrogate alone', 'a\udc00b'],
    ['a lone surrogate in a key', { '\ud800': 1 }],
    ['a Date, which would become {}', new Date(0)],
    ['octets, which would become an object of digits', new Uint8Array(2)],
    ['a Map, which would become {}', new Map([['a', 1]])],
  ])('refuses %s', (_, value) => {
    expect(codeOf(() => encodeCanonicalJson(value as CanonicalValue))).toBe('json.value');
  });

  test('nests 32 levels and no more', () => {
    expect(encodeCanonicalJson(nested(32))).toHaveLength(65);
    expect(codeOf(() => encodeCanonicalJson(nested(33)))).toBe('json.depth');
    expect(codeOf(() => parseCanonicalJson(`${'['.repeat(30_000)}${']'.repeat(30_000)}`))).toBe('json.depth');
  });
});

describe('reading', () => {
  test('is the inverse of writing', () => {
    fc.assert(
      fc.property(canonicalValue, (value) => {
        const read = parseCanonicalJson(encodeCanonicalJson(value));
        expect(encodeCanonicalJson(read)).toBe(encodeCanonicalJson(value));
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ['a duplicate key', '{"a":1,"a":1}'],
    ['a duplicate key, escaped', '{"a":1,"\\u0061":1}'],
    ['__proto__ twice', '{"__proto__":1,"__proto__":1}'],
    ['another order', '{"b":1,"a":1}'],
    ['keys in UTF-8 order', '{"\ue000":1,"\u{1f600}":2}'],
    ['a space', '{"a": 1}'],
    ['a space in front', ' {"a":1}'],
    ['a newline at the end', '{"a":1}\n'],
    ['a byte order mark', '\ufeff{"a":1}'],
    ['an escape that is not needed', '"\\u0061"'],
    ['an escaped slash', '"\\/"'],
    ['a long escape where a short one exists', '"\\u000a"'],
    ['upper-case hex in an escape', '"\\u001F"'],
    ['an escaped line separator', '"\\u2028"'],
    ['a raw control character', '"\u0001"'],
    ['an escaped lone surrogate', '"\\ud800"'],
    ['an escaped surrogate pair', '"\\ud83d\\ude00"'],
    ['null', '{"a":null}'],
    ['a fraction', '1.5'],
    ['an integer written as a fraction', '1.0'],
    ['an exponent', '1e3'],
    ['a negative number', '-1'],
    ['minus zero', '-0'],
    ['a leading zero', '01'],
    ['2^53', '9007199254740992'],
    ['an integer that a double rounds', '9007199254740993'],
    ['a trailing comma', '[1,]'],
    ['two values', '1 1'],
    ['nothing', ''],
  ])('refuses %s', (_, json) => {
    expect(codeOf(() => parseCanonicalJson(json))).toBe('json.value');
  });

  test('changing one character of canonical text never gives the same value', () => {
    fc.assert(
      fc.property(canonicalValue, fc.nat(), fc.integer({ min: 0, max: 0x7f }), (value, at, code) => {
        const json = encodeCanonicalJson(value);
        const i = at % json.length;
        const changed = json.slice(0, i) + String.fromCharCode(code) + json.slice(i + 1);
        fc.pre(changed !== json);
        try {
          expect(encodeCanonicalJson(parseCanonicalJson(changed))).toBe(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
