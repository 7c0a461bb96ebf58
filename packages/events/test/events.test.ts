/** Events and sessions as spans of a real SDK, and what may go wrong without anybody noticing. */
import {
  type Attributes,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type Sampler,
  SamplingDecision,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventRecorder, type Payload, withBusinessIds } from '../dist/index.js';
import { COMPONENT, payloadOf, SCOPE, watch } from './support.js';

/** The SDK takes small numbers for those of `performance.now()`. */
const EPOCH_S = 1_700_000_000;
const EPOCH_MS = EPOCH_S * 1_000;

describe('an event', () => {
  test('is a span with its payload, usage and component, ended at once', () => {
    const { recorder, spans } = watch();
    const startTime = EPOCH_MS;
    const isRecorded = recorder.record({
      name: 'call_ringing',
      payload: { to: 'bob', tries: 2, left_out: undefined },
      usage: {
        tokensIn: 50,
        tokensOut: 20,
        costUsd: '0.00072',
        model: 'claude-haiku-4.5',
        units: { minute: '4.5' },
        isEstimated: true,
      },
      attributes: { 'network.transport': 'udp' },
      startTime,
    });
    expect(isRecorded).toBe(true);
    const [span, ...more] = spans();
    expect(more).toEqual([]);
    expect(span).toMatchObject({ name: 'call_ringing', kind: SpanKind.INTERNAL, instrumentationScope: SCOPE });
    expect([span!.startTime, span!.endTime]).toEqual([
      [EPOCH_S, 0],
      [EPOCH_S, 0],
    ]);
    expect(span!.status.code).toBe(SpanStatusCode.UNSET);
    expect(span!.attributes).toEqual({
      'witness.component': COMPONENT,
      'witness.payload': '{"to":"bob","tries":2}',
      'witness.cost.usd': '0.00072',
      'witness.cost.estimated': true,
      'witness.units.minute': '4.5',
      'gen_ai.request.model': 'claude-haiku-4.5',
      'gen_ai.usage.input_tokens': 50,
      'gen_ai.usage.output_tokens': 20,
      'network.transport': 'udp',
    });
  });

  test('that says no usage claims none', () => {
    const { recorder, spans } = watch();
    recorder.record({ name: 'call_ringing' });
    expect(spans()[0]!.attributes).toEqual({ 'witness.component': COMPONENT });
  });

  test('that is a failure has a status and an error.type', () => {
    const { recorder, spans } = watch();
    recorder.record({ name: 'call_failed', error: { type: '486', message: 'Busy Here' } });
    recorder.record({ name: 'call_failed', error: { type: 'ice_failed' } });
    expect(spans().map(({ status, attributes }) => [status, attributes['error.type']])).toEqual([
      [{ code: SpanStatusCode.ERROR, message: 'Busy Here' }, '486'],
      [{ code: SpanStatusCode.ERROR }, 'ice_failed'],
    ]);
  });

  test('lasts as long as it says', () => {
    const { recorder, spans } = watch();
    recorder.record({ name: 'a', startTime: EPOCH_MS + 1_000, endTime: EPOCH_MS + 3_500 });
    recorder.record({ name: 'b', endTime: EPOCH_MS + 3_500 });
    expect(spans().map(({ startTime, endTime }) => [startTime, endTime])).toEqual([
      [
        [EPOCH_S + 1, 0],
        [EPOCH_S + 3, 500_000_000],
      ],
      [
        [EPOCH_S + 3, 500_000_000],
        [EPOCH_S + 3, 500_000_000],
      ],
    ]);
  });

  test('without an SDK is nothing, and says so', () => {
    const recorder = new EventRecorder({ scope: SCOPE, component: COMPONENT });
    expect(recorder.record({ name: 'call_ringing' })).toBe(false);
    const session = recorder.startSession({ name: 'call' });
    session.event({ name: 'call_ringing' });
    session.fail('486');
    session.end();
    expect(session.hasEnded).toBe(true);
    expect(session.span.isRecording()).toBe(false);
  });
});

