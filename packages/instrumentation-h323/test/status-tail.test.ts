import { afterEach, beforeEach, expect, test } from 'vitest';
import { GnuGkStatusTail, type GnuGkStatusTailOptions } from '../dist/index.js';
import { FakeStatusServer, streamOf, until, VERSION_LINES } from './fake-status-server.js';
import { STATUS_FILES, statusRecording } from './recordings.js';
import { payloadOf, Spans } from './spans.js';

let server: FakeStatusServer;
let spans: Spans;
let tails: GnuGkStatusTail[];

beforeEach(async () => {
  server = new FakeStatusServer();
  spans = new Spans();
  tails = [];
  await server.listen();
});

afterEach(async () => {
  for (const tail of tails) tail.close();
  await server.close();
});

function follow(options: GnuGkStatusTailOptions = {}): GnuGkStatusTail {
  const tail = new GnuGkStatusTail({
    port: server.port,
    tracerProvider: spans.provider,
    backoff: { minMs: 10, maxMs: 50 },
    backlogQuietMs: 60,
    ...options,
  });
  tails.push(tail);
  tail.start();
  return tail;
}

/** The lines of a recording behind its version block. */
const bodyOf = (file: (typeof STATUS_FILES)[number]): readonly string[] => {
  const lines = statusRecording(file);
  return lines.slice(lines.indexOf(';') + 1);
};

const ALICE_CALL = 'aabe0266d3e4f1118c9202fc00000001';
const stamp = (date: Date): string => date.toISOString().slice(0, 19).replace('T', ' ');

test('a call: what was seen is told, and what was concluded is marked', async () => {
  const tail = follow({ assumedBandwidthBps: 2_000_000 });
  await until(() => tail.counts.connections === 1);
  server.say(bodyOf('status-call'));
  await until(() => spans.names.includes('h323.call') && spans.names.at(-1) === 'h323_endpoint_unregistered');
  expect(spans.ofCall(ALICE_CALL).map(({ name }) => name)).toEqual([
    'h323_arq_sent',
    'h323_acf_received',
    'h323_arq_sent',
    'h323_acf_received',
    'h323_disengage_requested',
    'h323_disengaged',
    'h323_disengage_requested',
    'h323_disengaged',
    'h323_call_complete',
    'h323.call',
  ]);
  expect(spans.named('h323_endpoint_registered').map(payloadOf)).toMatchObject([
    { endpoint_id: '395974848_endp', aliases: ['bob', '2002'], endpoint_type: 'terminal' },
    { endpoint_id: '25010161_endp', aliases: ['alice', '2001'] },
  ]);
  const inferredOf = (name: string): unknown => spans.named(name)[0]!.attributes['h323.inferred'];
  // Only answers are shown: the requests must have been.
  expect(inferredOf('h323_arq_sent')).toEqual(['event']);
  expect(inferredOf('h323_disengage_requested')).toEqual(['event']);
  expect(inferredOf('h323_acf_received')).toBeUndefined();
  const complete = spans.one('h323_call_complete');
  expect(payloadOf(complete)).toMatchObject({
    duration_ms: 8_000,
    bandwidth_bps: 2_000_000,
    last_code: 'normalDrop',
    hangup_party: 'unknown',
    inferred: ['bandwidth_bps'],
  });
  expect(complete.attributes).toMatchObject({
    'witness.units.call': '1',
    'witness.units.megabit_minute': '0.266666666667',
    'witness.units.minute': '0.133333333333',
    'witness.cost.estimated': true,
  });
  expect(spans.one('h323.call').attributes).toMatchObject({
    'call.duration_ms': 8_000,
    'call.end_reason': 'completed',
    'call.last_code': 'normalDrop',
  });
});

test('without a bandwidth there are no units: a part of a price is no price', async () => {
  const tail = follow();
  await until(() => tail.counts.connections === 1);
  server.say(bodyOf('status-call'));
  await until(() => spans.names.includes('h323.call'));
  const { attributes } = spans.one('h323_call_complete');
  expect(Object.keys(attributes).filter((key) => key.startsWith('witness.units'))).toEqual([]);
  expect(payloadOf(spans.one('h323_call_complete')).total_cost).toBeUndefined();
});

