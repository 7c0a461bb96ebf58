/** Peers that nobody here wrote: SIPp answers, Kamailio proxies and sends HEP, baresip calls. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { peer } from '../../../test/peers.js';
import { HepReceiver, observeJsSipSocket, observingSipLogger } from '../dist/index.js';
import {
  answerOf,
  freePort,
  jsSipCall,
  jsSipUa,
  type Message,
  type SipStack,
  sdp,
  sipStack,
  TcpSocket,
} from './stacks.js';
import { observing, payloadOf, until, type Written } from './support.js';

const sipp = peer('sipp', ['sh', '-c', 'command -v sipp']);
const kamailio = peer('kamailio', ['sh', '-c', 'command -v kamailio && ls /usr/lib/*/kamailio/modules/websocket.so']);
const baresip = peer('baresip', ['sh', '-c', 'command -v baresip']);

const files = fileURLToPath(new URL('peers/', import.meta.url));
const toClose: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

/** Ends with the test, by its own id and those of its children. */
function run(program: string, args: readonly string[], cwd: string): { output: () => string; child: ChildProcess } {
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  const ended = new Promise((resolve) => child.once('close', resolve));
  toClose.push(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      try {
        process.kill(-child.pid!, 'SIGTERM');
      } catch {
        // It ended in between.
      }
      const force = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await ended;
      clearTimeout(force);
    }
  });
  return { output: () => output, child };
}

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'sip-peers-'));
  toClose.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function startSipp(port: number, transport: 't1' | 'u1'): void {
  const scenario = join(files, 'sipp-uas-100-180-200.xml');
  run(
    'sipp',
    ['-sf', scenario, '-i', '127.0.0.1', '-p', `${port}`, '-t', transport, '-m', '1', '-nostdin'],
    directory(),
  );
}

/** A JsSIP user agent, connected over TCP as soon as the peer listens. */
async function connectedUa(port: number): Promise<{ ua: ReturnType<typeof jsSipUa>; caller: Written }> {
  const { observer, ...caller } = observing();
  const ua = jsSipUa({
    sockets: [observeJsSipSocket(new TcpSocket(port), observer)],
    uri: 'sip:alice@127.0.0.1',
    connection_recovery_min_interval: 1,
    connection_recovery_max_interval: 1,
  });
  const connected = new Promise<void>((resolve) => ua.on('connected', resolve));
  ua.start();
  toClose.push(() => ua.stop());
  await connected;
  return { ua, caller };
}

const CALLERS_NAMES = [
  ...['sip_invite_sent', 'sip_100_trying', 'sip_180_ringing', 'sip_200_ok', 'sip_ack_sent', 'sip_dialog_established'],
  ...['sip_bye_sent', 'sip_response'],
];

describe('SIPp answers', () => {
  test('a call of JsSIP over TCP: every event of the guide', async (context) => {
    sipp.need(context);
    const port = await freePort();
    startSipp(port, 't1');
    const { ua, caller } = await connectedUa(port);
    const session = ua.call(`sip:sipp@127.0.0.1:${port}`, jsSipCall);
    session.on('confirmed', () => setTimeout(() => session.terminate(), 300));
    await until('the call ended', () => caller.calls().length === 1);
    expect(caller.names()).toEqual(CALLERS_NAMES);
    const call = caller.call();
    expect(call).toMatchObject({ 'call.end_reason': 'hangup', 'call.hangup_party': 'caller', 'call.last_code': '200' });
    // The scenario waits 100 ms, then 300 ms before it accepts; the test talks 300 ms.
    expect(Number(call['call.setup_time_ms'])).toBeGreaterThan(350);
    expect(Number(call['call.duration_ms'])).toBeGreaterThan(250);
    expect(payloadOf(caller.event('sip_dialog_established'))).toMatchObject({ audio_codec: 'PCMU' });
  });
});

