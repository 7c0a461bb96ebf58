/** The guide's four shell flows, as they stand in test/guide. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { peer } from '../peers.js';
import { Home, type TraceJson } from './run.js';

const guide = (name: string): string => fileURLToPath(new URL(`../guide/${name}`, import.meta.url));
const python = peer('python3', ['python3', '--version']);

/** Runs a script in a working directory of its own, and in a home of its own unless it is given one. */
function follow(script: string, home: Home = new Home()) {
  const cwd = home.beside(script);
  mkdirSync(cwd);
  const ran = home.shell(guide(script), { cwd });
  expect(ran).toMatchObject({ exitCode: 0, stderr: expect.not.stringContaining('error') });
  return { home, cwd, ...ran };
}

function traceIdIn(stdout: string, pattern: RegExp): string {
  return pattern.exec(stdout)?.[1] ?? '';
}

/** What every flow must come to, whatever its script looks at: in `cost`, `report`, `export` and `verify`. */
function expectTotals(home: Home, traceId: string, component: string, reported: string, byCard: string): void {
  const cost = JSON.parse(home.witness(['cost', '--trace-id', traceId, '--json']).stdout) as CostJson;
  expect(cost.totals).toMatchObject({ cost_usd: reported, cost_reported_usd: reported, unpriced: 0 });
  expect(cost.compared).toMatchObject({ reported_usd: reported, by_card_usd: byCard, cards: ['guide'] });
  const report = JSON.parse(home.optimise(['report', '--trace-id', traceId, '--json']).stdout) as CostJson;
  expect(report.groups).toMatchObject([{ component, totals: { cost_usd: reported } }]);
  const csv = home.witness(['export', '--trace-id', traceId, '--format', 'csv']).stdout;
  expect(csv.match(/^[0-9]+,[0-9a-f]{64},span,/gm)).toHaveLength(home.trace(traceId).entries.length);
  expect(home.witness(['verify'])).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^VALID /) });
}

interface CostJson {
  readonly totals: object;
  readonly compared?: object;
  readonly groups: readonly { readonly component: string; readonly totals: { readonly cost_usd: string } }[];
}

function events({ entries }: TraceJson): string[] {
  return entries.map(({ event }) => event);
}

