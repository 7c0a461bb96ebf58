/** The fixed-schema encoders write what RFC 8785 asks for, whichever members are there. */
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Charge,
  encodeEntry,
  encodeSpanBody,
  FormatError,
  MAX_ENTRY_OCTETS,
  parseCanonicalJson,
  parseEntry,
  type SpanBody,
  TEXT_LIMITS,
  type Usage,
} from '../dist/index.js';
import { envelope, spanBody } from './arbitraries.js';

const least: SpanBody = {
  end: '2',
  event: 'e',
  kind: 0,
  span: '1112131415161718',
  start: '1',
  status: 0,
  trace: '0102030405060708090a0b0c0d0e0f10',
};

describe('a span body', () => {
  test('is what canonicalize writes', () => {
    fc.assert(
      fc.property(spanBody, (body) => {
        expect(encodeSpanBody(body)).toBe(canonicalize(body));
      }),
      { numRuns: 1_000 },
    );
  });

  test('with every member there is, is what canonicalize writes', () => {
    const usage: Required<Usage> = {
      keys: { input: 'gen_ai.usage.input_tokens' },
      marks: ['estimated', 'inferred'],
      model: 'm',
      operation: 'chat',
      provider: 'p',
      raw: { input: 3 },
      response: 'r',
      scope: 's',
      table: 't',
      tokens: { input: 1, cache_read: 2 },
      units: { minute: '0.5' },
    };
    const charge: Required<Charge> = {
      cost: '1',
      currency: 'USD',
      key: 'k',
      rated: {
        card: 'c',
        cost: '1',
        lines: [{ class: 'input', cost: '1', per: '1000000', quantity: '1', rate: '1' }],
        match: 'exact',
        model: 'm',
        sha256: '0'.repeat(64),
        tier: 't',
      },
      source: 'reported',
    };
    const body: Required<SpanBody> = {
      ...least,
      business: 'b',
      business_parent: 'bp',
      charge,
      component: 'c',
      conflict: 7,
      cut: ['event'],
      lossy: ['name'],
      parent: '2122232425262728',
      service: 's',
      usage,
    };
    expect(encodeSpanBody(body)).toBe(canonicalize(body));
    expect(parseCanonicalJson(encodeSpanBody(body))).toEqual(body);
  });

  test.each([
    ['a lone surrogate in event', { ...least, event: '\ud800' }],
    ['a fractional kind', { ...least, kind: 0.5 }],
    ['a negative status', { ...least, status: -1 }],
    ['a count beyond 2^53', { ...least, usage: { tokens: { input: 2 ** 53 } } }],
    ['a lone surrogate in a member name', { ...least, usage: { keys: { '\udc00': 'x' } } }],
  ])('is refused with %s', (_, body) => {
    expect(() => encodeSpanBody(body)).toThrow(FormatError);
  });

  test('with every text at its limit fits an entry, base64 of it fits an import entry', () => {
    const long = (octets: number): string => 'x'.repeat(octets);
    const name = (i: number): string => `u${i}`.padEnd(32, '_');
    const texts = (count: number, octets: number): Record<string, string> =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [name(i), long(octets)]));
    const tokens = Object.fromEntries(Array.from({ length: 16 }, (_, i) => [name(i), Number.MAX_SAFE_INTEGER]));
    const line = { class: name(0), cost: long(20), per: '1000000', quantity: long(49), rate: long(49) };
    const largest: Required<SpanBody> = {
      business: long(TEXT_LIMITS.business),
      business_parent: long(TEXT_LIMITS.business_parent),
      charge: {
        cost: long(20),
        currency: 'USD',
        key: long(TEXT_LIMITS.usage),
        rated: {
          card: long(TEXT_LIMITS.usage),
          cost: long(20),
          lines: Array.from({ length: 40 }, () => line),
          match: 'fallback',
          model: long(TEXT_LIMITS.usage),
          sha256: long(64),
          tier: long(TEXT_LIMITS.usage),
        },
        source: 'estimated',
      },
      component: long(TEXT_LIMITS.component),
      conflict: Number.MAX_SAFE_INTEGER,
      cut: ['business', 'business_parent', 'component', 'event', 'service', 'usage'],
      end: String(2n ** 64n - 1n),
      event: long(TEXT_LIMITS.event),
      kind: 2 ** 32 - 1,
      lossy: Array.from({ length: 16 }, () => 'start_time_unix_nano'),
      parent: long(16),
      service: long(TEXT_LIMITS.service),
      span: long(16),
      start: String(2n ** 64n - 1n),
      status: 2 ** 32 - 1,
      trace: long(32),
      usage: {
        keys: texts(16, TEXT_LIMITS.usage),
        marks: ['estimated', 'impossible', 'inferred', 'unknown'],
        model: long(TEXT_LIMITS.usage),
        operation: long(TEXT_LIMITS.usage),
        provider: long(TEXT_LIMITS.usage),
        raw: tokens,
        response: long(TEXT_LIMITS.usage),
        scope: long(TEXT_LIMITS.usage),
        table: long(32),
        tokens,
        units: texts(32, 49),
      },
    };
    const hash = '0'.repeat(64);
    const around = {
      at: String(2n ** 64n - 1n),
      checkpoint: hash,
      clock: 'backwards',
      payload: hash,
      prev: hash,
      seq: Number.MAX_SAFE_INTEGER,
      type: 'span',
    } as const;
    const octets = encodeEntry(around, encodeSpanBody(largest)).length;
    expect(octets).toBeLessThan(MAX_ENTRY_OCTETS);
    expect(Math.ceil(octets / 3) * 4 + 1024).toBeLessThan(MAX_ENTRY_OCTETS);
  });
});

