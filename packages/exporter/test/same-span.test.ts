import { decodeTraceRequest, encodeTraceRequest, ProtoWriter, type SpanRecord } from '@infrafabric/otlp';
import { type Link, ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import { TraceState } from '@opentelemetry/core';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ReadableSpan as AnyReadableSpan, WitnessSpanExporter } from '../dist/index.js';
import { TraceRequestBuilder } from '../dist/trace-request.js';
import { finishedSpans, ledgerOf, tempHome, witnessed } from './support.js';

type Built = { records: SpanRecord[]; bytes: Uint8Array; refusals: Record<string, number> };

function build(spans: readonly AnyReadableSpan[]): Built {
  const builder = new TraceRequestBuilder(new ProtoWriter());
  for (const span of spans) builder.add(span);
  builder.seal();
  const request = builder.finish();
  const bytes = Buffer.concat(request?.pieces ?? []);
  expect(bytes.length).toBe(request?.bytes ?? 0);
  const decoded = decodeTraceRequest(bytes);
  expect(decoded.rejected).toEqual([]);
  expect(decoded.spans).toHaveLength(request?.spans ?? 0);
  return { records: decoded.spans, bytes, refusals: Object.fromEntries(builder.refusals) };
}

function serialized(spans: readonly AnyReadableSpan[]): SpanRecord[] {
  return decodeTraceRequest(ProtobufTraceSerializer.serializeRequest(spans as ReadableSpan[])!).spans;
}

const byId = (records: readonly SpanRecord[]): SpanRecord[] =>
  records.toSorted((a, b) => (a.traceId + a.spanId < b.traceId + b.spanId ? -1 : 1));

const hex = (octets: number): fc.Arbitrary<string> =>
  fc
    .uint8Array({ minLength: octets, maxLength: octets })
    .filter((id) => id.some((octet) => octet !== 0))
    .map((id) => Buffer.from(id).toString('hex'));
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '\0', '😀'.repeat(50), 'x'.repeat(200)),
);
const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.boolean(),
    fc.double(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.constantFrom(2 ** 53, -(2 ** 60), 2 ** 63, -(2 ** 63), 2 ** 64, -0, null, undefined),
    fc.uint8Array(),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(text, tie('value'), { maxKeys: 3 }),
  ),
})).value;
const attributes = fc.dictionary(text, value, { maxKeys: 4 });
const time = fc.tuple(fc.integer({ min: 0, max: 2 ** 34 }), fc.integer({ min: 0, max: 999_999_999 }));
const count = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 ** 31 - 1 }));
const context = fc.record({
  traceId: hex(16),
  spanId: hex(8),
  traceFlags: fc.integer({ min: 0, max: 255 }),
  isRemote: fc.constantFrom(undefined, false, true),
  traceState: fc.constantFrom(undefined, new TraceState('vendor=1,other=2')),
});
const resource = fc.record({ attributes, schemaUrl: fc.constantFrom(undefined, '', 'https://example.org/r') });
const scope = fc.record({
  name: text,
  version: fc.constantFrom(undefined, '', '1.0'),
  schemaUrl: fc.constantFrom(undefined, 'https://example.org/s'),
});
const readableSpan = fc.record({
  name: text,
  kind: fc.integer({ min: 0, max: 4 }),
  spanContext: context.map((it) => () => it),
  parentSpanContext: fc.option(context, { nil: undefined }),
  startTime: time,
  endTime: time,
  status: fc.record({ code: fc.integer({ min: 0, max: 2 }), message: fc.option(text, { nil: undefined }) }),
  attributes,
  droppedAttributesCount: count,
  events: fc.array(fc.record({ time, name: text, attributes, droppedAttributesCount: count }), { maxLength: 3 }),
  droppedEventsCount: count,
  links: fc.array(fc.record({ context, attributes, droppedAttributesCount: count }), { maxLength: 3 }),
  droppedLinksCount: count,
});

