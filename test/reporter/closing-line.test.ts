/** Runs vitest as a child process, with this repository's own configuration, over tiny projects that fail in every way. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const vitest = join(repository, 'node_modules/vitest/vitest.mjs');

interface Run {
  readonly exitCode: number;
  readonly stdout: string;
  readonly lastLine: string;
}

/** Runs the given test files (name → text) in a project of their own. */
async function runProject(files: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Run> {
  const root = await mkdtemp(join(tmpdir(), 'closing-line-'));
  try {
    await mkdir(join(root, 'test'));
    await symlink(join(repository, 'node_modules'), join(root, 'node_modules'));
    await writeFile(join(root, 'package.json'), '{"type":"module"}');
    for (const [name, text] of Object.entries(files)) await writeFile(join(root, 'test', name), text);
    const command = [vitest, 'run', '--root', root, '--config', join(repository, 'vitest.config.ts'), ...args];
    return await new Promise((done) => {
      execFile(process.execPath, command, { cwd: root, env: childEnvironment() }, (error, stdout) => {
        const lastLine = stdout.slice(0, -1).split('\n').at(-1) ?? '';
        done({ exitCode: error === null ? 0 : Number(error.code), stdout, lastLine });
      });
    });
  } finally {
    await rm(root, { recursive: true });
  }
}

/** Without what the outer vitest sets for its own workers. */
function childEnvironment(): NodeJS.ProcessEnv {
  const ours = Object.entries(process.env).filter(
    ([name]) => !/^(VITEST|VITE_|NODE_ENV|TEST$|MODE$|PROD$|DEV$|SSR$)/.test(name),
  );
  return { ...Object.fromEntries(ours), NO_COLOR: '1' };
}

const good = "import { test } from 'vitest'; test('holds', () => {});";
const vitestImports = "import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';";

describe.concurrent('the last line', () => {
  test('counts what passed, and the exit code is 0', async () => {
    const run = await runProject({ 'good.test.ts': `${good} test('holds too', () => {});` });
    expect(run).toMatchObject({ lastLine: '2 passed, 0 failed', exitCode: 0 });
  });

  test('counts a failed assertion', async () => {
    const bad = `${vitestImports} test('no', () => { expect(1).toBe(2); });`;
    const run = await runProject({ 'good.test.ts': good, 'bad.test.ts': bad });
    expect(run).toMatchObject({ lastLine: '1 passed, 1 failed', exitCode: 1 });
  });

  test('counts a file with a syntax error as failed', async () => {
    const run = await runProject({ 'good.test.ts': good, 'broken.test.ts': "test('never read', () => {" });
    expect(run).toMatchObject({ lastLine: '1 passed, 1 failed', exitCode: 1 });
    expect(run.stdout).toContain('failed  test/broken.test.ts: did not load, or a hook failed');
  });

  test('counts a file without a test as failed', async () => {
    const run = await runProject({ 'good.test.ts': good, 'empty.test.ts': 'export {};' });
    expect(run).toMatchObject({ lastLine: '1 passed, 1 failed', exitCode: 1 });
  });

  test('counts a rejection that nothing caught', async () => {
    const late = `${vitestImports} test('lets one go', async () => {
      void Promise.reject(new Error('nobody looks'));
      await new Promise((done) => setTimeout(done, 50));
    });`;
    const run = await runProject({ 'late.test.ts': late });
    expect(run).toMatchObject({ lastLine: '1 passed, 1 failed', exitCode: 1 });
    expect(run.stdout).toContain('failed  an error that nothing caught');
  });

  test('counts hooks that throw, of a file and of a suite, and says which tests they kept from running', async () => {
    const hooks = `${vitestImports}
      describe('suite', () => { beforeAll(() => { throw new Error('no set-up'); }); test('waits', () => {}); });
      describe('other', () => { afterAll(() => { throw new Error('no clean-up'); }); test('runs', () => {}); });
      describe('each', () => { beforeEach(() => { throw new Error('no'); }); test('fails', () => {}); });`;
    const whole = `${vitestImports} beforeAll(() => { throw new Error('no'); }); test('waits too', () => {});`;
    const run = await runProject({ 'hooks.test.ts': hooks, 'whole.test.ts': whole });
    expect(run).toMatchObject({ lastLine: '1 passed, 4 failed, 2 skipped', exitCode: 1 });
    expect(run.stdout).toContain('failed  test/hooks.test.ts > suite: a hook failed');
    expect(run.stdout).toContain('failed  test/hooks.test.ts > other: a hook failed');
    expect(run.stdout).toContain(
      'skipped test/hooks.test.ts > suite > waits: not run, because a hook before it failed',
    );
  });

  test('names skipped tests and their reasons above it', async () => {
    const skips = `${vitestImports}
      test('needs a peer', (ctx) => ctx.skip('openssl is not installed'));
      test.skip('was left out', () => {});
      test.todo('is to come');`;
    const run = await runProject({ 'good.test.ts': good, 'skips.test.ts': skips });
    expect(run).toMatchObject({ lastLine: '1 passed, 0 failed, 3 skipped', exitCode: 0 });
    expect(run.stdout).toContain('skipped test/skips.test.ts > needs a peer: openssl is not installed\n');
    expect(run.stdout).toContain('skipped test/skips.test.ts > was left out: no reason given\n');
    expect(run.stdout).toContain('skipped test/skips.test.ts > is to come: todo\n');
  });

  test('is a failure when nothing ran', async () => {
    const skips = `${vitestImports} test('needs a peer', (ctx) => ctx.skip('gone'));`;
    expect(await runProject({ 'skips.test.ts': skips })).toMatchObject({
      lastLine: '0 passed, 0 failed, 1 skipped',
      exitCode: 1,
    });
  });

  test('is a failure when there is no test file at all', async () => {
    expect((await runProject({})).exitCode).toBe(1);
  });

  test('is there, as a failure, when a test ends the process or never ends', async () => {
    const exits = `${vitestImports} test('leaves', () => { process.kill(process.pid, 'SIGKILL'); });`;
    const run = await runProject({ 'good.test.ts': good, 'exits.test.ts': exits });
    expect(run.exitCode).toBe(1);
    expect(run.lastLine).toMatch(/^1 passed, [1-9]\d* failed$/);
  });

  test('is a failure when `.only` hides other tests', async () => {
    const run = await runProject({
      'only.test.ts': `${vitestImports} test.only('one', () => {}); test('two', () => {});`,
    });
    expect(run.exitCode).toBe(1);
    expect(run.lastLine).toMatch(/ [1-9]\d* failed/);
  });

  test('leaves out what -t leaves out', async () => {
    const named = `${vitestImports} describe('outer', () => { test('wanted', () => {}); test('other', () => {}); });`;
    const run = await runProject({ 'named.test.ts': named }, '-t', 'outer wanted');
    expect(run).toMatchObject({ lastLine: '1 passed, 0 failed', exitCode: 0 });
  });
});
