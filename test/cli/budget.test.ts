import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { cleanEnv, Home, programPath } from './run.js';

const run = promisify(execFile);

interface BudgetsJson {
  readonly budgets: readonly (Readonly<Record<string, unknown>> & { readonly name: string })[];
}

function budgets(home: Home, ...flags: readonly string[]): BudgetsJson['budgets'] {
  const { exitCode, stdout, stderr } = home.optimise(['budget', '--json', ...flags]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return (JSON.parse(stdout) as BudgetsJson).budgets;
}

const set = (home: Home, ...flags: readonly string[]) => home.optimise(['budget', '--set', ...flags]);

describe("the guide's commands", () => {
  test('set, show and raise a budget', () => {
    const home = new Home();
    expect(set(home, '500.0', '--period', 'month')).toMatchObject({ exitCode: 0, stderr: '' });
    for (const args of [['budget'], ['budget', '--period', 'month']]) {
      const { exitCode, stdout } = home.optimise(args);
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(/^BUDGET .*\nmonth +month, UTC +\$0\.00 +\$500\.00 +0\.0 % /);
    }
    expect(set(home, '600.0').stdout).toBe('budget month: $600.00 a month (was $500.00); spent so far $0.00\n');
    expect(set(home, '500.0', '--period', 'month').stdout).toContain('budget month: $500.00');
    expect(budgets(home)).toHaveLength(1);
  });

  test('alert at 50, 80 and 100 per cent on stderr', () => {
    const home = new Home();
    set(home, '1', '--period', 'total');
    const said = ['0.5', '0.2', '0.1', '0.2', '0.1'].map((cost) => home.log('e', 't', '--cost', cost));
    expect(said.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0, 0]);
    expect(said.map(({ stderr }) => stderr)).toEqual([
      'notice: budget total: spent $0.50 of $1.00 (50.0 %), 50 % reached\n',
      '',
      'warning: budget total: spent $0.80 of $1.00 (80.0 %), 80 % reached\n',
      'error: budget total: spent $1.00 of $1.00 (100.0 %), 100 % reached\n',
      '',
    ]);
    expect(home.witness(['verify', '--deep', '-q']).exitCode).toBe(0);
  });
});

