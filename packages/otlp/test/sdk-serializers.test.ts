import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { describe, expect, test } from 'vitest';
import { type AnyValue, decodeTraceRequest, parseTraceRequestJson, type SpanRecord } from '../dist/index.js';

type ReadableSpan = Parameters<typeof JsonTraceSerializer.serializeRequest>[0][number];

/** The shape of an SDK span, made by hand: SDK 3.x attribute values too (null, bytes, maps, mixed lists). */
function readableSpan(attributes: Record<string, unknown>): ReadableSpan {
  const traceState = { serialize: () => 'vendor=1' };
  const context = {
    traceId: '0102030405060708090a0b0c0d0e0f10',
    spanId: '1112131415161718',
    traceFlags: 1,
    traceState,
  };
  return {
    name: 'chat é',
    kind: 2,
    spanContext: () => context,
    parentSpanContext: { traceId: context.traceId, spanId: '2122232425262728', traceFlags: 1, isRemote: true },
    startTime: [1_700_000_000, 123_456_789],
    endTime: [1_700_000_001, 1],
    status: { code: 2, message: 'no' },
    attributes,
    links: [
      {
        context: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 0 },
        attributes: { n: 1 },
        droppedAttributesCount: 2,
      },
    ],
    events: [{ time: [1_700_000_000, 5], name: 'event', attributes: { ok: true }, droppedAttributesCount: 1 }],
    duration: [0, 1],
    ended: true,
    resource: { attributes: { 'service.name': 'checkout' }, merge: () => undefined, schemaUrl: 'https://r' },
    instrumentationScope: { name: 'lib', version: '1.0', schemaUrl: 'https://s' },
    droppedAttributesCount: 3,
    droppedEventsCount: 4,
    droppedLinksCount: 5,
  } as unknown as ReadableSpan;
}

function record(attributes: SpanRecord['attributes']): SpanRecord {
  return {
    traceId: '0102030405060708090a0b0c0d0e0f10',
    spanId: '1112131415161718',
    parentSpanId: '2122232425262728',
    traceState: 'vendor=1',
    flags: 0x301,
    name: 'chat é',
    kind: 3,
    startUnixNano: 1_700_000_000_123_456_789n,
    endUnixNano: 1_700_000_001_000_000_001n,
    attributes,
    droppedAttributesCount: 3,
    events: [
      {
        timeUnixNano: 1_700_000_000_000_000_005n,
        name: 'event',
        attributes: [['ok', true]],
        droppedAttributesCount: 1,
      },
    ],
    droppedEventsCount: 4,
    links: [
      {
        traceId: 'a'.repeat(32),
        spanId: 'b'.repeat(16),
        traceState: '',
        attributes: [['n', 1n]],
        droppedAttributesCount: 2,
        flags: 0x100,
      },
    ],
    droppedLinksCount: 5,
    status: { code: 2, message: 'no' },
    resource: {
      attributes: [['service.name', 'checkout']],
      droppedAttributesCount: 0,
      entityRefs: [],
      schemaUrl: 'https://r',
    },
    scope: { name: 'lib', version: '1.0', attributes: [], droppedAttributesCount: 0, schemaUrl: 'https://s' },
    lossy: [],
  };
}

function throughProtobuf(span: ReadableSpan): SpanRecord {
  return decodeTraceRequest(ProtobufTraceSerializer.serializeRequest([span])!).spans[0]!;
}

function throughJson(span: ReadableSpan): SpanRecord {
  return parseTraceRequestJson(new TextDecoder().decode(JsonTraceSerializer.serializeRequest([span])!)).spans[0]!;
}

describe('what the JS SDK serialises', () => {
  test('is the same record through protobuf and through JSON', () => {
    const span = readableSpan({
      string: 'text 😀',
      int: 42,
      negative: -7,
      double: 0.5,
      bool: false,
      list: ['a', 'b'],
      mixed: [1, 'x', null, true],
      map: { inner: { deep: 1.5 } },
      bytes: Uint8Array.of(0, 255),
      nothing: null,
    });
    const expected = record([
      ['string', 'text 😀'],
      ['int', 42n],
      ['negative', -7n],
      ['double', 0.5],
      ['bool', false],
      ['list', ['a', 'b']],
      ['mixed', [1n, 'x', null, true]],
      ['map', { kvlist: [['inner', { kvlist: [['deep', 1.5]] }]] }],
      ['bytes', Uint8Array.of(0, 255)],
      ['nothing', null],
    ]);
    expect(throughProtobuf(span)).toStrictEqual(expected);
    expect(throughJson(span)).toStrictEqual(expected);
  });

  test.each<[string, number, AnyValue, AnyValue]>([
    ['a whole number beyond 2^53', 2 ** 60, 2n ** 60n, 2n ** 60n],
    ['a whole number beyond int64', 1e30, 1e30, 1e30],
    ['NaN', NaN, NaN, null],
    ['an infinity', -Infinity, -Infinity, null],
  ])('%s: protobuf keeps it, JSON says that it may not have', (_, value, fromProtobuf, fromJson) => {
    const span = readableSpan({ value });
    expect(throughProtobuf(span)).toStrictEqual(record([['value', fromProtobuf]]));
    expect(throughJson(span)).toStrictEqual({ ...record([['value', fromJson]]), lossy: ['attributes'] });
  });
});
