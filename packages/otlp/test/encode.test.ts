import { describe, expect, test } from 'vitest';
import {
  type AnyValue,
  encodeResourceContext,
  encodeScopeContext,
  encodeSpan,
  encodeTraceRequest,
  type SpanRecord,
} from '../dist/index.js';
import { emptyResource, emptyScope, fromHex, spanWith, toHex } from './samples.js';

const IDS = '0a100102030405060708090a0b0c0d0e0f10 12081112131415161718';

function expectSpan(record: SpanRecord, hex: string): void {
  expect(toHex(encodeSpan(record))).toBe(toHex(fromHex(hex)));
}

describe('the canonical bytes of a span', () => {
  test('a span with defaults only is its ids', () => {
    expectSpan(spanWith(), IDS);
  });

  test('every field, in number order, by hand', () => {
    const record = spanWith({
      parentSpanId: '2122232425262728',
      traceState: 'a=b',
      flags: 0x101,
      name: 'né',
      kind: 3,
      startUnixNano: 1n,
      endUnixNano: 0xffffffffffffffffn,
      attributes: [['k', 'v']],
      droppedAttributesCount: 300,
      events: [{ timeUnixNano: 2n, name: 'e', attributes: [['', null]], droppedAttributesCount: 1 }],
      droppedEventsCount: 4,
      links: [
        {
          traceId: '0a0b',
          spanId: '',
          traceState: 't',
          attributes: [['x', true]],
          droppedAttributesCount: 5,
          flags: 6,
        },
      ],
      droppedLinksCount: 7,
      status: { code: 2, message: 'm' },
    });
    expectSpan(
      record,
      `${IDS} 1a03613d62 22082122232425262728 2a036ec3a9 3003 390100000000000000 41ffffffffffffffff
       4a080a016b12030a0176 50ac02
       5a12 090200000000000000 120165 1a021200 2001
       6004
       6a17 0a020a0b 1a0174 22070a017812021001 2805 3506000000
       7007 7a05 12016d 1802 850101010000`,
    );
  });

  test.each<[string, AnyValue, string]>([
    ['an empty string is a value', '', '0a00'],
    ['false is a value', false, '1000'],
    ['int 0 is a value', 0n, '1800'],
    ['a negative int takes ten bytes', -1n, '18ffffffffffffffffff01'],
    ['the least int64', -(2n ** 63n), '1880808080808080808001'],
    ['the greatest int64', 2n ** 63n - 1n, '18ffffffffffffffff7f'],
    ['double 0 is a value', 0, '210000000000000000'],
    ['-0 keeps its sign', -0, '210000000000000080'],
    ['NaN is the quiet NaN', NaN, '21000000000000f87f'],
    ['empty bytes are a value', new Uint8Array(), '3a00'],
    ['null is an empty message', null, ''],
    ['an empty list is a present list', [], '2a00'],
    ['an empty map is a present map', { kvlist: [] }, '3200'],
    ['null in a list is an empty message', [null, 'x'], '2a070a000a030a0178'],
    [
      'map entries keep order and duplicates',
      {
        kvlist: [
          ['b', 1n],
          ['a', 2n],
          ['b', 3n],
        ],
      },
      '321b0a070a0162120218010a070a0161120218020a070a016212021803',
    ],
  ])('%s', (_, value, hex) => {
    const anyValue = fromHex(hex).length.toString(16).padStart(2, '0') + hex;
    const keyValue = `${(fromHex(anyValue).length + 1).toString(16).padStart(2, '0')}12${anyValue}`;
    expectSpan(spanWith({ attributes: [['', value]] }), `${IDS} 4a${keyValue}`);
  });

  test('a NaN with a payload is written like any other', () => {
    const odd = new Float64Array(new BigUint64Array([0xfff8_dead_beef_0001n]).buffer)[0]!;
    const [a, b] = [odd, NaN].map((value) => toHex(encodeSpan(spanWith({ attributes: [['', value]] }))));
    expect(a).toBe(b);
  });

  test('attributes keep the order received, duplicates included', () => {
    expectSpan(
      spanWith({
        attributes: [
          ['b', ''],
          ['a', ''],
          ['b', ''],
        ],
      }),
      `${IDS} 4a070a016212020a00 4a070a016112020a00 4a070a016212020a00`,
    );
  });

  test('an unknown kind and a negative status code are kept', () => {
    expectSpan(
      spanWith({ kind: -1, status: { code: -2, message: '' } }),
      `${IDS} 30ffffffffffffffffff01 7a0b18feffffffffffffffff01`,
    );
  });

  test('a message of 128 bytes or more has a length of two bytes, and nothing behind it moves', () => {
    const record = spanWith({
      events: [{ timeUnixNano: 0n, name: 'x'.repeat(200), attributes: [], droppedAttributesCount: 0 }],
      flags: 1,
    });
    expectSpan(record, `${IDS} 5acb01 12c801 ${'78'.repeat(200)} 850101000000`);
  });

  test('a lone surrogate is written as U+FFFD', () => {
    expectSpan(spanWith({ name: 'a\ud800' }), `${IDS} 2a0461efbfbd`);
  });

  test('lossy is not encoded', () => {
    expectSpan(spanWith({ lossy: ['name'] }), IDS);
  });
});

