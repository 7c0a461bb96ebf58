import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { Home } from './run.js';

function written(): Home {
  const home = new Home();
  const log = (component: string, traceId: string, ...more: readonly string[]) =>
    home.witness(['log', '--event', 'e', '--component', component, '--trace-id', traceId, ...more]);
  log('a', 't1', '--tokens-in', '1000', '--tokens-out', '10', '--cost', '0.1', '--model', 'claude-haiku-4.5');
  log('a', 't1', '--tokens-in', '1', '--tokens-out', '2', '--cost', '0.2', '--model', 'gpt-5', '--provider', 'openai');
  log('b', 't2', '--parent-trace-id', 't1', '--tokens-in', '5', '--service', 'other');
  log('c', 't3');
  return home;
}

interface ReportJson {
  readonly totals: Readonly<Record<string, unknown>>;
  readonly group_by: readonly string[];
  readonly groups: readonly (Readonly<Record<string, unknown>> & {
    readonly totals: Readonly<Record<string, unknown>>;
  })[];
}

function report(home: Home, ...flags: readonly string[]): ReportJson {
  const { exitCode, stdout, stderr } = home.optimise(['report', '--json', ...flags]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return JSON.parse(stdout) as ReportJson;
}

describe('report', () => {
  test('sums by component, most expensive first, and counts what is unpriced', () => {
    const { stdout } = written().optimise(['report']);
    expect(stdout.split('\n')).toEqual([
      'COMPONENT  CALLS  TOKENS IN  TOKENS OUT     COST  UNPRICED',
      'a              2      1,001          12    $0.30         0',
      'b              1          5           0  unknown         1',
      'TOTAL          3      1,006          12    $0.30         1',
      '',
      'cost: $0.30 reported, $0.00 computed, $0.00 estimated; 1 unpriced',
      '',
    ]);
  });

  test('has the totals that every --json has', () => {
    expect(report(written())).toEqual({
      totals: {
        calls: 3,
        calls_unknown: 0,
        tokens: { input: 1006, cache_read: 0, cache_write: 0, output: 12, reasoning: 0 },
        cost_usd: '0.3',
        cost_reported_usd: '0.3',
        cost_computed_usd: '0',
        cost_estimated_usd: '0',
        unpriced: 1,
      },
      component: null,
      trace_id: null,
      since: null,
      until: null,
      time_zone: 'UTC',
      rate_cards: [],
      calls_matched_loosely: 0,
      group_by: ['component'],
      groups: [
        { component: 'a', totals: expect.objectContaining({ cost_usd: '0.3', calls: 2 }) },
        { component: 'b', totals: expect.objectContaining({ unpriced: 1 }) },
      ],
    });
  });

  test.each([
    ['model', ['gpt-5', 'claude-haiku-4.5', null]],
    ['provider', ['openai', 'anthropic', null]],
    ['service', ['if-witness', 'other']],
    // t2 is a child flow of t1.
    ['trace', ['t1']],
  ])('groups by %s', (key, values) => {
    const { groups } = report(written(), '--group-by', key);
    expect(groups.map((group) => group[key])).toEqual(values);
  });

  test('groups by several', () => {
    const { groups } = report(written(), '--group-by', 'component,model');
    expect(groups.map(({ component, model }) => [component, model])).toContainEqual(['a', 'gpt-5']);
  });

  test('can be of one component or one trace, child flows included', () => {
    const home = written();
    expect(report(home, '--component', 'a').totals).toMatchObject({ calls: 2, cost_usd: '0.3' });
    expect(report(home, '--component', 'none').totals).toMatchObject({ calls: 0, cost_usd: '0' });
    expect(report(home, '--trace-id', 't1').totals).toMatchObject({ calls: 3, unpriced: 1 });
    expect(home.optimise(['report', '--trace-id', 'nope'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('no entry under'),
    });
  });

  test('adds ten charges of $0.10 to a dollar', () => {
    const home = new Home();
    const line = '{"event":"e","component":"c","trace_id":"t","cost":0.1}\n';
    home.witness(['log', '--batch'], { input: line.repeat(10) });
    expect(report(home).totals).toMatchObject({ cost_usd: '1' });
  });

  test('does not pass over an entry that it cannot read', () => {
    const home = written();
    const db = new Sqlite(home.ledger);
    db.exec("DROP TRIGGER entries_no_update; UPDATE entries SET entry = '{}' WHERE seq = 2");
    db.close();
    expect(home.optimise(['report'])).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining('entry 2 cannot be read'),
    });
  });

  test.each([
    [['--group-by', 'colour'], '--group-by knows component, model'],
    [['--group-by', 'model,model'], 'names model twice'],
    [['--group-by', 'constructor'], '--group-by knows'],
  ])('refuses %o', (flags, why) => {
    expect(written().optimise(['report', ...flags])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(why),
    });
  });

  test('escapes what spans are called', () => {
    const home = new Home();
    home.witness(['log', '--event', 'e', '--component', 'a\x1b[31m\u202e', '--trace-id', 't', '--cost', '1']);
    expect(home.optimise(['report']).stdout).toContain('a\\u{1b}[31m\\u{202e}');
  });
});

