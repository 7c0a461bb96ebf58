import { once } from 'node:events';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { traceIdOfBusinessId } from '@infrafabric/format';
import { describe, expect, test } from 'vitest';
import { Home } from './run.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

describe('log', () => {
  test('prints seq, hash and trace of the entry that it wrote', () => {
    const home = new Home();
    const { exitCode, stdout, stderr } = home.log('started', 'session-1');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const [, hash] = /^seq 1 {2}hash ([0-9a-f]{64}) {2}trace session-1\n$/.exec(stdout) ?? [];
    expect(home.trace('session-1').entries).toMatchObject([{ seq: 1, hash, event: 'started' }]);
  });

  test('prints one JSON object on one line with --json', () => {
    const home = new Home();
    const { stdout } = home.log('started', 'session-1', '--json');
    expect(stdout.trimEnd()).not.toContain('\n');
    expect(JSON.parse(stdout)).toEqual({
      seq: 1,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      trace_id: 'session-1',
      otel_trace_id: traceIdOfBusinessId('session-1'),
      span_id: expect.stringMatching(/^[0-9a-f]{16}$/),
      outcome: 'appended',
    });
  });

  test('keeps files and directories private', () => {
    const home = new Home();
    home.log('started', 'session-1');
    expect(statSync(home.path).mode & 0o777).toBe(0o700);
    expect(statSync(home.ledger).mode & 0o777).toBe(0o600);
  });

  test('records every flag', () => {
    const home = new Home();
    const flags = [
      ...['--payload', ' {"n": 12345678901234567890}', '--tokens-in', '300', '--tokens-out', '150', '--cost', '1e-05'],
      ...['--model', 'claude-haiku-4.5', '--provider', 'anthropic', '--kind', 'client', '--status', 'error'],
      ...['--status-message', 'busy', '--start', '1762855200', '--end', '2025-11-11T10:00:01.5Z'],
      ...['--attr', 'a=b=c', '--attr', 'empty=', '--service', 'pbx', '--parent-trace-id', 'request-1'],
    ];
    expect(home.log('ev', 'flow', ...flags)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(home.trace('flow').entries).toMatchObject([
      {
        service: 'pbx',
        trace_id: 'flow',
        parent_trace_id: 'request-1',
        otel: { trace_id: traceIdOfBusinessId('flow'), parent_span_id: null, kind: 'client', status: 'error' },
        start: '2025-11-11T10:00:00.000000000Z',
        end: '2025-11-11T10:00:01.500000000Z',
        duration_ms: 1500,
        tokens_in: 300,
        tokens_out: 150,
        model: 'claude-haiku-4.5',
        provider: 'anthropic',
        cost: '0.00001',
        cost_source: 'reported',
        attributes: { a: 'b=c', empty: '', 'witness.cost.usd': '0.00001' },
        status_message: 'busy',
        links: [{ trace_id: traceIdOfBusinessId('request-1') }],
      },
    ]);
    expect(home.witness(['trace', 'flow', '--format', 'json']).stdout).toContain('"n": 12345678901234567890');
  });

  test('takes a payload from a file or from stdin', () => {
    const home = new Home();
    const file = home.beside('payload.json');
    writeFileSync(file, '{"from": "file"}\n');
    home.log('e', 't', '--payload', `@${file}`);
    home.witness(['log', '--event', 'e', '--component', 'c', '--trace-id', 't', '--payload', '-'], {
      input: '["stdin"]',
    });
    expect(home.trace('t').entries.map(({ payload }) => payload)).toEqual([{ from: 'file' }, ['stdin']]);
  });

  test('without a trace id starts a new flow and says which', () => {
    const home = new Home();
    const { stdout } = home.witness(['log', '--event', 'e', '--component', 'c']);
    const [, id = ''] = / {2}trace (op-[0-9a-f-]{36})\n$/.exec(stdout) ?? [];
    expect(home.trace(id).entries).toHaveLength(1);
  });

  test('counts a cost that is not told as unpriced, and a cost of 0 as 0', () => {
    const home = new Home();
    home.log('untold', 't', '--tokens-in', '5', '--tokens-out', '5');
    home.log('free', 't', '--tokens-in', '0', '--tokens-out', '0', '--cost', '0.0', '--model', 'claude-haiku-4.5');
    expect(home.trace('t').entries.map(({ cost, cost_source }) => [cost, cost_source])).toEqual([
      [null, 'unpriced'],
      ['0', 'reported'],
    ]);
  });

  test('takes a flag as the value of an option where one is asked for', () => {
    const home = new Home();
    expect(home.log('--json', '-q').stdout).toMatch(/^seq 1 .* trace -q\n$/);
  });

  test.each([
    [['--cost', 'NaN'], 'NaN is not an amount'],
    [['--cost', '-0.1'], 'negative'],
    [['--cost', 'abc'], 'is not an amount'],
    [['--cost', ''], 'is not an amount'],
    [['--cost', '$1'], 'is not an amount'],
    [['--tokens-in', '1.5'], '--tokens-in must be a whole number'],
    [['--tokens-out', '-1'], '--tokens-out must be a whole number'],
    [['--tokens-in', '99999999999999999'], '--tokens-in must be a whole number'],
    [['--payload', '{broken'], '--payload is not JSON'],
    [['--payload', '@/nowhere'], 'cannot read /nowhere'],
    [['--start', 'yesterday'], '--start is not a time'],
    [['--start', '2', '--end', '1'], 'the end is before the start'],
    [['--kind', 'sideways'], '--kind is one of internal, server'],
    [['--status', 'fine'], '--status is one of unset, ok, error'],
    [['--attr', 'novalue'], '--attr must be key=value'],
    [['--attr', 'a=1', '--attr', 'a=2'], 'sets "a" twice'],
    [['--attr', 'witness.cost.usd=9'], 'use --cost'],
    [['--parent-trace-id', ''], '--parent-trace-id is empty'],
    [['--timeout', 'soon'], '--timeout must be'],
    [['--keep-going'], '--keep-going goes with --batch'],
    [['extra'], 'too many arguments'],
  ])('refuses %o and writes nothing', (flags, why) => {
    const home = new Home();
    const ran = home.log('e', 't', ...flags);
    expect(ran).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining(why) });
    expect(existsSync(home.path)).toBe(false);
  });

  test.each([['--event'], ['--component']])('asks for %s', (flag) => {
    const home = new Home();
    const args = ['log', '--event', 'e', '--component', 'c'].filter(
      (arg, i, all) => arg !== flag && all[i - 1] !== flag,
    );
    expect(home.witness(args)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(`${flag} is missing`) });
  });

  test('an empty trace id is a mistake, not a new flow', () => {
    expect(new Home().log('e', '')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--trace-id is empty'),
    });
  });

  test('stores hostile text exactly and shows it escaped', () => {
    const home = new Home();
    const event = 'evil\x1b[2J\u202etxt\r';
    const id = 'trace\x07\u200b';
    const { stdout } = home.log(event, id);
    expect(stdout).toContain('trace trace\\u{7}\\u{200b}\n');
    expect(home.trace(id).entries[0]?.event).toBe(event);
    const text = home.witness(['trace', id]).stdout;
    expect(text).toContain('evil\\u{1b}[2J\\u{202e}txt\\u{d}');
    expect(text).not.toMatch(/[\x1b\u202e\x07\u200b\r]/);
    expect(home.witness(['trace', id, '--format', 'json']).stdout).not.toMatch(/[\x1b\u202e\x07\u200b\r]/);
  });

  test('eight at once all land', async () => {
    const home = new Home();
    const started = Array.from({ length: 8 }, (_, i) =>
      home.start(['log', '--event', `e${i}`, '--component', 'c', '--trace-id', 'together', '--timeout', '30']),
    );
    const codes = await Promise.all(started.map(async (child) => (await once(child, 'close'))[0] as number));
    expect(codes).toEqual(Array(8).fill(0));
    const { entries } = home.trace('together');
    expect(entries.map(({ event }) => event).sort()).toEqual(Array.from({ length: 8 }, (_, i) => `e${i}`));
    expect(home.witness(['verify', '-q'])).toMatchObject({ exitCode: 0 });
  });

  test('refuses a home that is a file', () => {
    const home = new Home();
    mkdirSync(home.beside('x'));
    writeFileSync(home.path, '');
    expect(home.log('e', 't')).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/^error: /) });
  });
});

