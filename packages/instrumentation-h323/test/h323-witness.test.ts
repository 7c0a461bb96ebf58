import { accountFor, decimalUsd } from '@infrafabric/accounting';
import { RateCards } from '@infrafabric/accounting/rate-cards';
import { shippedCard } from '@infrafabric/accounting/shipped-cards';
import { pseudonymiser } from '@infrafabric/events';
import { traceIdOfBusinessId } from '@infrafabric/format';
import { expect, test } from 'vitest';
import { H323Witness, limitBandwidth } from '../dist/index.js';
import { payloadOf, Spans } from './spans.js';

const options = { endpointId: 'h323-endpoint-001', gatekeeper: 'gatekeeper.example:1719' };
const GUIDE = { 'gen_ai.request.model': 'claude-haiku-4.5', 'witness.cost.estimated': true };

test("logs the guide's flow, by its names, with its payload, tokens, cost and model", () => {
  const spans = new Spans();
  const witness = new H323Witness({ ...options, tracerProvider: spans.provider });
  expect(witness.requestAdmission('call-1', 2_000_000, 60, 'req-1')).toBe(true);
  witness.closeCall('call-1', 45, 2_000_000);

  expect(spans.names).toEqual([
    'h323_arq_sent',
    'h323_bandwidth_requested',
    'h323_acf_received',
    'h323_bandwidth_granted',
    'h323_call_complete',
    'h323.call',
  ]);
  const about = { endpoint_id: 'h323-endpoint-001', call_id: 'call-1', timestamp: expect.stringMatching(/^20.*Z$/) };
  const arq = spans.one('h323_arq_sent');
  expect(payloadOf(arq)).toEqual({
    ...about,
    bandwidth_bps: 2_000_000,
    bandwidth_kbps: 2000,
    requested_duration_minutes: 60,
    gatekeeper: 'gatekeeper.example:1719',
  });
  expect(arq.attributes).toMatchObject({
    ...GUIDE,
    'gen_ai.usage.input_tokens': 500,
    'gen_ai.usage.output_tokens': 250,
    'witness.cost.usd': '0.0003',
    'witness.component': 'IF.witness.h323',
    'witness.trace.id': 'req-1',
    'call.ladder.from': 'h323-endpoint-001',
    'call.ladder.to': 'gatekeeper.example:1719',
    'call.ladder.label': 'ARQ',
  });
  const acf = spans.one('h323_acf_received');
  expect(payloadOf(acf)).toEqual({ ...about, bandwidth_granted_bps: 2_000_000, duration_minutes: 60 });
  expect(acf.attributes).toMatchObject({
    ...GUIDE,
    'gen_ai.usage.input_tokens': 300,
    'gen_ai.usage.output_tokens': 150,
    'witness.cost.usd': '0.0002',
  });
  const complete = spans.one('h323_call_complete');
  expect(payloadOf(complete)).toEqual({
    ...about,
    duration_minutes: 45,
    bandwidth_bps: 2_000_000,
    total_cost: '0.09095',
  });
  expect(complete.attributes).toMatchObject({
    ...GUIDE,
    'gen_ai.usage.input_tokens': 200,
    'gen_ai.usage.output_tokens': 100,
    'witness.cost.usd': '0.0002',
    'witness.units.call': '1',
    'witness.units.megabit_minute': '90',
    'witness.units.minute': '45',
  });
  const call = spans.one('h323.call');
  expect(call.attributes).toMatchObject({ 'call.end_reason': 'completed', 'call.duration_ms': 2_700_000 });
  expect(call.instrumentationScope.name).toBe('@infrafabric/instrumentation-h323');
  for (const span of spans.all) {
    expect(span.spanContext().traceId).toBe(traceIdOfBusinessId('req-1'));
    if (span !== call) expect(span.parentSpanContext?.spanId).toBe(call.spanContext().spanId);
  }
});

