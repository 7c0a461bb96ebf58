import { readFileSync } from 'node:fs';
import { draftSpan, Ledger } from '@infrafabric/ledger';
import Sqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { type CallSpan, callSpan } from './call-spans.js';
import { Home } from './run.js';

type Call = Readonly<Record<string, unknown>>;

function calls(home: Home, ...flags: readonly string[]): readonly Call[] {
  const { exitCode, stdout, stderr } = home.witness(['export', '--format', 'cdr-json', ...flags]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return (JSON.parse(stdout) as { calls: Call[] }).calls;
}

function log(
  home: Home,
  traceId: string,
  ...events: readonly (readonly [event: string, atMs: number, payload?: object])[]
) {
  const lines = events.map(([event, atMs, payload]) =>
    JSON.stringify({
      event,
      component: 'by-hand',
      trace_id: traceId,
      payload,
      start: 1_762_855_200_000 + atMs,
      end: null,
    }),
  );
  expect(home.witness(['log', '--batch'], { input: lines.join('\n') }).exitCode).toBe(0);
}

async function append(home: Home, ...spans: readonly CallSpan[]): Promise<void> {
  const opened = await Ledger.open({ home: home.path });
  await opened.append(spans.map((span) => draftSpan(callSpan(span))));
  await opened.close();
}

const [local_uri, remote_uri] = ['sip:alice@example.com', 'sip:bob@example.com'];

/** A call as the SIP instrumentation records it: its events, then the whole. */
const SIP_CALL: readonly CallSpan[] = [
  { spanId: 2, parent: 1, name: 'sip_invite_sent' },
  { spanId: 3, parent: 1, name: 'sip_200_ok', startMs: 250 },
  { spanId: 9, name: 'GET /', startMs: 260 },
  { spanId: 4, parent: 1, name: 'sip_bye_received', startMs: 9_000 },
  {
    spanId: 1,
    name: 'sip.call',
    startMs: 0,
    endMs: 9_010,
    attributes: [
      ['sip.call_id', 'abc@host'],
      ['sip.from', local_uri],
      ['sip.to', remote_uri],
      ['call.setup_time_ms', 248.5],
      ['call.duration_ms', 8_750n],
      ['call.hangup_party', 'callee'],
      ['call.last_code', 200n],
      ['call.end_reason', 'hangup'],
      ['call.quality.mos_estimated', 4.32],
      ['call.quality.loss_percent', 0.5],
      ['call.quality.jitter_ms', 3n],
      ['call.quality.rtt_ms', 41.5],
    ],
  },
];

test('a call says how many of its payloads were erased, and by which entries', async () => {
  const home = new Home();
  await append(home, ...SIP_CALL);
  expect(calls(home)[0]).not.toHaveProperty('payloads_erased');
  for (const seq of ['1', '5', '4']) home.witness(['redact', seq, '--reason', 'r']);
  expect(calls(home)).toMatchObject([
    { call_id: null, from: null, entries: 4, payloads_erased: { count: 3, first_by: 6, last_by: 8 } },
  ]);
  const byHand = new Home();
  log(byHand, 't', ['sip_invite_sent', 0, { local_uri, remote_uri }], ['sip_bye_sent', 9_000, { local_uri }]);
  byHand.witness(['redact', '2', '--reason', 'r']);
  expect(calls(byHand)).toMatchObject([{ from: local_uri, payloads_erased: { count: 1, first_by: 3, last_by: 3 } }]);
});

describe('export --format cdr', () => {
  test('has one row for a session, with what its span says and where its entries are', async () => {
    const home = new Home();
    await append(home, ...SIP_CALL);
    const entries = home.trace('flow').entries;
    const hashOf = (seq: number): unknown => entries.find((entry) => entry.seq === seq)?.hash;
    expect(calls(home)).toEqual([
      {
        kind: 'sip',
        call_id: 'abc@host',
        from: local_uri,
        to: remote_uri,
        start: '2025-11-11T10:00:00.000000000Z',
        setup_ms: 248.5,
        duration_ms: 8_750,
        hangup_party: 'callee',
        last_code: '200',
        end_reason: 'hangup',
        quality: { mos_estimated: 4.32, loss_percent: 0.5, jitter_ms: 3, rtt_ms: 41.5 },
        trace_id: 'flow',
        component: null,
        service: 'pbx',
        source: 'session',
        entries: 4,
        first_seq: 1,
        last_seq: 5,
        first_hash: hashOf(1),
        last_hash: hashOf(5),
      },
    ]);
  });

  test('as CSV has the same', async () => {
    const home = new Home();
    await append(home, ...SIP_CALL);
    const { stdout } = home.witness(['export', '--format', 'cdr']);
    const [head, row, end] = stdout.split('\r\n').map((line) => line.split(','));
    const [call] = calls(home);
    const { quality, ...flat } = call as { quality: object };
    const members = Object.entries({ ...flat, ...quality }).map(([name, value]) => [name, String(value ?? '')]);
    expect(Object.fromEntries(head!.map((name, i) => [name, row![i]]))).toEqual(Object.fromEntries(members));
    expect(end).toEqual(['']);
  });

  test('has a row for each kind of session, in order of start', async () => {
    const home = new Home();
    await append(
      home,
      { spanId: 3, name: 'webrtc.peer_connection', startMs: 30, endMs: 40 },
      { spanId: 2, name: 'h323.call', startMs: 20, endMs: 40 },
      { spanId: 1, name: 'sip.call', startMs: 10, endMs: 40 },
    );
    expect(calls(home)).toMatchObject([
      { kind: 'sip', duration_ms: null, first_seq: 3, entries: 1 },
      { kind: 'h323', first_seq: 2 },
      { kind: 'webrtc', first_seq: 1 },
    ]);
  });

  test('puts a by-hand SIP call together from its events', () => {
    const home = new Home();
    log(
      home,
      'call-7',
      ['sip_invite_sent', 0, { local_uri, remote_uri, call_id: 'c-7' }],
      ['sip_100_trying', 10, { remote_uri, call_id: 'c-7' }],
      ['sip_200_ok', 300, { remote_uri, call_id: 'c-7' }],
      ['sip_bye_sent', 5_300, { remote_uri, call_id: 'c-7', duration_seconds: 5.5 }],
    );
    expect(calls(home)).toMatchObject([
      {
        ...{ kind: 'sip', call_id: 'c-7', from: local_uri, to: remote_uri, setup_ms: 300, duration_ms: 5_500 },
        ...{ hangup_party: 'caller', last_code: '200', end_reason: 'hangup', quality: null },
        ...{ trace_id: 'call-7', component: 'by-hand', source: 'events', entries: 4, first_seq: 1, last_seq: 4 },
      },
    ]);
  });

  test("gives the guide's calls without a call id, and those of H.323 and WebRTC, a row each", () => {
    const home = new Home();
    log(home, 's', ['sip_invite_received', 0, { local_uri, remote_uri }], ['sip_486_busy_here', 7]);
    log(
      home,
      'h',
      ['h323_arq_sent', 10, { endpoint_id: 'ep', call_id: '1', gatekeeper: 'gk' }],
      ['h323_acf_received', 15, { endpoint_id: 'ep', call_id: '1' }],
      ['h323_arq_sent', 20, { endpoint_id: 'ep', call_id: '2', gatekeeper: 'gk' }],
      ['h323_arj_received', 21, { endpoint_id: 'ep', call_id: '2', reason: 'bandwidth_unavailable' }],
      ['h323_call_complete', 30, { endpoint_id: 'ep', call_id: '1', duration_minutes: 45 }],
    );
    log(
      home,
      'w',
      ['webrtc_connection_started', 40, { peer_id: 'p' }],
      ['ice_connection_state_changed', 50, { peer_id: 'p', new_state: 'checking' }],
      ['ice_connection_state_changed', 60, { peer_id: 'p', new_state: 'connected' }],
      ['webrtc_connection_closed', 160, { peer_id: 'p' }],
    );
    expect(calls(home)).toMatchObject([
      {
        kind: 'sip',
        call_id: null,
        from: remote_uri,
        to: local_uri,
        setup_ms: null,
        duration_ms: null,
        last_code: '486',
      },
      { kind: 'h323', call_id: '1', from: 'ep', to: 'gk', setup_ms: 5, duration_ms: 2_700_000, last_code: 'ACF' },
      {
        kind: 'h323',
        call_id: '2',
        setup_ms: null,
        last_code: 'bandwidth_unavailable',
        end_reason: 'rejected',
        entries: 2,
      },
      {
        kind: 'webrtc',
        call_id: 'p',
        setup_ms: 20,
        duration_ms: 100,
        last_code: 'connected',
        end_reason: 'hangup',
        hangup_party: 'local',
      },
    ]);
  });

  test('keeps the calls of one flow apart, and events without an id with the call before them', () => {
    const home = new Home();
    log(
      home,
      'flow',
      ['sip_invite_sent', 0, { call_id: 'a', local_uri, remote_uri }],
      ['sip_invite_sent', 1, { call_id: 'b', local_uri, remote_uri: 'sip:carol@example.com' }],
      ['sip_200_ok', 5, { call_id: 'a' }],
      ['sip_hash_verified', 9],
    );
    log(home, 'other', ['sip_invite_sent', 2], ['sip_200_ok', 3, { call_id: 'a' }]);
    expect(calls(home)).toMatchObject([
      { call_id: 'a', trace_id: 'flow', entries: 2 },
      { call_id: 'b', trace_id: 'flow', to: 'sip:carol@example.com', entries: 2 },
      { call_id: 'a', trace_id: 'other', entries: 2, setup_ms: 1 },
    ]);
    expect(calls(home, '--trace-id', 'other')).toHaveLength(1);
  });

  test('knows a registration from a call, and who is called by an admission request from its gatekeeper', () => {
    const home = new Home();
    log(
      home,
      'flow',
      ['h323_endpoint_registered', 0, { endpoint_id: '1_endp', aliases: ['alice'] }],
      ['sip_registered', 1, { aor: 'sip:alice@example.com' }],
      ['h323_arq_sent', 2, { endpoint_id: '1_endp', call_id: 'c', source: ['alice'], destination: ['bob', 1] }],
      ['h323_arq_sent', 3, { endpoint_id: '2_endp', call_id: 'c', source: ['bob'], is_answering: true }],
      ['h323_endpoint_unregistered', 4, { endpoint_id: '1_endp' }],
    );
    expect(calls(home)).toMatchObject([{ kind: 'h323', call_id: 'c', from: 'alice', to: 'bob', entries: 2 }]);
  });

  test('has a call whose process was killed before the session ended', async () => {
    const home = new Home();
    await append(home, ...SIP_CALL.slice(0, 2));
    expect(calls(home)).toMatchObject([
      { kind: 'sip', source: 'events', entries: 2, setup_ms: 248, duration_ms: null },
    ]);
  });

  test('defuses formulas, escapes what a terminal would act on, keeps numbers numbers', async () => {
    const home = new Home();
    await append(home, {
      spanId: 1,
      name: 'sip.call',
      attributes: [
        ['sip.call_id', '=HYPERLINK("http://evil")'],
        ['sip.from', '+1555\x1b[2J'],
        ['sip.to', '@x\u202e'],
        ['call.setup_time_ms', '-1+cmd|x'],
        ['call.duration_ms', -5n],
        ['call.last_code', '-486'],
        ['call.hangup_party', [1n]],
        ['call.mos_estimated', Number.NaN],
      ],
    });
    const { stdout } = home.witness(['export', '--format', 'cdr']);
    const cells = '"\'=HYPERLINK(""http://evil"")",\'+1555\x1b[2J,\'@x\u202e,2025-11-11T10:00:00.001000000Z,';
    expect(stdout.split('\r\n')[1]).toMatch(`sip,${cells}'-1+cmd|x,-5,,'-486,,NaN,,,,flow,,pbx,session,`);
    expect(calls(home)).toMatchObject([
      {
        from: '+1555\x1b[2J',
        setup_ms: '-1+cmd|x',
        duration_ms: -5,
        hangup_party: null,
        quality: { mos_estimated: 'NaN' },
      },
    ]);
    expect(home.witness(['export', '--format', 'cdr-json']).stdout).not.toMatch(/[\x1b\u202e]/);
  });

  test('takes nothing from payloads that are damaged or nonsense', async () => {
    const home = new Home();
    log(
      home,
      'n',
      ['sip_bye_sent', 0, { duration_seconds: -1 }],
      ['h323_call_complete', 1, { duration_minutes: 1e300 }],
    );
    await append(home, ...SIP_CALL);
    const db = new Sqlite(home.ledger);
    db.exec('DROP TRIGGER payloads_no_delete; DELETE FROM payloads WHERE seq > 2');
    db.close();
    const all = calls(home);
    expect(all.find(({ source }) => source === 'session')).toMatchObject({
      kind: 'sip',
      call_id: null,
      setup_ms: 248,
      duration_ms: 8_750,
      hangup_party: 'callee',
    });
    expect(all.filter(({ source }) => source === 'events').map((call) => call.duration_ms)).toEqual([null, null]);
  });

  test('of a ledger without calls has none', () => {
    const home = new Home();
    home.log('e', 't');
    expect(calls(home)).toEqual([]);
    expect(home.witness(['export', '--format', 'cdr']).stdout.split('\n')).toHaveLength(2);
  });

  test('goes into a file, and says how many calls', async () => {
    const home = new Home();
    await append(home, ...SIP_CALL);
    const file = home.beside('calls.csv');
    const args = ['export', '--format', 'cdr', '--output', file];
    expect(home.witness(args)).toEqual({ exitCode: 0, stdout: '', stderr: `1 calls in ${file}\n` });
    expect(readFileSync(file, 'utf8')).toMatch(/^kind,call_id,.*\r\nsip,abc@host,.*\r\n$/);
    const { entries, calls: found } = JSON.parse(home.witness([...args, '--json']).stdout) as Call;
    expect({ entries, found }).toEqual({ entries: 6, found: 1 });
  });
});
