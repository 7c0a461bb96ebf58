import { describe, expect, test } from 'vitest';
import {
  type AnyValue,
  assembleTraceRequest,
  type DecodeLimits,
  decodeResourceContext,
  decodeScopeContext,
  decodeSpan,
  decodeTraceRequest,
  encodeSpan,
  encodeTraceRequest,
  OtlpDecodeError,
  type OtlpDecodeErrorCode,
  type SpanRecord,
} from '../dist/index.js';
import { concat, emptyResource, emptyScope, field, fromHex, ids, requestOf, spanWith } from './samples.js';

function codeOf(run: () => unknown): OtlpDecodeErrorCode | 'no error' {
  try {
    run();
    return 'no error';
  } catch (error) {
    if (error instanceof OtlpDecodeError) return error.code;
    throw error;
  }
}

/** The only span of a request with one span of these fields. */
function decodeOne(...fields: Uint8Array[]): SpanRecord {
  const { spans, rejected } = decodeTraceRequest(requestOf(concat(ids, ...fields)));
  expect(rejected).toStrictEqual([]);
  expect(spans).toHaveLength(1);
  return spans[0]!;
}

/** Nests `depth` messages `tags` deep, each around the next. */
function nest(innermost: Uint8Array, fieldNumbers: readonly number[], depth: number): Uint8Array {
  // Built from the inside with lengths first, then joined once: joining at each level would take quadratic time.
  const heads: Uint8Array[] = [];
  let length = innermost.length;
  for (let level = 0; level < depth; level++) {
    for (const number of fieldNumbers) {
      const head = field(number, new Uint8Array(0)).slice(0, -1);
      const size: number[] = [];
      for (let left = length; ; left >>>= 7) {
        size.push(left > 127 ? (left & 127) | 128 : left);
        if (left < 128) break;
      }
      heads.push(Uint8Array.from([...head, ...size]));
      length += heads.at(-1)!.length;
    }
  }
  return Uint8Array.from(Buffer.concat([...heads.reverse(), innermost]));
}

describe('malformed bytes are refused', () => {
  test.each<[string, string, OtlpDecodeErrorCode]>([
    ['a length past the end', '0a05 00', 'truncated'],
    ['a length past the end of the message around it, not of the request', '0a02 1205 0a00 0a00 0a00', 'truncated'],
    ['a tag without a value', '0a', 'truncated'],
    ['a varint without an end', '80', 'truncated'],
    ['a length beyond 32 bits', '0a 8080808010', 'truncated'],
    ['a varint of eleven bytes', 'a006 8080808080808080808001', 'bad_varint'],
    ['a varint beyond 64 bits', 'a006 80808080808080808002', 'bad_varint'],
    ['field number 0', '0000', 'bad_tag'],
    ['a field number beyond 29 bits', '80808080 10 00', 'bad_tag'],
    ['a group', '0b 0c', 'bad_tag'],
    ['a group in an unknown field', 'a306 a406', 'bad_tag'],
    ['wire type 6', 'a606', 'bad_tag'],
    ['a known field with another wire type', '0801', 'wrong_wire_type'],
  ])('%s', (_, hex, code) => {
    expect(codeOf(() => decodeTraceRequest(fromHex(hex)))).toBe(hex.startsWith('0b') ? 'wrong_wire_type' : code);
  });

  test('every prefix of a request is refused or holds whole resources only', () => {
    const resources = [1, 2, 3].map((n) => ({ ...emptyResource, droppedAttributesCount: n }));
    const bytes = encodeTraceRequest(resources.map((resource) => spanWith({ resource, name: 'some name' })));
    const sizes = new Set<number | string>();
    for (let length = 0; length < bytes.length; length++) {
      sizes.add(codeOf(() => decodeTraceRequest(bytes.subarray(0, length))) === 'truncated' ? 'truncated' : length);
    }
    expect([...sizes]).toStrictEqual([0, 'truncated', bytes.length / 3, (bytes.length * 2) / 3]);
  });

  test.each<[string, Uint8Array]>([
    ['span', fromHex('7801')],
    ['status', field(15, fromHex('1a00'))],
    ['event', field(11, fromHex('0a00'))],
    ['link', field(13, fromHex('3001'))],
    ['key value', field(9, fromHex('1001'))],
    ['any value', field(9, field(2, fromHex('0801')))],
    ['array', field(9, field(2, field(5, fromHex('0801'))))],
    ['map', field(9, field(2, field(6, fromHex('0801'))))],
  ])('a known field of a %s with another wire type', (_, bytes) => {
    expect(codeOf(() => decodeTraceRequest(requestOf(concat(ids, bytes))))).toBe('wrong_wire_type');
  });

  test('one bad span spoils the request, unlike a rejected one', () => {
    expect(codeOf(() => decodeTraceRequest(requestOf(ids, fromHex('0aff'))))).toBe('truncated');
  });
});