test("a ledger charges the guide's constant as an estimate, and has the price by the card beside it", () => {
  const spans = new Spans();
  const witness = new H323Witness({ ...options, tracerProvider: spans.provider });
  witness.closeCall('call-1', 45, 2_000_000);
  const { attributes, instrumentationScope } = spans.one('h323_call_complete');
  const card = { name: 'guide', load: () => [shippedCard('guide')] };
  const pricing = new RateCards({ services: [], byHand: [card], byHandStated: [card] });
  const span = { attributes: Object.entries(attributes) as never, scopeName: instrumentationScope.name, statusCode: 0 };
  const { charge } = accountFor(span, { pricing, startUnixNano: BigInt(Date.now()) * 1_000_000n });
  expect(charge).toMatchObject({ source: 'estimated', cost: '200000000' });
  const units = charge!.rated!.lines.filter(({ class: name }) => !['input', 'output'].includes(name));
  expect(units.map(({ class: name }) => name)).toEqual(['call', 'megabit_minute', 'minute']);
  expect(decimalUsd(units.reduce((sum, { cost }) => sum + BigInt(cost), 0n))).toBe('0.09095');
});

test('a call beyond the bandwidth limit is rejected with its reason, until another has ended', () => {
  const spans = new Spans();
  const admissionPolicy = limitBandwidth(3_000_000, 'bandwidth_unavailable');
  const witness = new H323Witness({ ...options, tracerProvider: spans.provider, admissionPolicy });
  expect(witness.requestAdmission('a', 2_000_000, 10)).toBe(true);
  expect(witness.requestAdmission('b', 2_000_000, 10)).toBe(false);
  const rejected = spans.one('h323_arj_received');
  expect(payloadOf(rejected)).toMatchObject({
    call_id: 'b',
    reason: 'bandwidth_unavailable',
    available_bandwidth_bps: 1_000_000,
  });
  expect(rejected.attributes).toMatchObject({
    'error.type': 'bandwidth_unavailable',
    'gen_ai.usage.input_tokens': 300,
    'witness.cost.usd': '0.0002',
  });
  expect(spans.one('h323.call').attributes).toMatchObject({
    'call.end_reason': 'rejected',
    'call.last_code': 'bandwidth_unavailable',
    'error.type': 'bandwidth_unavailable',
  });
  witness.closeCall('a', 10, 2_000_000);
  expect(witness.requestAdmission('c', 2_000_000, 10)).toBe(true);
});

test('a policy that throws is a rejection, and throws nothing into the application', () => {
  const spans = new Spans();
  const admissionPolicy = (): never => {
    throw new RangeError('no');
  };
  const witness = new H323Witness({ ...options, tracerProvider: spans.provider, admissionPolicy });
  expect(witness.requestAdmission('a', 1000, 1)).toBe(false);
  expect(payloadOf(spans.one('h323_arj_received')).reason).toBe('RangeError');
});

test('without a trace id everything is in one trace of its own', () => {
  const spans = new Spans();
  const witness = new H323Witness({ ...options, tracerProvider: spans.provider });
  expect(witness.traceId).toMatch(/^h323-h323-endpoint-001-[0-9a-f]{12}$/);
  witness.closeCall('a', 1, 1000);
  expect(spans.one('h323.call').spanContext().traceId).toBe(traceIdOfBusinessId(witness.traceId));
});

test("a trace id of one method is that of its event alone; the constructor says which is the call's", () => {
  const spans = new Spans();
  const witness = new H323Witness({ ...options, traceId: 'flow-1', tracerProvider: spans.provider });
  witness.requestAdmission('a', 1000, 1);
  witness.closeCall('a', 1, 1000, 'flow-2');
  expect(spans.all.map(({ name, attributes }) => [name, attributes['witness.trace.id']])).toEqual([
    ['h323_arq_sent', 'flow-1'],
    ['h323_bandwidth_requested', 'flow-1'],
    ['h323_acf_received', 'flow-1'],
    ['h323_bandwidth_granted', 'flow-1'],
    ['h323_call_complete', 'flow-2'],
    ['h323.call', 'flow-1'],
  ]);
});

test('endpoint and gatekeeper are made into pseudonyms before they are recorded', () => {
  const spans = new Spans();
  const pseudonymise = pseudonymiser(new Uint8Array(32).fill(3));
  const witness = new H323Witness({ ...options, pseudonymise, tracerProvider: spans.provider });
  witness.requestAdmission('a', 1000, 1);
  witness.closeCall('a', 1, 1000);
  const text = JSON.stringify([witness.traceId, spans.all.map(({ attributes }) => attributes)]);
  expect(text).not.toMatch(/h323-endpoint-001|gatekeeper\.example/);
});

test('without an SDK nothing happens, and the answers are the same', () => {
  const witness = new H323Witness(options);
  expect(witness.requestAdmission('a', 1000, 1)).toBe(true);
  witness.closeCall('a', 1, 1000);
});
