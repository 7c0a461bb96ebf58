/** `witness`, `anchor` and `verify` as processes that talk to each other. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { cleanEnv, Home, programPath } from './run.js';

/** A running witness, and what it logs. */
interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  readonly vkey: string;
  log(): { event: string; status?: number; [field: string]: unknown }[];
}

async function startWitness(home: Home, ...more: readonly string[]): Promise<Running> {
  const child = home.start(['witness', '--json', '--listen', '127.0.0.1:0', ...more]);
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  child.stderr!.on('data', (piece: Buffer) => {
    text += piece.toString();
  });
  const lines = (): never[] =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as never);
  await expect.poll(() => text, { timeout: 20_000 }).toContain('"started"');
  const { url, vkey } = lines()[0]! as { url: string; vkey: string };
  return { child, url, vkey, log: lines };
}

/** A ledger of a few events, and a witness that lists it and is its policy. */
async function pair(): Promise<{ home: Home; other: Home; witness: Running }> {
  const [home, other] = [new Home(), new Home()];
  home.log('a', 't');
  expect(other.witness(['witness', 'keygen', 'witness.example/other']).exitCode).toBe(0);
  expect(other.witness(['witness', 'add', home.witness(['keys', 'show']).stdout.trim()]).exitCode).toBe(0);
  const witness = await startWitness(other);
  writeFileSync(join(home.path, 'policy'), `witness other ${witness.vkey} ${witness.url}\nquorum other\n`);
  return { home, other, witness };
}

/** The files of a ledger, put aside and back again. */
function keepCopy(home: Home, name: string): () => void {
  const folder = home.beside(name);
  mkdirSync(folder);
  const files = readdirSync(home.path).filter((file) => file.startsWith('witness.db'));
  for (const file of files) copyFileSync(join(home.path, file), join(folder, file));
  return () => {
    for (const file of readdirSync(home.path)) if (file.startsWith('witness.db')) rmSync(join(home.path, file));
    for (const file of files) copyFileSync(join(folder, file), join(home.path, file));
  };
}

test('anchor has the checkpoint cosigned, verify wants that, and the anchor carries it', async () => {
  const { home } = await pair();
  expect(home.witness(['verify', '--json'])).toMatchObject({ exitCode: 3 });
  const anchored = home.witness(['anchor', '--output', home.beside('a.note')]);
  expect(anchored).toMatchObject({ exitCode: 0, stdout: '', stderr: expect.stringContaining('cosigned by other') });
  const verified = JSON.parse(home.witness(['verify', '--json']).stdout) as Record<string, unknown>;
  expect(verified).toMatchObject({
    code: 'valid.witnessed',
    cosignatures: { stored: 1, checked: 1, unknown: 0 },
    policy: { met: true, quorum: 'other', witnessed: { size: 2, by: ['other'] } },
    asked_witnesses: null,
  });
  home.log('b', 't');
  expect(home.witness(['verify', '-q']).stdout).toMatch(
    /^VALID \(witnessed: 2 entries at .*Z by other; nothing vouches for 1 later entry\)\n$/,
  );
  // A ledger without a table of them, and an anchor that has them.
  const stripped = home.shell(`sqlite3 ${home.ledger} 'DELETE FROM cosignatures'`);
  if (stripped.exitCode === 0) {
    expect(home.witness(['verify', '-q']).exitCode).toBe(3);
    expect(home.witness(['verify', '-q', '--anchor', home.beside('a.note')])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('witnessed'),
    });
  }
});

