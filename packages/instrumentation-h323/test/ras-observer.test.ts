import { pseudonymiser } from '@infrafabric/events';
import { traceIdOfBusinessId } from '@infrafabric/format';
import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { describe, expect, test } from 'vitest';
import { type DatagramInfo, decodeRas, encodeRas, RasObserver, type RasObserverOptions } from '../dist/index.js';
import { seeded } from './random-values.js';
import { allDatagrams, BEGIN_MS, type RAS_FILES, type RecordedDatagram, rasRecording } from './recordings.js';
import { millisOf, payloadOf, Spans } from './spans.js';

/** As a mirror port would: the sender is `local`. */
function infoOf({ from, to, t }: RecordedDatagram, beginMs: number): DatagramInfo {
  return { direction: 'sent', local: from, peer: to, time: beginMs + t * 1000 };
}

function replay(file: (typeof RAS_FILES)[number], options: RasObserverOptions = {}): Spans & { observer: RasObserver } {
  const spans = new Spans();
  const observer = new RasObserver({ tracerProvider: spans.provider, ...options });
  for (const datagram of rasRecording(file)) observer.observe(datagram.octets, infoOf(datagram, BEGIN_MS[file]!));
  return Object.assign(spans, { observer });
}

const GNUGK_CALL = 'aabe0266d3e4f1118c9202fc00000001';
const BANDWIDTH_CALL = '87373b399f3149f1c0a7a1fcf10bda9c';

describe('a call through GnuGk', () => {
  const spans = replay('ras-gnugk-call');

  test('is a span, with its events below it in order', () => {
    expect(spans.ofCall(GNUGK_CALL).map(({ name }) => name)).toEqual([
      'h323_arq_sent',
      'h323_bandwidth_requested',
      'h323_acf_received',
      'h323_bandwidth_granted',
      'h323_arq_sent',
      'h323_bandwidth_requested',
      'h323_acf_received',
      'h323_bandwidth_granted',
      'h323_disengage_requested',
      'h323_disengage_requested',
      'h323_disengaged',
      'h323_disengaged',
      'h323_call_complete',
      'h323.call',
    ]);
    expect(spans.observer.openCalls).toBe(0);
    expect(spans.observer.counts).toEqual({ datagrams: 14, malformed: 0, retransmissions: 0, unpaired: 0 });
  });

  test('has its registration and its end as events of the endpoint', () => {
    expect(payloadOf(spans.one('h323_endpoint_registered'))).toMatchObject({
      endpoint_id: '25010161_endp',
      aliases: ['alice', '2001'],
      signal_address: '127.0.0.1:1722',
      gatekeeper_id: 'LedgerGK',
      time_to_live_s: 60,
    });
    expect(payloadOf(spans.one('h323_endpoint_unregistered'))).toMatchObject({ endpoint_id: '25010161_endp' });
  });

  test('says who asked for what, and what was granted', () => {
    const [calling, answering] = spans.named('h323_arq_sent').map(payloadOf);
    expect(calling).toMatchObject({
      endpoint_id: '25010161_endp',
      call_id: GNUGK_CALL,
      bandwidth_bps: 3_840_000_000,
      is_answering: false,
      source: ['alice', '2001'],
      destination: ['bob'],
      gatekeeper: '127.0.0.1:1719',
      call_reference: 7319,
    });
    expect(answering).toMatchObject({ endpoint_id: '395974848_endp', is_answering: true, bandwidth_bps: 10_000_000 });
    expect(spans.named('h323_acf_received').map(payloadOf)).toMatchObject([
      { bandwidth_granted_bps: 10_000_000, destination_address: '127.0.0.1:1721', response_time_ms: 8.851 },
      { bandwidth_granted_bps: 10_000_000, destination_address: '127.0.0.1:1722' },
    ]);
  });

  test('ends with what the endpoints say of its times, its units, and a cost that they give', () => {
    const complete = spans.one('h323_call_complete');
    expect(payloadOf(complete)).toMatchObject({
      endpoint_id: '25010161_endp',
      duration_ms: 8_000,
      bandwidth_bps: 10_000_000,
      end_reason: 'completed',
      last_code: 'normalDrop',
      q850_cause: 16,
    });
    expect(complete.attributes).toMatchObject({
      'witness.units.call': '1',
      'witness.units.megabit_minute': '1.333333333333',
      'witness.units.minute': '0.133333333333',
    });
    // Measured, and nothing invented.
    expect(Object.keys(complete.attributes).filter((key) => /gen_ai|cost/.test(key))).toEqual([]);
  });

  test('carries setup time, duration, who hung up and the last code on its span', () => {
    const call = spans.one('h323.call');
    expect(call.attributes).toMatchObject({
      'call.duration_ms': 8_000,
      'call.hangup_party': 'caller',
      'call.last_code': 'normalDrop',
      'call.end_reason': 'completed',
      'h323.call_id': GNUGK_CALL,
      'h323.q850_cause': 16,
    });
    expect(call.attributes['h323.inferred']).toContain('hangup_party');
    expect(millisOf(call.startTime)).toBeCloseTo(BEGIN_MS['ras-gnugk-call']! + 39.846, 1);
    expect(millisOf(call.endTime) - millisOf(call.startTime)).toBeCloseTo(7_879.705, 1);
  });

  test('has a ladder: each event says from whom, to whom and what', () => {
    const ladder = spans
      .ofCall(GNUGK_CALL)
      .slice(0, -1)
      .map(({ attributes }) => ['from', 'to', 'label'].map((key) => attributes[`call.ladder.${key}`]));
    expect(ladder[0]).toEqual(['127.0.0.1:52213', '127.0.0.1:1719', 'ARQ']);
    expect(ladder[2]).toEqual(['127.0.0.1:1719', '127.0.0.1:52213', 'ACF']);
    expect(ladder.map(([, , label]) => label).join(' ')).toBe('ARQ ARQ ACF ACF ARQ ARQ ACF ACF DRQ DRQ DCF DCF DCF');
  });

  test('is in the trace that its call id stands for, so that observers at both ends agree', () => {
    for (const span of spans.ofCall(GNUGK_CALL)) {
      expect(span.spanContext().traceId).toBe(traceIdOfBusinessId(`h323-${GNUGK_CALL}`));
      expect(span.attributes['witness.trace.id']).toBe(`h323-${GNUGK_CALL}`);
    }
  });
});