describe('spans with bad ids are rejected and the others kept', () => {
  const trace = field(1, fromHex('0102030405060708090a0b0c0d0e0f10'));
  const span = field(2, fromHex('1112131415161718'));
  test.each<[string, string, Uint8Array]>([
    ['no trace id', 'trace_id', span],
    ['a short trace id', 'trace_id', concat(field(1, new Uint8Array(15).fill(1)), span)],
    ['a long trace id', 'trace_id', concat(field(1, new Uint8Array(17).fill(1)), span)],
    ['an all-zero trace id', 'trace_id', concat(field(1, new Uint8Array(16)), span)],
    ['no span id', 'span_id', trace],
    ['a long span id', 'span_id', concat(trace, field(2, new Uint8Array(16).fill(1)))],
    ['an all-zero span id', 'span_id', concat(trace, field(2, new Uint8Array(8)))],
    ['a short parent span id', 'parent_span_id', concat(ids, field(4, new Uint8Array(7).fill(1)))],
  ])('%s', (_, reason, bad) => {
    const result = decodeTraceRequest(requestOf(ids, bad, ids, bad));
    expect(result.spans).toStrictEqual([spanWith(), spanWith()]);
    expect(result.rejected).toStrictEqual([{ reason, message: expect.stringContaining(reason), count: 2 }]);
  });

  test('reasons come in the order first met', () => {
    const { rejected } = decodeTraceRequest(requestOf(trace, span, trace));
    expect(rejected.map(({ reason, count }) => [reason, count])).toStrictEqual([
      ['span_id', 2],
      ['trace_id', 1],
    ]);
  });

  test('the last id given counts', () => {
    const { spans } = decodeTraceRequest(
      requestOf(concat(field(1, 'bad'), field(2, 'bad'), field(4, 'bad'), ids, field(4, ''))),
    );
    expect(spans).toStrictEqual([spanWith()]);
  });

  test('eight zero bytes are no parent', () => {
    expect(decodeOne(field(4, new Uint8Array(8)))).toStrictEqual(spanWith());
  });

  test('the ids of a link may have any length', () => {
    const { links } = decodeOne(field(13, concat(field(1, new Uint8Array(16)), field(2, fromHex('abcdef')))));
    expect(links).toMatchObject([{ traceId: '0'.repeat(32), spanId: 'abcdef' }]);
  });

  test('decodeSpan throws for one', () => {
    expect(codeOf(() => decodeSpan(trace, emptyResource, emptyScope))).toBe('bad_span');
  });
});

describe('numbers are read as protobuf reads them', () => {
  test('a uint32 is taken modulo 2^32', () => {
    expect(decodeOne(fromHex('50 8580808010')).droppedAttributesCount).toBe(5);
    expect(decodeOne(fromHex('60 ffffffffffffffffff01')).droppedEventsCount).toBe(0xffffffff);
  });

  test('an enum is an int32, unknown and negative values kept', () => {
    const span = decodeOne(fromHex('30 63'), field(15, fromHex('18 feffffffffffffffff01')));
    expect(span.kind).toBe(99);
    expect(span.status.code).toBe(-2);
  });

  test('a bool is false only for zero', () => {
    const bools = ['1000', '1002', '10 8080808010', '10 808000'].map((hex) => field(9, field(2, fromHex(hex))));
    expect(decodeOne(...bools).attributes.map(([, value]) => value)).toStrictEqual([false, true, true, false]);
  });
});