describe('what does not fit is refused', () => {
  const cases: [string, Partial<SpanRecord>][] = [
    ['an int above int64', { attributes: [['k', 2n ** 63n]] }],
    ['an int below int64', { attributes: [['k', -(2n ** 63n) - 1n]] }],
    ['a negative time', { startUnixNano: -1n }],
    ['a time above uint64', { endUnixNano: 2n ** 64n }],
    ['a fractional count', { droppedLinksCount: 1.5 }],
    ['a negative count', { droppedEventsCount: -1 }],
    ['flags above uint32', { flags: 2 ** 32 }],
    ['a kind above int32', { kind: 2 ** 31 }],
    ['a short trace id', { traceId: '01' }],
    ['an all-zero trace id', { traceId: '0'.repeat(32) }],
    ['an upper-case span id', { spanId: 'ABCDEF0000000000' }],
    ['an all-zero parent', { parentSpanId: '0'.repeat(16) }],
    [
      'half a byte in a link',
      { links: [{ traceId: 'abc', spanId: '', traceState: '', attributes: [], droppedAttributesCount: 0, flags: 0 }] },
    ],
  ];
  test.each(cases)('%s is a RangeError, and the next span is encoded as if nothing had happened', (_, change) => {
    expect(() => encodeSpan(spanWith(change))).toThrow(RangeError);
    expectSpan(spanWith(), IDS);
  });

  test('values nested 256 deep are encoded, 257 deep refused', () => {
    let value: AnyValue = 'x';
    for (let depth = 1; depth < 256; depth++) value = [value];
    expect(encodeSpan(spanWith({ attributes: [['k', value]] })).length).toBeGreaterThan(500);
    expect(() => encodeSpan(spanWith({ attributes: [['k', [value]]] }))).toThrow(RangeError);
  });
});

describe('contexts', () => {
  test('the default resource and scope are no bytes', () => {
    expect(encodeResourceContext(emptyResource).length).toBe(0);
    expect(encodeScopeContext(emptyScope).length).toBe(0);
  });

  test('a schema url alone is field 3 alone', () => {
    expect(toHex(encodeResourceContext({ ...emptyResource, schemaUrl: 'u' }))).toBe('1a0175');
    expect(toHex(encodeScopeContext({ ...emptyScope, schemaUrl: 'u' }))).toBe('1a0175');
  });

  test('a resource and a scope, by hand', () => {
    const resource = {
      attributes: [['k', 'v']] as const,
      droppedAttributesCount: 1,
      entityRefs: [{ schemaUrl: 's', type: 't', idKeys: ['', 'i'], descriptionKeys: ['d'] }],
      schemaUrl: 'u',
    };
    expect(toHex(encodeResourceContext(resource))).toBe(
      toHex(fromHex('0a1c 0a080a016b12030a0176 1001 1a0e 0a0173 120174 1a00 1a0169 220164 1a0175')),
    );
    const scope = {
      name: 'n',
      version: '1',
      attributes: [['k', 'v']] as const,
      droppedAttributesCount: 2,
      schemaUrl: 'u',
    };
    expect(toHex(encodeScopeContext(scope))).toBe(
      toHex(fromHex('0a12 0a016e 120131 1a080a016b12030a0176 2002 1a0175')),
    );
  });
});

describe('a request', () => {
  test('puts spans between a context and its schema url', () => {
    const resource = { ...emptyResource, droppedAttributesCount: 1, schemaUrl: 'r' };
    const scope = { ...emptyScope, name: 'n', schemaUrl: 's' };
    const request = encodeTraceRequest([spanWith({ resource, scope })]);
    expect(toHex(request)).toBe(toHex(fromHex(`0a2f 0a021001 1226 0a030a016e 121c ${IDS} 1a0173 1a0172`)));
  });

  test('groups neighbours only: the order of the spans is the order given', () => {
    const a = { ...emptyScope, name: 'a' };
    const b = { ...emptyScope, name: 'b' };
    const request = encodeTraceRequest([
      spanWith({ scope: a }),
      spanWith({ scope: { ...a } }),
      spanWith({ scope: b }),
      spanWith({ scope: a }),
    ]);
    const scopeSpans = (name: string, count: number): string => {
      const inner = `0a030a01${name}${`121c${IDS}`.repeat(count)}`;
      return `12${fromHex(inner).length.toString(16)}${inner}`;
    };
    const body = fromHex(scopeSpans('61', 2) + scopeSpans('62', 1) + scopeSpans('61', 1));
    expect(toHex(request)).toBe(`0a${toHex(Uint8Array.of((body.length & 127) | 128, body.length >> 7))}${toHex(body)}`);
  });

  test('no spans are no bytes', () => {
    expect(encodeTraceRequest([]).length).toBe(0);
  });
});