describe('an endpoint that tries everything', () => {
  const spans = replay('ras-gnugk-bandwidth');

  test('each rejection is an event with its reason, and a failure', () => {
    const failures = spans.all
      .filter(({ attributes, name }) => attributes['error.type'] !== undefined && name !== 'h323.call')
      .map(({ name, attributes }) => `${name} ${attributes['error.type']}`);
    expect(failures).toEqual([
      'h323_registration_rejected duplicateAlias',
      'h323_arj_received calledPartyNotRegistered',
      'h323_bandwidth_rejected invalidConferenceID',
      'h323_unregistration_rejected notCurrentlyRegistered',
      'h323_disengage_rejected notRegistered',
      'h323_arj_received callerNotRegistered',
    ]);
  });

  test('a call that is not admitted ends as rejected, without a completion', () => {
    const names = spans.ofCall('ab8b9cbbd534896a0df55733959d97b6').map(({ name }) => name);
    expect(names).toEqual(['h323_arq_sent', 'h323_bandwidth_requested', 'h323_arj_received', 'h323.call']);
    const [call] = spans.named('h323.call');
    expect(call!.attributes).toMatchObject({
      'call.end_reason': 'rejected',
      'call.last_code': 'calledPartyNotRegistered',
      'error.type': 'calledPartyNotRegistered',
    });
  });

  test('bandwidth changes are told, and paid for as long as they lasted', () => {
    const granted = spans
      .ofCall(BANDWIDTH_CALL)
      .filter(({ name }) => name === 'h323_bandwidth_granted')
      .map((span) => payloadOf(span).bandwidth_granted_bps);
    expect(granted).toEqual([128_000, 128_000, 384_000, 10_000_000, 64_000]);
    const complete = spans.ofCall(BANDWIDTH_CALL).find(({ name }) => name === 'h323_call_complete')!;
    // Nobody says when it was answered: from admission to the first disengage request.
    expect(payloadOf(complete)).toMatchObject({ duration_ms: 1_209, bandwidth_bps: 64_000 });
    expect(complete.attributes['h323.inferred']).toContain('duration_ms');
    // 3 ms at 128 kbit/s, 1 at 384, 1 at 10,000, and the rest at 64: to the millisecond.
    expect(Number(complete.attributes['witness.units.megabit_minute'])).toBeCloseTo(
      (3 * 0.128 + 1 * 0.384 + 1 * 10 + 1_204 * 0.064) / 60_000,
      5,
    );
  });
});

