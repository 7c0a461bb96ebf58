import { afterEach, describe, expect, test } from 'vitest';
import { observedSipJsTransport, observeJsSipSocket, observingSipLogger } from '../dist/index.js';
import {
  answerOf,
  digest,
  freePort,
  jsSipCall,
  jsSipUa,
  type Message,
  type SipStack,
  sdp,
  sipStack,
  TcpSocket,
  WebSocket,
} from './stacks.js';
import { observing, payloadOf, until, type Written } from './support.js';

const toClose: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

type OnRequest = (request: Message, stack: SipStack) => void;

/** A stack of the `sip` package that is observed. */
async function stack(
  name: string,
  onRequest: OnRequest,
  more = {},
): Promise<Written & { port: number; sip: SipStack }> {
  const { observer, ...written } = observing();
  const port = await freePort();
  const logger = observingSipLogger(observer, { address: '127.0.0.1', port });
  const sip: SipStack = sipStack(name, port, logger, (request) => onRequest(request, sip), more);
  toClose.push(() => {
    observer.close();
    sip.destroy();
  });
  return { ...written, port, sip };
}

function requestTo(
  port: number,
  method: string,
  told: Readonly<Record<string, unknown>> = {},
  transport = 'udp',
): Message {
  return {
    method,
    uri: `sip:bob@127.0.0.1:${port};transport=${transport}`,
    headers: {
      to: { uri: 'sip:bob@example.com', params: {} },
      from: { uri: 'sip:alice@example.com', params: { tag: 'alice' } },
      'call-id': `call-${port}`,
      cseq: { method, seq: 1 },
      via: [],
      contact: [{ uri: 'sip:alice@127.0.0.1' }],
      ...told,
    },
  } as unknown as Message;
}

const withSdp = { headers: { 'content-type': 'application/sdp' }, content: sdp };
const accept: OnRequest = (request, sip) => {
  if (request.method === 'INVITE') {
    sip.send(answerOf(request, 180, 'Ringing'));
    sip.send(answerOf(request, 200, 'OK', withSdp));
  } else if (request.method !== 'ACK') sip.send(answerOf(request, 200, 'OK'));
};

describe('the `sip` package, at both ends', () => {
  test.each(['udp', 'tcp'])('a call over %s is the same call at both ends, in one trace', async (transport) => {
    const callee = await stack('callee.test', accept);
    const caller = await stack('caller.test', () => {});
    const invite = requestTo(callee.port, 'INVITE', { 'content-type': 'application/sdp' }, transport);
    invite.content = sdp;
    caller.sip.send(invite, (response) => {
      if (response.status !== 200) return;
      const { to } = response.headers;
      caller.sip.send(requestTo(callee.port, 'ACK', { to, cseq: { method: 'ACK', seq: 1 } }, transport));
      caller.sip.send(requestTo(callee.port, 'BYE', { to, cseq: { method: 'BYE', seq: 2 } }, transport));
    });
    await until('both ended', () => caller.calls().length === 1 && callee.calls().length === 1);
    expect(caller.names()).toEqual([
      ...['sip_invite_sent', 'sip_180_ringing', 'sip_200_ok', 'sip_ack_sent', 'sip_dialog_established', 'sip_bye_sent'],
      'sip_response',
    ]);
    expect(callee.names()).toEqual([
      ...['sip_invite_received', 'sip_180_ringing', 'sip_200_ok', 'sip_ack_received', 'sip_dialog_established'],
      ...['sip_bye_received', 'sip_response'],
    ]);
    for (const end of [caller, callee]) {
      expect(end.call()).toMatchObject({
        ...{ 'call.end_reason': 'hangup', 'call.hangup_party': 'caller', 'call.last_code': '200' },
        ...{ 'sip.from': 'sip:alice@example.com', 'sip.to': 'sip:bob@example.com' },
        'network.transport': transport,
      });
      expect(payloadOf(end.event('sip_dialog_established'))).toMatchObject({ audio_codec: 'PCMU' });
      expect(payloadOf(end.event(`sip_invite_${end === caller ? 'sent' : 'received'}`))).toMatchObject({
        sdp_offer_hash: payloadOf(caller.event('sip_invite_sent')).sdp_offer_hash,
      });
    }
    expect(caller.calls()[0]!.spanContext().traceId).toBe(callee.calls()[0]!.spanContext().traceId);
  });

  test('a 401, then a 200: a challenge, and no password in any span', async () => {
    const session = { realm: 'example.com' };
    const callee = await stack('callee.test', (request, sip) => {
      if (request.method !== 'INVITE') return;
      const isKnown = digest.authenticateRequest(session, request, { user: 'alice', password: 'hunter2' });
      if (isKnown) sip.send(answerOf(request, 200, 'OK'));
      else sip.send(digest.challenge(session, answerOf(request, 401, 'Unauthorized')));
    });
    const caller = await stack('caller.test', () => {});
    const invite = requestTo(callee.port, 'INVITE');
    caller.sip.send(invite, (challenge) => {
      const again = requestTo(callee.port, 'INVITE', { cseq: { method: 'INVITE', seq: 2 } });
      digest.signRequest({}, again, challenge, { user: 'alice', password: 'hunter2', realm: 'example.com' });
      caller.sip.send(again);
    });
    await until('accepted', () => caller.names().includes('sip_200_ok'));
    expect(caller.names()).toEqual([
      ...['sip_invite_sent', 'sip_challenged', 'sip_failure_acked', 'sip_invite_sent', 'sip_200_ok'],
    ]);
    expect(caller.event('sip_challenged').attributes).not.toHaveProperty('error.type');
    const everything = JSON.stringify(callee.spans().map(({ attributes }) => attributes));
    expect(everything).not.toMatch(/hunter2|nonce|Digest/);
  });

  test('an INVITE that is lost twice is one event at both ends, and its copies are retransmissions', async () => {
    let seen = 0;
    const callee = await stack('callee.test', accept);
    const caller = await stack('caller.test', () => {}, { tcp: false });
    // A path that drops the first two copies, between the caller and the callee.
    const { createSocket } = await import('node:dgram');
    const path = createSocket('udp4', (datagram, from) => {
      if (from.port === callee.port) path.send(datagram, caller.port, '127.0.0.1');
      else if (++seen > 2 || !datagram.toString().startsWith('INVITE')) path.send(datagram, callee.port, '127.0.0.1');
    });
    await new Promise<void>((resolve) => path.bind(0, '127.0.0.1', resolve));
    toClose.push(() => path.close());
    caller.sip.send(requestTo(path.address().port, 'INVITE'));
    await until('accepted', () => caller.names().includes('sip_200_ok'));
    expect(caller.names().filter((name) => name === 'sip_invite_sent')).toHaveLength(1);
    expect(callee.names().filter((name) => name === 'sip_invite_received')).toHaveLength(1);
    // Nobody acknowledges: the callee sends its 200 again.
    await until('the 200 came again', () => seen >= 3);
    for (const close of toClose.splice(0).reverse()) await close();
    expect(Number(caller.call()['sip.retransmissions'])).toBeGreaterThanOrEqual(2);
  });
});