describe('where nobody listens', () => {
  /** A payload that tells how often it was read. */
  function counted(): { readonly payload: Payload; readonly reads: () => number } {
    let reads = 0;
    const payload = {
      get value() {
        reads += 1;
        return 1;
      },
    };
    return { payload, reads: () => reads };
  }

  /** A sampler of one opinion, and the attributes that it was shown. */
  function sampling(decision: SamplingDecision): { readonly sampler: Sampler; readonly seen: Attributes[] } {
    const seen: Attributes[] = [];
    const sampler: Sampler = {
      shouldSample(_context, _traceId, _name, _kind, attributes) {
        seen.push({ ...attributes });
        return { decision };
      },
    };
    return { sampler, seen };
  }

  test('payloads are not read, after the first', () => {
    const { payload, reads } = counted();
    const recorder = new EventRecorder({ scope: SCOPE, component: COMPONENT });
    for (let i = 0; i < 5; i++) recorder.record({ name: 'call_ringing', payload });
    const { context } = recorder.startSession({ name: 'call' }, withBusinessIds({ traceId: 'flow-1' }, ROOT_CONTEXT));
    for (let i = 0; i < 5; i++) recorder.record({ name: 'call_ringing', payload }, context);
    expect(reads()).toBe(1);
  });

  test('until an SDK starts, every span from then on is whole, and its sampler sees all but the first', () => {
    const { sampler, seen } = sampling(SamplingDecision.RECORD_AND_SAMPLED);
    const exporter = new InMemorySpanExporter();
    const sdk = new BasicTracerProvider({ sampler, spanProcessors: [new SimpleSpanProcessor(exporter)] });
    const provider = new ProxyTracerProvider();
    const recorder = new EventRecorder({ scope: SCOPE, component: COMPONENT, tracerProvider: provider });
    const { payload, reads } = counted();
    for (let i = 0; i < 3; i++) recorder.record({ name: 'before', payload });
    expect(reads()).toBe(1);
    provider.setDelegate(sdk);
    for (let i = 0; i < 3; i++) recorder.record({ name: 'after', payload });
    const whole = { 'witness.component': COMPONENT, 'witness.payload': '{"value":1}' };
    expect(exporter.getFinishedSpans().map(({ attributes }) => attributes)).toEqual([whole, whole, whole]);
    expect(seen).toEqual([{}, whole, whole]);
  });

  test('a span that the sampler drops is not taken for a missing SDK', () => {
    const { sampler, seen } = sampling(SamplingDecision.NOT_RECORD);
    const tracerProvider = new BasicTracerProvider({ sampler });
    const recorder = new EventRecorder({ scope: SCOPE, component: COMPONENT, tracerProvider });
    const session = recorder.startSession({ name: 'call' });
    session.event({ name: 'one' });
    expect(recorder.record({ name: 'two' }, session.context)).toBe(false);
    expect(seen).toEqual(Array(3).fill({ 'witness.component': COMPONENT }));
  });
});