test('Asterisk: both sides of its call to itself are one call; its text is no cause; an unknown number is rejected', () => {
  const spans = replay('ras-asterisk-call');
  const calls = spans.named('h323.call').map(({ attributes }) => attributes);
  expect(calls).toMatchObject([
    { 'call.end_reason': 'completed', 'call.duration_ms': 3_000, 'call.last_code': 'normalDrop' },
    { 'call.end_reason': 'rejected', 'call.last_code': 'calledPartyNotRegistered' },
  ]);
  expect(calls[0]).not.toHaveProperty('h323.q850_cause');
  expect(spans.named('h323_call_complete')).toHaveLength(1);
});

test('every datagram twice, as a lossy network makes it, records nothing twice', () => {
  const once = replay('ras-gnugk-bandwidth');
  const spans = new Spans();
  const observer = new RasObserver({ tracerProvider: spans.provider });
  for (const datagram of rasRecording('ras-gnugk-bandwidth')) {
    for (let i = 0; i < 2; i++) observer.observe(datagram.octets, infoOf(datagram, BEGIN_MS['ras-gnugk-bandwidth']!));
  }
  expect(spans.names).toEqual(once.names);
  expect(observer.counts).toMatchObject({ retransmissions: 20, unpaired: 20 });
});

test('an endpoint and the gatekeeper tell the same of a call', () => {
  const file = 'ras-gnugk-call';
  const mine = rasRecording(file).filter(({ from, to }) => [from, to].includes('127.0.0.1:52213'));
  const atEndpoint = new Spans();
  const endpoint = new RasObserver({ tracerProvider: atEndpoint.provider });
  const atGatekeeper = new Spans();
  const gatekeeper = new RasObserver({ tracerProvider: atGatekeeper.provider });
  for (const { octets, from, to, t } of mine) {
    const time = BEGIN_MS[file]! + t * 1000;
    const isMine = from === '127.0.0.1:52213';
    endpoint.observe(octets, {
      direction: isMine ? 'sent' : 'received',
      local: isMine ? from : to,
      peer: isMine ? to : from,
      time,
    });
    gatekeeper.observe(octets, {
      direction: isMine ? 'received' : 'sent',
      peer: isMine ? from : to,
      local: isMine ? to : from,
      time,
    });
  }
  const told = (spans: Spans): unknown => spans.all.map(({ name, attributes }) => [name, attributes]);
  expect(told(atEndpoint)).toEqual(told(atGatekeeper));
  expect(atEndpoint.one('h323.call').attributes['call.end_reason']).toBe('completed');
});

test('a request without an answer is a timeout, and a call that nobody admitted ends with it', () => {
  const spans = new Spans();
  const observer = new RasObserver({ tracerProvider: spans.provider, requestTimeoutMs: 1_000, sweepIntervalMs: 0 });
  const request = rasRecording('ras-gnugk-call')[4]!;
  observer.observe(request.octets, infoOf(request, 1_000_000));
  observer.sweep(1_000_900);
  expect(spans.named('h323_timeout')).toEqual([]);
  observer.sweep(1_001_100);
  expect(payloadOf(spans.one('h323_timeout'))).toMatchObject({ waited_for: 'answer to ARQ', call_id: GNUGK_CALL });
  expect(spans.one('h323.call').attributes).toMatchObject({ 'call.end_reason': 'timeout', 'error.type': 'timeout' });
  expect(observer.openCalls).toBe(0);
});

test('a call of which nothing is heard ends as a timeout, and without a made-up completion', () => {
  const spans = new Spans();
  const observer = new RasObserver({ tracerProvider: spans.provider, callTimeoutMs: 60_000, sweepIntervalMs: 0 });
  for (const datagram of rasRecording('ras-gnugk-call').slice(4, 8))
    observer.observe(datagram.octets, infoOf(datagram, 0));
  observer.sweep(50_000);
  expect(observer.openCalls).toBe(1);
  observer.sweep(70_000);
  expect(spans.one('h323.call').attributes['call.end_reason']).toBe('timeout');
  expect(payloadOf(spans.one('h323_timeout'))).toMatchObject({ waited_for: 'call' });
  expect(spans.named('h323_call_complete')).toEqual([]);
});

