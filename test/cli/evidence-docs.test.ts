/** docs/operating.md §Evidence, day by day and §Back up: every block, in order, while somebody writes. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { peer } from '../peers.js';
import { cleanEnv, programPath } from './run.js';

const page = readFileSync(join(import.meta.dirname, '../../docs/operating.md'), 'utf8');
const blocks = [...page.matchAll(/^```sh (evidence|backup)\n([\s\S]*?)^```$/gm)].map(([, name, text]) => ({
  name: name!,
  text: text!,
}));
const evidence = blocks.filter(({ name }) => name === 'evidence').map(({ text }) => text);
const [backup] = blocks.filter(({ name }) => name === 'backup').map(({ text }) => text);
const bin = join(import.meta.dirname, '../../node_modules/.bin');
const sqlite3 = peer('the shell of SQLite', ['sqlite3', '--version']);

let folder: string;
let env: NodeJS.ProcessEnv;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'evidence-'));
  env = cleanEnv({ HOME: folder, PATH: [bin, process.env.PATH].join(delimiter) });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(text: string): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync('bash', ['-euo', 'pipefail', '-c', text], {
    // Whose standard input is a socket, as those of Node's children are, bash takes for a login over the network.
    stdio: ['ignore', 'pipe', 'pipe'],
    ...{ cwd: folder, env, encoding: 'utf8', timeout: 120_000 },
  });
  return { status, stdout, stderr };
}

const witness = (...args: string[]) => run(`if-witness ${args.map((arg) => `'${arg}'`).join(' ')}`);

/** Commits all the time, until it is told to stop. */
class BusyWriter {
  readonly #child: ChildProcess;
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#child = spawn(process.execPath, [programPath('if-witness'), 'log', '--batch', '--quiet'], { env });
    let n = 0;
    const line = (): string => `{"event":"busy ${n++}","component":"c","trace_id":"t","payload":{"n":${n}}}\n`;
    this.#timer = setInterval(() => this.#child.stdin!.write(Array.from({ length: 100 }, line).join('')), 5);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    const closed = once(this.#child, 'close');
    this.#child.stdin!.end();
    expect((await closed)[0]).toBe(0);
  }
}

test('the page has the blocks, and cron lines that the program knows', () => {
  expect(evidence).toHaveLength(6);
  expect(backup).toContain('VACUUM INTO');
  expect(evidence[1]!.match(/^[\d* ]+ {2}if-witness \w+/gm)).toHaveLength(5);
});

describe('followed from top to bottom', () => {
  test('each block does what it says', { timeout: 120_000 }, (context) => {
    sqlite3.need(context);
    for (const seq of [1, 2, 3]) witness('log', '--event', `e${seq}`, '--component', 'c', '--trace-id', 't');
    const [first, schedule, good, restore, giveUp, repair] = evidence as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    expect(run(first)).toMatchObject({ status: 0, stderr: '' });
    expect(run(schedule)).toMatchObject({ status: 0, stderr: '' });
    // What cron would run, a first day on which nothing is old enough.
    const cron = readFileSync(join(folder, 'crontab.txt'), 'utf8').trim().split('\n');
    const ran = cron.map((line) => run(line.replace(/^.* {2}(?=if-witness)/, '')));
    expect(ran).toEqual([
      { status: 0, stdout: '', stderr: '' },
      { status: 0, stdout: readFileSync(join(folder, 'witness.vkey'), 'utf8'), stderr: '' },
      { status: 1, stdout: 'nothing to erase\n', stderr: '' },
      { status: 0, stdout: expect.stringMatching(/^VALID \(unanchored/), stderr: '' },
      { status: 0, stdout: '', stderr: '' },
    ]);
    expect(readdirSync(join(folder, 'anchors'))).toHaveLength(1);
    expect(run(good)).toMatchObject({ status: 0, stdout: expect.stringMatching(/^VALID \(anchored/) });

    // The newest copy goes on as if nothing had been; one that is older, only when that is said.
    expect(run(restore)).toMatchObject({ status: 0, stdout: expect.stringMatching(/^VALID/) });
    expect(run(giveUp)).toMatchObject({ status: 1, stdout: expect.stringContaining('nothing to accept') });
    rmSync(join(folder, 'aside'), { recursive: true });
    witness('log', '--event', 'lost', '--component', 'c', '--trace-id', 't');
    expect(run(restore)).toMatchObject({ status: 1, stdout: expect.stringMatching(/^INVALID.*rollback/s) });
    const lost = witness('log', '--event', 'refused', '--component', 'c', '--trace-id', 't', '--no-spool');
    expect(lost.status).not.toBe(0);
    expect(run(giveUp)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('records that an older copy was restored'),
    });
    expect(witness('log', '--event', 'more', '--component', 'c', '--trace-id', 't').status).toBe(0);
    expect(witness('verify', '--quiet')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^VALID/) });

    expect(run(repair)).toMatchObject({ status: 1, stdout: expect.stringContaining('nothing') });
    const db = new Sqlite(join(folder, '.if-witness', 'witness.db'));
    db.exec("DROP TRIGGER entries_no_update; UPDATE entries SET entry = replace(entry, 'e2', 'xx') WHERE seq = 2");
    db.close();
    expect(witness('verify', '--quiet')).toMatchObject({ status: 1, stdout: expect.stringMatching(/^INVALID/) });
    const repaired = run(repair);
    expect(repaired).toMatchObject({ status: 0 });
    expect(repaired.stdout).toMatch(/^VALID/m);
  });

  test('a backup of a ledger that is written to all the time is one state of it, and can be continued', {
    timeout: 120_000,
  }, async (context) => {
    sqlite3.need(context);
    for (const name of ['.if-witness', 'backup']) rmSync(join(folder, name), { recursive: true, force: true });
    witness('log', '--event', 'e', '--component', 'c', '--trace-id', 't');
    run('if-witness keys show > witness.vkey');
    const writer = new BusyWriter();
    const ledger = join(folder, '.if-witness', 'witness.db');
    await expect
      .poll(() => run(`sqlite3 -readonly ${ledger} 'SELECT count(*) FROM entries'`).stdout, { timeout: 20_000 })
      .toMatch(/^\d{4,}\n$/);
    const ran = run(backup!);
    await writer.stop();
    expect(ran).toMatchObject({ status: 0, stdout: expect.stringMatching(/^VALID/), stderr: '' });
    const entries = (file: string) => Number(run(`sqlite3 -readonly ${file} 'SELECT count(*) FROM entries'`).stdout);
    const [day] = readdirSync(join(folder, 'backup'));
    const copy = join(folder, 'backup', day!);
    expect(entries(join(copy, 'witness.db'))).toBeGreaterThan(1_000);
    expect(entries(join(copy, 'witness.db'))).toBeLessThan(entries(ledger));
    // In a home of its own, as on another machine.
    const home = join(folder, 'elsewhere');
    cpSync(copy, home, { recursive: true });
    cpSync(join(folder, '.if-witness', 'keys'), join(home, 'keys'), { recursive: true });
    const there = (...args: string[]) => witness('--home', home, ...args);
    expect(there('log', '--event', 'more', '--component', 'c', '--trace-id', 't')).toMatchObject({ status: 0 });
    expect(there('verify', '--quiet')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^VALID/) });
  });
});
