import { createHash, createHmac } from 'node:crypto';
import { pseudonymiser, withBusinessIds } from '@infrafabric/events';
import { traceIdOfBusinessId } from '@infrafabric/format';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { describe, expect, test } from 'vitest';
import { CALL_END_REASONS, canonicalPayload, SipObserver, verifyCallChain } from '../dist/index.js';
import {
  ends,
  feed,
  memory,
  observing,
  offer,
  payloadOf,
  request,
  response,
  type Told,
  until,
  wholeCall,
} from './support.js';

describe('a call from INVITE to BYE', () => {
  test('is a span with an event for each message, by the names of the guide', () => {
    const { observer, names, call, spans, calls } = observing();
    feed(observer, wholeCall());
    expect(names()).toEqual([
      'sip_invite_sent',
      'sip_100_trying',
      'sip_180_ringing',
      'sip_200_ok',
      'sip_ack_sent',
      'sip_dialog_established',
      'sip_bye_sent',
      'sip_response',
    ]);
    expect(call()).toMatchObject({
      'witness.component': 'IF.witness.sip',
      'sip.call_id': 'call-1@here',
      'sip.from': 'sip:alice@example.com',
      'sip.to': 'sip:bob@example.com',
      'call.direction': 'outgoing',
      'call.setup_time_ms': 300,
      'call.duration_ms': 200,
      'call.hangup_party': 'caller',
      'call.last_code': '200',
      'call.end_reason': 'hangup',
      'sip.retransmissions': 0,
      'sip.forks': 1,
      'sip.events': 8,
      'network.transport': 'udp',
      'network.protocol.name': 'sip',
      'network.peer.address': '10.0.0.2',
      'network.peer.port': 5060,
    });
    const [span] = calls();
    expect(span).toMatchObject({ kind: SpanKind.CLIENT, status: { code: SpanStatusCode.UNSET } });
    expect(span!.instrumentationScope.name).toBe('@infrafabric/instrumentation-sip');
    for (const event of spans().slice(0, -1)) expect(event.parentSpanContext?.spanId).toBe(span!.spanContext().spanId);
  });

  test('has an arrow of the ladder for each message, and none for what is no message', () => {
    const { observer, spans } = observing();
    feed(observer, wholeCall());
    const arrow = ['call.ladder.from', 'call.ladder.to', 'call.ladder.label'];
    const [here, there] = ['10.0.0.1:5060', '10.0.0.2:5060'];
    expect(spans().map(({ attributes }) => arrow.map((key) => attributes[key]))).toEqual([
      [here, there, 'INVITE'],
      [there, here, '100 Trying'],
      [there, here, '180 Ringing'],
      [there, here, '200 OK'],
      [here, there, 'ACK'],
      [undefined, undefined, undefined],
      [here, there, 'BYE'],
      [there, here, '200 OK'],
      [undefined, undefined, undefined],
    ]);
  });

  test('is the same call at the other end: the callee sees it received, in the same trace', () => {
    const caller = observing();
    const callee = observing();
    feed(caller.observer, wholeCall());
    for (const [arrow, message] of wholeCall()) {
      const direction = arrow === '>' ? 'received' : 'sent';
      callee.observer.observe(message, { direction, transport: 'udp', local: ends.peer, peer: ends.local });
    }
    expect(callee.names()[0]).toBe('sip_invite_received');
    expect(callee.names()).toContain('sip_bye_received');
    expect(callee.call()).toMatchObject({ 'call.direction': 'incoming', 'call.hangup_party': 'caller' });
    expect(callee.calls()[0]!.kind).toBe(SpanKind.SERVER);
    const traceId = traceIdOfBusinessId('call-1@here');
    for (const span of [...caller.spans(), ...callee.spans()]) {
      expect(span.spanContext().traceId).toBe(traceId);
      expect(span.attributes['witness.trace.id']).toBe('call-1@here');
    }
    expect(caller.event('sip_ack_sent').attributes['call.ladder.from']).toBe(
      callee.event('sip_ack_received').attributes['call.ladder.from'],
    );
  });

  test('names codec and digests, and never the body or a credential', () => {
    const { observer, spans, event } = observing();
    const secret = 'Digest username="alice", response="0a1b2c3d"';
    feed(observer, wholeCall({ headers: [...offer.headers, `Authorization: ${secret}`] }));
    const sha256 = createHash('sha256').update(offer.body).digest('hex');
    expect(payloadOf(event('sip_invite_sent'))).toMatchObject({
      local_uri: 'sip:alice@example.com',
      remote_uri: 'sip:bob@example.com',
      cseq: 1,
      sdp_offer_hash: sha256,
      body: { type: 'application/sdp', length: offer.body.length, sha256 },
    });
    expect(payloadOf(event('sip_200_ok'))).toMatchObject({ sdp_answer_hash: sha256, status: 200, reason: 'OK' });
    expect(payloadOf(event('sip_dialog_established'))).toMatchObject({ audio_codec: 'opus', media_active: true });
    expect(payloadOf(event('sip_bye_sent'))).toMatchObject({ duration_seconds: 0 });
    const everything = JSON.stringify(spans().map(({ attributes, status }) => ({ attributes, status })));
    for (const word of ['secret', '0a1b2c3d', 'Digest', 'm=audio']) expect(everything).not.toContain(word);
  });

  test('never invents tokens or cost', () => {
    const { observer, spans } = observing();
    feed(observer, wholeCall());
    const keys = spans().flatMap(({ attributes }) => Object.keys(attributes));
    expect(keys.filter((key) => /token|cost|gen_ai|units/.test(key))).toEqual([]);
  });
});

