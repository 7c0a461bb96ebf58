/** Real peers of three stacks, connected on loopback. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { SpanStatusCode } from '@opentelemetry/api';
import { afterEach, describe, expect, test } from 'vitest';
import { type ConnectionOptions, instrumentPeerConnection, type WatchedConnection } from '../dist/index.js';
import { openConnectionCount } from '../dist/open-connections.js';
import { RecordedSpans } from './recorded-spans.js';
import {
  type AnyConnection,
  connect,
  connectWithWrongCertificate,
  datachannel,
  negotiate,
  roamhq,
  STACKS,
  type Stack,
  werift,
} from './stacks.js';

const EVERY_STACK = STACKS.map((stack) => [stack.name, stack] as const);

interface Peers {
  readonly spans: RecordedSpans;
  readonly a: AnyConnection;
  readonly b: AnyConnection;
  readonly alice: WatchedConnection;
  readonly bob: WatchedConnection;
}

/** Two watched peers that do not know of each other yet. */
function peersOf(stack: Stack, options: ConnectionOptions = {}): Peers {
  const spans = new RecordedSpans();
  const [a, b] = [stack.make(), stack.make()];
  const common = { ...options, tracerProvider: spans.provider };
  const alice = instrumentPeerConnection(a, { peerId: 'alice', remotePeerId: 'bob', ...common });
  const bob = instrumentPeerConnection(b, { peerId: 'bob', remotePeerId: 'alice', ...common });
  return { spans, a, b, alice, bob };
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!condition() && Date.now() < deadline) await delay(20);
  expect(condition()).toBe(true);
}

afterEach(() => expect(openConnectionCount()).toBe(0));

