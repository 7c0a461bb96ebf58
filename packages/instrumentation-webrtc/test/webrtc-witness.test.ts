import { createHash } from 'node:crypto';
import { SpanStatusCode } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import { WebRtcWitness } from '../dist/index.js';
import { RecordedSpans } from './recorded-spans.js';

const SDP = 'v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\na=ice-pwd:secret-of-ice\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n';
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The guide's complete set-up. */
function setUp(spans: RecordedSpans): WebRtcWitness {
  const witness = new WebRtcWitness('caller-123', { tracerProvider: spans.provider });
  witness.logSdpOffer(SDP, { audio: true, video: true });
  witness.logSdpAnswer(SDP);
  witness.logIceCandidate({ type: 'host' });
  witness.logIceCandidatesSummary([{ type: 'host' }, { type: 'host' }, { type: 'relay' }, {}]);
  witness.logConnectionStateChange('connecting', 'connected');
  witness.logMediaStreamReady(true, true);
  witness.close();
  return witness;
}

test('every event has the guide’s name, payload, tokens, cost and model, as an estimate', () => {
  const spans = new RecordedSpans();
  const { traceId } = setUp(spans);
  expect(traceId).toMatch(/^webrtc-caller-123-[0-9a-f]{12}$/);
  const told = spans.events('caller-123').map(({ name, payload, attributes }) => ({
    name,
    payload,
    usage: [
      attributes['gen_ai.usage.input_tokens'],
      attributes['gen_ai.usage.output_tokens'],
      attributes['witness.cost.usd'],
      attributes['gen_ai.request.model'],
      attributes['witness.cost.estimated'],
    ],
  }));
  const haiku = (tokensIn: number, tokensOut: number, costUsd: string) => [
    tokensIn,
    tokensOut,
    costUsd,
    'claude-haiku-4.5',
    true,
  ];
  const nothing = [undefined, undefined, undefined, undefined, undefined];
  const hash = sha256(SDP);
  const timestamp = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  const common = { peer_id: 'caller-123', timestamp };
  const ms = expect.any(Number);
  expect(told).toEqual([
    {
      name: 'webrtc_connection_started',
      payload: { ...common, connection_id: traceId },
      usage: haiku(50, 25, '0.0001'),
    },
    {
      name: 'sdp_offer_created',
      payload: {
        ...common,
        offer_hash: hash,
        constraints: { audio: true, video: true },
        offer_lines: 5,
        offer_length: SDP.length,
      },
      usage: haiku(200, 100, '0.0005'),
    },
    {
      name: 'sdp_answer_received',
      payload: { ...common, answer_hash: hash, answer_lines: 5, answer_length: SDP.length },
      usage: haiku(200, 100, '0.0005'),
    },
    {
      name: 'ice_candidates_gathered',
      payload: {
        ...common,
        total_candidates: 4,
        candidate_types: { host: 2, relay: 1, unknown: 1 },
        gathering_time_ms: ms,
      },
      usage: haiku(100, 50, '0.0002'),
    },
    {
      name: 'ice_connection_state_changed',
      payload: { ...common, old_state: 'connecting', new_state: 'connected', duration_ms: ms },
      usage: haiku(50, 25, '0.0001'),
    },
    {
      name: 'media_stream_ready',
      payload: {
        ...common,
        audio_enabled: true,
        video_enabled: true,
        video_resolution: '1920x1080',
        connection_duration_ms: ms,
      },
      usage: haiku(150, 75, '0.0003'),
    },
    { name: 'webrtc_connection_closed', payload: { ...common, duration_seconds: ms }, usage: nothing },
  ]);
});

test('a set-up costs what the guide’s script adds up to, $0.0017', () => {
  const spans = new RecordedSpans();
  setUp(spans);
  const costs = spans
    .events('caller-123')
    .map(({ attributes }) => Number(attributes['witness.cost.usd'] ?? 0) * 10_000);
  expect(Math.round(costs.reduce((sum, cost) => sum + cost))).toBe(17);
});

test('a description is never recorded', () => {
  const spans = new RecordedSpans();
  setUp(spans);
  expect(JSON.stringify(spans.all.map(({ attributes }) => attributes))).not.toContain('secret-of-ice');
});

test('events belong to the connection’s business trace id, or to the one that is named', () => {
  const spans = new RecordedSpans();
  const witness = new WebRtcWitness('peer', { traceId: 'session-flow-001', tracerProvider: spans.provider });
  witness.logSdpOffer(SDP, {}, 'another-flow');
  witness.logSdpAnswer(SDP);
  witness.close();
  const ids = spans.events('peer').map(({ attributes }) => attributes['witness.trace.id']);
  expect(ids).toEqual(['session-flow-001', 'another-flow', 'session-flow-001', 'session-flow-001']);
  const connection = spans.connection('peer');
  for (const { span } of spans.events('peer')) {
    expect(span.parentSpanContext?.spanId).toBe(connection.spanContext().spanId);
  }
});

test('an error marks the event and the connection, and close ends once', () => {
  const spans = new RecordedSpans();
  const witness = new WebRtcWitness('peer', { tracerProvider: spans.provider });
  witness.logConnectionError('ice_failed', 'no candidate pair works');
  witness.close();
  witness.close();
  const [, error, closed, ...more] = spans.events('peer');
  expect(more).toEqual([]);
  expect(closed!.name).toBe('webrtc_connection_closed');
  expect(error).toMatchObject({
    name: 'webrtc_error',
    payload: { error_code: 'ice_failed', error_message: 'no candidate pair works' },
    attributes: { 'error.type': 'ice_failed', 'witness.cost.usd': '0.0001' },
  });
  expect(spans.connection('peer')).toMatchObject({
    status: { code: SpanStatusCode.ERROR },
    attributes: { 'error.type': 'ice_failed', 'call.end_reason': 'failed' },
  });
});

test('candidates as browsers give them are counted by the type in their text', () => {
  const spans = new RecordedSpans();
  const witness = new WebRtcWitness('peer', { tracerProvider: spans.provider });
  witness.logIceCandidatesSummary([
    { candidate: 'candidate:1 1 udp 1 192.0.2.1 5000 typ srflx', type: null },
    { candidate: 'x' },
  ]);
  witness.close();
  expect(spans.payloads('ice_candidates_gathered', 'peer')).toMatchObject([
    { candidate_types: { srflx: 1, unknown: 1 } },
  ]);
});