describe('an entry', () => {
  test('is what canonicalize writes around a body', () => {
    fc.assert(
      fc.property(envelope, spanBody, (around, body) => {
        expect(encodeEntry(around, encodeSpanBody(body))).toBe(canonicalize({ ...around, body }));
      }),
      { numRuns: 500 },
    );
  });

  test('is read back as it was written', () => {
    fc.assert(
      fc.property(envelope, spanBody, (around, body) => {
        expect(parseEntry(encodeEntry(around, encodeSpanBody(body)))).toEqual({ ...around, body });
      }),
      { numRuns: 300 },
    );
  });

  test('has at most 65,535 octets, counted as UTF-8', () => {
    const around = { at: '1', prev: '0'.repeat(64), seq: 0, type: 'gap' };
    const fixed = encodeEntry(around, '{"x":""}').length;
    const room = MAX_ENTRY_OCTETS - fixed;
    expect(encodeEntry(around, `{"x":"${'a'.repeat(room)}"}`)).toHaveLength(MAX_ENTRY_OCTETS);
    for (const tooLong of ['a'.repeat(room + 1), 'é'.repeat(Math.floor(room / 2) + 1), '€'.repeat(room / 3 + 1)]) {
      expect(() => encodeEntry(around, `{"x":"${tooLong}"}`)).toThrow(
        expect.objectContaining({ code: 'entry.too-large' }),
      );
    }
  });

  const good = `{"at":"1","body":{},"prev":"${'0'.repeat(64)}","seq":0,"type":"gap"}`;

  test.each([
    ['not JSON', '{'],
    ['an array', '[]'],
    ['null', 'null'],
    ['text', '"x"'],
    ['no at', good.replace('"at":"1",', '')],
    ['at as a number', good.replace('"1"', '1')],
    ['at with a sign', good.replace('"1"', '"-1"')],
    ['at with a leading zero', good.replace('"1"', '"01"')],
    ['at with 21 digits', good.replace('"1"', `"1${'0'.repeat(20)}"`)],
    ['an array as body', good.replace('{}', '[]')],
    ['null as body', good.replace('{}', 'null')],
    ['prev in upper case', good.replace('0'.repeat(64), 'A'.repeat(64))],
    ['prev of 63 digits', good.replace('0'.repeat(64), '0'.repeat(63))],
    ['a negative seq', good.replace('"seq":0', '"seq":-1')],
    ['a fractional seq', good.replace('"seq":0', '"seq":0.5')],
    ['seq 2^53', good.replace('"seq":0', '"seq":9007199254740992')],
    ['seq as text', good.replace('"seq":0', '"seq":"0"')],
    ['an empty type', good.replace('"gap"', '""')],
    ['a type with a capital', good.replace('"gap"', '"Gap"')],
    ['a type of 33 letters', good.replace('"gap"', `"${'g'.repeat(33)}"`)],
    ['a type that ends in a newline', good.replace('"gap"', '"gap\\n"')],
    ['a short payload digest', good.replace('"prev"', '"payload":"00","prev"')],
    ['a checkpoint that is no hash', good.replace('"prev"', '"checkpoint":1,"prev"')],
    ['a clock that went forwards', good.replace('"prev"', '"clock":"forwards","prev"')],
    ['critical false', good.replace('"prev"', '"critical":false,"prev"')],
  ])('is malformed with %s', (_, text) => {
    expect(() => parseEntry(text)).toThrow(expect.objectContaining({ code: 'entry.malformed' }));
  });
});