describe.each(EVERY_STACK)('%s', (_name, stack) => {
  test('a call is told from its beginning to its end, on both sides', async () => {
    const { spans, a, b, alice, bob } = peersOf(stack);
    await connect(a, b);
    for (const peer of ['alice', 'bob']) {
      await until(() => spans.payloads('ice_candidate_pair_selected', peer).length > 0);
      await until(() => spans.payloads('ice_candidates_gathered', peer).length > 0);
    }
    a.close();
    await alice.ended;
    b.close();
    await bob.ended;

    const everyone = ['webrtc_connection_started', 'ice_candidates_gathered', 'ice_connection_state_changed'];
    everyone.push('ice_candidate_pair_selected', 'data_channel_opened', 'webrtc_stats', 'webrtc_connection_closed');
    const names = (peer: string): string[] => spans.events(peer).map((event) => event.name);
    expect(names('alice')).toEqual(expect.arrayContaining([...everyone, 'sdp_offer_created', 'sdp_answer_received']));
    expect(names('bob')).toEqual(expect.arrayContaining([...everyone, 'sdp_offer_received', 'sdp_answer_created']));
    for (const peer of ['alice', 'bob']) {
      expect(names(peer).filter((event) => event.startsWith('sdp_'))).toHaveLength(2);
      for (const once of ['webrtc_connection_started', 'ice_candidates_gathered', 'webrtc_connection_closed']) {
        expect(names(peer).filter((event) => event === once)).toHaveLength(1);
      }
      expect(names(peer).at(-1)).toBe('webrtc_connection_closed');
    }
  });

  test('every event is a child of the connection, within its time, and has the business ids', async () => {
    const { spans, a, b, alice, bob } = peersOf(stack, { traceId: 'flow-1', parentTraceId: 'request-1' });
    await connect(a, b);
    a.close();
    b.close();
    await Promise.all([alice.ended, bob.ended]);
    for (const peer of ['alice', 'bob']) {
      const connection = spans.connection(peer);
      expect(connection.instrumentationScope.name).toBe('@infrafabric/instrumentation-webrtc');
      for (const { span, attributes } of spans.events(peer)) {
        expect(span.parentSpanContext?.spanId).toBe(connection.spanContext().spanId);
        expect(span.spanContext().traceId).toBe(connection.spanContext().traceId);
        expect(attributes).toMatchObject({
          'witness.component': 'IF.witness.webrtc',
          'witness.trace.id': 'flow-1',
          'witness.trace.parent_id': 'request-1',
        });
        expect(attributes).not.toHaveProperty('gen_ai.usage.input_tokens');
        expect(attributes).not.toHaveProperty('witness.cost.usd');
        expect(millis(span.startTime)).toBeGreaterThanOrEqual(millis(connection.startTime) - 1);
        expect(millis(span.endTime)).toBeLessThanOrEqual(millis(connection.endTime) + 1);
      }
    }
    expect(spans.connection('alice').spanContext().traceId).toBe(spans.connection('bob').spanContext().traceId);
  });

  test('who hung up is known on both sides, and how long it took', async () => {
    const { spans, a, b, alice, bob } = peersOf(stack);
    await connect(a, b);
    await delay(250);
    b.close();
    await bob.ended;
    // What the other side notices of it is each stack's own.
    await delay(500);
    a.close();
    await alice.ended;
    expect(spans.connection('bob').attributes).toMatchObject({
      'call.end_reason': 'hangup',
      'call.hangup_party': 'local',
      'call.last_code': 'connected',
    });
    expect(spans.connection('alice').attributes).toMatchObject({
      'call.end_reason': 'hangup',
      'call.hangup_party': 'remote',
    });
    for (const peer of ['alice', 'bob']) {
      const { attributes, status } = spans.connection(peer);
      expect(status.code).toBe(SpanStatusCode.UNSET);
      expect(attributes['call.duration_ms']).toBeGreaterThanOrEqual(200);
      expect(attributes['call.setup_time_ms']).toBeGreaterThanOrEqual(0);
      expect(attributes['call.quality.rtt_ms']).toBeLessThan(1_000);
    }
  });

  test('states never repeat, begin where the one before ended, and end as closed', async () => {
    const { spans, a, b, alice, bob } = peersOf(stack);
    await connect(a, b);
    a.close();
    b.close();
    await Promise.all([alice.ended, bob.ended]);
    for (const peer of ['alice', 'bob']) {
      const changes = spans.payloads('ice_connection_state_changed', peer);
      expect(changes[0]!.old_state).toBe('new');
      expect(changes.at(-1)!.new_state).toBe('closed');
      for (const [i, change] of changes.entries()) {
        expect(change.new_state).not.toBe(change.old_state);
        if (i > 0) expect(change.old_state).toBe(changes[i - 1]!.new_state);
        expect(change.duration_ms).toBeGreaterThanOrEqual(change.state_duration_ms as number);
        expect(change.state_duration_ms).toBeGreaterThanOrEqual(0);
      }
    }
  });

  test('nothing of a description is recorded but its hash, length and lines', async () => {
    const { spans, a, b, alice, bob } = peersOf(stack, { eachCandidate: true });
    await connect(a, b);
    const sdp = (a as unknown as { localDescription: { sdp: string } }).localDescription.sdp;
    const secrets = ['ice-ufrag', 'ice-pwd', 'fingerprint'].map((line) => new RegExp(`a=${line}:(.+)`).exec(sdp)![1]!);
    a.close();
    b.close();
    await Promise.all([alice.ended, bob.ended]);
    const recorded = JSON.stringify(spans.all.map((span) => [span.name, span.attributes]));
    for (const secret of secrets) expect(recorded).not.toContain(secret.trim());
    expect(recorded).not.toContain('v=0');
    const [offer] = spans.payloads('sdp_offer_created', 'alice');
    expect(offer).toMatchObject({
      offer_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      constraints: { audio: false, video: false, data: true },
    });
    expect(offer!.offer_lines).toBeGreaterThan(10);
    expect(offer!.offer_length).toBeGreaterThan(200);
  });

  test('addresses and peers are pseudonyms where the application wants it', async () => {
    const pseudonym = (text: string): string => `p-${text.length}`;
    const { spans, a, b, alice, bob } = peersOf(stack, { pseudonym, eachCandidate: true });
    await connect(a, b);
    await until(() => spans.payloads('ice_candidate_pair_selected', 'p-5').length > 0);
    a.close();
    b.close();
    await Promise.all([alice.ended, bob.ended]);
    expect(spans.payloads('ice_candidate_gathered', 'p-5').length).toBeGreaterThan(0);
    const recorded = JSON.stringify(spans.all.map((span) => span.attributes));
    for (const name of ['alice', 'bob"', '127.0.0.1']) expect(recorded).not.toContain(name);
    expect(recorded).toMatch(/"local_address\\":\\"p-\d/);
  });

  test('the ladder has offer, answer and hanging up, from whom to whom', async () => {
    const { spans, a, b, alice, bob } = peersOf(stack);
    await connect(a, b);
    a.close();
    await alice.ended;
    b.close();
    await bob.ended;
    const arrows = spans
      .events('alice')
      .filter(({ attributes }) => attributes['call.ladder.label'] !== undefined)
      .map(({ attributes }) => ['from', 'to', 'label'].map((part) => attributes[`call.ladder.${part}`]));
    expect(arrows).toEqual([
      ['alice', 'bob', 'SDP offer'],
      ['bob', 'alice', 'SDP answer'],
      ['alice', 'bob', 'hangup'],
    ]);
  });

  test('a second close changes nothing, and the method is the stack’s own again', async () => {
    const { spans, a, b, alice, bob } = peersOf(stack);
    await connect(a, b);
    a.close();
    a.close();
    await alice.ended;
    a.close();
    b.close();
    await bob.ended;
    expect(spans.payloads('webrtc_connection_closed', 'alice')).toHaveLength(1);
    expect(Object.hasOwn(a, 'close')).toBe(false);
    expect(Object.hasOwn(a, 'createDataChannel')).toBe(false);
  });

  test('a connection that never connected was cancelled', async () => {
    const { spans, a, b, alice, bob } = peersOf(stack);
    a.close();
    b.close();
    await Promise.all([alice.ended, bob.ended]);
    const { attributes } = spans.connection('alice');
    expect(attributes).toMatchObject({ 'call.end_reason': 'cancelled', 'call.hangup_party': 'local' });
    expect(attributes).not.toHaveProperty('call.setup_time_ms');
    expect(attributes).not.toHaveProperty('call.duration_ms');
  });

  test('periodic statistics are differences, and the last one is of the whole connection', async () => {
    const { spans, a, b, alice, bob } = peersOf(stack, { statsIntervalMs: 100 });
    const channel = await connect(a, b);
    for (let i = 0; i < 20; i++) {
      channel.send('x'.repeat(1_000));
      await delay(25);
    }
    await until(() => spans.payloads('webrtc_stats', 'alice').length >= 3);
    // A sample that is younger than 100 ms is the last one.
    await delay(200);
    a.close();
    await alice.ended;
    b.close();
    await bob.ended;
    const stats = spans.payloads('webrtc_stats', 'alice');
    const whole = stats.pop()!;
    expect(whole).toMatchObject({ final: true });
    expect(whole.bytes_sent).toBeGreaterThanOrEqual(20_000);
    const sum = stats.reduce((total, { bytes_sent }) => total + Number(bytes_sent), 0);
    expect(sum).toBeGreaterThan(10_000);
    expect(sum).toBeLessThanOrEqual(whole.bytes_sent as number);
    for (const { interval_ms } of stats) expect(interval_ms).toBeGreaterThanOrEqual(80);
    expect(spans.connection('alice').attributes['webrtc.bytes_sent']).toBe(whole.bytes_sent);
  });

  test('twenty set-ups leave nothing behind', async () => {
    const spans = new RecordedSpans();
    for (let i = 0; i < 20; i++) {
      const [a, b] = [stack.make(), stack.make()];
      const options = { tracerProvider: spans.provider };
      const watches = [instrumentPeerConnection(a, options), instrumentPeerConnection(b, options)];
      await connect(a, b);
      a.close();
      b.close();
      await Promise.all(watches.map(({ ended }) => ended));
    }
    expect(openConnectionCount()).toBe(0);
    const connections = spans.all.filter((span) => span.name === 'webrtc.peer_connection');
    expect(connections).toHaveLength(40);
    for (const { attributes } of connections) expect(attributes['call.end_reason']).toBe('hangup');
  }, 120_000);

  test('a peer with another certificate than announced is a failure', async () => {
    const { spans, a, b, alice, bob } = peersOf(stack);
    await connectWithWrongCertificate(a, b);
    // @roamhq/wrtc does not tell of it: the state is found at the close.
    const deadline = Date.now() + 2_000;
    while (spans.payloads('webrtc_error', 'alice').length === 0 && Date.now() < deadline) await delay(20);
    a.close();
    b.close();
    await Promise.all([alice.ended, bob.ended]);
    // node-datachannel only closes.
    const errorType = stack === datachannel ? 'setup_failed' : 'dtls_failed';
    expect(spans.events('alice').filter((event) => event.name === 'webrtc_error')).toMatchObject([
      {
        payload: { error_code: errorType },
        attributes: { 'error.type': errorType },
        span: { status: { code: SpanStatusCode.ERROR } },
      },
    ]);
    expect(spans.connection('alice')).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'error.type': errorType, 'call.end_reason': 'failed' },
    });
    expect(spans.connection('alice').attributes).not.toHaveProperty('call.hangup_party');
  });
});

