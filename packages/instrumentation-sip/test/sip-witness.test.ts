import { createHash } from 'node:crypto';
import { pseudonymiser, withBusinessIds } from '@infrafabric/events';
import { traceIdOfBusinessId } from '@infrafabric/format';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { describe, expect, test } from 'vitest';
import { type CallLedger, SipWitness, type SipWitnessOptions, verifyCallChain } from '../dist/index.js';
import { memory, payloadOf, type Written } from './support.js';

const uris = { localUri: 'sip:alice@example.com', remoteUri: 'sip:bob@example.com' };

function witnessing(options: Partial<SipWitnessOptions> = {}): Written & { readonly call_: SipWitness } {
  const written = memory();
  return { ...written, call_: new SipWitness({ ...uris, tracerProvider: written.provider, ...options }) };
}

/** The guide's flow, from INVITE to BYE. */
function wholeFlow(call: SipWitness): string[] {
  return [
    call.sendInvite('the offer'),
    call.receive100Trying(),
    call.receive180Ringing(),
    call.receive200Ok('the answer'),
    call.sendAck(),
    call.dialogEstablished(),
    call.sendBye(300),
  ];
}

/** Name, tokens in and out, dollars: the table of the guide. */
const GUIDE = [
  ['sip_invite_sent', 300, 150, '0.0005'],
  ['sip_100_trying', 100, 50, '0.0002'],
  ['sip_180_ringing', 100, 50, '0.0002'],
  ['sip_200_ok', 200, 100, '0.0003'],
  ['sip_ack_sent', 100, 50, '0.0002'],
  ['sip_dialog_established', 150, 75, '0.0003'],
  ['sip_bye_sent', 100, 50, '0.0002'],
] as const;

describe('a call by hand', () => {
  test('records the events of the guide, with its tokens, cost and model, as estimated', () => {
    const { call_, spans } = witnessing();
    wholeFlow(call_);
    const events = spans().slice(0, -1);
    expect(
      events.map(({ name, attributes }) => [
        name,
        attributes['gen_ai.usage.input_tokens'],
        attributes['gen_ai.usage.output_tokens'],
        attributes['witness.cost.usd'],
      ]),
    ).toEqual(GUIDE);
    for (const { attributes } of events) {
      expect(attributes).toMatchObject({
        'gen_ai.request.model': 'claude-haiku-4.5',
        'witness.cost.estimated': true,
        'witness.component': 'IF.witness.sip',
        'witness.trace.id': call_.traceId,
      });
    }
    // Ten-thousandths of a dollar: the guide's own sum, $0.0019.
    expect(GUIDE.reduce((sum, [, , , cost]) => sum + Number(cost) * 10_000, 0)).toBeCloseTo(19, 9);
  });

  test('has the payload fields of the guide', () => {
    const { call_, event } = witnessing();
    wholeFlow(call_);
    const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
    const always = ['call_id', 'chain_hash', 'event_hash', 'remote_uri', 'timestamp'];
    const keys = (name: string): string[] => Object.keys(payloadOf(event(name))).sort();
    expect(keys('sip_100_trying')).toEqual(always);
    expect(keys('sip_180_ringing')).toEqual(always);
    expect(keys('sip_ack_sent')).toEqual(always);
    expect(keys('sip_invite_sent')).toEqual([...always, 'cseq', 'local_uri', 'sdp_offer_hash'].sort());
    expect(keys('sip_200_ok')).toEqual([...always, 'sdp_answer_hash'].sort());
    expect(keys('sip_dialog_established')).toEqual([...always, 'audio_codec', 'local_uri', 'media_active'].sort());
    expect(keys('sip_bye_sent')).toEqual([...always, 'duration_seconds'].sort());
    expect(payloadOf(event('sip_invite_sent'))).toMatchObject({
      cseq: 1,
      sdp_offer_hash: sha256('the offer'),
      chain_hash: null,
    });
    expect(payloadOf(event('sip_200_ok'))).toMatchObject({ sdp_answer_hash: sha256('the answer') });
    expect(payloadOf(event('sip_dialog_established'))).toMatchObject({ audio_codec: 'G.711', media_active: true });
    expect(payloadOf(event('sip_bye_sent'))).toMatchObject({ duration_seconds: 300 });
  });

  test('returns the hash of each event, and chains them', () => {
    const { call_, payloads } = witnessing();
    expect(wholeFlow(call_)).toEqual(payloads().map(({ event_hash }) => event_hash));
    expect(verifyCallChain(payloads())).toMatchObject({ isIntact: true, events: 7 });
  });

  test('has ids in the form of the guide, and is one trace', () => {
    const { call_, spans, call } = witnessing();
    wholeFlow(call_);
    expect(call_.traceId).toMatch(/^sip-call-[0-9a-f]{12}$/);
    expect(call_.callId).toMatch(/^call-[0-9a-f]{12}$/);
    for (const span of spans()) expect(span.spanContext().traceId).toBe(traceIdOfBusinessId(call_.traceId));
    expect(call()).toMatchObject({
      ...{ 'sip.call_id': call_.callId, 'sip.from': uris.localUri, 'sip.to': uris.remoteUri },
      ...{
        'call.duration_ms': 300_000,
        'call.last_code': '200',
        'call.end_reason': 'hangup',
        'call.hangup_party': 'caller',
      },
      'sip.events': 7,
    });
    expect(Number(call()['call.setup_time_ms'])).toBeGreaterThanOrEqual(0);
  });

  test('each event can go to a trace id of its own', () => {
    const { call_, event } = witnessing({ traceId: 'session-flow-001' });
    call_.sendInvite('x', 'another-flow');
    call_.receive100Trying();
    expect(event('sip_invite_sent').attributes['witness.trace.id']).toBe('another-flow');
    expect(event('sip_100_trying').attributes['witness.trace.id']).toBe('session-flow-001');
  });

  test('takes the business trace id of the given context', () => {
    const flow = withBusinessIds({ traceId: 'user-request-123' }, ROOT_CONTEXT);
    // Without a context manager nothing is active: then the id is the call's own.
    expect(context.with(flow, () => witnessing()).call_.traceId).toMatch(/^sip-call-/);
    expect(witnessing({ traceId: 'user-request-123' }).call_.traceId).toBe('user-request-123');
  });

  test('pseudonyms replace its names', () => {
    const pseudonym = pseudonymiser(new Uint8Array(16).fill(1));
    const { call_, spans } = witnessing({ pseudonym, callId: 'a84b4c76e66710@example.com' });
    wholeFlow(call_);
    expect(JSON.stringify(spans().map(({ attributes }) => attributes))).not.toContain('example.com');
  });

  test('that nobody hangs up ends when it is closed, once', () => {
    const { call_, calls, call } = witnessing();
    call_.sendInvite('x');
    call_.close();
    call_.close();
    expect(calls()).toHaveLength(1);
    expect(call()).toMatchObject({ 'call.end_reason': 'shutdown' });
  });
});