describe('budget --set', () => {
  test('without anything sets a monthly budget where there is none, and of several asks which', () => {
    const home = new Home();
    expect(set(home, '5').stdout).toBe('budget month: $5.00 a month; spent so far $0.00\n');
    set(home, '1', '--period', 'day', '--tz', 'America/Santiago');
    const { exitCode, stderr } = set(home, '600.0');
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: 'error: there are 2 budgets: day, month\nhint: say which with --name\n',
    });
    expect(set(home, '600.0', '--name', 'month').exitCode).toBe(0);
  });

  test('keeps the scope, the zone and the levels as they were', () => {
    const home = new Home();
    const scope = [
      '--component',
      'IF.witness.h323',
      '--model',
      'gpt-5',
      '--provider',
      'openai',
      '--service',
      'h323',
      '--trace-id',
      'flow',
    ];
    set(home, '5', ...scope, '--tz', 'europe/berlin', '--levels', '10,20,30', '--period', 'week', '--name', 'calls');
    set(home, '7');
    expect(budgets(home)).toMatchObject([
      {
        name: 'calls',
        limit_usd: '7',
        period: 'week',
        time_zone: 'Europe/Berlin',
        levels: { notice: 10, warning: 20, error: 30 },
        scope: { business: 'flow', component: 'IF.witness.h323', model: 'gpt-5', provider: 'openai', service: 'h323' },
      },
    ]);
  });

  test('does not reset what was spent, and alerts at once if the new limit is reached', () => {
    const home = new Home();
    home.log('e', 't', '--cost', '3');
    const { stdout, stderr } = set(home, '3', '--period', 'total');
    expect(stdout).toBe('budget total: $3.00 in all; spent so far $3.00\n');
    expect(stderr).toContain('error: budget total: spent $3.00 of $3.00');
  });

  test.each([
    [['NaN'], '--set: NaN is not an amount'],
    [['abc'], '--set: "abc" is not an amount'],
    [['-5'], '--set: -5 is negative'],
    [['1e999'], '--set: 1e999 is too large'],
    [['0.0000000000001'], '--set: 0.0000000000001 has more than 12 decimals'],
    [['5', '--tz', 'Mars/Olympus'], '--tz: "Mars/Olympus" is not a time zone'],
    [['5', '--period', 'fortnight'], '--period: "fortnight" is not a period'],
    [['5', '--levels', '80,50,100'], '--levels: "80,50,100" is not three levels'],
    [['5', '--name', 'My Budget'], '"My Budget" is not a name'],
    [['5', '--component', ''], '--component is empty'],
  ])('%o exits with 2, says one line, and writes nothing', (args, message) => {
    const home = new Home();
    const ran = set(home, ...args);
    expect({ exitCode: ran.exitCode, stdout: ran.stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(ran.stderr.split('\n')[0]).toContain(`error: ${message}`);
    const { error } = JSON.parse(set(home, ...args, '--json').stderr) as { error: { code: string; message: string } };
    expect(error).toMatchObject({ code: 'usage', message: expect.stringContaining(message) });
    expect(existsSync(home.path)).toBe(false);
  });

  test('escapes names that would act on a terminal', () => {
    const home = new Home();
    const hostile = 'x\x1b[2J\u202e';
    set(home, '1', '--component', hostile, '--period', 'total');
    const said = home.witness(['log', '--event', 'e', '--component', hostile, '--trace-id', 't', '--cost', '2']);
    const shown = home.optimise(['budget']).stdout + home.optimise(['budget', 'log']).stdout + said.stderr;
    expect(shown).toContain('x\\u{1b}[2J\\u{202e}');
    expect(shown).not.toContain('\x1b');
    expect(shown).not.toContain('\u202e');
    expect(budgets(home)).toMatchObject([{ scope: { component: hostile }, spent_usd: '2' }]);
  });

  test('of a person keeps the name erasable, and the ledger valid', () => {
    const home = new Home();
    set(home, '1', '--user', 'ada@example.com');
    home.log('e', 't', '--cost', '0.6', '--attr', 'user.id=ada@example.com');
    home.log('e', 't', '--cost', '9', '--attr', 'user.id=bob');
    expect(budgets(home, '--user', 'ada@example.com')).toMatchObject([
      { name: 'month-user', spent_usd: '0.6', level: 'notice' },
    ]);
    expect(home.optimise(['budget', 'log']).stdout).not.toContain('ada@');
    expect(home.witness(['verify', '--deep', '-q']).exitCode).toBe(0);
  });
});

describe('budget', () => {
  test('without a budget, or without a ledger, says so and exits with 0', () => {
    const home = new Home();
    expect(home.optimise(['budget'])).toEqual({
      exitCode: 0,
      stdout: 'no budget is set; set one with: if-optimise budget --set 500 --period month\n',
      stderr: '',
    });
    expect(existsSync(home.ledger)).toBe(false);
    home.log('e', 't');
    expect(budgets(home)).toEqual([]);
  });

  test('shows what is not in the sums, too, and exits with 0 when over', () => {
    const home = new Home();
    set(home, '1', '--period', 'total');
    home.log('e', 't', '--cost', '2');
    home.log('e', 't', '--tokens-in', '5');
    const { exitCode, stdout } = home.optimise(['budget']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/\ntotal +total +\$2\.00 +\$1\.00 +200\.0 % +\$0\.00 +- +- +1 +0 +error\n/);
    expect(stdout).toContain('calls that are unpriced, or of unknown usage, are in no amount');
    expect(budgets(home)).toMatchObject([
      { unpriced: 1, unknown: 0, percent: '200.0', remaining_usd: '0', days_left: null },
    ]);
  });

  test('forecasts, and calls it an estimate', () => {
    const home = new Home();
    set(home, '100', '--period', 'rolling:1h');
    set(home, '100', '--period', 'month');
    const [month, rolling] = budgets(home);
    expect(month).toMatchObject({ forecast_is_estimate: true, until: expect.stringMatching(/-01T00:00:00\.0+Z$/) });
    expect(rolling).toMatchObject({ forecast_usd: null });
    if (month!.forecast_usd !== null) expect(home.optimise(['budget']).stdout).toContain('a forecast is an estimate');
  });
});