test('an unreachable peer is a failure', async () => {
  const { spans, a, b, alice, bob } = peersOf(roamhq);
  const silent = createSocket('udp4').bind(0, '127.0.0.1');
  await once(silent, 'listening');
  a.createDataChannel('chat');
  await negotiate(a, b);
  b.close();
  await bob.ended;
  const candidate = `candidate:1 1 udp 2113937151 127.0.0.1 ${silent.address().port} typ host`;
  await a.addIceCandidate({ candidate, sdpMid: '0', sdpMLineIndex: 0 });
  const deadline = Date.now() + 60_000;
  while (spans.payloads('webrtc_error', 'alice').length === 0 && Date.now() < deadline) await delay(100);
  silent.close();
  a.close();
  await alice.ended;
  expect(spans.payloads('webrtc_error', 'alice')).toMatchObject([{ error_code: 'ice_failed' }]);
  expect(spans.connection('alice')).toMatchObject({
    status: { code: SpanStatusCode.ERROR },
    attributes: { 'error.type': 'ice_failed', 'call.end_reason': 'failed', 'call.last_code': 'failed' },
  });
}, 90_000);

describe('renegotiation', () => {
  test.each([
    [werift.name, werift],
    [roamhq.name, roamhq],
  ])('%s: each offer and each answer is told once', async (_name, stack) => {
    const { spans, a, b, alice, bob } = peersOf(stack);
    await connect(a, b);
    await negotiate(a, b);
    await negotiate(b, a);
    await delay(100);
    a.close();
    b.close();
    await Promise.all([alice.ended, bob.ended]);
    const told = (peer: string): string[] =>
      spans
        .events(peer)
        .map((event) => event.name)
        .filter((event) => event.startsWith('sdp_'));
    const [calls, answers] = [
      ['sdp_offer_created', 'sdp_answer_received'],
      ['sdp_offer_received', 'sdp_answer_created'],
    ] as const;
    expect(told('alice')).toEqual([...calls, ...calls, ...answers]);
    expect(told('bob')).toEqual([...answers, ...answers, ...calls]);
  });

  test.each([
    [werift.name, werift],
    [roamhq.name, roamhq],
  ])('%s: an offer that is rolled back has no answer', async (_name, stack) => {
    const { spans, a, b, alice, bob } = peersOf(stack);
    await connect(a, b);
    await a.setLocalDescription(await a.createOffer());
    await delay(50);
    await a.setLocalDescription({ type: 'rollback' });
    await delay(50);
    a.close();
    b.close();
    await Promise.all([alice.ended, bob.ended]);
    expect(spans.payloads('sdp_offer_created', 'alice')).toHaveLength(2);
    expect(spans.payloads('sdp_answer_received', 'alice')).toHaveLength(1);
  });
});