describe('the bytes that are witnessed', () => {
  test("decode to the spans that the SDK's own protobuf serializer sends", () => {
    fc.assert(
      fc.property(
        fc.array(readableSpan, { minLength: 1, maxLength: 6 }),
        fc.array(resource, { minLength: 2, maxLength: 2 }),
        fc.array(scope, { minLength: 2, maxLength: 2 }),
        (spans, resources, scopes) => {
          const inContext = spans.map((span, i) => ({
            ...span,
            resource: resources[(i >> 1) % 2]!,
            instrumentationScope: scopes[i % 2]!,
          }));
          const { records } = build(inContext);
          expect(byId(records)).toEqual(byId(serialized(inContext)));
          expect(records.map(({ spanId }) => spanId)).toEqual(inContext.map((span) => span.spanContext().spanId));
        },
      ),
      { numRuns: 150 },
    );
  });

  test('are canonical: encoding what they decode to gives the same bytes', () => {
    fc.assert(
      fc.property(fc.array(readableSpan, { minLength: 1, maxLength: 4 }), resource, scope, (spans, theirs, library) => {
        const { records, bytes } = build(
          spans.map((span) => ({ ...span, resource: theirs, instrumentationScope: library })),
        );
        expect(Buffer.compare(encodeTraceRequest(records), bytes)).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  test('of a time before 1970 are those of the same number as an int64', () => {
    const [span] = finishedSpans(1);
    const { records } = build([{ ...plain(span!), startTime: [-1, 5], endTime: [0, 0] }]);
    expect(BigInt.asIntN(64, records[0]!.startUnixNano)).toBe(-999_999_995n);
    expect(records[0]!.endUnixNano).toBe(0n);
  });

  test('of an SDK 1.x span hold the parent id that it keeps elsewhere', () => {
    const [span] = finishedSpans(1);
    expect(build([{ ...plain(span!), parentSpanId: '00f067aa0ba902b7' }]).records[0]!.parentSpanId).toBe(
      '00f067aa0ba902b7',
    );
  });
});

/** A copy of its data, without the class. */
function plain(span: ReadableSpan): AnyReadableSpan {
  const { name, kind, startTime, endTime, status, attributes, links, events, resource, instrumentationScope } = span;
  const spanContext = span.spanContext();
  return {
    ...{ name, kind, startTime, endTime, status, attributes, links, events, resource, instrumentationScope },
    ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
    spanContext: () => spanContext,
  };
}

describe('a hostile value', () => {
  const [span] = finishedSpans(1);
  const withAttributes = (hostile: Record<string, unknown>): AnyReadableSpan => ({
    ...plain(span!),
    attributes: hostile,
  });
  const attributesOf = (hostile: Record<string, unknown>): unknown =>
    build([withAttributes(hostile)]).records[0]!.attributes;

  test('lone surrogate becomes U+FFFD, and the span says which field is lossy', () => {
    const lossy = build([{ ...withAttributes({ 'a\ud800': '\udfff and \ud83d\ude00' }), name: 'x\ud800y\udc00' }])
      .records[0]!;
    expect(lossy.name).toBe('x\ufffdy\ufffd');
    expect(lossy.attributes).toEqual([['a\ufffd', '\ufffd and 😀']]);
    expect(lossy.lossy).toEqual(['attributes', 'name']);
    const exact = build([{ ...plain(span!), name: 'x\ufffdy' }]).records[0]!;
    expect([exact.name, exact.lossy]).toEqual(['x\ufffdy', []]);
  });

  test('number keeps its kind: whole numbers of 64 bits, doubles, NaN and the infinities', () => {
    expect(attributesOf({ a: 1, b: 1.5, c: Number.NaN, d: -Infinity, e: 2 ** 60, f: 2 ** 63, g: -0 })).toEqual([
      ['a', 1n],
      ['b', 1.5],
      ['c', Number.NaN],
      ['d', -Infinity],
      ['e', 2n ** 60n],
      ['f', 2 ** 63],
      ['g', 0n],
    ]);
  });

  test('map, bytes, mixed list, null and undefined are OTLP values', () => {
    expect(
      attributesOf({ map: { a: [1, 'b', null] }, bytes: Uint8Array.of(0, 255), none: null, nothing: undefined }),
    ).toEqual([
      ['map', { kvlist: [['a', [1n, 'b', null]]] }],
      ['bytes', Uint8Array.of(0, 255)],
      ['none', null],
      ['nothing', null],
    ]);
  });

  test('bigint is an int64, or text when it is too large; a function or symbol is no value', () => {
    expect(attributesOf({ a: 5n, b: 2n ** 64n, c: () => 1, d: Symbol('x') })).toEqual([
      ['a', 5n],
      ['b', '18446744073709551616'],
      ['c', null],
      ['d', null],
    ]);
  });

  const cycle: Record<string, unknown> = {};
  cycle.itself = cycle;
  const bomb = Array.from({ length: 60 }).reduce<unknown>((inner) => [inner, inner], 'x');
  const thrower = {
    get boom(): never {
      throw new Error('boom');
    },
  };
  test.each([
    ['cyclic value', withAttributes({ cycle }), 'too_deep'],
    ['value that unfolds to 2^60 values', withAttributes({ bomb }), 'too_many_attributes'],
    ['getter that throws', withAttributes(thrower), 'unreadable'],
    ['trace id that is no hex', withContext({ traceId: 'z'.repeat(32) }), 'trace_id'],
    ['trace id of zeros', withContext({ traceId: '0'.repeat(32) }), 'trace_id'],
    ['short span id', withContext({ spanId: 'abcd' }), 'span_id'],
    ['parent id that is no hex', { ...plain(span!), parentSpanId: 'not hex at all!!' }, 'parent_span_id'],
    ['link id that is no hex', { ...plain(span!), links: [linkTo('xyz')] }, 'link_id'],
    ['spanContext that throws', { ...plain(span!), spanContext: () => thrower.boom }, 'unreadable'],
    ['span that is null', null as unknown as AnyReadableSpan, 'unreadable'],
    ['scope that is null', { ...plain(span!), instrumentationScope: null as never }, 'unreadable'],
    ['resource whose attributes throw', { ...plain(span!), resource: { attributes: thrower } }, 'unreadable'],
  ])('%s refuses its own span only, with a reason', (_, hostile, reason) => {
    const good = plain(finishedSpans(1, 'good')[0]!);
    const { records, refusals } = build([good, hostile, good]);
    expect(records.map(({ name }) => name)).toEqual(['good 0', 'good 0']);
    expect(refusals).toEqual({ [reason]: 1 });
  });

  function withContext(changed: object): AnyReadableSpan {
    const spanContext = { ...span!.spanContext(), ...changed };
    return { ...plain(span!), spanContext: () => spanContext };
  }

  function linkTo(spanId: string): Link {
    return { context: { traceId: 'ab'.repeat(16), spanId, traceFlags: 0 } };
  }
});

describe('a span in the ledger', () => {
  test('is, rebuilt from its entry, the span that was exported, whole', async () => {
    const home = tempHome();
    const finished: ReadableSpan[] = [];
    const exporter = new WitnessSpanExporter({ home });
    const keep = { onStart: () => undefined, onEnd: (span: ReadableSpan) => void finished.push(span) };
    const flush = { forceFlush: () => Promise.resolve(), shutdown: () => Promise.resolve() };
    const tracers = new BasicTracerProvider({
      resource: resourceFromAttributes(
        { 'service.name': 'shop', list: ['a', 'b'] },
        { schemaUrl: 'https://example.org/r' },
      ),
      spanProcessors: [new SimpleSpanProcessor(exporter), { ...keep, ...flush }],
      spanLimits: { attributeCountLimit: 4, eventCountLimit: 1, linkCountLimit: 1 },
    });
    const remote = trace.setSpanContext(ROOT_CONTEXT, {
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      traceFlags: TraceFlags.SAMPLED,
      isRemote: true,
      traceState: new TraceState('vendor=1'),
    });
    const tracer = tracers.getTracer('library', '2.1', { schemaUrl: 'https://example.org/s' });
    const parent = tracer.startSpan(
      'GET /',
      { kind: SpanKind.SERVER, attributes: { a: 1, b: 1.5, c: 'é', d: [true] } },
      remote,
    );
    parent.setAttribute('dropped', 1);
    parent.addEvent('first').addEvent('second', { n: 1 });
    const child = tracers
      .getTracer('other')
      .startSpan(
        'child',
        { links: [{ context: parent.spanContext() }, { context: parent.spanContext(), attributes: { l: 1 } }] },
        trace.setSpan(ROOT_CONTEXT, parent),
      );
    child.setStatus({ code: SpanStatusCode.ERROR, message: 'no' }).end();
    parent.end();
    await tracers.shutdown();
    expect(finished).toHaveLength(2);
    expect(byId(witnessed(ledgerOf(home)))).toEqual(byId(serialized(finished)));
    expect(exporter.counts).toMatchObject({ witnessed: 2, rejected: 0, lost: 0 });
  });

  test('waits for the asynchronous attributes of its resource', async () => {
    const home = tempHome();
    const exporter = new WitnessSpanExporter({ home });
    const late = new Promise<string>((resolve) => setTimeout(() => resolve('host-1'), 100));
    const spans: ReadableSpan[] = [];
    const keep = { onStart: () => undefined, onEnd: (span: ReadableSpan) => void spans.push(span) };
    const flush = { forceFlush: () => Promise.resolve(), shutdown: () => Promise.resolve() };
    const tracers = new BasicTracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'shop', 'host.id': late }),
      spanProcessors: [{ ...keep, ...flush }],
    });
    tracers.getTracer('test').startSpan('early').end();
    expect(spans[0]!.resource.asyncAttributesPending).toBe(true);
    const result = await new Promise((resolve) => exporter.export(spans, resolve));
    expect(result).toEqual({ code: 0 });
    expect(witnessed(ledgerOf(home))[0]!.resource.attributes).toContainEqual(['host.id', 'host-1']);
    await exporter.shutdown();
  });
});