/** Four calls: 1 November 23:00 UTC, 2 November 01:00 UTC, 8 November, 20 November 2025. */
function dated(): Home {
  const home = new Home();
  const lines = ['2025-11-01T23:00:00Z', '2025-11-02T01:00:00Z', '2025-11-08T12:00:00Z', '2025-11-20T12:00:00Z'].map(
    (start, i) =>
      JSON.stringify({ event: 'e', component: `c${i}`, trace_id: 't', start, end: start, tokens_in: 1, cost: '0.1' }),
  );
  home.witness(['log', '--batch'], { input: `${lines.join('\n')}\n` });
  return home;
}

describe('time', () => {
  const calls = (home: Home, ...flags: readonly string[]): unknown => report(home, ...flags).totals.calls;

  test('is bounded by dates of a zone, by times, half-open', () => {
    const home = dated();
    expect(calls(home, '--since', '2025-11-02')).toBe(3);
    expect(calls(home, '--since', '2025-11-02', '--tz', 'Europe/Berlin')).toBe(4);
    expect(calls(home, '--until', '2025-11-02')).toBe(1);
    expect(calls(home, '--since', '2025-11-02T01:00:00Z', '--until', '2025-11-08T12:00:00Z')).toBe(1);
    expect(calls(home, '--since', '2025-11-08', '--trace-id', 't')).toBe(2);
    expect(calls(home, '--last', '1h')).toBe(0);
  });

  test('groups by day of a zone, in order', () => {
    const days = (...flags: readonly string[]) =>
      report(dated(), '--group-by', 'day', ...flags).groups.map(({ day, totals }) => [day, totals.calls]);
    expect(days()).toEqual([
      ['2025-11-01', 1],
      ['2025-11-02', 1],
      ['2025-11-08', 1],
      ['2025-11-20', 1],
    ]);
    expect(days('--tz', 'Europe/Berlin')).toEqual([
      ['2025-11-02', 2],
      ['2025-11-08', 1],
      ['2025-11-20', 1],
    ]);
  });

  test('is drawn as a row of bars', () => {
    const { stdout } = dated().optimise(['report', '--breakdown']);
    expect(stdout.split('\n')[0]).toMatch(/TREND$/);
    expect(stdout.split('\n')[1]).toMatch(/█$/);
  });

  test.each([
    [['--tz', 'Mars/Olympus'], '"Mars/Olympus" is not a time zone'],
    [['--last', '7'], '--last is a number and m, h, d or w'],
    [['--last', '7d', '--since', '2025-01-01'], '--last goes with neither'],
    [['--since', '2025-02-30'], '--since is a date or a time'],
    [['--since', '2025-02-03', '--until', '2025-02-03'], 'there is nothing between them'],
  ])('refuses %o', (flags, why) => {
    expect(dated().optimise(['report', ...flags])).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining(why),
    });
  });
});

