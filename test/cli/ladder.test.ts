import { readFileSync } from 'node:fs';
import { draftSpan, Ledger } from '@infrafabric/ledger';
import type { KeyValue } from '@infrafabric/otlp';
import Sqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { callSpan } from './call-spans.js';
import { Home } from './run.js';

interface LadderJson {
  readonly trace_id: string | null;
  readonly parties: readonly string[];
  readonly events: readonly {
    readonly seq: number;
    readonly hash: string;
    readonly time: string;
    readonly from: string;
    readonly to: string;
    readonly label: string;
    readonly derived: boolean;
    readonly event: string;
    readonly status: string;
  }[];
  readonly not_drawn: number;
}

function ladder(home: Home, id: string): LadderJson {
  const { exitCode, stdout, stderr } = home.witness(['trace', id, '--ladder', '--json']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return JSON.parse(stdout) as LadderJson;
}

/** `from -> to: label` of each event. */
function arrows({ events }: LadderJson): string[] {
  return events.map(({ from, to, label }) => (from === to ? `${from}: ${label}` : `${from} -> ${to}: ${label}`));
}

/** Logs events by hand, a line each: name and payload, milliseconds apart. */
function log(home: Home, traceId: string, ...events: readonly (readonly [event: string, payload?: object])[]): void {
  const lines = events.map(([event, payload], i) =>
    JSON.stringify({
      event,
      component: 'by-hand',
      trace_id: traceId,
      payload,
      start: 1_762_855_200_000 + i,
      end: null,
    }),
  );
  expect(home.witness(['log', '--batch'], { input: lines.join('\n') }).exitCode).toBe(0);
}

async function append(home: Home, ...spans: ReturnType<typeof callSpan>[]): Promise<void> {
  const opened = await Ledger.open({ home: home.path });
  await opened.append(spans.map(draftSpan));
  await opened.close();
}

const between = (from: string, to: string, label: string): KeyValue[] => [
  ['call.ladder.from', from],
  ['call.ladder.to', to],
  ['call.ladder.label', label],
];

describe('trace --ladder', () => {
  test('says where a payload was erased, and by which entry', () => {
    const home = new Home();
    const payload = { local_uri: 'sip:alice@example.com', remote_uri: 'sip:bob@example.com' };
    log(home, 't', ['sip_invite_sent', payload], ['sip_200_ok', payload], ['sip_bye_sent', payload]);
    expect(JSON.stringify(ladder(home, 't'))).not.toContain('payload_erased_by');
    home.witness(['redact', '2', '--reason', 'r']);
    const { events } = ladder(home, 't');
    expect(events.map((event) => 'payload_erased_by' in event && event.payload_erased_by)).toEqual([false, 4, false]);
    const text = home.witness(['trace', 't', '--ladder']).stdout;
    expect(text).toContain(' 200 OK (payload erased by entry 4) ');
    expect(text).toContain(' · 1 payload erased');
  });

  test('draws what docs/commands.md shows', () => {
    const home = new Home();
    const [local_uri, remote_uri] = ['sip:alice@example.com', 'sip:bob@example.com'];
    const flow: readonly [event: string, atMs: number][] = [
      ['sip_invite_sent', 0],
      ['sip_100_trying', 35],
      ['sip_180_ringing', 140],
      ['sip_200_ok', 444],
      ['sip_ack_sent', 452],
      ['sip_dialog_established', 453],
      ['sip_bye_sent', 955],
    ];
    const lines = flow.map(([event, atMs]) =>
      JSON.stringify({ event, component: 'c', trace_id: 't', payload: { local_uri, remote_uri }, start: 1e12 + atMs }),
    );
    home.witness(['log', '--batch'], { input: lines.join('\n') });
    const page = readFileSync(new URL('../../docs/commands.md', import.meta.url), 'utf8');
    const shown = /\*\*`--ladder`\*\*[^`]*(?:`[^`]+`[^`]*)*?```text\n([\s\S]*?)```/.exec(page)?.[1];
    const withoutHashes = (text: string | undefined): string | undefined => text?.replace(/[0-9a-f]{8}$/gm, '');
    expect(withoutHashes(home.witness(['trace', 't', '--ladder']).stdout)).toBe(withoutHashes(shown));
  });

  test("draws a caller's by-hand events between the two URIs, that are named once", () => {
    const home = new Home();
    const [local_uri, remote_uri] = ['sip:alice@example.com', 'sip:bob@example.com'];
    log(
      home,
      'call-7',
      ['sip_invite_sent', { local_uri, remote_uri, cseq: 1 }],
      ['sip_100_trying', { remote_uri }],
      ['sip_180_ringing', { remote_uri }],
      ['sip_200_ok'],
      ['sip_ack_sent', { remote_uri }],
      ['sip_dialog_established', { local_uri, remote_uri }],
      ['sip_bye_received', { remote_uri }],
    );
    const drawn = ladder(home, 'call-7');
    expect(drawn).toMatchObject({ trace_id: 'call-7', parties: [local_uri, remote_uri], not_drawn: 0 });
    expect(drawn.events.every(({ derived }) => derived)).toBe(true);
    expect(arrows(drawn)).toEqual([
      `${local_uri} -> ${remote_uri}: INVITE`,
      `${remote_uri} -> ${local_uri}: 100 Trying`,
      `${remote_uri} -> ${local_uri}: 180 Ringing`,
      `${remote_uri} -> ${local_uri}: 200 OK`,
      `${local_uri} -> ${remote_uri}: ACK`,
      `${local_uri}: dialog established`,
      `${remote_uri} -> ${local_uri}: BYE`,
    ]);
    const { stdout } = home.witness(['trace', 'call-7', '--ladder']);
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/^ +sip:alice@example\.com {2,}sip:bob@example\.com +SEQ {2}HASH$/);
    expect(lines[2]).toMatch(/^ *\+0 ms .*│─+ INVITE ─+>│ +1 {2}[0-9a-f]{8}$/);
    expect(lines[3]).toMatch(/^ *\+1 ms .*│<─+ 100 Trying ─+│ +2 {2}[0-9a-f]{8}$/);
    expect(lines[7]).toMatch(/● dialog established /);
    expect(lines.at(-2)).toBe('7 events · 2 parties · parties of 7 from names and payloads');
  });

  test('draws the answers of who was called the other way', () => {
    const home = new Home();
    log(home, 't', ['sip_invite_received', { local_uri: 'b', remote_uri: 'a' }], ['sip_180_ringing'], ['sip_bye_sent']);
    expect(arrows(ladder(home, 't'))).toEqual(['a -> b: INVITE', 'b -> a: 180 Ringing', 'b -> a: BYE']);
  });

  test('tells apart calls of one flow by their call ids', () => {
    const home = new Home();
    log(
      home,
      't',
      ['sip_invite_sent', { call_id: '1', local_uri: 'a', remote_uri: 'b' }],
      ['sip_invite_received', { call_id: '2', local_uri: 'c', remote_uri: 'd' }],
      ['sip_200_ok', { call_id: '1' }],
      ['sip_200_ok', { call_id: '2' }],
    );
    expect(arrows(ladder(home, 't'))).toEqual(['a -> b: INVITE', 'd -> c: INVITE', 'b -> a: 200 OK', 'c -> d: 200 OK']);
  });

  test('draws by-hand events of H.323, WebRTC and NDI in one flow', () => {
    const home = new Home();
    log(
      home,
      'flow',
      ['h323_arq_sent', { endpoint_id: 'ep', call_id: 'c' }],
      ['h323_acf_received', { endpoint_id: 'ep', call_id: 'c' }],
      ['h323_arq_sent', { endpoint_id: 'ep', call_id: 'd', gatekeeper: 'gk:1719' }],
      ['h323_arj_received', { endpoint_id: 'ep', call_id: 'd' }],
      ['h323_call_complete', { endpoint_id: 'ep', call_id: 'c' }],
      ['sdp_offer_created', { peer_id: 'p' }],
      ['sdp_answer_received', { peer_id: 'p' }],
      ['ice_candidates_gathered', { peer_id: 'p' }],
      ['ndi_frame_published', { stream_name: 'CAM' }],
    );
    expect(arrows(ladder(home, 'flow'))).toEqual([
      'ep -> gk:1719: ARQ',
      'gk:1719 -> ep: ACF',
      'ep -> gk:1719: ARQ',
      'gk:1719 -> ep: ARJ',
      'ep: call complete',
      'p -> remote peer: SDP offer created',
      'remote peer -> p: SDP answer received',
      'p: ICE candidates gathered',
      'CAM -> NDI receivers: frame published',
    ]);
  });

  test('takes the parties that spans name, and counts what is no event', async () => {
    const home = new Home();
    await append(
      home,
      callSpan({
        spanId: 2,
        parent: 1,
        name: 'sip_invite_sent',
        attributes: between('10.0.0.1:5060', 'proxy', 'INVITE'),
      }),
      callSpan({
        spanId: 3,
        parent: 1,
        name: 'sip_failed',
        attributes: between('proxy', '10.0.0.1:5060', '486 Busy'),
        status: 2,
      }),
      callSpan({ spanId: 1, name: 'sip.call', endMs: 20 }),
      callSpan({ spanId: 4, name: 'GET /' }),
    );
    const drawn = ladder(home, 'flow');
    expect(drawn).toMatchObject({ parties: ['10.0.0.1:5060', 'proxy'], not_drawn: 2 });
    expect(drawn.events).toMatchObject([
      { label: 'INVITE', derived: false, status: 'unset' },
      { label: '486 Busy', derived: false, status: 'error' },
    ]);
    const { stdout } = home.witness(['trace', 'flow', '--ladder']);
    expect(stdout).toMatch(/│<─+ 486 Busy \[error\] ─+│/);
    expect(stdout).toContain('2 events · 2 parties · 2 other entries not drawn');
  });

  test('puts what is no message beside the messages of its call, not into a column of its own', async () => {
    const home = new Home();
    const payload = { local_uri: 'sip:alice@example.com', remote_uri: 'sip:bob@example.com' };
    await append(
      home,
      callSpan({ spanId: 2, parent: 1, name: 'sip_hash_verified', payload }),
      callSpan({
        spanId: 3,
        parent: 1,
        name: 'sip_200_ok',
        payload,
        attributes: between('b:5060', 'a:5060', '200 OK'),
      }),
      callSpan({ spanId: 4, parent: 1, name: 'sip_ack_sent', payload, attributes: between('a:5060', 'b:5060', 'ACK') }),
      callSpan({ spanId: 5, parent: 1, name: 'sip_dialog_established', payload }),
    );
    const drawn = ladder(home, 'flow');
    expect(drawn.parties).toEqual(['a:5060', 'b:5060']);
    expect(arrows(drawn)).toEqual([
      'a:5060: hash verified',
      'b:5060 -> a:5060: 200 OK',
      'a:5060 -> b:5060: ACK',
      'a:5060: dialog established',
    ]);
  });

  test('has the hashes of the entries that trace shows', () => {
    const home = new Home();
    log(home, 't', ['sip_invite_sent'], ['sip_100_trying']);
    const { entries } = home.trace('t');
    const pairs = (all: readonly { seq: number; hash: string }[]): unknown[] => all.map(({ seq, hash }) => [seq, hash]);
    expect(pairs(ladder(home, 't').events)).toEqual(pairs(entries));
  });

  test('writes sixty equal arrows as one line, with the range of their seqs', () => {
    const home = new Home();
    log(home, 't', ...Array.from({ length: 60 }, () => ['ndi_frame_published', { stream: 's' }] as const));
    expect(home.witness(['trace', 't', '--ladder']).stdout).toMatch(
      /│─+ frame published ×60 ─+>│ +1…60 {2}[0-9a-f]{8}\n/,
    );
    expect(ladder(home, 't').events).toHaveLength(60);
  });

  test('escapes hostile names, in text and in JSON', async () => {
    const home = new Home();
    const hostile = '\x1b[2Jsip:\u202eeve\nforged\u0000';
    await append(home, callSpan({ spanId: 2, name: 'x', attributes: between(hostile, '\u200b', `\r${hostile}`) }));
    for (const more of [[], ['--json']]) {
      const { exitCode, stdout } = home.witness(['trace', 'flow', '--ladder', ...more]);
      expect(exitCode).toBe(0);
      expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f\u202e\u200b]/);
    }
    expect(home.witness(['trace', 'flow', '--ladder']).stdout).toContain('\\u{1b}[2Jsip:\\u{202e}eve\\u{a}forged');
    expect(ladder(home, 'flow').events[0]).toMatchObject({ from: hostile, to: '\u200b', label: `\r${hostile}` });
  });

  test('takes nothing from payloads that are no objects, or whose members are no texts', () => {
    const home = new Home();
    log(home, 't', ['sip_invite_sent', [1]], ['sip_200_ok', { remote_uri: { toString: 1 }, local_uri: null }]);
    const payload = '{"__proto__": {"remote_uri": "x"}, "remote_uri": ""}';
    home.witness(['log', '--event', 'sip_ack_sent', '--component', 'by-hand', '--trace-id', 't', '--payload', payload]);
    expect(arrows(ladder(home, 't'))).toEqual([
      'by-hand -> remote: INVITE',
      'remote -> by-hand: 200 OK',
      'by-hand -> remote: ACK',
    ]);
  });

  test('draws what is signed when payloads are gone', () => {
    const home = new Home();
    log(home, 't', ['sip_invite_sent', { local_uri: 'a', remote_uri: 'b' }]);
    const db = new Sqlite(home.ledger);
    db.exec('DROP TRIGGER payloads_no_delete; DELETE FROM payloads');
    db.close();
    expect(arrows(ladder(home, 't'))).toEqual(['by-hand -> remote: INVITE']);
  });

  test('of more parties than columns can show is a list', () => {
    const home = new Home();
    const calls = Array.from(
      { length: 20 },
      (_, i) => ['sip_invite_sent', { local_uri: 'a', remote_uri: `b${i}` }] as const,
    );
    log(home, 't', ...calls);
    const { stdout } = home.witness(['trace', 't', '--ladder']);
    expect(stdout).toMatch(/^ *TIME {2}FROM +TO +EVENT +SEQ {2}HASH\n *\+0 ms {2}a +→ b0 +INVITE +1 {2}[0-9a-f]{8}\n/);
  });

  test('of a trace without calls has no events', () => {
    const home = new Home();
    home.log('e', 't');
    expect(ladder(home, 't')).toEqual({ trace_id: 't', parties: [], events: [], not_drawn: 1 });
    const { exitCode, stdout } = home.witness(['trace', 't', '--ladder']);
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: expect.stringContaining('0 events · 0 parties · 1 other entry not drawn'),
    });
  });

  test('is text or JSON', () => {
    const home = new Home();
    log(home, 't', ['sip_invite_sent']);
    expect(home.witness(['trace', 't', '--ladder', '--format', 'otlp-json'])).toMatchObject({
      exitCode: 2,
      stdout: '',
    });
    const json = home.witness(['trace', 't', '--ladder', '--format', 'json']);
    expect(json).toEqual(home.witness(['trace', 't', '--ladder', '--json']));
  });
});
