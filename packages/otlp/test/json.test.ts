import { describe, expect, test } from 'vitest';
import {
  type AnyValue,
  OtlpDecodeError,
  parseTraceRequestJson,
  renderTraceRequestJson,
  type SpanRecord,
} from '../dist/index.js';
import { emptyResource, emptyScope, spanWith } from './samples.js';

const ids = { traceId: '0102030405060708090a0b0c0d0e0f10', spanId: '1112131415161718' };

/** The text of a request with one span of these members; `raw` members are put in as JSON text. */
function request(members: object, raw = ''): string {
  const span = JSON.stringify({ ...ids, ...members }).slice(0, -1) + raw;
  return `{"resourceSpans":[{"scopeSpans":[{"spans":[${span}}]}]}]}`;
}

function parseOne(members: object, raw = ''): SpanRecord {
  const { spans, rejected } = parseTraceRequestJson(request(members, raw));
  expect(rejected).toStrictEqual([]);
  return spans[0]!;
}

/** The value of an attribute written as this JSON text, and what became lossy. */
function valueFrom(json: string): [AnyValue, readonly string[]] {
  const span = parseOne({}, `,"attributes":[{"key":"k","value":${json}}]`);
  return [span.attributes[0]![1], span.lossy];
}

function errorOf(text: string): string {
  try {
    parseTraceRequestJson(text);
  } catch (error) {
    if (error instanceof OtlpDecodeError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'no error';
}

describe('a span', () => {
  const expected = spanWith({
    parentSpanId: '2122232425262728',
    traceState: 'a=b',
    flags: 257,
    name: 'n',
    kind: 3,
    startUnixNano: 1n,
    endUnixNano: 2n ** 64n - 1n,
    attributes: [['k', 'v']],
    droppedAttributesCount: 1,
    events: [{ timeUnixNano: 2n, name: 'e', attributes: [['', null]], droppedAttributesCount: 3 }],
    droppedEventsCount: 4,
    links: [{ traceId: 'ab', spanId: '', traceState: 't', attributes: [], droppedAttributesCount: 5, flags: 6 }],
    droppedLinksCount: 7,
    status: { code: 2, message: 'm' },
    resource: {
      attributes: [['service.name', 's']],
      droppedAttributesCount: 8,
      entityRefs: [{ schemaUrl: 'e', type: 't', idKeys: ['i'], descriptionKeys: ['d'] }],
      schemaUrl: 'r',
    },
    scope: { name: 'lib', version: '1', attributes: [['a', 1n]], droppedAttributesCount: 9, schemaUrl: 'u' },
  });
  const json = {
    resourceSpans: [
      {
        resource: {
          attributes: [{ key: 'service.name', value: { stringValue: 's' } }],
          droppedAttributesCount: 8,
          entityRefs: [{ schemaUrl: 'e', type: 't', idKeys: ['i'], descriptionKeys: ['d'] }],
        },
        scopeSpans: [
          {
            scope: {
              name: 'lib',
              version: '1',
              attributes: [{ key: 'a', value: { intValue: '1' } }],
              droppedAttributesCount: 9,
            },
            spans: [
              {
                ...ids,
                traceState: 'a=b',
                parentSpanId: '2122232425262728',
                flags: 257,
                name: 'n',
                kind: 3,
                startTimeUnixNano: '1',
                endTimeUnixNano: '18446744073709551615',
                attributes: [{ key: 'k', value: { stringValue: 'v' } }],
                droppedAttributesCount: 1,
                events: [
                  { timeUnixNano: '2', name: 'e', attributes: [{ key: '', value: {} }], droppedAttributesCount: 3 },
                ],
                droppedEventsCount: 4,
                links: [{ traceId: 'ab', spanId: '', traceState: 't', droppedAttributesCount: 5, flags: 6 }],
                droppedLinksCount: 7,
                status: { message: 'm', code: 2 },
              },
            ],
            schemaUrl: 'u',
          },
        ],
        schemaUrl: 'r',
      },
    ],
  };

  test('is read with every field', () => {
    expect(parseTraceRequestJson(JSON.stringify(json))).toStrictEqual({ spans: [expected], rejected: [] });
  });

  test('is rendered with every field', () => {
    expect(renderTraceRequestJson([expected])).toBe(JSON.stringify(json));
    expect(renderTraceRequestJson([expected], { indent: 2 })).toBe(JSON.stringify(json, null, 2));
  });

  test('may be written in snake_case', () => {
    const snake = JSON.stringify(json).replaceAll(/"([a-z]+[A-Z][A-Za-z]*)":/g, (key) =>
      key.replaceAll(/[A-Z]/g, (c) => `_${c.toLowerCase()}`),
    );
    expect(snake).toContain('start_time_unix_nano');
    expect(snake).not.toMatch(/[a-z][A-Z][A-Za-z]*":/);
    expect(parseTraceRequestJson(snake)).toStrictEqual({ spans: [expected], rejected: [] });
  });

  test('with defaults only is rendered with what Jaeger expects', () => {
    const span = {
      ...ids,
      name: '',
      kind: 0,
      startTimeUnixNano: '0',
      endTimeUnixNano: '0',
      attributes: [],
      status: {},
    };
    const bare = { resourceSpans: [{ resource: { attributes: [] }, scopeSpans: [{ scope: {}, spans: [span] }] }] };
    expect(renderTraceRequestJson([spanWith()])).toBe(JSON.stringify(bare));
  });

  test('shares resourceSpans and scopeSpans with its neighbours only', () => {
    const a = { ...emptyScope, name: 'a' };
    const spans = [
      spanWith({ scope: a }),
      spanWith({ scope: { ...a } }),
      spanWith(),
      spanWith({ scope: a, resource: { ...emptyResource, schemaUrl: 'x' } }),
    ];
    const rendered = JSON.parse(renderTraceRequestJson(spans)) as {
      resourceSpans: { scopeSpans: { spans: unknown[] }[] }[];
    };
    expect(rendered.resourceSpans.map((r) => r.scopeSpans.map((s) => s.spans.length))).toStrictEqual([[2, 1], [1]]);
  });
});

describe('ids', () => {
  test('in upper case are lowered', () => {
    const span = parseOne({
      traceId: 'ABCDEF'.padEnd(32, '0'),
      spanId: 'FF'.padEnd(16, '0'),
      parentSpanId: 'EE'.padEnd(16, '0'),
    });
    expect([span.traceId, span.spanId, span.parentSpanId]).toStrictEqual([
      'abcdef'.padEnd(32, '0'),
      'ff'.padEnd(16, '0'),
      'ee'.padEnd(16, '0'),
    ]);
  });

  test.each([[{}], [{ parentSpanId: null }], [{ parentSpanId: '' }], [{ parentSpanId: '0'.repeat(16) }]])(
    'no parent: %j',
    (members) => {
      expect(parseOne(members)).toStrictEqual(spanWith());
    },
  );

  test.each<[string, object]>([
    ['trace_id', { traceId: 'x'.repeat(32) }],
    ['trace_id', { traceId: 'ab' }],
    ['trace_id', { traceId: '0'.repeat(32) }],
    ['trace_id', { traceId: null }],
    ['trace_id', { traceId: 'AQIDBAUGBwgJCgsMDQ4PEA==' }],
    ['span_id', { spanId: '' }],
    ['span_id', { spanId: '0'.repeat(16) }],
    ['parent_span_id', { parentSpanId: '12' }],
    ['link_id', { links: [{ traceId: 'xy' }] }],
    ['link_id', { links: [{ spanId: 'abc' }] }],
  ])('%s: %j rejects its span only', (reason, members) => {
    const [bad, good] = [members, {}].map((m) => JSON.stringify({ ...ids, ...m }));
    const result = parseTraceRequestJson(`{"resourceSpans":[{"scopeSpans":[{"spans":[${bad},${good},${bad}]}]}]}`);
    expect(result.spans).toStrictEqual([spanWith()]);
    expect(result.rejected).toMatchObject([{ reason, count: 2 }]);
  });
});

describe('values', () => {
  test.each<[string, AnyValue]>([
    ['{"stringValue":""}', ''],
    ['{"boolValue":false}', false],
    ['{"intValue":"0"}', 0n],
    ['{"intValue":"-9223372036854775808"}', -(2n ** 63n)],
    ['{"intValue":"9223372036854775807"}', 2n ** 63n - 1n],
    ['{"intValue":42}', 42n],
    ['{"intValue":-0}', 0n],
    ['{"intValue":9007199254740991}', 9007199254740991n],
    ['{"doubleValue":0}', 0],
    ['{"doubleValue":-0}', -0],
    ['{"doubleValue":1e21}', 1e21],
    ['{"doubleValue":5e-324}', 5e-324],
    ['{"doubleValue":"1.5"}', 1.5],
    ['{"doubleValue":"NaN"}', NaN],
    ['{"doubleValue":"Infinity"}', Infinity],
    ['{"doubleValue":"-Infinity"}', -Infinity],
    ['{"bytesValue":""}', new Uint8Array()],
    ['{"bytesValue":"AP8="}', Uint8Array.of(0, 255)],
    ['{"bytesValue":"-_8"}', Uint8Array.of(0xfb, 0xff)],
    ['{"arrayValue":{}}', []],
    ['{"arrayValue":{"values":[{},{"intValue":"1"}]}}', [null, 1n]],
    ['{"kvlistValue":{"values":null}}', { kvlist: [] }],
    [
      '{"kvlistValue":{"values":[{"key":"b"},{"key":"b","value":{"boolValue":true}}]}}',
      {
        kvlist: [
          ['b', null],
          ['b', true],
        ],
      },
    ],
    ['{}', null],
    ['null', null],
    ['{"stringValue":null,"intValue":"1"}', 1n],
  ])('%s is exact', (json, value) => {
    expect(valueFrom(json)).toStrictEqual([value, []]);
  });

  test.each<[string, AnyValue]>([
    ['{"intValue":9007199254740993}', 9007199254740992n],
    ['{"intValue":-9223372036854775808}', -(2n ** 63n)],
    ['{"intValue":9223372036854775807}', 2 ** 63],
    ['{"intValue":1e30}', 1e30],
    ['{"doubleValue":null}', null],
    ['{"doubleValue":1e999}', Infinity],
    ['{"stringValue":"\\ud800x"}', '\ufffdx'],
    ['{"arrayValue":{"values":[{"doubleValue":null}]}}', [null]],
    ['{"kvlistValue":{"values":[{"key":"\\udc00"}]}}', { kvlist: [['\ufffd', null]] }],
  ])('%s is lossy', (json, value) => {
    expect(valueFrom(json)).toStrictEqual([value, ['attributes']]);
  });

  test('the lossy field is the one of the span', () => {
    const bad = { key: 'k', value: { doubleValue: null } };
    const span = parseOne(
      {
        events: [{ timeUnixNano: 2 ** 60 }],
        links: [{ attributes: [bad] }],
        name: '\ud800',
        status: { message: '\ud800' },
        traceState: '\ud800',
      },
      ',"startTimeUnixNano":1700000000000000001,"endTimeUnixNano":1',
    );
    expect(span.lossy).toStrictEqual(['events', 'links', 'name', 'start_time_unix_nano', 'status', 'trace_state']);
    expect(span.startUnixNano).toBe(1_700_000_000_000_000_000n);
  });

  test('flaws of a resource and a scope belong to the spans under them', () => {
    const spans = [ids];
    const text = JSON.stringify({
      resourceSpans: [
        {
          scopeSpans: [{ spans, scope: { name: '\ud800' } }, { spans }],
          resource: { attributes: [{ key: '\ud800' }] },
        },
        { scopeSpans: [{ spans }] },
      ],
    });
    expect(parseTraceRequestJson(text).spans.map(({ lossy }) => lossy)).toStrictEqual([
      ['resource', 'scope'],
      ['resource'],
      [],
    ]);
  });
});

describe('enums', () => {
  test('may be names', () => {
    expect(parseOne({ kind: 'SPAN_KIND_CONSUMER', status: { code: 'STATUS_CODE_ERROR' } })).toMatchObject({
      kind: 5,
      status: { code: 2 },
    });
  });

  test('keep unknown numbers', () => {
    expect(parseOne({ kind: 99, status: { code: -1 } })).toMatchObject({ kind: 99, status: { code: -1 } });
  });
});

describe('null and absent are the default', () => {
  test('for every field', () => {
    const nulls = Object.fromEntries(
      [
        'name',
        'traceState',
        'flags',
        'kind',
        'startTimeUnixNano',
        'endTimeUnixNano',
        'attributes',
        'events',
        'links',
        'status',
        'droppedEventsCount',
      ].map((key) => [key, null]),
    );
    expect(parseOne(nulls)).toStrictEqual(spanWith());
    expect(parseTraceRequestJson('{"resourceSpans":null}')).toStrictEqual({ spans: [], rejected: [] });
    expect(parseTraceRequestJson('{}')).toStrictEqual({ spans: [], rejected: [] });
  });
});

describe('unknown keys are skipped and named', () => {
  const spans = [ids];
  test.each<[string, object]>([
    ['request', { resourceSpans: [{ scopeSpans: [{ spans }] }], x: 1 }],
    ['resource spans', { resourceSpans: [{ scopeSpans: [{ spans }], x: null }] }],
    ['resource', { resourceSpans: [{ scopeSpans: [{ spans }], resource: { x: [] } }] }],
    ['entity ref', { resourceSpans: [{ scopeSpans: [{ spans }], resource: { entityRefs: [{ x: 1 }] } }] }],
    ['scope spans', { resourceSpans: [{ scopeSpans: [{ spans, x: {} }] }] }],
    ['scope', { resourceSpans: [{ scopeSpans: [{ spans, scope: { x: 1 } }] }] }],
    ['span', { resourceSpans: [{ scopeSpans: [{ spans: [{ ...ids, TraceId: 1 }] }] }] }],
    ['event', { resourceSpans: [{ scopeSpans: [{ spans: [{ ...ids, events: [{ x: 1 }] }] }] }] }],
    ['link', { resourceSpans: [{ scopeSpans: [{ spans: [{ ...ids, links: [{ x: 1 }] }] }] }] }],
    ['status', { resourceSpans: [{ scopeSpans: [{ spans: [{ ...ids, status: { x: 1 } }] }] }] }],
    ['attribute', { resourceSpans: [{ scopeSpans: [{ spans: [{ ...ids, attributes: [{ x: 1 }] }] }] }] }],
    ['value', { resourceSpans: [{ scopeSpans: [{ spans: [{ ...ids, attributes: [{ value: { x: 1 } }] }] }] }] }],
    [
      'array',
      { resourceSpans: [{ scopeSpans: [{ spans: [{ ...ids, attributes: [{ value: { arrayValue: { x: 1 } } }] }] }] }] },
    ],
    [
      'map',
      {
        resourceSpans: [{ scopeSpans: [{ spans: [{ ...ids, attributes: [{ value: { kvlistValue: { x: 1 } } }] }] }] }],
      },
    ],
  ])('of a %s', (_, json) => {
    expect(parseTraceRequestJson(JSON.stringify(json)).spans.map(({ lossy }) => lossy)).toStrictEqual([
      ['unknown_fields'],
    ]);
  });

  test.each([
    ['the same', { schemaUrl: 'u', resource: { schemaUrl: 'u' } }, []],
    ['another', { schemaUrl: 'u', resource: { schemaUrl: 'v' } }, ['unknown_fields']],
    ['the only', { resource: { schemaUrl: 'v' } }, ['unknown_fields']],
  ])('but for the schemaUrl that the JS SDK repeats in a resource: %s', (_, members, lossy) => {
    const text = JSON.stringify({ resourceSpans: [{ ...members, scopeSpans: [{ spans }] }] });
    expect(parseTraceRequestJson(text).spans.map((span) => span.lossy)).toStrictEqual([lossy]);
  });

  test('__proto__ is one of them', () => {
    const span = parseOne({}, ',"__proto__":{"name":"x"}');
    expect(span).toStrictEqual(spanWith({ lossy: ['unknown_fields'] }));
  });
});

describe('another shape is refused with the path to it', () => {
  const at = '$.resourceSpans[0].scopeSpans[0].spans[0]';
  test.each<[string, string, string]>([
    ['not JSON', '{', 'bad_json'],
    ['an array', '[]', 'bad_shape $: expected an object'],
    ['null', 'null', 'bad_shape $: expected an object'],
    ['no array', '{"resourceSpans":{}}', 'bad_shape $.resourceSpans: expected an array'],
    ['a null element', '{"resourceSpans":[null]}', 'bad_shape $.resourceSpans[0]: expected an object'],
    [
      'a string for a span',
      '{"resourceSpans":[{"scopeSpans":[{"spans":["x"]}]}]}',
      `bad_shape ${at}: expected an object`,
    ],
    ['a number for an id', request({ traceId: 1 }), `bad_shape ${at}.traceId: expected an id as a hex string`],
    ['a number for a name', request({ name: 1 }), `bad_shape ${at}.name: expected a string`],
    ['attributes as an object', request({ attributes: { k: 'v' } }), `bad_shape ${at}.attributes: expected an array`],
    [
      'an array for a resource',
      '{"resourceSpans":[{"resource":[]}]}',
      'bad_shape $.resourceSpans[0].resource: expected an object',
    ],
    [
      'a bare value',
      request({ attributes: [{ key: 'k', value: 'v' }] }),
      `bad_shape ${at}.attributes[0].value: expected an object`,
    ],
    [
      'a null in a list',
      request({ attributes: [{ value: { arrayValue: { values: [null] } } }] }),
      `bad_shape ${at}.attributes[0].value.arrayValue.values[0]: expected an object`,
    ],
    [
      'two members of a value',
      request({ attributes: [{ value: { stringValue: '', boolValue: true } }] }),
      `bad_shape ${at}.attributes[0].value.boolValue: expected one member of AnyValue, not two`,
    ],
    [
      'a string for a bool',
      request({ attributes: [{ value: { boolValue: 'true' } }] }),
      `bad_shape ${at}.attributes[0].value.boolValue: expected true or false`,
    ],
    [
      'a fraction for an int',
      request({ attributes: [{ value: { intValue: 1.5 } }] }),
      `bad_shape ${at}.attributes[0].value.intValue: expected an integer`,
    ],
    [
      'words for an int',
      request({ attributes: [{ value: { intValue: '1e3' } }] }),
      `bad_shape ${at}.attributes[0].value.intValue: expected an integer`,
    ],
    [
      'words for a double',
      request({ attributes: [{ value: { doubleValue: 'inf' } }] }),
      `bad_shape ${at}.attributes[0].value.doubleValue: expected a number`,
    ],
    [
      'bad base64',
      request({ attributes: [{ value: { bytesValue: 'a' } }] }),
      `bad_shape ${at}.attributes[0].value.bytesValue: expected base64`,
    ],
    [
      'bad base64 characters',
      request({ attributes: [{ value: { bytesValue: 'ab!=' } }] }),
      `bad_shape ${at}.attributes[0].value.bytesValue: expected base64`,
    ],
    [
      'an unknown enum name',
      request({ kind: 'SERVER' }),
      `bad_shape ${at}.kind: expected an integer or one of SPAN_KIND_UNSPECIFIED`,
    ],
    [
      'an int64 string too large',
      request({ attributes: [{ value: { intValue: '9223372036854775808' } }] }),
      `out_of_range ${at}.attributes[0].value.intValue: expected an int64`,
    ],
    [
      'a time above uint64',
      request({ endTimeUnixNano: '18446744073709551616' }),
      `out_of_range ${at}.endTimeUnixNano: expected a uint64`,
    ],
    ['a negative time', request({ endTimeUnixNano: -1 }), `out_of_range ${at}.endTimeUnixNano: expected a uint64`],
    [
      'a count above uint32',
      request({ droppedLinksCount: 4294967296 }),
      `out_of_range ${at}.droppedLinksCount: expected a uint32`,
    ],
    ['a kind above int32', request({ kind: 2147483648 }), `out_of_range ${at}.kind: expected an int32`],
    [
      'an endless integer',
      request({ startTimeUnixNano: '1'.repeat(1_000_000) }),
      `bad_shape ${at}.startTimeUnixNano: expected an integer`,
    ],
    [
      'an entity key that is no string',
      '{"resourceSpans":[{"resource":{"entityRefs":[{"idKeys":[null]}]}}]}',
      'bad_shape $.resourceSpans[0].resource.entityRefs[0].idKeys[0]: expected a string',
    ],
  ])('%s', (_, text, message) => {
    expect(errorOf(text)).toContain(message);
  });

  test('a syntax error carries its cause', () => {
    expect(() => parseTraceRequestJson('{')).toThrow(expect.objectContaining({ cause: expect.any(SyntaxError) }));
  });
});

describe('limits', () => {
  const deep = (depth: number): string =>
    `${'{"arrayValue":{"values":['.repeat(depth - 1)}{}${']}}'.repeat(depth - 1)}`;

  test('64 levels of values are kept and 65 reject the span', () => {
    let value: AnyValue = null;
    for (let level = 1; level < 64; level++) value = [value];
    expect(valueFrom(deep(64))).toStrictEqual([value, []]);
    const { spans, rejected } = parseTraceRequestJson(request({}, `,"attributes":[{"value":${deep(65)}}]`));
    expect(spans).toStrictEqual([]);
    expect(rejected).toMatchObject([{ reason: 'too_deep', count: 1 }]);
  });

  test('100,000 nested maps take no stack', () => {
    const bomb = `${'{"kvlistValue":{"values":[{"value":'.repeat(100_000)}{}${'}]}}'.repeat(100_000)}`;
    expect(parseTraceRequestJson(request({}, `,"attributes":[{"value":${bomb}}]`)).rejected).toMatchObject([
      { reason: 'too_deep' },
    ]);
    expect(parseTraceRequestJson(request({}, `,"unknown":${bomb}`)).spans).toHaveLength(1);
  });

  test.each<[string, object, object]>([
    ['too_many_attributes', { attributes: [{}, {}, {}] }, { maxAttributes: 2 }],
    ['too_many_attributes', { attributes: [{ value: { arrayValue: { values: [{}, {}] } } }] }, { maxAttributes: 2 }],
    ['too_many_attributes', { events: [{ attributes: [{}, {}] }, { attributes: [{}] }] }, { maxAttributes: 2 }],
    ['too_many_events', { events: [{}, {}, {}] }, { maxEvents: 2 }],
    ['too_many_links', { links: [{}, {}, {}] }, { maxLinks: 2 }],
  ])('%s: %j', (reason, members, limits) => {
    expect(parseTraceRequestJson(request(members), limits).rejected).toMatchObject([{ reason, count: 1 }]);
    expect(parseTraceRequestJson(request(members)).spans).toHaveLength(1);
  });

  test('a resource beyond a limit rejects every span under it', () => {
    const spans = [ids, ids];
    const text = JSON.stringify({
      resourceSpans: [{ resource: { attributes: [{}, {}] }, scopeSpans: [{ spans }] }, { scopeSpans: [{ spans }] }],
    });
    const result = parseTraceRequestJson(text, { maxAttributes: 1 });
    expect(result.spans).toHaveLength(2);
    expect(result.rejected).toMatchObject([{ reason: 'too_many_attributes', count: 2 }]);
  });

  test('too many values refuse the request', () => {
    expect(() => parseTraceRequestJson(request({ attributes: [{}, {}] }), { maxValues: 1 })).toThrow(
      expect.objectContaining({ code: 'too_many_values' }),
    );
  });
});

test('a lone surrogate in a record is rendered as U+FFFD', () => {
  expect(renderTraceRequestJson([spanWith({ name: 'a\ud800' })])).toContain('"name":"a\ufffd"');
});