describe("the guide's script", () => {
  /** Where NDI was logged; the others are logged beside it at the end. */
  let ndi: Home | undefined;

  test('of session 1, NDI, logs 60 frames for $0.00006', { timeout: 120_000 }, (context) => {
    python.need(context);
    const { home, stdout } = follow('session-1-ndi.sh');
    expect(stdout).toContain('✓ Logged 60 NDI frames');
    const trace = home.trace(traceIdIn(stdout, /\(trace: (\S+)\)/));
    expect(trace.totals).toMatchObject({ entries: 62, calls: 60, unpriced: 0, cost_usd: '0.00006' });
    expect(events(trace)).toEqual([
      'ndi_stream_created',
      ...Array(60).fill('ndi_frame_published'),
      'ndi_batch_complete',
    ]);
    expect(trace.entries.map(({ seq }) => seq)).toEqual(Array.from({ length: 62 }, (_, i) => i + 1));
    expect(trace.entries[7]).toMatchObject({
      component: 'IF.witness.ndi-publisher',
      tokens_in: 50,
      tokens_out: 20,
      model: 'claude-haiku-4.5',
      cost: '0.000001',
      payload: { frame_number: 6, resolution: '1920x1080', fps: 60, codec: 'H264' },
    });
    expectTotals(home, trace.trace_id!, 'IF.witness.ndi-publisher', '0.00006', '0.00225');
    ndi = home;
  });

  test('of session 2, WebRTC, costs $0.0017 and shows its trace', () => {
    const { home, stdout } = follow('session-2-webrtc.sh');
    const trace = home.trace(traceIdIn(stdout, / trace (webrtc-caller-123-\d+)/));
    expect(trace.totals).toMatchObject({ entries: 6, unpriced: 0, cost_usd: '0.0017' });
    expect(events(trace)).toEqual([
      'webrtc_connection_started',
      'sdp_offer_created',
      'sdp_answer_received',
      'ice_candidates_gathered',
      'ice_connection_state_changed',
      'media_stream_ready',
    ]);
    expect(trace.entries[0]).toMatchObject({
      component: 'IF.witness.webrtc',
      model: null,
      payload: { peer_id: 'caller-123' },
    });
    expect(stdout).toContain('6 entries · 1 OpenTelemetry trace');
    expect(stdout).toContain('$0.0017 (0 unpriced)');
    expect(stdout).toMatch(/\nIF\.witness\.webrtc +\(none\) +6 +750 +375 +\$0\.0017 +0\n/);
    expect(stdout).toContain('compared: $0.0017 reported is $0.00065625 by guide; 6 calls\n');
    expectTotals(home, trace.trace_id!, 'IF.witness.webrtc', '0.0017', '0.00065625');
  });

  test('of session 3, H.323, costs $0.0007 and reports its component', () => {
    const { home, stdout } = follow('session-3-h323.sh');
    const trace = home.trace('h323-call-2025-11-11-001');
    expect(trace.totals).toMatchObject({ entries: 3, unpriced: 0, cost_usd: '0.0007' });
    expect(events(trace)).toEqual(['h323_arq_sent', 'h323_acf_received', 'h323_call_complete']);
    expect(trace.entries[2]?.payload).toEqual({
      endpoint_id: 'h323-endpoint-001',
      call_id: 'call-2025-11-11-001',
      duration_minutes: 45,
      bandwidth_bps: 2_000_000,
      cost_usd: 0.0009,
    });
    expect(stdout).toMatch(/IF\.witness\.h323 +(?:3 +)?3 +1,000 +500 +\$0\.0007 +0/);
    expectTotals(home, trace.trace_id!, 'IF.witness.h323', '0.0007', '0.000875');
    expect(stdout).toContain('budget month: $500.00 a month; spent so far $0.00\n');
    expect(stdout).toMatch(/\nmonth +month, UTC +\$0\.0007 +\$500\.00 +0\.0 % /);
  });

  test('of session 4, SIP, costs $0.0019, exports and verifies', () => {
    const { home, cwd, stdout } = follow('session-4-sip.sh');
    expect(stdout).toContain('7 entries · 1 OpenTelemetry trace');
    expect(stdout).toContain('$0.0019 (0 unpriced)');
    expect(stdout).toContain('VALID (unanchored');
    expect(stdout).toMatch(/\nIF\.witness\.sip +\(none\) +7 +1,050 +525 +\$0\.0019 +0\n/);
    expect(stdout).toContain('compared: $0.0019 reported is $0.00091875 by guide; 7 calls\n');
    expectTotals(home, traceIdIn(stdout, / trace (sip-call-\d+)/), 'IF.witness.sip', '0.0019', '0.00091875');
    const [file] = readdirSync(cwd);
    expect(file).toMatch(/^sip-call-sip-call-\d+\.json$/);
    const { ledger, entries } = JSON.parse(readFileSync(join(cwd, file!), 'utf8')) as {
      ledger: { size: number };
      entries: { type: string; event?: string; cost?: string }[];
    };
    expect(ledger.size).toBe(8);
    expect(entries.map(({ type, event }) => event ?? type)).toEqual([
      'genesis',
      'sip_invite_sent',
      'sip_100_trying',
      'sip_180_ringing',
      'sip_200_ok',
      'sip_ack_sent',
      'sip_dialog_established',
      'sip_bye_sent',
    ]);
  });

  test('of all sessions in one ledger sum up to $0.00436, by component and against the budget', (context) => {
    python.need(context);
    const home = ndi!;
    for (const script of ['session-2-webrtc.sh', 'session-3-h323.sh', 'session-4-sip.sh']) follow(script, home);
    const report = JSON.parse(home.optimise(['report', '--group-by', 'component', '--json']).stdout) as CostJson;
    expect(report.totals).toMatchObject({ calls: 76, cost_usd: '0.00436', unpriced: 0 });
    expect(report.groups.map(({ component, totals }) => [component, totals.cost_usd])).toEqual([
      ['IF.witness.sip', '0.0019'],
      ['IF.witness.webrtc', '0.0017'],
      ['IF.witness.h323', '0.0007'],
      ['IF.witness.ndi-publisher', '0.00006'],
    ]);
    // Of the $500 that the script of session 3 sets.
    expect(home.optimise(['budget']).stdout).toMatch(/\nmonth +month, UTC +\$0\.0043\d* +\$500\.00 +0\.0 % /);
    expect(home.witness(['verify', '--deep'])).toMatchObject({ exitCode: 0 });
  });
});

test('four processes that say session-flow-001 share one trace', () => {
  const home = new Home();
  const components = ['ndi-publisher', 'webrtc', 'h323', 'sip'].map((name) => `IF.witness.${name}`);
  for (const component of components) {
    const args = ['log', '--event', 'joined', '--component', component, '--trace-id', 'session-flow-001'];
    expect(home.witness(args, { env: { OTEL_SERVICE_NAME: component } }).exitCode).toBe(0);
  }
  const { otel_trace_ids, entries } = home.trace('session-flow-001');
  expect(otel_trace_ids).toEqual(['13c69f4f9c543f753b880c8c70d5a4fc']);
  expect(entries.map(({ component, service }) => [component, service])).toEqual(components.map((name) => [name, name]));
});

test("the guide's grep finds the cost beside its name", () => {
  const home = new Home();
  home.log('e', 't', '--cost', '0.0005');
  const ran = home.shell('if-witness trace t --format json | grep -A2 cost | head -3');
  expect(ran.stdout).toContain('"cost": "0.0005"');
});

test("the guide's way to start afresh gives an empty ledger that is valid", () => {
  const home = new Home();
  home.log('e', 't');
  const ran = home.shell('rm -rf "$IF_WITNESS_HOME"/ && if-witness verify  # Reinitialize');
  expect(ran).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^VALID: empty ledger, created now\n/) });
});