test('when only one side leaves, the other is waited for, and then the call is over', () => {
  const spans = new Spans();
  const observer = new RasObserver({ tracerProvider: spans.provider, sweepIntervalMs: 0 });
  const datagrams = rasRecording('ras-gnugk-call');
  const isOther = ({ from, to }: RecordedDatagram): boolean => [from, to].includes('127.0.0.1:52317');
  for (const datagram of datagrams.filter((other) => !isOther(other) || other.t < 1)) {
    observer.observe(datagram.octets, infoOf(datagram, BEGIN_MS['ras-gnugk-call']!));
  }
  expect(observer.openCalls).toBe(1);
  observer.sweep(BEGIN_MS['ras-gnugk-call']! + 20_000);
  const call = spans.one('h323.call');
  expect(call.attributes).toMatchObject({ 'call.end_reason': 'completed', 'call.duration_ms': 8_000 });
  expect(call.attributes['h323.inferred']).toContain('end');
});

test('the table of calls is bounded: the oldest is put out, and said to be', () => {
  const spans = new Spans();
  const observer = new RasObserver({ tracerProvider: spans.provider, maxCalls: 10, sweepIntervalMs: 0 });
  const request = rasRecording('ras-gnugk-call')[4]!;
  const message = decodeRas(request.octets);
  if (message.name !== 'admissionRequest') throw new Error('not the request');
  for (let i = 0; i < 50; i++) {
    const guid = new Uint8Array(16).fill(i);
    const value = { ...message.value, requestSeqNum: i + 1, callIdentifier: { guid } };
    observer.observe(encodeRas({ name: 'admissionRequest', value }), infoOf(request, 0));
  }
  expect(observer.openCalls).toBe(10);
  expect(spans.named('h323.call').map(({ attributes }) => attributes['call.end_reason'])).toEqual(
    Array.from({ length: 40 }, () => 'evicted'),
  );
  observer.close();
  expect(spans.named('h323.call').at(-1)!.attributes['call.end_reason']).toBe('closed');
});

test('names and addresses are made into pseudonyms before they are recorded', () => {
  const spans = replay('ras-gnugk-call', { pseudonymise: pseudonymiser(new Uint8Array(32).fill(7)) });
  const text = JSON.stringify(spans.all.map(({ attributes }) => attributes));
  expect(text).not.toMatch(/alice|bob|2001|2002|127\.0\.0\.1/);
  expect(payloadOf(spans.one('h323_endpoint_registered')).aliases).toEqual([
    expect.stringMatching(/^p-[0-9a-f]{16}$/),
    expect.stringMatching(/^p-[0-9a-f]{16}$/),
  ]);
});

test('an application says where a call belongs', () => {
  const spans = new Spans();
  const parent = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 };
  const contextOf = (): ReturnType<typeof trace.setSpanContext> => trace.setSpanContext(ROOT_CONTEXT, parent);
  const observer = new RasObserver({ tracerProvider: spans.provider, contextOf });
  for (const datagram of rasRecording('ras-gnugk-call')) observer.observe(datagram.octets, infoOf(datagram, 0));
  expect(spans.one('h323.call').parentSpanContext).toMatchObject(parent);
});

test('noise, flipped and truncated datagrams are counted, and throw nothing', () => {
  const spans = new Spans();
  const observer = new RasObserver({ tracerProvider: spans.provider, maxCalls: 100 });
  const random = seeded(323);
  for (let round = 0; round < 20; round++) {
    for (const datagram of allDatagrams) {
      const octets = datagram.octets.slice(0, Math.ceil(datagram.octets.length * (0.5 + random())));
      octets[Math.floor(random() * octets.length)]! ^= 1 << Math.floor(random() * 8);
      observer.observe(octets, infoOf(datagram, round * 1_000));
    }
  }
  observer.close();
  expect(observer.counts.datagrams).toBe(20 * allDatagrams.length);
  expect(observer.counts.malformed).toBeGreaterThan(300);
  expect(observer.openCalls).toBe(0);
});