describe('what cannot be kept exactly is named in lossy', () => {
  const bad = fromHex('61ff62');
  const good = 'a\ufffdb';
  test.each<[string, Uint8Array, Partial<SpanRecord>]>([
    ['name', field(5, bad), { name: good }],
    ['trace_state', field(3, bad), { traceState: good }],
    ['status', field(15, field(2, bad)), { status: { code: 0, message: good } }],
    ['attributes', field(9, field(1, bad)), { attributes: [[good, null]] }],
    ['attributes', field(9, field(2, field(5, field(1, field(1, bad))))), { attributes: [['', [good]]] }],
    ['events', field(11, field(2, bad)), {}],
    ['events', field(11, field(3, field(1, bad))), {}],
    ['links', field(13, field(3, bad)), {}],
    ['links', field(13, field(4, field(1, bad))), {}],
  ])('invalid UTF-8 in %s', (name, bytes, change) => {
    const span = decodeOne(bytes, field(5 + (name === 'name' ? 1000 : 0), ''));
    expect(span.lossy).toStrictEqual(name === 'name' ? ['name', 'unknown_fields'] : [name]);
    expect(span).toMatchObject(change);
  });

  test('a U+FFFD that the sender wrote is not lossy', () => {
    expect(decodeOne(field(5, '\ufffd'))).toStrictEqual(spanWith({ name: '\ufffd' }));
  });

  test('a byte order mark is kept', () => {
    expect(decodeOne(field(5, '\ufeffx'))).toStrictEqual(spanWith({ name: '\ufeffx' }));
  });

  test('flaws of a resource and a scope belong to the spans under them only', () => {
    const spans = field(2, ids);
    const bytes = concat(
      field(
        1,
        concat(field(2, concat(spans, field(1, field(1, bad)))), field(2, spans), field(1, field(1, field(1, bad)))),
      ),
      field(1, concat(field(2, concat(field(3, bad), spans)), field(7, ''), field(3, bad))),
      field(1, field(2, spans)),
    );
    expect(decodeTraceRequest(bytes).spans.map(({ lossy }) => lossy)).toStrictEqual([
      ['resource', 'scope'],
      ['resource'],
      ['resource', 'scope', 'unknown_fields'],
      [],
    ]);
  });

  test.each<[string, Uint8Array]>([
    ['request', concat(requestOf(ids), field(9, 'x'))],
    ['resource spans', field(1, concat(field(2, field(2, ids)), field(4, 'x')))],
    ['resource', field(1, concat(field(2, field(2, ids)), field(1, field(4, 'x'))))],
    ['scope spans', field(1, field(2, concat(field(2, ids), field(4, 'x'))))],
    ['scope', field(1, field(2, concat(field(2, ids), field(1, field(5, 'x')))))],
    ['span', requestOf(concat(ids, field(17, 'x')))],
    ['event', requestOf(concat(ids, field(11, field(5, 'x'))))],
    ['link', requestOf(concat(ids, field(13, field(7, 'x'))))],
    ['status, the reserved field 1 included', requestOf(concat(ids, field(15, fromHex('0801'))))],
    ['key value', requestOf(concat(ids, field(9, field(3, 'x'))))],
    ['any value', requestOf(concat(ids, field(9, field(2, fromHex('4001')))))],
    ['array', requestOf(concat(ids, field(9, field(2, field(5, field(2, 'x'))))))],
    ['map', requestOf(concat(ids, field(9, field(2, field(6, field(2, 'x'))))))],
    ['entity ref', field(1, concat(field(2, field(2, ids)), field(1, field(3, field(5, 'x')))))],
  ])('an unknown field of a %s is skipped and named', (_, bytes) => {
    expect(decodeTraceRequest(bytes).spans.map(({ lossy }) => lossy)).toStrictEqual([['unknown_fields']]);
  });

  test('unknown fields of every wire type are skipped', () => {
    const span = decodeOne(
      fromHex('a006 8001'),
      fromHex('a106 0102030405060708'),
      fromHex('a206 0161'),
      fromHex('a506 01020304'),
    );
    expect(span).toStrictEqual(spanWith({ lossy: ['unknown_fields'] }));
  });
});