describe('Kamailio, seen by HEP', () => {
  test('a proxied call is one call with both hops of every message', async (context) => {
    sipp.need(context);
    kamailio.need(context);
    const [proxyPort, wsPort, sippPort] = [await freePort(), await freePort(), await freePort()];
    const wire = observing();
    const hep = new HepReceiver(wire.observer);
    const { port: hepPort } = await hep.listen({ port: 0 });
    toClose.push(() => hep.close());
    const home = directory();
    const ports: Readonly<Record<string, number>> = { 5060: proxyPort, 5066: wsPort, 5070: sippPort, 9060: hepPort };
    const config = readFileSync(join(files, 'kamailio.cfg'), 'utf8').replace(
      /\b(5060|5066|5070|9060)\b/g,
      (port) => `${ports[port]}`,
    );
    writeFileSync(join(home, 'kamailio.cfg'), config);
    startSipp(sippPort, 'u1');
    const { output } = run(
      'kamailio',
      ['-f', 'kamailio.cfg', '-DD', '-E', '-P', join(home, 'k.pid'), '-Y', home],
      home,
    );
    const { ua, caller } = await connectedUa(proxyPort).catch((error) => {
      throw new Error(output(), { cause: error });
    });
    const session = ua.call('sip:sipp@127.0.0.1', jsSipCall);
    session.on('confirmed', () => setTimeout(() => session.terminate(), 200));
    await until('the call ended', () => caller.calls().length === 1);
    // Kamailio's processes send their copies in their own time.
    await until('the wire saw all of it', () => wire.calls().length === 1 && wire.names().length === 15);
    expect(hep.counts).toMatchObject({ undecodable: 0, otherProtocols: 0 });
    expect(caller.names()).toEqual(CALLERS_NAMES);
    const names = wire.names();
    // Two hops: twice each, but the proxy answers 100 itself besides passing nothing of SIPp's 100 on (RFC 3261 §16.7).
    for (const name of [
      'sip_invite_sent',
      'sip_180_ringing',
      'sip_200_ok',
      'sip_ack_sent',
      'sip_bye_sent',
      'sip_100_trying',
    ]) {
      expect(
        names.filter((other) => other === name),
        name,
      ).toHaveLength(2);
    }
    expect(names.filter((name) => name === 'sip_dialog_established')).toHaveLength(1);
    expect(wire.call()).toMatchObject({
      ...{ 'call.direction': 'passing', 'call.end_reason': 'hangup', 'call.hangup_party': 'caller', 'sip.forks': 1 },
      ...{ 'sip.retransmissions': 0, 'sip.call_id': caller.call()['sip.call_id'] },
    });
    // The caller's own observer and the wire's write one trace.
    expect(wire.calls()[0]!.spanContext().traceId).toBe(caller.calls()[0]!.spanContext().traceId);
    const proxy = `127.0.0.1:${proxyPort}`;
    const arrows = wire.spans().filter(({ name }) => name === 'sip_invite_sent');
    expect(arrows.map(({ attributes }) => attributes['call.ladder.to'])).toEqual([proxy, `127.0.0.1:${sippPort}`]);
    expect(arrows[1]!.attributes['call.ladder.from']).toBe(proxy);
  });
});

describe('baresip calls', () => {
  test('a softphone calls, and hangs up', async (context) => {
    baresip.need(context);
    const { observer, ...callee } = observing();
    const port = await freePort();
    const onRequest = (request: Message): void => {
      if (request.method === 'INVITE') {
        stack.send(answerOf(request, 180, 'Ringing'));
        const answer = {
          headers: { 'content-type': 'application/sdp', contact: [{ uri: `sip:bob@127.0.0.1:${port}` }] },
          content: sdp,
        };
        stack.send(answerOf(request, 200, 'OK', answer));
      } else if (request.method !== 'ACK') stack.send(answerOf(request, 200, 'OK'));
    };
    const logger = observingSipLogger(observer, { address: '127.0.0.1', port });
    const stack: SipStack = sipStack('callee.test', port, logger, onRequest);
    toClose.push(() => stack.destroy());
    const home = directory();
    const modules = ['g711', 'account', 'menu'].map((name) => `module ${name}.so`);
    const where = ['module_path /usr/lib/baresip/modules', 'net_interface 127.0.0.1', 'sip_listen 127.0.0.1:0'];
    writeFileSync(join(home, 'config'), [...where, ...modules, ''].join('\n'));
    writeFileSync(join(home, 'accounts'), '<sip:alice@127.0.0.1>;regint=0\n');
    run('baresip', ['-f', home, '-e', `/dial sip:bob@127.0.0.1:${port}`, '-t', '3'], home);
    await until('the call ended', () => callee.calls().length === 1);
    expect(callee.names().filter((name) => name !== 'sip_response')).toEqual([
      ...['sip_invite_received', 'sip_180_ringing', 'sip_200_ok', 'sip_ack_received', 'sip_dialog_established'],
      'sip_bye_received',
    ]);
    expect(callee.call()).toMatchObject({
      ...{ 'call.direction': 'incoming', 'call.hangup_party': 'caller', 'call.end_reason': 'hangup' },
      'sip.from': 'sip:alice@127.0.0.1',
    });
    expect(payloadOf(callee.event('sip_invite_received')).agent).toMatch(/^baresip/);
  });
});