describe('JsSIP over its Socket', () => {
  async function calling(
    onRequest: OnRequest,
  ): Promise<{ caller: Written; port: number; ua: ReturnType<typeof jsSipUa> }> {
    const { port } = await stack('callee.test', onRequest);
    const { observer, ...caller } = observing();
    const socket = observeJsSipSocket(new TcpSocket(port), observer);
    expect(observeJsSipSocket(socket, observer)).toBe(socket);
    const ua = jsSipUa({ sockets: [socket], uri: 'sip:alice@example.com' });
    const connected = new Promise<void>((resolve) => ua.on('connected', resolve));
    ua.start();
    toClose.push(() => ua.stop());
    await connected;
    return { caller, port, ua };
  }

  test('a call is seen from INVITE to BYE', async () => {
    const { caller, port, ua } = await calling(accept);
    const session = ua.call(`sip:bob@127.0.0.1:${port}`, jsSipCall);
    session.on('confirmed', () => session.terminate());
    await until('the call ended', () => caller.calls().length === 1);
    expect(caller.names()).toEqual([
      ...['sip_invite_sent', 'sip_180_ringing', 'sip_200_ok', 'sip_ack_sent', 'sip_dialog_established', 'sip_bye_sent'],
      'sip_response',
    ]);
    expect(caller.call()).toMatchObject({
      ...{ 'call.end_reason': 'hangup', 'call.hangup_party': 'caller', 'network.transport': 'tcp' },
      ...{ 'network.peer.address': '127.0.0.1', 'network.peer.port': port },
    });
    expect(caller.event('sip_invite_sent').attributes).toMatchObject({
      ...{ 'call.ladder.from': 'local', 'call.ladder.to': `127.0.0.1:${port}`, 'call.ladder.label': 'INVITE' },
    });
  });

  test('a registration is one event, and so is its end', async () => {
    const { port } = await stack('registrar.test', (request, sip) => {
      if (request.method !== 'REGISTER') return;
      const { contact } = request.headers;
      sip.send(answerOf(request, 200, 'OK', { headers: { contact, expires: request.headers.expires } }));
    });
    const { observer, ...client } = observing();
    const sockets = [observeJsSipSocket(new TcpSocket(port), observer)];
    const ua = jsSipUa({ sockets, uri: `sip:alice@127.0.0.1:${port}`, register: true, register_expires: 120 });
    const registered = new Promise<void>((resolve) => ua.on('registered', resolve));
    ua.start();
    toClose.push(() => ua.stop());
    await registered;
    ua.stop();
    await until('it is gone', () => client.names().length === 2);
    expect(client.names()).toEqual(['sip_registered', 'sip_unregistered']);
    expect(payloadOf(client.event('sip_registered'))).toMatchObject({
      expires_seconds: 120,
      challenges: 0,
      status: 200,
    });
  });

  test('a busy callee is a failure, 486', async () => {
    const { caller, port, ua } = await calling((request, sip) => {
      if (request.method === 'INVITE') sip.send(answerOf(request, 486, 'Busy Here'));
    });
    ua.call(`sip:bob@127.0.0.1:${port}`, jsSipCall);
    await until('the call ended', () => caller.calls().length === 1);
    expect(caller.call()).toMatchObject({ 'call.end_reason': 'busy', 'call.last_code': '486', 'error.type': '486' });
  });

  test('a call that is cancelled while it rings', async () => {
    let invite: Message | undefined;
    const { caller, port, ua } = await calling((request, sip) => {
      if (request.method === 'INVITE') {
        invite = request;
        sip.send(answerOf(request, 180, 'Ringing'));
      } else if (request.method === 'CANCEL') {
        sip.send(answerOf(request, 200, 'OK'));
        sip.send(answerOf(invite!, 487, 'Request Terminated'));
      }
    });
    const session = ua.call(`sip:bob@127.0.0.1:${port}`, jsSipCall);
    session.on('progress', () => session.terminate());
    await until('the call ended', () => caller.calls().length === 1);
    expect(caller.names()).toContain('sip_cancel_sent');
    expect(caller.call()).toMatchObject({ 'call.end_reason': 'cancelled', 'call.hangup_party': 'caller' });
    expect(caller.call()).not.toHaveProperty('error.type');
  });

  test('a re-INVITE that puts the call on hold is an event of the same call', async () => {
    const { caller, port, ua } = await calling((request, sip) => {
      if (request.method === 'INVITE')
        sip.send(
          answerOf(request, 200, 'OK', {
            ...withSdp,
            headers: {
              ...withSdp.headers,
              allow: 'INVITE, ACK, BYE, UPDATE',
            },
          }),
        );
      else if (request.method !== 'ACK') sip.send(answerOf(request, 200, 'OK'));
    });
    const session = ua.call(`sip:bob@127.0.0.1:${port}`, jsSipCall);
    session.on('confirmed', () => session.hold());
    session.on('hold', () => setTimeout(() => session.terminate(), 100));
    await until('the call ended', () => caller.calls().length === 1);
    expect(caller.names().filter((name) => /_(reinvite|bye|dialog)/.test(name))).toEqual([
      ...['sip_dialog_established', 'sip_reinvite_sent', 'sip_bye_sent'],
    ]);
  });
});