test('a bundle carries the cosignatures of its checkpoint, or of the newest that has them, and a policy can ask for them', async () => {
  const { home, witness } = await pair();
  home.log('b', 'call');
  home.witness(['anchor', '-q']);
  const key = home.witness(['keys', 'show']).stdout.trim();
  const policy = join(home.path, 'policy');
  const ask = (args: readonly string[], ...flags: readonly string[]): Record<string, unknown> => {
    const bundle = home.witness(['export', '--format', 'bundle', ...args]);
    expect(bundle).toMatchObject({ exitCode: 0, stderr: '' });
    // In a home where nothing is held.
    const elsewhere = ['verify', '--bundle', '-', '--home', home.beside('none'), ...flags, '--json'];
    return JSON.parse(home.witness(elsewhere, { input: bundle.stdout }).stdout) as Record<string, unknown>;
  };
  const met = { quorum: 'other', met: true, witnessed: { size: 3, by: ['other'] } };
  for (const args of [[], ['--trace-id', 'call']]) {
    expect(ask(args, '--key', key, '--policy', policy)).toMatchObject({
      code: 'valid.witnessed',
      cosignatures: { found: 1, checked: 1, unknown: 0 },
      policy: met,
    });
    expect(ask(args, '--key', key)).toMatchObject({ code: 'valid.unanchored', policy: null });
  }
  for (const event of ['c', 'd', 'e']) home.log(event, 't');
  for (const args of [[], ['--trace-id', 'call'], ['--since', '2020-01-01']])
    expect(ask(args, '--key', key, '--policy', policy)).toMatchObject({ code: 'valid.witnessed', policy: met });
  // The policy of the home counts as it does for a ledger, and a log line of one that is named gives the key.
  const bundle = home.beside('call.bundle');
  home.witness(['export', '--format', 'bundle', '--trace-id', 'call', '--output', bundle]);
  expect(home.witness(['verify', '--bundle', bundle, '-q']).stdout).toMatch(
    /^VALID \(witnessed: 3 entries at .*Z by other; nothing vouches for 3 later entries\): 2 of 6 entries; /,
  );
  expect(home.witness(['verify', '--bundle', bundle, '-q', '--no-policy']).stdout).toMatch(/^VALID \(unanchored\)/);
  const named = home.beside('named-policy');
  writeFileSync(named, `log ${key}\nwitness other ${witness.vkey}\nquorum other\n`);
  expect(ask([], '--policy', named)).toMatchObject({ code: 'valid.witnessed', key: { from: `the policy ${named}` } });
  const strict = home.beside('strict-policy');
  const stranger = new Home();
  expect(stranger.witness(['witness', 'keygen', 'witness.example/stranger']).exitCode).toBe(0);
  const second = await startWitness(stranger);
  writeFileSync(
    strict,
    `witness other ${witness.vkey}\nwitness second ${second.vkey}\ngroup all all other second\nquorum all\n`,
  );
  expect(ask([], '--key', key, '--policy', strict)).toMatchObject({ code: 'incomplete.policy-unmet', exit_code: 3 });
  const text = home.witness(['verify', '--bundle', bundle, '--policy', strict]);
  expect(text).toMatchObject({
    exitCode: 3,
    stdout: expect.stringContaining('policy       not met: no checkpoint is'),
  });
});

describe('an older copy put back, its remembered head with it', () => {
  test('is VALID by itself, INVALID (rollback) when witnesses are asked, and not anchored: both notes are shown', async () => {
    const { home, witness } = await pair();
    home.witness(['anchor', '-q']);
    const putBack = keepCopy(home, 'older');
    home.log('b', 't');
    const newest = home.witness(['anchor', '-q']).stdout;
    putBack();
    expect(home.witness(['verify', '-q'])).toMatchObject({ exitCode: 0 });
    const asked = home.witness(['verify', '--ask', '--json']);
    expect(asked.exitCode).toBe(1);
    const report = JSON.parse(asked.stdout) as { problems: { code: string; evidence: string[] }[] };
    expect(report).toMatchObject({
      problems: [{ code: 'rollback' }],
      asked_witnesses: [{ outcome: 'ahead', size: 3 }],
    });
    expect(report.problems[0]!.evidence[0]).toBe(newest);
    const anchor = home.witness(['anchor']);
    expect(anchor).toMatchObject({ exitCode: 1, stdout: '' });
    expect(anchor.stderr).toContain(newest.split('\n')[2]);
    expect(
      JSON.parse(home.witness(['anchor', '--json']).stderr.replace(/^evidence[\s\S]*?\n(?=\{)/, '')),
    ).toMatchObject({ error: { code: 'contradicted' } });
    await expect.poll(() => witness.log().filter(({ status }) => status === 409).length).toBeGreaterThan(0);
  });

  test('and continued is a fork, which no witness cosigns', async () => {
    const { home, witness } = await pair();
    home.witness(['anchor', '-q']);
    const putBack = keepCopy(home, 'older');
    home.log('b', 't');
    home.witness(['anchor', '-q']);
    putBack();
    home.log('other', 't');
    home.log('more', 't');
    const cosigned = (): number => witness.log().filter(({ status }) => status === 200).length;
    await expect.poll(cosigned).toBe(2);
    expect(home.witness(['anchor', '-q'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('two histories'),
    });
    expect(JSON.parse(home.witness(['verify', '--ask', '--json']).stdout)).toMatchObject({
      exit_code: 1,
      problems: [{ code: 'fork' }],
    });
    await expect.poll(() => witness.log().length).toBeGreaterThan(4);
    expect(cosigned()).toBe(2);
  });
});

test('two of three: one witness down is a warning, two are exit code 2, and what was got is kept', async () => {
  const { home, witness } = await pair();
  const third = new Home();
  third.witness(['witness', 'keygen', 'witness.example/third']);
  third.witness(['witness', 'add', home.witness(['keys', 'show']).stdout.trim()]);
  const running = await startWitness(third);
  const gone = new Home();
  const lost = gone.witness(['witness', 'keygen', 'witness.example/gone', '-q']).stdout.trim();
  writeFileSync(
    join(home.path, 'policy'),
    `witness a ${witness.vkey} ${witness.url}\nwitness b ${running.vkey} ${running.url}\nwitness c ${lost} http://127.0.0.1:9\n` +
      'group two 2 a b c\nquorum two\n',
  );
  const met = home.witness(['anchor', '--json']);
  expect(met).toMatchObject({
    exitCode: 0,
    stderr: expect.stringContaining('not cosigned by c at http://127.0.0.1:9'),
  });
  expect(JSON.parse(met.stdout)).toMatchObject({ policy_met: true, cosigned_by: ['a', 'b'] });
  running.child.kill('SIGKILL');
  home.log('b', 't');
  const unmet = home.witness(['anchor', '-q', '--timeout', '2s']);
  expect(unmet).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('too few witnesses') });
  expect(JSON.parse(home.witness(['verify', '--json']).stdout)).toMatchObject({
    cosignatures: { stored: 3 },
    policy: { witnessed: { size: 2 } },
  });
  // Asked, one answers: that is not enough to tell.
  expect(JSON.parse(home.witness(['verify', '--ask', '--json']).stdout)).toMatchObject({
    code: 'incomplete.witnesses-silent',
    exit_code: 3,
  });
});

