import { createSocket } from 'node:dgram';
import { afterEach, describe, expect, test } from 'vitest';
import {
  limitBandwidth,
  RasObserver,
  SmallEndpoint,
  type SmallEndpointOptions,
  SmallGatekeeper,
  type SmallGatekeeperOptions,
} from '../dist/index.js';
import { until } from './fake-status-server.js';
import { payloadOf, Spans } from './spans.js';

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A gatekeeper that is observed, and endpoints that are registered with it. */
async function stage(
  options: SmallGatekeeperOptions = {},
): Promise<{ spans: Spans; observer: RasObserver; gatekeeper: SmallGatekeeper; join: Join }> {
  const spans = new Spans();
  const observer = new RasObserver({ tracerProvider: spans.provider });
  const gatekeeper = new SmallGatekeeper({ onDatagram: (octets, info) => observer.observe(octets, info), ...options });
  const address = await gatekeeper.start();
  closing.push(
    () => gatekeeper.close(),
    () => observer.close(),
  );
  const join: Join = async (alias, more = {}) => {
    const endpoint = new SmallEndpoint({
      gatekeeper: address,
      aliases: [alias],
      signalPort: 1_000 + closing.length,
      ...more,
    });
    await endpoint.start();
    closing.push(() => endpoint.close());
    expect(await endpoint.register()).toBeUndefined();
    return endpoint;
  };
  return { spans, observer, gatekeeper, join };
}

type Join = (alias: string, more?: Partial<SmallEndpointOptions>) => Promise<SmallEndpoint>;

test('a call from discovery to goodbye, seen by an observer at the gatekeeper', async () => {
  const { spans, gatekeeper, join } = await stage();
  const alice = await join('alice');
  const bob = await join('bob');
  expect(await alice.discover()).toBe('SmallGK');
  expect(gatekeeper.registrations).toBe(2);

  const call = await alice.requestAdmission({ destination: 'bob', bandwidthBps: 2_000_000 });
  expect(call).toMatchObject({ isAdmitted: true, bandwidthBps: 2_000_000 });
  const { callId } = call;
  expect(await bob.requestAdmission({ callId, bandwidthBps: 2_000_000, isAnswering: true })).toMatchObject({
    isAdmitted: true,
  });
  expect(gatekeeper.calls).toBe(1);
  expect(await alice.requestBandwidth(callId, 384_000)).toMatchObject({ isAdmitted: true, bandwidthBps: 384_000 });
  await alice.report(callId);
  const connectMs = Date.now() - 45 * 60_000;
  expect(await alice.disengage(callId, { connectMs, endMs: connectMs + 45 * 60_000 })).toBeUndefined();
  expect(await bob.disengage(callId)).toBeUndefined();
  expect(await alice.unregister()).toBeUndefined();
  expect(await alice.unregister()).toBe('notCurrentlyRegistered');
  expect(gatekeeper.calls).toBe(0);
  expect(gatekeeper.registrations).toBe(1);

  expect(spans.ofCall(callId).map(({ name }) => name)).toEqual([
    'h323_arq_sent',
    'h323_bandwidth_requested',
    'h323_acf_received',
    'h323_bandwidth_granted',
    'h323_arq_sent',
    'h323_bandwidth_requested',
    'h323_acf_received',
    'h323_bandwidth_granted',
    'h323_bandwidth_requested',
    'h323_bandwidth_granted',
    'h323_disengage_requested',
    'h323_disengaged',
    'h323_disengage_requested',
    'h323_disengaged',
    'h323_call_complete',
    'h323.call',
  ]);
  expect(payloadOf(spans.one('h323_call_complete'))).toMatchObject({ duration_ms: 2_700_000, hangup_party: 'caller' });
  expect(spans.named('h323_gatekeeper_confirmed')).toHaveLength(1);
  expect(spans.named('h323_unregistration_rejected')).toHaveLength(1);
});

test('2 Mbps for 45 minutes, as the endpoints tell it, is charged $0.09095', async () => {
  const { spans, join } = await stage();
  const alice = await join('alice');
  await join('bob');
  const { callId } = await alice.requestAdmission({ destination: 'bob', bandwidthBps: 2_000_000 });
  const connectMs = Math.floor(Date.now() / 1000) * 1000 - 2_700_000;
  await alice.disengage(callId, { connectMs, endMs: connectMs + 2_700_000 });
  const complete = spans.one('h323_call_complete');
  expect(complete.attributes).toMatchObject({
    'witness.units.call': '1',
    'witness.units.megabit_minute': '90',
    'witness.units.minute': '45',
  });
  expect(payloadOf(complete).total_cost).toBe('0.09095');
});