describe('SIP.js over a WebSocket', () => {
  test('a call is seen from INVITE to BYE', async () => {
    const wsPort = await freePort();
    const callee = await stack('callee.test', accept, { ws_port: wsPort });
    const { observer, ...caller } = observing();
    Object.assign(globalThis, { WebSocket });
    const { Inviter, SessionState, UserAgent, Web } = (await import('sip.js')) as unknown as SipJs;
    const agent = new UserAgent({
      uri: UserAgent.makeURI('sip:alice@example.com'),
      transportConstructor: observedSipJsTransport(Web.Transport as never, observer),
      transportOptions: { server: `ws://127.0.0.1:${wsPort}` },
      sessionDescriptionHandlerFactory: () => descriptions,
      logLevel: 'error',
    });
    await agent.start();
    toClose.push(() => agent.stop());
    const call = new Inviter(agent, UserAgent.makeURI('sip:bob@example.com'));
    call.stateChange.addListener((state) => {
      if (state === SessionState.Established) void call.bye();
    });
    await call.invite();
    await until('the call ended', () => caller.calls().length === 1 && callee.calls().length === 1);
    expect(caller.names()).toEqual([
      ...['sip_invite_sent', 'sip_180_ringing', 'sip_200_ok', 'sip_ack_sent', 'sip_dialog_established', 'sip_bye_sent'],
      'sip_response',
    ]);
    expect(caller.call()).toMatchObject({ 'network.transport': 'tcp', 'network.peer.port': wsPort });
    expect(payloadOf(caller.event('sip_invite_sent'))).toMatchObject({ transport: 'ws', direction: 'sent' });
  });
});

/** What the test uses of SIP.js. */
interface SipJs {
  readonly UserAgent: (new (
    options: unknown,
  ) => { start(): Promise<void>; stop(): Promise<void> }) & { makeURI(uri: string): unknown };
  readonly Inviter: new (
    agent: unknown,
    target: unknown,
  ) => {
    readonly stateChange: { addListener(listener: (state: unknown) => void): void };
    invite(): Promise<unknown>;
    bye(): Promise<unknown>;
  };
  readonly SessionState: { readonly Established: unknown };
  readonly Web: { readonly Transport: unknown };
}

/** Signalling without media. */
const descriptions = {
  close: () => {},
  getDescription: async () => ({ body: sdp, contentType: 'application/sdp' }),
  hasDescription: () => true,
  rollbackDescription: async () => {},
  setDescription: async () => {},
  sendDtmf: () => false,
};