describe('budget check', () => {
  test('exits with 1 when over, or when an estimate would be', () => {
    const home = new Home();
    expect(home.optimise(['budget', 'check'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('no budget is set'),
    });
    set(home, '1', '--period', 'total');
    set(home, '1', '--period', 'total', '--component', 'other');
    home.log('e', 't', '--cost', '0.9');
    const check = (...flags: readonly string[]) => home.optimise(['budget', 'check', ...flags]);
    expect(check()).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(check('--estimate', '0.10')).toMatchObject({ exitCode: 0 });
    expect(check('--estimate', '0.100000000001')).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'budget total: $0.90 spent of $1.00; no room for $0.100000000001\n',
    });
    expect(check('--estimate', '0.2', '--name', 'total-other').exitCode).toBe(0);
    expect(check('--name', 'nope')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('there are: total, total-other'),
    });
    home.log('e', 't', '--cost', '0.1');
    expect(check().exitCode).toBe(1);
    expect(JSON.parse(check('--json').stdout)).toMatchObject({ ok: false, over: ['total'] });
    expect(check('--estimate', 'x').exitCode).toBe(2);
  });
});

describe('budget reserve', () => {
  test('prints an id, which is committed or released once', () => {
    const home = new Home();
    set(home, '1', '--period', 'total');
    const reserve = (...args: readonly string[]) => home.optimise(['budget', 'reserve', ...args]);
    const { exitCode, stdout } = reserve('0.6');
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringMatching(/^[0-9a-f]{16}\n$/) });
    expect(reserve('0.6')).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'budget total: $0.00 spent and $0.60 reserved of $1.00; no room for $0.60\n',
    });
    expect(JSON.parse(reserve('0.6', '--json').stdout)).toEqual({ granted: false, refused_by: ['total'] });
    const id = stdout.trim();
    expect(home.optimise(['budget', 'commit', id, '0.5'])).toMatchObject({ exitCode: 0, stdout: '' });
    expect(home.optimise(['budget', 'release', id])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('is committed already'),
    });
    expect(budgets(home)).toMatchObject([
      { spent_usd: '0.5', spent_by_spans_usd: '0', committed_usd: '0.5', level: 'notice' },
    ]);
    const second = JSON.parse(reserve('0.5', '--json', '--expires', '90s').stdout) as {
      reservation: string;
      expires: string;
    };
    expect(second).toMatchObject({ granted: true, amount_usd: '0.5', budgets: ['total'] });
    expect(Math.abs(Date.parse(second.expires) - Date.now() - 90_000)).toBeLessThan(10_000);
    expect(home.optimise(['budget', 'release', second.reservation, '--json']).stdout).toContain('"released": true');
    expect(home.optimise(['budget', 'commit', 'nope', '1'])).toMatchObject({ exitCode: 1 });
    expect(home.witness(['verify', '--deep', '-q']).exitCode).toBe(0);
  });

  test('by the command line, at once, is granted as often as there is room', { timeout: 120_000 }, async () => {
    const home = new Home();
    set(home, '0.3', '--period', 'total');
    const env = cleanEnv({ IF_WITNESS_HOME: home.path });
    const tries = Array.from({ length: 8 }, () =>
      run(process.execPath, [programPath('if-optimise'), 'budget', 'reserve', '0.1'], { env }).then(
        () => true,
        () => false,
      ),
    );
    expect((await Promise.all(tries)).filter((granted) => granted)).toHaveLength(3);
  });

  test.each([
    ['0'],
    ['-1'],
    ['NaN'],
    ['1', '--expires', 'soon'],
    ['1', '--span-id', 'xyz'],
    ['1', '--name', 'a', '--model', 'b'],
  ])('%o is refused with exit code 2', (...args) => {
    const home = new Home();
    set(home, '1');
    expect(home.optimise(['budget', 'reserve', ...args]).exitCode).toBe(2);
  });
});