test('a witness that lists another key, or none, is said to, with what to do', async () => {
  const { home, other } = await pair();
  writeFileSync(join(other.path, 'witness', 'logs'), '');
  const { stderr, exitCode } = home.witness(['anchor', '--timeout', '2s']);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('it answers 404');
  expect(stderr).toContain('keys show');
});

describe('an anchor as a line', () => {
  test('is one line, and verify takes it as a file of several, as one that was mailed, and as it is', () => {
    const home = new Home();
    home.log('a', 't');
    const first = home.witness(['anchor', '--line']).stdout;
    expect(first).toMatch(/^if-witness-anchor\/v1 if-witness\/[0-9a-f]{20} 2 \S{44} \S+\n$/);
    home.log('b', 't');
    const file = home.beside('lines.txt');
    writeFileSync(file, first + home.witness(['anchor', '--line']).stdout.replaceAll(' ', '\n    '));
    const report = JSON.parse(home.witness(['verify', '--anchor', file, '--json']).stdout) as object;
    expect(report).toMatchObject({ code: 'valid.anchored', anchors: [2, 3] });
    expect(home.witness(['verify', '-q', '--anchor', first]).stdout).toContain('VALID (anchored)');
    writeFileSync(file, first.slice(0, -30));
    expect(home.witness(['verify', '--anchor', file])).toMatchObject({ exitCode: 2 });
  });
});

