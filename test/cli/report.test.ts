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
      'COMPONENT  ENTRIES  CALLS  TOKENS IN  TOKENS OUT   COST  UNPRICED',
      'a                2      2      1,001          12  $0.30         0',
      'b                1      1          5           0  $0.00         1',
      'c                1      0          0           0  $0.00         0',
      'TOTAL            4      3      1,006          12  $0.30         1',
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
        entries: 4,
      },
      component: null,
      trace_id: null,
      group_by: ['component'],
      groups: [
        { component: 'a', totals: expect.objectContaining({ cost_usd: '0.3', entries: 2 }) },
        { component: 'b', totals: expect.objectContaining({ unpriced: 1 }) },
        { component: 'c', totals: expect.objectContaining({ calls: 0 }) },
      ],
    });
  });

  test.each([
    ['model', ['gpt-5', 'claude-haiku-4.5', null]],
    ['provider', ['openai', 'anthropic', null]],
    ['service', ['if-witness', 'other']],
    ['trace', ['t1', 't2', 't3']],
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
    expect(report(home, '--component', 'a').totals).toMatchObject({ entries: 2, cost_usd: '0.3' });
    expect(report(home, '--component', 'none').totals).toMatchObject({ entries: 0, cost_usd: '0' });
    expect(report(home, '--trace-id', 't1').totals).toMatchObject({ entries: 3, unpriced: 1 });
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
    home.witness(['log', '--event', 'e', '--component', 'a\x1b[31m\u202e', '--trace-id', 't']);
    expect(home.optimise(['report']).stdout).toContain('a\\u{1b}[31m\\u{202e}');
  });
});