describe('the end', () => {
  test('a connection that does not connect times out', async () => {
    const { spans, a, b, alice, bob } = peersOf(werift, { timeoutMs: 50 });
    await Promise.all([alice.ended, bob.ended]);
    expect(spans.connection('alice')).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'call.end_reason': 'timeout', 'error.type': 'timeout' },
    });
    a.close();
    b.close();
  });

  test('who stops watching leaves the connection alone', async () => {
    const { spans, a, b, alice, bob } = peersOf(werift);
    const channel = await connect(a, b);
    alice.stop();
    await alice.ended;
    expect(spans.connection('alice').attributes).toMatchObject({ 'call.end_reason': 'shutdown' });
    expect(a.connectionState).toBe('connected');
    expect(channel.readyState).toBe('open');
    a.close();
    b.close();
    await bob.ended;
  });

  test('statistics are taken before the real close: node-datachannel has none after it', async () => {
    const { spans, a, b, alice, bob } = peersOf(datachannel, { statsIntervalMs: 0 });
    const channel = await connect(a, b);
    await delay(50);
    channel.send('x'.repeat(5_000));
    await delay(200);
    a.close();
    expect(Array.from((await a.getStats()) as Iterable<unknown>)).toEqual([]);
    await alice.ended;
    b.close();
    await bob.ended;
    expect(spans.payloads('webrtc_stats', 'alice').at(-1)!.bytes_sent).toBeGreaterThanOrEqual(5_000);
  });
});

test('a channel closed by either end is told with who closed it', async () => {
  const { spans, a, b, alice, bob } = peersOf(werift);
  const channel = await connect(a, b, 'files');
  channel.close();
  await until(() => spans.payloads('data_channel_closed', 'bob').length === 1);
  await until(() => spans.payloads('data_channel_closed', 'alice').length === 1);
  expect(spans.payloads('data_channel_closed', 'alice')).toMatchObject([{ label: 'files', closed_by: 'local' }]);
  expect(spans.payloads('data_channel_closed', 'bob')).toMatchObject([{ label: 'files', closed_by: 'remote' }]);
  a.close();
  b.close();
  await Promise.all([alice.ended, bob.ended]);
});

function millis([seconds, nanos]: readonly [number, number]): number {
  return seconds * 1_000 + nanos / 1e6;
}
