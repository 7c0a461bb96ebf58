/** Node was changed, or the installation did not end well: every command says so and says what to do, and nothing is lost. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { Home, type RunOptions } from './run.js';

const SAYS = `better-sqlite3 is not built for this Node, ${process.version}`;
const HINT = /hint: run `npm rebuild better-sqlite3`/;

describe.each(['other-node', 'not-built'])('with a native module that is missing (%s)', (preload) => {
  const path = fileURLToPath(new URL(`preload/${preload}.cjs`, import.meta.url));
  const without: RunOptions = { env: { NODE_OPTIONS: `--require ${path}` } };

  test('reading and writing end with the reason and the remedy', () => {
    const home = new Home();
    expect(home.log('before', 't').exitCode).toBe(0);
    for (const args of [['verify'], ['trace', 't'], ['export']]) {
      const { exitCode, stdout, stderr } = home.witness(args, without);
      expect({ args, exitCode, stdout }).toEqual({ args, exitCode: 2, stdout: '' });
      expect(stderr).toMatch(HINT);
      expect(stderr.split('\n')[0]).toBe(`error: ${SAYS}`);
    }
    const report = home.optimise(['report'], without);
    expect(report).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(HINT) });
    expect(home.witness(['verify']).exitCode).toBe(0);
  });

  test('log sets its event aside and says so; the next one that can brings it in', () => {
    const home = new Home();
    const args = ['log', '--event', 'e', '--component', 'c', '--trace-id', 't'];
    const { exitCode, stdout, stderr } = home.witness(args, without);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringContaining('spooled') });
    expect(stderr).toContain(SAYS);
    expect(home.witness([...args, '--no-spool'], without)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(HINT),
    });
    expect(existsSync(home.ledger)).toBe(false);
    expect(home.log('after', 't').exitCode).toBe(0);
    expect(home.trace('t').entries.map(({ event }) => event)).toEqual(expect.arrayContaining(['e', 'after']));
    expect(home.witness(['verify']).exitCode).toBe(0);
  });

  test('doctor names it', () => {
    const home = new Home();
    home.log('before', 't');
    const { exitCode, stdout } = home.witness(['doctor', '--json'], without);
    const { checks } = JSON.parse(stdout) as { checks: { check: string; ok: boolean; found: string; mend: string }[] };
    expect(exitCode).toBe(1);
    expect(checks).toContainEqual({
      check: 'SQLite',
      ok: false,
      found: SAYS,
      mend: expect.stringContaining('npm rebuild better-sqlite3'),
    });
  });
});