describe('where it belongs', () => {
  test('an active span is the parent', () => {
    const { observer, spans, provider } = observing();
    const parent = provider.getTracer('app').startSpan('request');
    const context = trace.setSpan(ROOT_CONTEXT, parent);
    observer.observe(request('INVITE'), { direction: 'sent', context });
    observer.close();
    expect(spans().map((span) => span.spanContext().traceId)).toEqual(Array(2).fill(parent.spanContext().traceId));
    expect(spans()[1]!.parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
  });

  test('a business trace id of the context goes before the Call-ID', () => {
    const { observer, spans } = observing();
    const context = withBusinessIds({ traceId: 'session-flow-001', parentTraceId: 'user-1' }, ROOT_CONTEXT);
    observer.observe(request('INVITE'), { direction: 'sent', context });
    observer.close();
    for (const span of spans()) {
      expect(span.spanContext().traceId).toBe(traceIdOfBusinessId('session-flow-001'));
      expect(span.attributes['witness.trace.parent_id']).toBe('user-1');
    }
  });

  test('a business id that is known later is linked', () => {
    const { observer, calls } = observing();
    observer.observe(request('INVITE'), { direction: 'received' });
    expect(observer.linkCall('call-1@here', { traceId: 'user-request-123' })).toBe(true);
    expect(observer.linkCall('no such call', { traceId: 'user-request-123' })).toBe(false);
    observer.close();
    const [call] = calls();
    expect(call!.attributes['witness.trace.parent_id']).toBe('user-request-123');
    expect(call!.links.map(({ context }) => context.traceId)).toEqual([traceIdOfBusinessId('user-request-123')]);
  });

  test('the application chooses, where strangers choose Call-IDs', () => {
    const { observer, spans } = observing({ traceIdOf: (callId) => `sip:${callId}` });
    observer.observe(request('INVITE', { callId: 'session-flow-001' }), { direction: 'received' });
    observer.close();
    expect(spans()[0]!.attributes['witness.trace.id']).toBe('sip:session-flow-001');
  });

  test('pseudonyms replace names, addresses and free text, before anything is recorded', () => {
    const pseudonym = pseudonymiser(new Uint8Array(32).fill(7));
    const { observer, spans, call } = observing({ pseudonym });
    const told: Told = { headers: ['User-Agent: alices-phone'], callId: 'x@10.9.9.9' };
    feed(observer, [
      ['>', request('INVITE', told)],
      ['<', response(486, 'bob is out', { ...told, toTag: 'b' })],
      ['>', request('ACK', { ...told, toTag: 'b' })],
    ]);
    expect(call()['sip.from']).toBe(pseudonym('sip:alice@example.com'));
    expect(call()['sip.call_id']).toBe(pseudonym('x@10.9.9.9'));
    const everything = JSON.stringify(spans().map(({ attributes, status }) => ({ attributes, status })));
    for (const word of ['example.com', '10.0.0', '10.9.9.9', 'phone', 'bob is out'])
      expect(everything).not.toContain(word);
  });
});

describe('how calls go', () => {
  test('a refusal is a failure with its code', () => {
    const { observer, names, call, calls, event } = observing();
    feed(observer, [
      ['>', request('INVITE')],
      ['<', response(486, 'Busy Here', { toTag: 'bob' })],
      ['>', request('ACK', { toTag: 'bob' })],
    ]);
    expect(names()).toEqual(['sip_invite_sent', 'sip_failed', 'sip_failure_acked']);
    expect(call()).toMatchObject({
      'call.end_reason': 'busy',
      'call.last_code': '486',
      'call.hangup_party': 'callee',
      'error.type': '486',
    });
    expect(call()).not.toHaveProperty('call.duration_ms');
    expect(calls()[0]!.status.code).toBe(SpanStatusCode.ERROR);
    expect(event('sip_failed').status).toEqual({ code: SpanStatusCode.ERROR, message: 'Busy Here' });
  });

  test.each([
    [301, 'redirected', undefined],
    [404, 'failed', '404'],
    [503, 'failed', '503'],
    [600, 'busy', '600'],
    [603, 'declined', '603'],
  ])('%i ends it as %s', (status, reason, errorType) => {
    const { observer, call } = observing();
    feed(observer, [
      ['>', request('INVITE')],
      ['<', response(status, 'x', { toTag: 'bob' })],
      ['>', request('ACK', { toTag: 'bob' })],
    ]);
    expect(CALL_END_REASONS).toContain(reason);
    expect(call()).toMatchObject({ 'call.end_reason': reason, 'call.last_code': String(status) });
    expect(call()['error.type']).toBe(errorType);
  });

  test('a cancelled call is no failure, and the caller ended it', () => {
    const { observer, names, call, calls } = observing();
    feed(observer, [
      ['>', request('INVITE')],
      ['<', response(180, 'Ringing', { toTag: 'bob' })],
      ['>', request('CANCEL')],
      ['<', response(200, 'OK', { method: 'CANCEL', toTag: 'x' })],
      ['<', response(487, 'Request Terminated', { toTag: 'bob' })],
      ['>', request('ACK', { toTag: 'bob' })],
    ]);
    expect(names()).toEqual([
      ...['sip_invite_sent', 'sip_180_ringing', 'sip_cancel_sent', 'sip_response', 'sip_failed', 'sip_failure_acked'],
    ]);
    expect(call()).toMatchObject({
      'call.end_reason': 'cancelled',
      'call.hangup_party': 'caller',
      'call.last_code': '487',
    });
    expect(calls()[0]!.status.code).toBe(SpanStatusCode.UNSET);
  });

  test('a challenge is a challenge: the call goes on with the next INVITE', () => {
    const { observer, names, call, calls } = observing();
    const second = { cseq: 2, branch: 'z9hG4bKb' };
    feed(observer, [
      ['>', request('INVITE')],
      ['<', response(401, 'Unauthorized', { toTag: 'proxy' })],
      ['>', request('ACK', { toTag: 'proxy' })],
      ['>', request('INVITE', second)],
      ['<', response(200, 'OK', { ...second, toTag: 'bob' })],
      ['>', request('ACK', { ...second, branch: 'z9hG4bKc', toTag: 'bob' })],
      ['<', request('BYE', { fromTag: 'bob', toTag: 'alice', branch: 'z9hG4bKd' })],
      ['>', response(200, 'OK', { method: 'BYE', fromTag: 'bob', toTag: 'alice', branch: 'z9hG4bKd' })],
    ]);
    expect(names()).toEqual([
      ...['sip_invite_sent', 'sip_challenged', 'sip_failure_acked', 'sip_invite_sent', 'sip_200_ok', 'sip_ack_sent'],
      ...['sip_dialog_established', 'sip_bye_received', 'sip_response'],
    ]);
    expect(call()).toMatchObject({
      ...{ 'sip.challenges': 1, 'call.last_code': '200', 'call.hangup_party': 'callee', 'call.setup_time_ms': 400 },
      ...{ 'sip.forks': 1, 'call.end_reason': 'hangup' },
    });
    expect(calls()[0]!.status.code).toBe(SpanStatusCode.UNSET);
  });

  test('a challenge that nobody answers is a failure in the end', async () => {
    const { observer, calls, call } = observing({ closingTimeoutMs: 30 });
    feed(observer, [
      ['>', request('INVITE')],
      ['<', response(407, 'Proxy Authentication Required', { toTag: 'proxy' })],
      ['>', request('ACK', { toTag: 'proxy' })],
    ]);
    expect(calls()).toEqual([]);
    await until('the call ended', () => calls().length === 1);
    expect(call()).toMatchObject({ 'call.end_reason': 'failed', 'call.last_code': '407', 'error.type': '407' });
  });

  test('retransmissions are counted and not repeated', () => {
    const { observer, names, call } = observing();
    const messages = wholeCall();
    feed(
      observer,
      messages.flatMap((message, at) => (at < messages.length - 1 ? [message, message, message] : [message])),
    );
    expect(names()).toHaveLength(8);
    expect(call()['sip.retransmissions']).toBe(12);
    // Stragglers of a call that is over belong to it, and open no other.
    feed(observer, messages);
    expect(observer.counts).toMatchObject({ retransmissions: 19, callsBegun: 1, messages: 26 });
  });

  test('forks are told apart by To tag: the call is over when the last one is', () => {
    const { observer, names, call, calls } = observing();
    feed(observer, [
      ['>', request('INVITE')],
      ['<', response(180, 'Ringing', { toTag: 'desk' })],
      ['<', response(180, 'Ringing', { toTag: 'mobile' })],
      ['<', response(183, 'Session Progress', { toTag: 'voicemail' })],
      ['<', response(200, 'OK', { toTag: 'desk' })],
      ['>', request('ACK', { toTag: 'desk', branch: 'a1' })],
      ['<', response(200, 'OK', { toTag: 'mobile' })],
      ['>', request('ACK', { toTag: 'mobile', branch: 'a2' })],
      ['>', request('BYE', { toTag: 'mobile', branch: 'b2', cseq: 2 })],
      ['<', response(200, 'OK', { toTag: 'mobile', branch: 'b2', cseq: 2, method: 'BYE' })],
    ]);
    expect(calls()).toEqual([]);
    feed(observer, [
      ['<', request('BYE', { fromTag: 'desk', toTag: 'alice', branch: 'b1' })],
      ['>', response(200, 'OK', { fromTag: 'desk', toTag: 'alice', branch: 'b1', method: 'BYE' })],
    ]);
    expect(names().filter((name) => name === 'sip_dialog_established')).toHaveLength(2);
    expect(names()).toContain('sip_progress');
    expect(call()).toMatchObject({ 'sip.forks': 3, 'call.hangup_party': 'callee', 'call.last_code': '200' });
  });

  test('a fork that refuses does not end the call that a proxy offers elsewhere', () => {
    const { observer, call, event } = observing();
    const proxy = { address: '10.0.0.9', port: 5060 };
    const pass = (message: string, from: typeof proxy, to: typeof proxy): void =>
      observer.observe(message, { direction: 'passing', transport: 'udp', local: from, peer: to });
    const { local: alice, peer: bob } = ends;
    const carol = { address: '10.0.0.3', port: 5060 };
    pass(request('INVITE'), alice, proxy);
    pass(request('INVITE', { branch: 'f1' }), proxy, bob);
    pass(request('INVITE', { branch: 'f2' }), proxy, carol);
    pass(response(486, 'Busy Here', { branch: 'f1', toTag: 'bob' }), bob, proxy);
    pass(request('ACK', { branch: 'f1', toTag: 'bob' }), proxy, bob);
    pass(response(200, 'OK', { branch: 'f2', toTag: 'carol' }), carol, proxy);
    pass(response(200, 'OK', { toTag: 'carol' }), proxy, alice);
    pass(request('BYE', { toTag: 'carol', branch: 'b', cseq: 2 }), alice, proxy);
    pass(response(200, 'OK', { toTag: 'carol', branch: 'b', cseq: 2, method: 'BYE' }), proxy, alice);
    expect(event('sip_failed').attributes['error.type']).toBe('486');
    expect(call()).toMatchObject({ 'call.direction': 'passing', 'call.end_reason': 'hangup', 'call.last_code': '200' });
    expect(call()).not.toHaveProperty('error.type');
  });

  test('re-INVITE, REFER and other requests within the dialog change nothing of the outcome', () => {
    const { observer, names, call, event } = observing();
    const [invite, trying, ringing, ok, ack, bye, byeOk] = wholeCall();
    const inside = { toTag: 'bob', cseq: 5, branch: 're' };
    const refer = { toTag: 'bob', cseq: 6, branch: 'ref' };
    feed(observer, [
      ...[invite!, trying!, ringing!, ok!, ack!],
      ['>', request('INVITE', inside)],
      ['<', response(100, 'Trying', inside)],
      ['<', response(488, 'Not Acceptable Here', inside)],
      ['>', request('ACK', inside)],
      ['>', request('REFER', { ...refer, headers: ['Refer-To: <sip:carol:pw@example.com?Replaces=x>'] })],
      ['<', response(202, 'Accepted', { ...refer, method: 'REFER' })],
      ['<', request('NOTIFY', { fromTag: 'bob', toTag: 'alice', branch: 'n' })],
      ['>', request('FROBNICATE', { toTag: 'bob', cseq: 7, branch: 'fr' })],
      ...[bye!, byeOk!],
    ]);
    expect(names().slice(6, -2)).toEqual([
      ...['sip_reinvite_sent', 'sip_response', 'sip_response', 'sip_failure_acked', 'sip_refer_sent', 'sip_response'],
      ...['sip_notify_received', 'sip_request_sent'],
    ]);
    expect(payloadOf(event('sip_refer_sent'))).toMatchObject({ refer_to: 'sip:carol@example.com' });
    expect(call()).toMatchObject({ 'call.end_reason': 'hangup', 'call.last_code': '200' });
  });

  test('a BYE that is challenged is followed to the one that is not', () => {
    const { observer, call, calls } = observing();
    const bye = { toTag: 'bob', cseq: 2, branch: 'b1' };
    const again = { toTag: 'bob', cseq: 3, branch: 'b2' };
    feed(observer, [
      ...wholeCall().slice(0, 5),
      ['>', request('BYE', bye)],
      ['<', response(407, 'Proxy Authentication Required', { ...bye, method: 'BYE' })],
      ['>', request('BYE', again)],
    ]);
    expect(calls()).toEqual([]);
    feed(observer, [['<', response(200, 'OK', { ...again, method: 'BYE' })]]);
    expect(call()).toMatchObject({
      'call.end_reason': 'hangup',
      'call.hangup_party': 'caller',
      'call.duration_ms': 200,
    });
  });
});

describe('calls that do not end', () => {
  test('time out while nobody answers', async () => {
    const { observer, calls, call } = observing({ setupTimeoutMs: 40 });
    observer.observe(request('INVITE'), { direction: 'sent' });
    await until('the call ended', () => calls().length === 1);
    expect(call()).toMatchObject({ 'call.end_reason': 'timeout', 'error.type': 'timeout' });
    expect(call()).not.toHaveProperty('call.hangup_party');
    expect(observer.counts.callsTimedOut).toBe(1);
  });

  test('time out when the conversation is never hung up', async () => {
    const { observer, calls, call } = observing({ idleTimeoutMs: 40 });
    feed(observer, wholeCall().slice(0, 5));
    await until('the call ended', () => calls().length === 1);
    expect(call()).toMatchObject({ 'call.end_reason': 'timeout', 'call.setup_time_ms': 300, 'call.last_code': '200' });
    expect(call()).not.toHaveProperty('call.duration_ms');
  });

  test('end with the observer', () => {
    const { observer, call } = observing();
    feed(observer, wholeCall().slice(0, 5));
    observer.close();
    expect(call()['call.end_reason']).toBe('shutdown');
  });

  test('a flood of invitations ends invitations, not conversations', () => {
    const { observer, calls } = observing({ maxCalls: 10 });
    feed(observer, wholeCall({ callId: 'talking' }).slice(0, 5));
    for (let i = 0; i < 100; i++)
      observer.observe(request('INVITE', { callId: `flood-${i}` }), { direction: 'received' });
    expect(calls()).toHaveLength(91);
    expect(calls().every(({ attributes }) => attributes['call.end_reason'] === 'evicted')).toBe(true);
    expect(observer.counts.callsEvicted).toBe(91);
    feed(observer, wholeCall({ callId: 'talking' }).slice(5));
    expect(calls().at(-1)!.attributes).toMatchObject({ 'sip.call_id': 'talking', 'call.end_reason': 'hangup' });
  });

  test('a flood with the Call-ID of a conversation does not end it either', () => {
    const { observer, calls } = observing();
    feed(observer, wholeCall().slice(0, 5));
    for (let i = 0; i < 100; i++) observer.observe(request('INVITE', { fromTag: `m${i}` }), { direction: 'received' });
    expect(observer.counts.callsEvicted).toBe(85);
    feed(observer, wholeCall().slice(5));
    expect(calls().at(-1)!.attributes).toMatchObject({ 'call.end_reason': 'hangup', 'sip.events': 8 });
    observer.close();
    expect(calls()).toHaveLength(101);
  });

  test('calls that are over make room before calls that are not', () => {
    const { observer, calls } = observing({ maxCalls: 10 });
    observer.observe(request('INVITE', { callId: 'waiting' }), { direction: 'sent' });
    for (let i = 0; i < 100; i++) feed(observer, wholeCall({ callId: `short-${i}` }));
    expect(calls()).toHaveLength(100);
    expect(observer.counts.callsEvicted).toBe(0);
    observer.close();
    expect(calls().at(-1)!.attributes).toMatchObject({ 'sip.call_id': 'waiting', 'call.end_reason': 'shutdown' });
  });

  test('a call that goes on making events is counted beyond a thousand', () => {
    const { observer, names, call } = observing();
    feed(observer, wholeCall().slice(0, 5));
    for (let i = 0; i < 1_200; i++) {
      observer.observe(request('INFO', { toTag: 'bob', cseq: i + 10, branch: `i${i}` }), { direction: 'sent' });
    }
    observer.close();
    expect(names()).toHaveLength(1_000);
    expect(call()).toMatchObject({ 'sip.events': 1_000, 'sip.events_dropped': 206 });
  });

  test('messages of no call are counted, and recorded nowhere', () => {
    const { observer, spans } = observing();
    feed(observer, [
      ['<', request('OPTIONS')],
      ['<', request('BYE', { toTag: 'x' })],
      ['<', response(200, 'OK', { toTag: 'x' })],
      ['<', request('INVITE', { toTag: 'x' })],
      ['<', '\r\n\r\n'],
      ['<', 'not SIP at all'],
    ]);
    expect(spans()).toEqual([]);
    expect(observer.counts).toMatchObject({ messages: 6, outsideCalls: 4, unparsable: 2, callsBegun: 0 });
  });

  test.each(['maxCalls', 'setupTimeoutMs', 'idleTimeoutMs', 'closingTimeoutMs'])(
    'a limit of 0 is refused: %s',
    (limit) => {
      expect(() => observing({ [limit]: 0 })).toThrow(new RangeError(`${limit} must be above 0`));
    },
  );
});

describe('what nobody records', () => {
  test('without an SDK nothing happens, and calls are followed all the same', () => {
    const observer = new SipObserver();
    feed(observer, wholeCall());
    expect(observer.counts).toMatchObject({ messages: 7, callsBegun: 1, outsideCalls: 0 });
  });

  test('a call that is not sampled has no events', () => {
    const exporter = new InMemorySpanExporter();
    const tracerProvider = new BasicTracerProvider({
      sampler: new AlwaysOffSampler(),
      spanProcessors: [new SimpleSpanProcessor(exporter)],
    });
    const observer = new SipObserver({ tracerProvider });
    feed(observer, wholeCall());
    expect(exporter.getFinishedSpans()).toEqual([]);
    expect(observer.counts.callsBegun).toBe(1);
  });

  test('what fails in the application or its SDK does not reach the stack', () => {
    const broken = (): never => {
      throw new Error('broken');
    };
    const tracerProvider = { getTracer: () => ({ startSpan: broken, startActiveSpan: broken }) };
    const { provider } = memory();
    const brokenEnd = {
      getTracer: () => ({
        startSpan: (...of: Parameters<Tracer['startSpan']>) =>
          Object.assign(provider.getTracer('x').startSpan(...of), { end: broken }),
        startActiveSpan: broken,
      }),
    };
    const closing = new SipObserver({ tracerProvider: brokenEnd });
    closing.observe(request('INVITE'), { direction: 'sent' });
    expect(() => closing.close()).not.toThrow();
    const hop = { direction: 'sent' } as const;
    expect(() => new SipObserver({ tracerProvider }).observe(request('INVITE'), hop)).not.toThrow();
    expect(() => new SipObserver({ pseudonym: broken }).observe(request('INVITE'), hop)).not.toThrow();
    expect(() => new SipObserver({ traceIdOf: broken }).observe(request('INVITE'), hop)).not.toThrow();
  });
});

describe('registrations', () => {
  const told: Told = { callId: 'reg', to: 'sip:alice@example.com', headers: ['Expires: 600'] };
  const again: Told = { ...told, cseq: 2, branch: 'r2' };

  test('a challenged registration that succeeds is one event', () => {
    const { observer, names, event } = observing();
    feed(observer, [
      ['>', request('REGISTER', told)],
      ['>', request('REGISTER', told)],
      ['<', response(401, 'Unauthorized', { ...told, method: 'REGISTER' })],
      ['>', request('REGISTER', again)],
      ['<', response(200, 'OK', { ...again, headers: ['Contact: <sip:a@10.0.0.1>;expires=300'], method: 'REGISTER' })],
      ['<', response(200, 'OK', { ...again, method: 'REGISTER' })],
    ]);
    expect(names()).toEqual(['sip_registered']);
    expect(payloadOf(event('sip_registered'))).toMatchObject({
      ...{ uri: 'sip:alice@example.com', status: 200, expires_seconds: 300, challenges: 1 },
    });
    expect(observer.counts.retransmissions).toBe(2);
  });

  test('a refused one is a failure, one with expiry 0 the end', () => {
    const { observer, names, event } = observing();
    const gone: Told = { ...told, cseq: 3, branch: 'r3', headers: ['Expires: 0'] };
    feed(observer, [
      ['>', request('REGISTER', told)],
      ['<', response(403, 'Forbidden', { ...told, method: 'REGISTER' })],
      ['>', request('REGISTER', gone)],
      ['<', response(200, 'OK', { ...gone, method: 'REGISTER' })],
    ]);
    expect(names()).toEqual(['sip_registration_failed', 'sip_unregistered']);
    expect(event('sip_registration_failed').attributes['error.type']).toBe('403');
  });
});

describe('the chain through a call', () => {
  test('is SHA-256 of the RFC 8785 payload, and HMAC of it with the hash before as key', () => {
    const { observer, payloads, call } = observing();
    feed(observer, wholeCall());
    let previous: string | undefined;
    for (const { event_hash, chain_hash, ...content } of payloads()) {
      const text = canonicalPayload(content);
      expect(event_hash).toBe(createHash('sha256').update(text).digest('hex'));
      expect(chain_hash).toBe(
        previous === undefined ? null : createHmac('sha256', previous).update(text).digest('hex'),
      );
      previous = String(event_hash);
    }
    expect(call()['sip.last_event_hash']).toBe(previous);
    expect(verifyCallChain(payloads())).toEqual({ isIntact: true, events: 8, firstBroken: undefined });
  });

  test('shows every event that is edited, lost or moved', () => {
    const { observer, payloads } = observing();
    feed(observer, wholeCall());
    const intact = payloads();
    for (const at of intact.keys()) {
      const edited = intact.map((payload, i) => (i === at ? { ...payload, status: 999 } : payload));
      expect(verifyCallChain(edited).firstBroken).toBe(at);
      const lost = intact.filter((_, i) => i !== at);
      // The end can be cut off: then the call's span names another hash.
      expect(verifyCallChain(lost).firstBroken).toBe(at === intact.length - 1 ? undefined : at);
      if (at === 0) continue;
      const moved = intact.with(at, intact[at - 1]!).with(at - 1, intact[at]!);
      expect(verifyCallChain(moved).firstBroken).toBe(at - 1);
    }
  });
});

test('quality is an event with an estimated MOS, and the worst is said when the call ends', () => {
  const { observer, event, call } = observing();
  feed(observer, wholeCall().slice(0, 5));
  expect(observer.recordQuality('call-1@here', { lossPercent: 0, jitterMs: 2, rttMs: 20, stream: 'received' })).toBe(
    true,
  );
  observer.recordQuality('call-1@here', { lossPercent: 5, jitterMs: 40, rttMs: 200 });
  observer.recordQuality('call-1@here', { lossPercent: 1, jitterMs: 4, rttMs: 20, time: Number.NaN });
  expect(observer.recordQuality('another', { lossPercent: 1, jitterMs: 4 })).toBe(false);
  feed(observer, wholeCall().slice(5));
  expect(payloadOf(event('sip_media_quality'))).toMatchObject({ loss_percent: 0, mos_is_estimated: true, mos: 4.397 });
  expect(call()).toMatchObject({ 'call.quality.loss_percent': 5, 'call.quality.jitter_ms': 40 });
});
