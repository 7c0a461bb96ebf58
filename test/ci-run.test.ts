/** `.ci/run` in a directory of its own, with a stand-in for `npx` that ends in every way a test run can. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const script = fileURLToPath(new URL('../.ci/run', import.meta.url));
const readme = 'Run the tests:\n\n```sh\nnpx -y pnpm@1.2.3 test\n```\n';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ci-run-'));
  mkdirSync(join(root, 'bin'));
  mkdirSync(join(root, '.ci'));
  cpSync(script, join(root, '.ci/run'));
  writeFileSync(join(root, 'README.md'), readme);
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

/** Runs `.ci/run` with an `npx` of the given body; the body sees the arguments that the README writes. */
function runWith(npx: string): {
  readonly lastLine: string | undefined;
  readonly lines: string[];
  readonly exitCode: number | null;
} {
  writeFileSync(join(root, 'bin/npx'), `#!/bin/sh\n${npx}\n`, { mode: 0o755 });
  const env = { ...process.env, PATH: `${join(root, 'bin')}:${process.env.PATH}` };
  const run = spawnSync('bash', [join(root, '.ci/run')], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const lines = run.stdout.slice(0, -1).split('\n');
  return { lines, lastLine: lines.at(-1), exitCode: run.status };
}

describe('.ci/run', () => {
  test('runs the command that the README writes, and requires peers', () => {
    const run = runWith('echo "npx $* REQUIRE_PEERS=$REQUIRE_PEERS"; echo "3 passed, 0 failed"');
    expect(run).toEqual({
      lines: ['npx -y pnpm@1.2.3 test REQUIRE_PEERS=1', '3 passed, 0 failed'],
      lastLine: '3 passed, 0 failed',
      exitCode: 0,
    });
  });

  test('ends with the closing line although the package manager speaks after it', () => {
    const run = runWith('echo "3 passed, 2 failed, 1 skipped"; echo "[ELIFECYCLE] Command failed" >&2; exit 7');
    expect(run).toMatchObject({ lastLine: '3 passed, 2 failed, 1 skipped', exitCode: 7 });
  });

  test('takes the last closing line for the closing line', () => {
    const run = runWith('echo "9 passed, 0 failed"; echo "1 passed, 1 failed"; exit 1');
    expect(run).toMatchObject({ lastLine: '1 passed, 1 failed', exitCode: 1 });
  });

  test('counts a build or lint that stops the run as one failure', () => {
    const run = runWith('echo "error TS2305"; exit 2');
    expect(run).toMatchObject({ lastLine: '0 passed, 1 failed', exitCode: 2 });
  });

  test.each([
    ['a run that says nothing', 'true', '0 passed, 1 failed'],
    ['failures under exit code 0', 'echo "1 passed, 1 failed"', '1 passed, 1 failed'],
    ['no failure under exit code 1', 'echo "1 passed, 0 failed, 2 skipped"; exit 1', '1 passed, 1 failed, 2 skipped'],
  ])('never calls it a success: %s', (_, npx, lastLine) => {
    const run = runWith(npx);
    expect(run.lastLine).toBe(lastLine);
    expect(run.exitCode).not.toBe(0);
  });

  test('says so when the README has no test command', () => {
    writeFileSync(join(root, 'README.md'), '```sh\nnpx -y pnpm@1.2.3 test\nnpx -y pnpm@1.2.3 start\n```\n');
    expect(runWith('echo "1 passed, 0 failed"')).toMatchObject({ lines: ['0 passed, 1 failed'], exitCode: 1 });
  });
});