describe('limits', () => {
  function rejectionOf(bytes: Uint8Array, limits: Partial<DecodeLimits>): string[] {
    const { spans, rejected } = decodeTraceRequest(bytes, limits);
    expect(spans).toStrictEqual([spanWith()]);
    return rejected.map(({ reason, count }) => `${reason} ${count}`);
  }

  /** An attribute whose value is a list in a list … `depth` levels deep. */
  const deep = (depth: number): Uint8Array => field(9, field(2, nest(new Uint8Array(), [1, 5], depth - 1)));

  test('64 levels of values are kept and 65 reject the span', () => {
    let value: AnyValue = null;
    for (let level = 1; level < 64; level++) value = [value];
    expect(decodeOne(deep(64)).attributes).toStrictEqual([['', value]]);
    expect(rejectionOf(requestOf(concat(ids, deep(65)), ids), {})).toStrictEqual(['too_deep 1']);
  });

  test("the depth is the caller's choice", () => {
    expect(rejectionOf(requestOf(concat(ids, deep(2)), ids), { maxDepth: 1 })).toStrictEqual(['too_deep 1']);
    expect(() => decodeTraceRequest(requestOf(ids), { maxDepth: 257 })).toThrow(RangeError);
  });

  test('a request can hold what encodeSpan can write and decodeSpan reads it', () => {
    let value: AnyValue = 'x';
    for (let level = 1; level < 256; level++) value = level % 2 === 0 ? [value] : { kvlist: [['', value]] };
    const span = spanWith({ attributes: [['', value]] });
    expect(decodeTraceRequest(encodeTraceRequest([span]), { maxDepth: 256 }).spans).toStrictEqual([span]);
    expect(decodeSpan(encodeSpan(span), emptyResource, emptyScope)).toStrictEqual(span);
  });

  const attribute = field(9, field(1, 'k'));
  test.each<[string, Uint8Array, Partial<DecodeLimits>, string]>([
    ['attributes', concat(attribute, attribute, attribute), { maxAttributes: 2 }, 'too_many_attributes'],
    [
      'nested values',
      field(9, field(2, field(5, fromHex('0a00 0a00 0a00')))),
      { maxAttributes: 2 },
      'too_many_attributes',
    ],
    ['attributes of events', field(11, fromHex('1a00 1a00 1a00')), { maxAttributes: 2 }, 'too_many_attributes'],
    ['attributes of links', field(13, fromHex('2200 2200 2200')), { maxAttributes: 2 }, 'too_many_attributes'],
    ['events', fromHex('5a00 5a00 5a00'), { maxEvents: 2 }, 'too_many_events'],
    ['links', fromHex('6a00 6a00 6a00'), { maxLinks: 2 }, 'too_many_links'],
  ])('too many %s reject the span, as many as allowed do not', (_, bytes, limits, reason) => {
    expect(rejectionOf(requestOf(concat(ids, bytes), ids), limits)).toStrictEqual([`${reason} 1`]);
    const [name] = Object.keys(limits) as [keyof DecodeLimits];
    expect(decodeTraceRequest(requestOf(concat(ids, bytes)), { [name]: 4 }).rejected).toStrictEqual([]);
  });

  test('a resource or scope beyond a limit rejects every span under it', () => {
    const two = field(2, concat(field(2, ids), field(2, ids)));
    const tooMany = concat(
      field(
        1,
        concat(attribute, attribute).map((byte) => (byte === 0x4a ? 0x0a : byte)),
      ),
      two,
    );
    const good = field(2, field(2, ids));
    const bytes = concat(field(1, tooMany), field(1, good));
    expect(rejectionOf(bytes, { maxAttributes: 1 })).toStrictEqual(['too_many_attributes 2']);
    const deepScope = field(2, concat(field(2, ids), field(1, field(3, field(2, nest(new Uint8Array(), [1, 5], 64))))));
    expect(rejectionOf(concat(field(1, deepScope), field(1, good)), {})).toStrictEqual(['too_deep 1']);
  });

  test('a span is rejected for the first reason met, and a limit comes before an id', () => {
    const late = concat(fromHex('5a00 5a00'), deep(65));
    expect(rejectionOf(requestOf(late, ids), { maxEvents: 1 })).toStrictEqual(['too_many_events 1']);
  });

  test('too many values refuse the request', () => {
    const bytes = requestOf(...Array.from({ length: 10 }, () => concat(ids, attribute)));
    expect(codeOf(() => decodeTraceRequest(bytes, { maxValues: 9 }))).toBe('too_many_values');
    expect(decodeTraceRequest(bytes, { maxValues: 10 }).spans).toHaveLength(10);
  });

  test.each([[{ maxEvents: -1 }], [{ maxLinks: 1.5 }], [{ maxAttributes: NaN }], [{ maxAttribute: 1 } as object]])(
    'a limit that makes no sense is a RangeError: %j',
    (limits) => {
      expect(() => decodeTraceRequest(requestOf(ids), limits)).toThrow(RangeError);
    },
  );
});