describe('the context of other processes', () => {
  test('TRACEPARENT gives trace and parent when nothing else does', () => {
    const home = new Home();
    const { stdout } = home.witness(['log', '--event', 'e', '--component', 'c'], {
      env: { TRACEPARENT: `00-${TRACE}-${SPAN}-01` },
    });
    expect(stdout).toMatch(new RegExp(` trace ${TRACE}\n$`));
    expect(home.trace(TRACE).entries).toMatchObject([
      { trace_id: null, otel: { trace_id: TRACE, parent_span_id: SPAN } },
    ]);
  });

  test('a trace id decides, and TRACEPARENT becomes a link', () => {
    const home = new Home();
    home.witness(['log', '--event', 'e', '--component', 'c', '--trace-id', 'flow'], {
      env: { TRACEPARENT: `00-${TRACE}-${SPAN}-01` },
    });
    expect(home.trace('flow').entries).toMatchObject([
      {
        otel: { trace_id: traceIdOfBusinessId('flow'), parent_span_id: null },
        links: [{ trace_id: TRACE, span_id: SPAN }],
      },
    ]);
  });

  test('BAGGAGE gives the business ids', () => {
    const home = new Home();
    home.witness(['log', '--event', 'e', '--component', 'c'], {
      env: { BAGGAGE: 'k=v,witness.trace.id=flow%201,witness.trace.parent_id=request' },
    });
    expect(home.trace('flow 1').entries).toMatchObject([{ trace_id: 'flow 1', parent_trace_id: 'request' }]);
  });

  test('a broken TRACEPARENT is said and ignored', () => {
    const home = new Home();
    const args = ['log', '--event', 'e', '--component', 'c', '--trace-id', 't'];
    const ran = home.witness(args, { env: { TRACEPARENT: 'nonsense' } });
    expect(ran).toMatchObject({
      exitCode: 0,
      stderr: 'warning: TRACEPARENT is not a W3C traceparent and is ignored\n',
    });
    expect(home.witness([...args, '-q'], { env: { TRACEPARENT: 'nonsense' } }).stderr).toBe('');
  });

  test('--print-env hands on what makes the next event a child', () => {
    const home = new Home();
    const ran = home.shell(`
      export BAGGAGE="other=it's"
      eval "$(if-witness log --event parent --component c --trace-id 'the flow' --print-env)"
      if-witness log --event child --component c >/dev/null
      echo "$BAGGAGE"`);
    expect(ran).toMatchObject({ exitCode: 0, stdout: "other=it's,witness.trace.id=the%20flow\n", stderr: '' });
    const [parent, child] = home.trace('the flow').entries;
    expect(child).toMatchObject({
      event: 'child',
      trace_id: 'the flow',
      otel: { parent_span_id: parent?.otel.span_id },
    });
  });

  test('resource attributes and service name come from the OpenTelemetry variables', () => {
    const home = new Home();
    home.witness(['log', '--event', 'e', '--component', 'c', '--trace-id', 't'], {
      env: { OTEL_SERVICE_NAME: 'pbx', OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test' },
    });
    const { stdout } = home.witness(['trace', 't', '--format', 'otlp-json']);
    const { resourceSpans } = JSON.parse(stdout) as {
      resourceSpans: { resource: unknown; scopeSpans: { scope: unknown }[] }[];
    };
    expect(resourceSpans[0]?.resource).toEqual({
      attributes: [
        { key: 'service.name', value: { stringValue: 'pbx' } },
        { key: 'deployment.environment.name', value: { stringValue: 'test' } },
      ],
    });
    expect(resourceSpans[0]?.scopeSpans[0]?.scope).toEqual({ name: '@infrafabric/cli', version: expect.any(String) });
  });
});