describe('what needs a ledger', () => {
  const ledger = (answer: () => boolean): CallLedger & { readonly exported: string[] } => {
    const exported: string[] = [];
    return { exported, verify: answer, exportTrace: (traceId, path) => void exported.push(`${traceId} ${path}`) };
  };

  test('exportCallLog has it write the trace, and says where', async () => {
    const store = ledger(() => true);
    const { call_ } = witnessing({ traceId: 't', callId: '../x@y', ledger: store });
    expect(await call_.exportCallLog('log.json')).toBe('log.json');
    expect(await call_.exportCallLog()).toBe('sip-call-.._x_y.json');
    expect(store.exported).toEqual(['t log.json', 't sip-call-.._x_y.json']);
  });

  test('exportCallLog without one says what to do', async () => {
    await expect(witnessing().call_.exportCallLog()).rejects.toThrow('give one to the constructor');
  });

  test.each([
    ['no ledger', undefined, true, undefined],
    ['a ledger that verifies', ledger(() => true), true, true],
    ['a ledger that does not', ledger(() => false), false, false],
    [
      'a ledger that cannot say',
      ledger(() => {
        throw new Error('locked');
      }),
      false,
      false,
    ],
  ])('verifyCallIntegrity with %s', async (_, store, verified, ledgerVerified) => {
    const { call_, event } = witnessing({ ledger: store });
    wholeFlow(call_);
    expect(await call_.verifyCallIntegrity()).toBe(verified);
    const payload = payloadOf(event('sip_hash_verified'));
    expect(payload).toMatchObject({ verified, events: 7, call_id: call_.callId });
    expect(payload.ledger_verified).toBe(ledgerVerified);
    expect(event('sip_hash_verified').attributes).not.toHaveProperty('witness.cost.usd');
  });
});
