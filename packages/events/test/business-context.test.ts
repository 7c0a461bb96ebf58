/** Business trace ids in contexts and on spans. */
import { spanIdOfBusinessId, traceIdOfBusinessId } from '@infrafabric/format';
import { propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  businessAttributesOf,
  businessIdsOf,
  newFlowId,
  newOperationId,
  newRequestId,
  withBusinessIds,
} from '../dist/index.js';
import { watch } from './support.js';

const active = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 };

describe('withBusinessIds', () => {
  test('keeps the span that is active as the parent', () => {
    const { recorder, spans } = watch();
    const base = trace.setSpanContext(ROOT_CONTEXT, active);
    const flow = withBusinessIds({ traceId: 'flow-1' }, base);
    expect(trace.getSpanContext(flow)).toEqual(active);
    recorder.record({ name: 'event' }, flow);
    const [span] = spans();
    expect(span!.spanContext().traceId).toBe(active.traceId);
    expect(span!.parentSpanContext?.spanId).toBe(active.spanId);
    expect(span!.attributes).toMatchObject({ 'witness.trace.id': 'flow-1' });
  });

  test('without one, puts all who say the same id into the trace of that id', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }), (traceId) => {
        const { recorder, spans } = watch();
        recorder.record({ name: 'here' }, withBusinessIds({ traceId }, ROOT_CONTEXT));
        recorder.record({ name: 'there' }, withBusinessIds({ traceId }, ROOT_CONTEXT));
        for (const span of spans()) {
          expect(span.spanContext().traceId).toBe(traceIdOfBusinessId(traceId));
          expect(span.parentSpanContext?.spanId).toBe(spanIdOfBusinessId(traceId));
          expect(span.attributes['witness.trace.id']).toBe(traceId);
        }
        expect(spans().length).toBe(2);
      }),
      { numRuns: 50 },
    );
  });

  test('takes ids that the baggage has, overrides what is given, and leaves other baggage alone', () => {
    const others = propagation.setBaggage(ROOT_CONTEXT, propagation.createBaggage({ tenant: { value: 'acme' } }));
    const outer = withBusinessIds({ traceId: 'flow-1', parentTraceId: 'user-1' }, others);
    expect(businessIdsOf(outer)).toEqual({ traceId: 'flow-1', parentTraceId: 'user-1' });
    expect(businessIdsOf(withBusinessIds({}, outer))).toEqual(businessIdsOf(outer));
    const inner = withBusinessIds({ traceId: 'flow-2', parentTraceId: 'flow-1' }, outer);
    expect(businessAttributesOf(inner)).toEqual({ 'witness.trace.id': 'flow-2', 'witness.trace.parent_id': 'flow-1' });
    expect(propagation.getBaggage(inner)?.getEntry('tenant')?.value).toBe('acme');
    expect(businessIdsOf(outer).traceId).toBe('flow-1');
  });

  test('without ids changes nothing', () => {
    expect(withBusinessIds({}, ROOT_CONTEXT)).toBe(ROOT_CONTEXT);
    expect(businessAttributesOf(ROOT_CONTEXT)).toEqual({});
  });
});

describe('ids', () => {
  const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}';

  test('have the three forms', () => {
    expect(newOperationId()).toMatch(new RegExp(`^op-${UUID}$`));
    expect(newFlowId('sip-call')).toMatch(/^sip-call-[0-9a-f]{12}$/);
    expect(newRequestId(new Date('2025-11-11T23:59:59.999Z'))).toMatch(/^req-20251111-[0-9a-f]{8}$/);
  });

  test('are made of random numbers where pages have no randomUUID', () => {
    const original = crypto.randomUUID;
    Object.defineProperty(crypto, 'randomUUID', { value: undefined, configurable: true });
    try {
      for (let i = 0; i < 100; i++) expect(newOperationId()).toMatch(new RegExp(`^op-${UUID}$`));
    } finally {
      Object.defineProperty(crypto, 'randomUUID', { value: original, configurable: true, writable: true });
    }
  });

  test('do not repeat', () => {
    const ids = Array.from({ length: 10_000 }, () => newFlowId('x'));
    expect(new Set(ids).size).toBe(ids.length);
  });
});