test.each(STATUS_FILES)('%s, octet by octet, tells the same as whole', async (file) => {
  const tail = follow();
  await until(() => tail.counts.connections === 1);
  server.say(bodyOf(file));
  const count = VERSION_LINES.length + bodyOf(file).length;
  await until(() => tail.counts.lines === count);
  const whole = spans;
  tail.close();

  spans = new Spans();
  server.greeting = [];
  const other = follow();
  await until(() => other.counts.connections === 1 && server.connections === 2);
  await server.sayByOctet(streamOf(statusRecording(file)));
  await until(() => other.counts.lines === count);
  other.close();
  expect(spans.names).toEqual(whole.names);
  expect(spans.names.length).toBeGreaterThan(5);
  expect(other.counts.unread).toBe(0);
});

test('rejections: each with its reason; an answer without call id belongs to the only call of its endpoint', async () => {
  const tail = follow();
  await until(() => tail.counts.connections === 1);
  server.say(bodyOf('status-brq'));
  await until(() => tail.counts.lines === VERSION_LINES.length + bodyOf('status-brq').length);
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
  const granted = spans.named('h323_bandwidth_granted');
  expect(granted.map((span) => payloadOf(span))).toMatchObject(
    [384_000, 10_000_000, 64_000].map((bps) => ({
      bandwidth_granted_bps: bps,
      call_id: '87373b399f3149f1c0a7a1fcf10bda9c',
      inferred: ['call_id'],
    })),
  );
});

test('after a break it comes back, asks for what was missed, and takes each line once', async () => {
  const lines = bodyOf('status-call').filter((line) => line !== ';');
  const tail = follow();
  await until(() => tail.counts.connections === 1);
  server.say(lines.slice(0, 4));
  await until(() => tail.counts.lines === VERSION_LINES.length + 4);

  const nowMs = Date.now();
  server.backlog = lines.map((line, i) => `${stamp(new Date(nowMs - (i < 4 ? 0 : -i) * 1_000))}: ${line}`);
  server.drop();
  await until(() => tail.counts.connections === 2 && tail.counts.replayed > 0);
  expect(server.commands).toEqual(['printeventbacklog']);
  expect(tail.counts.replayed).toBe(lines.length - 4);
  expect(spans.named('h323_endpoint_registered')).toHaveLength(2);
  expect(spans.named('h323.call')).toHaveLength(1);
  expect(spans.one('h323_call_complete').attributes['call.ladder.label']).toBe('CDR');

  // And again, with nothing new.
  server.drop();
  await until(() => tail.counts.connections === 3 && server.commands.length === 2);
  server.say(['UCF|127.0.0.1|395974848_endp;']);
  await until(() => spans.named('h323_endpoint_unregistered').length === 2);
  expect(tail.counts.replayed).toBe(lines.length - 4);
  expect(spans.named('h323.call')).toHaveLength(1);
});

test('a gatekeeper that keeps no backlog is followed all the same', async () => {
  const tail = follow();
  await until(() => tail.counts.connections === 1);
  server.drop();
  await until(() => tail.counts.connections === 2);
  server.say(['UCF|127.0.0.1|1_endp;']);
  await until(() => spans.names.includes('h323_endpoint_unregistered'));
  expect(tail.counts.replayed).toBe(0);
});

test('a gatekeeper that is not there yet is tried until it is', async () => {
  const { port } = server;
  await server.close();
  const tail = follow({ port });
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(tail.counts.connections).toBe(0);
  server = new FakeStatusServer();
  await server.listen(port);
  await until(() => tail.counts.connections === 1);
});

test('closed, it stays closed, and what was open ends as closed', async () => {
  const tail = follow();
  await until(() => tail.counts.connections === 1);
  server.say(bodyOf('status-call').filter((line) => !/^(?:CDR|DCF|UCF)/.test(line)));
  await until(() => tail.openCalls === 1);
  tail.close();
  expect(spans.one('h323.call').attributes['call.end_reason']).toBe('closed');
  server.drop();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(server.connections).toBe(1);
});

test('a port that says anything at all is no danger', async () => {
  server.greeting = ['Version:', 'x'.repeat(100_000), ';', 'ACF|||||||', 'CDR|'.repeat(1_000), 'SSH-2.0-OpenSSH_9.2'];
  const tail = follow();
  await until(() => tail.counts.lines === 6);
  expect(tail.counts.unread).toBe(3);
  expect(spans.all).toEqual([]);
});
