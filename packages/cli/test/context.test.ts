import { spanIdOfBusinessId, traceIdOfBusinessId } from '@infrafabric/format';
import { describe, expect, test } from 'vitest';
import { ambientContext } from '../dist/log/ambient-context.js';
import { Baggage } from '../dist/log/baggage.js';
import { placeSpan } from '../dist/log/place-span.js';
import { resourceOfEnv } from '../dist/log/resource-of-env.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const TRACEPARENT = `00-${TRACE}-${SPAN}-01`;
const neverNew = (): string => {
  throw new Error('a new business id was made');
};

describe('baggage', () => {
  test('gives decoded values, without properties', () => {
    const baggage = Baggage.parse('a=1, witness.trace.id = flow%20%C3%A9%2C1 ;p=1,b=');
    expect(baggage.get('witness.trace.id')).toBe('flow é,1');
    expect(baggage.get('b')).toBeUndefined();
    expect(baggage.get('c')).toBeUndefined();
  });

  test('keeps what it does not understand, and comes back with a member set', () => {
    const baggage = Baggage.parse('x y,a=1').with('a', 'ü,').with('b', '2').with('c', undefined);
    expect(baggage.render()).toBe('x y,a=%C3%BC%2C,b=2');
    expect(baggage.get('a')).toBe('ü,');
  });
});

describe('TRACEPARENT', () => {
  test.each([
    `ff-${TRACE}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    'nonsense',
  ])('%s is ignored, and that is said', (text) => {
    const { remote, problem } = ambientContext({ TRACEPARENT: text });
    expect(remote).toBeUndefined();
    expect(problem).toContain('TRACEPARENT');
  });

  test('of a later version may have more', () => {
    expect(ambientContext({ TRACEPARENT: `01-${TRACE}-${SPAN}-00-more` }).remote).toMatchObject({
      traceId: TRACE,
      traceFlags: 0,
    });
  });
});

describe('a span', () => {
  test('is the root of the trace that its business id derives', () => {
    const place = placeSpan({ businessId: 'flow' }, ambientContext({}), neverNew);
    expect(place).toMatchObject({
      traceId: traceIdOfBusinessId('flow'),
      parentSpanId: '',
      businessId: 'flow',
      links: [],
    });
  });

  test('without any id starts a new flow', () => {
    const place = placeSpan({}, ambientContext({}), () => 'op-new');
    expect(place).toMatchObject({ traceId: traceIdOfBusinessId('op-new'), businessId: 'op-new' });
  });

  test('without a business id joins the trace of TRACEPARENT, with its state', () => {
    const place = placeSpan({}, ambientContext({ TRACEPARENT, TRACESTATE: 'a=b' }), neverNew);
    expect(place).toMatchObject({
      traceId: TRACE,
      parentSpanId: SPAN,
      traceState: 'a=b',
      businessId: undefined,
      links: [],
    });
  });

  test('whose business id decides for another trace is linked to TRACEPARENT', () => {
    const place = placeSpan({ businessId: 'flow' }, ambientContext({ TRACEPARENT }), neverNew);
    expect(place).toMatchObject({ traceId: traceIdOfBusinessId('flow'), parentSpanId: '' });
    expect(place.links).toMatchObject([{ traceId: TRACE, spanId: SPAN }]);
  });

  test('whose business id names the trace of TRACEPARENT is its child', () => {
    const traceId = traceIdOfBusinessId('flow');
    const place = placeSpan(
      { businessId: 'flow' },
      ambientContext({ TRACEPARENT: `00-${traceId}-${SPAN}-01` }),
      neverNew,
    );
    expect(place).toMatchObject({ traceId, parentSpanId: SPAN, links: [] });
  });

  test('takes business ids from baggage, on top of the trace of TRACEPARENT', () => {
    const env = { TRACEPARENT, BAGGAGE: 'witness.trace.id=flow,witness.trace.parent_id=request' };
    const place = placeSpan({}, ambientContext(env), neverNew);
    expect(place).toMatchObject({
      traceId: TRACE,
      parentSpanId: SPAN,
      businessId: 'flow',
      businessParentId: 'request',
    });
  });

  test('of its own flow does not inherit the parent of the flow in the baggage', () => {
    const env = { BAGGAGE: 'witness.trace.id=flow,witness.trace.parent_id=request' };
    expect(placeSpan({ businessId: 'other' }, ambientContext(env), neverNew).businessParentId).toBeUndefined();
    expect(placeSpan({ businessId: 'flow' }, ambientContext(env), neverNew).businessParentId).toBe('request');
  });

  test('is linked to its parent flow', () => {
    const place = placeSpan({ businessId: 'flow', parentBusinessId: 'request' }, ambientContext({}), neverNew);
    expect(place.links).toMatchObject([
      { traceId: traceIdOfBusinessId('request'), spanId: spanIdOfBusinessId('request') },
    ]);
  });
});

describe('the resource', () => {
  test.each([
    ['flag', { OTEL_SERVICE_NAME: 'env', OTEL_RESOURCE_ATTRIBUTES: 'service.name=list' }, 'flag'],
    [undefined, { OTEL_SERVICE_NAME: 'env', OTEL_RESOURCE_ATTRIBUTES: 'service.name=list' }, 'env'],
    [undefined, { OTEL_RESOURCE_ATTRIBUTES: 'service.name=list' }, 'list'],
    [undefined, {}, 'if-witness'],
  ])('of --service %s and %o is %s', (flag, env, name) => {
    expect(resourceOfEnv(flag, env).resource.attributes[0]).toEqual(['service.name', name]);
  });

  test('has the decoded attributes of the list, and nothing of the process', () => {
    const { resource, problem } = resourceOfEnv(undefined, { OTEL_RESOURCE_ATTRIBUTES: 'a=b%20c, d=' });
    expect(resource.attributes).toEqual([
      ['service.name', 'if-witness'],
      ['a', 'b c'],
      ['d', ''],
    ]);
    expect(problem).toBeUndefined();
  });

  test('ignores a malformed list as a whole', () => {
    const { resource, problem } = resourceOfEnv(undefined, { OTEL_RESOURCE_ATTRIBUTES: 'a=b,c' });
    expect(resource.attributes).toHaveLength(1);
    expect(problem).toContain('OTEL_RESOURCE_ATTRIBUTES');
  });
});