describe('anchor --every', () => {
  async function running(home: Home, args: readonly string[]): Promise<{ child: ChildProcess; text: () => string }> {
    const child = spawn(process.execPath, [programPath('if-witness'), 'anchor', '--every', '1s', ...args], {
      env: cleanEnv({ IF_WITNESS_HOME: home.path }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let text = '';
    child.stderr.on('data', (piece: Buffer) => {
      text += piece.toString();
    });
    return { child, text: () => text };
  }

  test('anchors what is new and nothing else, into a folder and to a program, until it is told to stop', async () => {
    const home = new Home();
    home.log('a', 't');
    const folder = home.beside('anchors');
    mkdirSync(folder);
    const got = home.beside('got');
    const { child } = await running(home, ['--output', folder, '--exec', `cat >> ${got}`]);
    await expect.poll(() => readdirSync(folder).length, { timeout: 15_000 }).toBe(1);
    home.log('b', 't');
    await expect.poll(() => readdirSync(folder).length, { timeout: 15_000 }).toBe(2);
    await expect
      .poll(() => existsSync(got) && readFileSync(got, 'utf8').match(/\n\n/g)?.length, { timeout: 15_000 })
      .toBe(2);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    const files = readdirSync(folder).sort();
    expect(files[0]).toMatch(/^if-witness-[0-9a-f]{20}-0000000000000002\.note$/);
    for (const file of files) expect(home.witness(['verify', '-q', '--anchor', join(folder, file)]).exitCode).toBe(0);
    expect(readFileSync(got, 'utf8')).toBe(files.map((file) => readFileSync(join(folder, file), 'utf8')).join(''));
  });

  test('notices a rollback by the anchors at hand, goes on saying so, and ends with 1', async () => {
    const home = new Home();
    home.log('a', 't');
    const folder = home.beside('anchors');
    mkdirSync(folder);
    const putBack = keepCopy(home, 'older');
    home.log('b', 't');
    expect(home.witness(['anchor', '--output', folder]).exitCode).toBe(0);
    putBack();
    const { child, text } = await running(home, ['--output', folder]);
    await expect.poll(text, { timeout: 15_000 }).toContain('rollback or fork');
    expect(text()).toContain('evidence, keep it');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([1, null]);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  test('says at once what it lacks', () => {
    const home = new Home();
    home.log('a', 't');
    for (const args of [[], ['--output', home.beside('no-folder')], ['--line', '--exec', 'cat']])
      expect(home.witness(['anchor', '--every', '1h', ...args])).toMatchObject({ exitCode: 2 });
    expect(home.witness(['anchor', '--every', 'soon', '--exec', 'cat'])).toMatchObject({ exitCode: 2 });
  });
});

describe('the command line', () => {
  test('of a witness without a key, with a key already, with a bad name or address, says what to do', () => {
    const home = new Home();
    expect(home.witness(['witness'])).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('witness keygen') });
    expect(home.witness(['witness', 'show']).exitCode).toBe(2);
    expect(home.witness(['witness', 'keygen', 'a name'])).toMatchObject({ exitCode: 2 });
    expect(home.witness(['witness', 'keygen', 'x'])).toMatchObject({ exitCode: 0 });
    expect(home.witness(['witness', 'keygen', 'y'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('a key already'),
    });
    expect(home.witness(['witness', '--listen', '1.2.3.4:99999'])).toMatchObject({ exitCode: 2 });
    expect(home.witness(['witness', 'add', 'garbage']).exitCode).toBe(2);
    expect(home.witness(['witness', 'list', '--json']).stdout).toBe('{\n  "logs": []\n}\n');
  });

  test('of a policy that cannot be used says which line', () => {
    const home = new Home();
    home.log('a', 't');
    writeFileSync(home.beside('policy'), '# comment\nwitness x y\n');
    for (const command of ['verify', 'anchor']) {
      expect(home.witness([command, '--policy', home.beside('policy')])).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('line 2'),
      });
      expect(home.witness([command, '--policy', home.beside('none')])).toMatchObject({ exitCode: 2 });
    }
    expect(home.witness(['verify', '--ask'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--policy'),
    });
    expect(home.witness(['anchor', '--witness', 'http://127.0.0.1:9'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('VKEY URL'),
    });
  });

  test('of anchor can name a witness without a policy', async () => {
    const { home, witness } = await pair();
    rmSync(join(home.path, 'policy'));
    const { stdout, exitCode } = home.witness(['anchor', '--json', '--witness', `${witness.vkey} ${witness.url}`]);
    expect({ exitCode, ...(JSON.parse(stdout) as object) }).toMatchObject({
      exitCode: 0,
      policy_met: true,
      cosigned_by: ['witness.example/other'],
    });
  });
});

test('a rotation of the key: the checkpoint that closes an epoch is cosigned under the old key, later ones once the new key is listed', async () => {
  const { home, other } = await pair();
  expect(home.witness(['anchor', '-q']).exitCode).toBe(0);
  expect(home.witness(['keys', 'rotate']).exitCode).toBe(0);
  expect(home.witness(['anchor', '-q']).exitCode).toBe(0);
  expect(JSON.parse(home.witness(['verify', '--ask', '--json']).stdout)).toMatchObject({ code: 'valid.witnessed' });
  home.log('later', 't');
  expect(home.witness(['anchor', '--timeout', '2s'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('lists another key for this ledger'),
  });
  expect(other.witness(['witness', 'add', home.witness(['keys', 'show']).stdout.trim()]).exitCode).toBe(0);
  expect(home.witness(['anchor', '-q']).exitCode).toBe(0);
  expect(JSON.parse(home.witness(['verify', '--ask', '--json']).stdout)).toMatchObject({
    code: 'valid.witnessed',
    policy: { witnessed: { size: 4 } },
  });
});
