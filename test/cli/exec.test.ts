import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { Home } from './run.js';

describe('exec', () => {
  test('runs a command with our stdin and stdout, and records it', () => {
    const home = new Home();
    const ran = home.witness(['exec', '--trace-id', 't', '--', 'tr', 'a-z', 'A-Z'], { input: 'hello' });
    expect(ran).toMatchObject({ exitCode: 0, stdout: 'HELLO' });
    expect(ran.stderr).toMatch(/^seq 1 {2}hash [0-9a-f]{64} {2}trace t\n$/);
    expect(home.trace('t').entries).toMatchObject([
      {
        event: 'tr',
        component: 'IF.witness.exec',
        otel: { status: 'unset' },
        attributes: {
          'process.executable.name': 'tr',
          'process.command_args': ['tr', 'a-z', 'A-Z'],
          'process.exit.code': 0,
        },
      },
    ]);
  });

  test('takes the flags of log, and leaves those of the command alone', () => {
    const home = new Home();
    const args = [
      'exec',
      '--event',
      'build',
      '--component',
      'ci',
      '--trace-id',
      't',
      '--attr',
      'k=v',
      'sh',
      '-c',
      'exit 3',
    ];
    expect(home.witness(args)).toMatchObject({ exitCode: 3 });
    expect(home.trace('t').entries).toMatchObject([
      {
        event: 'build',
        component: 'ci',
        otel: { status: 'error' },
        status_message: 'exit code 3',
        attributes: { k: 'v', 'process.exit.code': 3 },
      },
    ]);
  });

  test('measures how long it took', () => {
    const home = new Home();
    home.witness(['exec', '--trace-id', 't', '--', 'sleep', '0.3']);
    const [entry] = home.trace('t').entries;
    expect(entry?.duration_ms).toBeGreaterThanOrEqual(300);
    expect(entry?.duration_ms).toBeLessThan(10_000);
  });

  test('is the parent of what the command logs', () => {
    const home = new Home();
    const ran = home.shell(
      "if-witness exec --event outer --trace-id 'a flow' -- if-witness log --event inner --component c",
    );
    expect(ran.exitCode).toBe(0);
    const [outer, inner] = home.trace('a flow').entries;
    expect([outer?.event, inner?.event]).toEqual(['outer', 'inner']);
    expect(inner).toMatchObject({ trace_id: 'a flow', otel: { parent_span_id: outer?.otel.span_id } });
  });

  test('records a command that is not there', () => {
    const home = new Home();
    expect(home.witness(['exec', '--trace-id', 't', '--', 'no-such-command'])).toMatchObject({ exitCode: 127 });
    expect(home.trace('t').entries).toMatchObject([
      { event: 'no-such-command', otel: { status: 'error' }, attributes: { 'process.exit.code': 127 } },
    ]);
  });

  test('hands a signal on, and records the end that it made', async () => {
    const home = new Home();
    const child = home.start(['exec', '--trace-id', 't', '--', 'sleep', '60']);
    // Long enough for the command to run; the signal would end us before that.
    await sleep(3_000);
    child.kill('SIGTERM');
    const [exitCode] = (await once(child, 'close')) as [number];
    expect(exitCode).toBe(143);
    expect(home.trace('t').entries).toMatchObject([
      { status_message: 'ended by SIGTERM', attributes: { 'process.exit.code': 143 } },
    ]);
  });

  test('whose command succeeded but could not be recorded ends with 2, else with the code of the command', () => {
    const home = new Home();
    home.log('before', 't');
    const db = new Sqlite(home.ledger);
    db.exec('BEGIN IMMEDIATE');
    const flags = ['exec', '--no-spool', '--timeout', '0.1', '--'];
    expect(home.witness([...flags, 'true'])).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('locked') });
    expect(home.witness([...flags, 'sh', '-c', 'exit 7'])).toMatchObject({ exitCode: 7 });
    db.close();
  });

  test('needs a command', () => {
    expect(new Home().witness(['exec', '--event', 'x'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('command'),
    });
  });
});