describe('hostile input takes neither the stack nor the time', () => {
  test.each([
    ['maps', [2, 1, 6]],
    ['lists', [1, 5]],
  ])('100,000 nested %s reject their span', (_, fieldNumbers) => {
    const bomb = field(9, field(2, nest(new Uint8Array(), fieldNumbers, 100_000)));
    const { spans, rejected } = decodeTraceRequest(requestOf(concat(ids, bomb), ids));
    expect(spans).toStrictEqual([spanWith()]);
    expect(rejected.map(({ reason }) => reason)).toStrictEqual(['too_deep']);
  });

  test('a million empty spans, resources and attributes are read in linear time', () => {
    const empty = (tag: string, count: number): Uint8Array => fromHex(`${tag}00`.repeat(count));
    const started = performance.now();
    expect(decodeTraceRequest(empty('0a', 1_000_000)).spans).toHaveLength(0);
    expect(decodeTraceRequest(field(1, empty('12', 1_000_000))).spans).toHaveLength(0);
    expect(decodeTraceRequest(field(1, field(2, empty('12', 1_000_000)))).rejected).toMatchObject([
      { count: 1_000_000 },
    ]);
    expect(decodeTraceRequest(requestOf(concat(ids, empty('4a', 1_000_000)))).rejected).toMatchObject([{ count: 1 }]);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

describe('records and bytes', () => {
  test('no record refers to the request: its buffer may be used again', () => {
    const span = spanWith({ name: 'name', attributes: [['k', Uint8Array.of(1, 2)]] });
    const bytes = encodeTraceRequest([span]);
    const { spans } = decodeTraceRequest(bytes);
    bytes.fill(0xff);
    expect(spans).toStrictEqual([span]);
  });

  test('a request is read from a view into a larger buffer, and from a Buffer', () => {
    const bytes = encodeTraceRequest([
      spanWith({ name: 'name', startUnixNano: 5n, attributes: [['k', Uint8Array.of(7)]] }),
    ]);
    const expected = decodeTraceRequest(bytes);
    expect(decodeTraceRequest(concat(Uint8Array.of(1, 2, 3), bytes, Uint8Array.of(4)).subarray(3, -1))).toStrictEqual(
      expected,
    );
    expect(decodeTraceRequest(Buffer.concat([bytes]))).toStrictEqual(expected);
  });

  test('spans of one scope share their resource and scope objects', () => {
    const [a, b] = decodeTraceRequest(requestOf(ids, ids)).spans;
    expect(a!.resource).toBe(b!.resource);
    expect(a!.scope).toBe(b!.scope);
  });
});

describe('contexts that the encoders would not write are refused', () => {
  test.each<[string, string]>([
    ['an unknown field', '2001'],
    ['spans', '1200'],
    ['text that is not UTF-8', '1a01ff'],
  ])('%s', (_, hex) => {
    expect(codeOf(() => decodeResourceContext(fromHex(hex)))).toMatch(/not_canonical|wrong_wire_type/);
    expect(codeOf(() => decodeScopeContext(fromHex(hex)))).toMatch(/not_canonical|wrong_wire_type/);
  });

  test.each<[string, string, OtlpDecodeErrorCode]>([
    ['spans in it', '1200', 'not_canonical'],
    ['fields out of order', '1a0175 0a00', 'not_canonical'],
    ['a field twice', '0a00 0a00', 'not_canonical'],
    ['a length past its end', '0a05', 'truncated'],
  ])('a request is not assembled from a context with %s', (_, hex, code) => {
    const parts = { resourceContext: new Uint8Array(), scopeContext: new Uint8Array(), span: ids };
    expect(codeOf(() => assembleTraceRequest([{ ...parts, resourceContext: fromHex(hex) }]))).toBe(code);
    expect(codeOf(() => assembleTraceRequest([{ ...parts, scopeContext: fromHex(hex) }]))).toBe(code);
    expect(decodeTraceRequest(assembleTraceRequest([parts])).spans).toStrictEqual([spanWith()]);
  });
});