describe('other forms', () => {
  test('CSV has a record a group, and defuses what a spreadsheet would run', () => {
    const home = new Home();
    home.witness(['log', '--event', 'e', '--component', '=1+1', '--trace-id', 't', '--cost', '0.5']);
    expect(home.optimise(['report', '--csv']).stdout).toBe(
      'component,calls,calls_unknown,tokens_in,tokens_out,cost_usd,cost_reported_usd,cost_computed_usd,cost_estimated_usd,unpriced\r\n' +
        "'=1+1,1,0,0,0,0.5,0.5,0,0,0\r\n",
    );
  });

  test('plain is columns between tabs', () => {
    expect(dated().optimise(['report', '--plain', '--group-by', 'component,day']).stdout.split('\n')[0]).toBe(
      'c0\t2025-11-01\t1\t0\t1\t0\t0.1\t0.1\t0\t0\t0',
    );
  });

  test('one at a time, into a private file when asked', () => {
    const home = dated();
    expect(home.optimise(['report', '--csv', '--json'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('one form at a time'),
    });
    const file = join(home.path, 'report.csv');
    expect(home.optimise(['report', '--csv', '--output', file])).toMatchObject({ exitCode: 0, stdout: '' });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toContain('c3,1,');
  });

  test('--recompute believes no earlier sums', () => {
    const home = dated();
    expect(report(home).totals.calls).toBe(4);
    const [name] = readdirSync(join(home.path, 'accounts')).filter((file) => file.endsWith('.db'));
    const db = new Sqlite(join(home.path, 'accounts', name!));
    db.exec('DELETE FROM rollup');
    db.close();
    expect(report(home).totals.calls).toBe(0);
    expect(report(home, '--recompute').totals.calls).toBe(4);
  });

  test('HTML is one page that loads and runs nothing, with all text escaped', () => {
    const home = dated();
    home.witness(['log', '--event', 'e', '--component', '<script>alert(1)</script>', '--trace-id', 't', '--cost', '2']);
    const { stdout } = home.optimise(['report', '--html']);
    expect(stdout).toContain("content=\"default-src 'none'; style-src 'unsafe-inline'\"");
    expect(stdout).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(stdout).not.toMatch(/<script|href=|src=|url\(|@import/);
    expect(stdout.match(/<svg/g)).toHaveLength(2);
  });
});

describe('cost', () => {
  test('shows component and model, and starts with totals as JSON', () => {
    const home = written();
    const { stdout } = home.witness(['cost', '--json']);
    expect(stdout.startsWith('{\n  "totals": {\n    "calls": 3,')).toBe(true);
    expect(JSON.parse(stdout)).toMatchObject({
      totals: { cost_usd: '0.3' },
      group_by: ['component', 'model'],
      groups: [
        { component: 'a', model: 'gpt-5', totals: { cost_usd: '0.2' } },
        { component: 'a', model: 'claude-haiku-4.5', totals: { cost_usd: '0.1' } },
        { component: 'b', model: null, totals: { cost_usd: '0', unpriced: 1 } },
      ],
    });
    expect(home.witness(['cost', '--trace-id', 't2']).stdout).toMatch(/TOTAL +1 .*unknown +1/);
  });
});

describe('statusline', () => {
  test('is one line, whatever there is', () => {
    const home = written();
    expect(home.optimise(['statusline']).stdout).toBe('$0.30 today · $0.30 this month · 1 unpriced\n');
    expect(JSON.parse(home.optimise(['statusline', '--json']).stdout)).toMatchObject({
      today: { cost_usd: '0.3' },
      month: { unpriced: 1 },
    });
    expect(home.optimise(['statusline', '--tz', 'nowhere'])).toMatchObject({ exitCode: 2, stdout: '' });
  });
});