test('budget remove removes, and the history stays', () => {
  const home = new Home();
  set(home, '1', '--period', 'total');
  home.log('e', 't', '--cost', '1');
  expect(home.optimise(['budget', 'remove', 'total'])).toMatchObject({ exitCode: 0 });
  expect(budgets(home)).toEqual([]);
  expect(home.log('e', 't', '--cost', '1').stderr).toBe('');
  const { entries } = JSON.parse(home.optimise(['budget', 'log', '--json']).stdout) as {
    entries: { type: string; body: { action?: string } }[];
  };
  expect(entries.map(({ type, body }) => body.action ?? type)).toEqual(['set', 'alert', 'remove']);
  set(home, '1', '--period', 'total');
  expect(home.optimise(['budget', 'remove', 'x'])).toMatchObject({ exitCode: 1 });
});

describe('log', () => {
  test('--batch judges as it goes, and once at its end', () => {
    const home = new Home();
    set(home, '1', '--period', 'total');
    const lines = Array.from({ length: 20 }, () =>
      JSON.stringify({ event: 'e', component: 'c', trace_id: 't', cost: '0.1' }),
    );
    const { exitCode, stderr } = home.witness(['log', '--batch'], { input: lines.join('\n') });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: 'error: budget total: spent $2.00 of $1.00 (200.0 %), 100 % reached\n',
    });
  });

  test('hands an alert to a command without waiting for it', { timeout: 30_000 }, async () => {
    const home = new Home();
    set(home, '1', '--period', 'total');
    const out = home.beside('told');
    const command = `sleep 1; cat > '${out}'`;
    const { stdout } = home.optimise(['budget', 'alerts', '--exec', command]);
    expect(stdout).toMatch(/^[0-9a-f]{8}\n$/);
    home.log('e', 't', '--cost', '1');
    expect(existsSync(out)).toBe(false);
    for (let i = 0; i < 100 && !(existsSync(out) && readFileSync(out, 'utf8').endsWith('\n')); i++)
      await new Promise((resolve) => setTimeout(resolve, 100));
    expect(JSON.parse(readFileSync(out, 'utf8'))).toMatchObject({ data: { level: 'error' } });
  });
});

describe('budget alerts', () => {
  test('lists destinations and what became of alerts, and exits with 1 for one that was given up', () => {
    const home = new Home();
    const alerts = (...flags: readonly string[]) => home.optimise(['budget', 'alerts', ...flags]);
    expect(alerts().stdout).toBe('alerts go to stderr alone; name a destination with --exec or --webhook\n');
    expect(alerts('--webhook', 'nowhere')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('is not an address'),
    });
    expect(alerts('--secret-file', 'x').exitCode).toBe(2);
    const id = alerts('--exec', 'true').stdout.trim();
    set(home, '1', '--period', 'total');
    home.log('e', 't', '--cost', '1');
    expect(alerts('--deliver').stdout).toMatch(new RegExp(`\\n +3 +total +${id} +delivered +1\\n`));
    expect(JSON.parse(alerts('--json').stdout)).toMatchObject({
      destinations: [{ id, kind: 'exec', command: 'true' }],
      deliveries: [{ seq: 3, budget: 'total', destination: id, state: 'delivered', attempts: 1 }],
    });
    expect(alerts('--remove', id).exitCode).toBe(0);
    expect(alerts('--remove', id).exitCode).toBe(1);
  });
});