describe('admission', () => {
  test('of an unknown number, by an unknown endpoint, is refused with the reason of H.225.0', async () => {
    const { spans, join } = await stage();
    const alice = await join('alice');
    expect(await alice.requestAdmission({ destination: '9999', bandwidthBps: 64_000 })).toMatchObject({
      isAdmitted: false,
      reason: 'calledPartyNotRegistered',
    });
    await alice.unregister();
    expect(await alice.requestAdmission({ destination: 'alice', bandwidthBps: 64_000 })).toMatchObject({
      isAdmitted: false,
      reason: 'callerNotRegistered',
    });
    expect(spans.named('h323_arj_received').map((span) => payloadOf(span).reason)).toEqual([
      'calledPartyNotRegistered',
      'callerNotRegistered',
    ]);
  });

  test('within a bandwidth limit: what does not fit is refused, in a new call and in one under way', async () => {
    const { spans, join } = await stage({ admissionPolicy: limitBandwidth(3_000_000) });
    const alice = await join('alice');
    await join('bob');
    const first = await alice.requestAdmission({ destination: 'bob', bandwidthBps: 2_000_000 });
    expect(first.isAdmitted).toBe(true);
    expect(await alice.requestAdmission({ destination: 'bob', bandwidthBps: 1_500_000 })).toMatchObject({
      isAdmitted: false,
      reason: 'resourceUnavailable',
    });
    const second = await alice.requestAdmission({ destination: 'bob', bandwidthBps: 1_000_000 });
    expect(second.isAdmitted).toBe(true);
    expect(await alice.requestBandwidth(second.callId, 1_200_000)).toEqual({
      isAdmitted: false,
      reason: 'insufficientResources',
      availableBandwidthBps: 1_000_000,
    });
    expect(payloadOf(spans.one('h323_bandwidth_rejected'))).toMatchObject({
      reason: 'insufficientResources',
      available_bandwidth_bps: 1_000_000,
    });
    await alice.disengage(first.callId);
    expect(await alice.requestBandwidth(second.callId, 3_000_000)).toMatchObject({ isAdmitted: true });
  });

  test('by a callback that sees the question, may grant less, and whose own words become undefinedReason', async () => {
    const questions: unknown[] = [];
    const { join } = await stage({
      admissionPolicy: (question) => {
        questions.push(question);
        if (question.destination?.[0] === 'bob') return { isAdmitted: true, bandwidthBps: 64_000 };
        return { isAdmitted: false, reason: 'notOnSundays' };
      },
    });
    const alice = await join('alice');
    await join('bob');
    const call = await alice.requestAdmission({ destination: 'bob', bandwidthBps: 128_000 });
    expect(call).toMatchObject({ isAdmitted: true, bandwidthBps: 64_000 });
    expect(await alice.requestAdmission({ destination: 'alice', bandwidthBps: 128_000 })).toMatchObject({
      reason: 'undefinedReason',
    });
    expect(questions[0]).toEqual({
      callId: call.callId,
      endpointId: '1_endp',
      bandwidthBps: 128_000,
      isAnswering: false,
      usedBandwidthBps: 0,
      destination: ['bob'],
    });
  });
});

test('a name belongs to one endpoint; the same endpoint may come again, and keeps its id', async () => {
  const { spans, gatekeeper, join } = await stage();
  const alice = await join('alice');
  const before = alice.endpointId;
  expect(await alice.register()).toBeUndefined();
  expect(await alice.register({ isKeepAlive: true })).toBeUndefined();
  expect(alice.endpointId).toBe(before);
  await expect(join('alice')).rejects.toThrow(/duplicateAlias/);
  expect(gatekeeper.registrations).toBe(1);
  // A keep-alive says nothing new.
  expect(spans.named('h323_endpoint_registered')).toHaveLength(2);
  expect(spans.named('h323_registration_rejected')).toHaveLength(1);
});

test('a gatekeeper that ends a call tells its endpoints, and is the one who hung up', async () => {
  const { spans, gatekeeper, join } = await stage();
  const dropped: string[] = [];
  const alice = await join('alice', { onDropped: (callId) => dropped.push(callId) });
  const bob = await join('bob', { onDropped: (callId) => dropped.push(callId) });
  const { callId } = await alice.requestAdmission({ destination: 'bob', bandwidthBps: 64_000 });
  await bob.requestAdmission({ callId, bandwidthBps: 64_000, isAnswering: true });
  gatekeeper.dropCall(callId);
  await until(() => spans.names.includes('h323.call'));
  expect(dropped).toEqual([callId, callId]);
  expect(spans.one('h323.call').attributes).toMatchObject({
    'call.hangup_party': 'gatekeeper',
    'call.last_code': 'forcedDrop',
    'call.end_reason': 'completed',
  });
});

test('a request that comes again is answered again with the same octets, and not decided again', async () => {
  const asked: string[] = [];
  const sent: Uint8Array[] = [];
  const { spans, observer, join } = await stage({
    admissionPolicy: ({ callId }) => {
      asked.push(callId);
      return { isAdmitted: true };
    },
  });
  const alice = await join('alice', {
    onDatagram: (octets, { direction }) => direction === 'sent' && sent.push(octets),
  });
  const { callId } = await alice.requestAdmission({ destination: 'alice', bandwidthBps: 64_000 });
  const gatekeeper = observer.counts.datagrams;
  const answers: Uint8Array[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (octets) => answers.push(octets));
  closing.push(() => socket.close());
  // From another port it is another request, once; what follows is the same again.
  for (let i = 0; i < 3; i++) socket.send(sent.at(-1)!, alice.gatekeeper.port, alice.gatekeeper.host);
  await until(() => answers.length === 3);
  expect(new Set(answers.map((octets) => octets.toString())).size).toBe(1);
  expect(asked).toEqual([callId, callId]);
  expect(observer.counts).toMatchObject({ datagrams: gatekeeper + 6, retransmissions: 2, unpaired: 2 });
  expect(spans.named('h323_acf_received')).toHaveLength(2);
});

test('without a gatekeeper an endpoint asks three times and says so', async () => {
  const sent: number[] = [];
  const endpoint = new SmallEndpoint({
    gatekeeper: { host: '127.0.0.1', port: 9 },
    aliases: ['alice'],
    retryMs: 20,
    onDatagram: (octets) => sent.push(octets.length),
  });
  await endpoint.start();
  await expect(endpoint.register()).rejects.toThrow(/did not answer registrationRequest/);
  expect(sent).toHaveLength(3);
  await endpoint.close();
});
