/** Every command block of README.md is run, as a newcomer would: from the root of the repository, in order, in bash. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const blocks = [...readme.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language, text]) => ({
  language,
  text: text!,
}));
const shell = blocks.filter(({ language, text }) => language === 'sh' && !text.startsWith('sudo apt-get'));
/** This very run; `.ci/run` proves it by running it as it is written. */
const testCommand = 'npx -y pnpm@12.21.0 test\n';

describe('README.md', () => {
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'readme-'));
  });
  afterAll(() => rmSync(home, { recursive: true }));

  test('has the test command as a block of its own', () => {
    expect(shell.filter(({ text }) => text === testCommand)).toHaveLength(1);
  });

  for (const { text } of shell.filter((block) => block.text !== testCommand)) {
    test(`runs: ${text.split('\n')[0]}`, { timeout: 180_000 }, () => {
      const { status, stdout, stderr } = spawnSync('bash', ['-euo', 'pipefail', '-c', text], {
        cwd: root,
        encoding: 'utf8',
        env: { ...process.env, TMPDIR: home, IF_WITNESS_HOME: join(home, 'home') },
      });
      expect({ status, output: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, output: '' });
      expect(stdout).not.toBe('');
    });
  }

  for (const { text } of blocks.filter(({ language }) => language === 'js')) {
    test(`the snippet runs: ${text.split('\n')[0]}`, { timeout: 60_000 }, () => {
      // Beside the README, so that its imports resolve as they would for a reader.
      const file = join(root, `readme-snippet-${process.pid}.mjs`);
      writeFileSync(file, `${text}\nawait sdk.shutdown();\n`);
      try {
        const { status, stderr } = spawnSync(process.execPath, [file], {
          cwd: root,
          encoding: 'utf8',
          env: { ...process.env, IF_WITNESS_HOME: join(home, 'snippet') },
        });
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      } finally {
        rmSync(file);
      }
    });
  }
});