describe('a session', () => {
  test('is the parent of its events, and has what is known at its end', () => {
    const { recorder, spans } = watch();
    const flow = withBusinessIds({ traceId: 'flow-1', parentTraceId: 'user-1' }, ROOT_CONTEXT);
    const session = recorder.startSession(
      { name: 'call', attributes: { 'call.to': 'bob' }, startTime: EPOCH_MS + 1_000 },
      flow,
    );
    session.event({ name: 'one' });
    session.event({ name: 'two' });
    session.fail('486', 'Busy Here');
    session.end({ 'call.end_reason': 'busy' }, EPOCH_MS + 5_000);
    session.end({ 'call.end_reason': 'twice' });
    session.event({ name: 'late' });
    expect(spans().map(({ name }) => name)).toEqual(['one', 'two', 'call', 'late']);
    const call = spans()[2]!;
    expect(call.attributes).toEqual({
      'witness.component': COMPONENT,
      'witness.trace.id': 'flow-1',
      'witness.trace.parent_id': 'user-1',
      'call.to': 'bob',
      'call.end_reason': 'busy',
      'error.type': '486',
    });
    expect(call.status).toEqual({ code: SpanStatusCode.ERROR, message: 'Busy Here' });
    expect([call.startTime, call.endTime]).toEqual([
      [EPOCH_S + 1, 0],
      [EPOCH_S + 5, 0],
    ]);
    for (const event of spans().filter((span) => span !== call)) {
      expect(event.parentSpanContext?.spanId).toBe(call.spanContext().spanId);
      expect(event.spanContext().traceId).toBe(call.spanContext().traceId);
      expect(event.attributes).toMatchObject({ 'witness.trace.id': 'flow-1', 'witness.trace.parent_id': 'user-1' });
    }
  });

  test("is active in its context, for the application's own spans", () => {
    const { recorder, tracerProvider, spans } = watch();
    const session = recorder.startSession({ name: 'call' });
    tracerProvider.getTracer('app').startSpan('work', {}, session.context).end();
    expect(spans()[0]!.parentSpanContext?.spanId).toBe(session.span.spanContext().spanId);
  });

  test('links where it is told to', () => {
    const { recorder, spans } = watch();
    const other = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 };
    recorder.startSession({ name: 'call', links: [{ context: other }] }).end();
    expect(spans()[0]!.links.map((link) => link.context)).toEqual([other]);
  });
});

describe('nothing throws into the application', () => {
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  let deep: unknown = 1;
  for (let i = 0; i < 100_000; i++) deep = [deep];
  const hostile: readonly (readonly [string, unknown])[] = [
    ['a cycle', cycle],
    ['a BigInt', { n: 1n }],
    [
      'a getter that throws',
      {
        get a() {
          throw new Error('no');
        },
      },
    ],
    [
      'a getter that throws what is no text',
      {
        get a() {
          throw Object.create(null);
        },
      },
    ],
    ['a toJSON that says nothing', { toJSON: () => undefined }],
    ['depth', { deep }],
    [
      'a proxy that throws',
      new Proxy(
        {},
        {
          ownKeys() {
            throw new Error('no');
          },
        },
      ),
    ],
  ];

  test.each(hostile)('%s as a payload is recorded as an error of the payload', (_, payload) => {
    const { recorder, spans } = watch();
    expect(recorder.record({ name: 'event', payload: payload as Payload })).toBe(true);
    expect(payloadOf(spans()[0])).toEqual({ payload_error: expect.any(String) as string });
  });

  test('lone surrogates arrive as JSON, and a huge text arrives whole', () => {
    const { recorder, spans } = watch();
    const payload = { half: '\ud83d', huge: 'é'.repeat(5_000_000) };
    recorder.record({ name: 'event', payload });
    expect(String(spans()[0]!.attributes['witness.payload']).isWellFormed()).toBe(true);
    expect(payloadOf(spans()[0])).toEqual(payload);
  });

  test('any payload', () => {
    const { recorder, spans } = watch();
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'binary' }), fc.anything({ withBigInt: true, withNullPrototype: true })),
        (payload) => {
          expect(recorder.record({ name: 'event', payload: payload as Payload })).toBe(true);
          expect(payloadOf(spans().at(-1))).toBeTypeOf('object');
        },
      ),
      { numRuns: 500 },
    );
  });

  test('a tracer that fails', () => {
    const broken = {
      getTracer(): never {
        throw new Error('no tracer');
      },
    };
    const recorder = new EventRecorder({ scope: SCOPE, component: COMPONENT, tracerProvider: broken });
    expect(recorder.record({ name: 'event' })).toBe(false);
    const parent = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 };
    const session = recorder.startSession({ name: 'call' }, trace.setSpanContext(ROOT_CONTEXT, parent));
    session.event({ name: 'event' });
    session.end();
    expect(session.span.spanContext()).toEqual(parent);
  });
});
