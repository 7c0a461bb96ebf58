/** docs/budgets.md is run as it stands: its command blocks in one witness home, in order, each against what it says is printed. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { cleanEnv, Home } from './run.js';

const page = readFileSync(new URL('../../docs/budgets.md', import.meta.url), 'utf8');
const blocks = [...page.matchAll(/^```(\w+)( \w+)?\n([\s\S]*?)^```$/gm)].map(([, language, mark, text]) => ({
  kind: `${language}${mark ?? ''}`,
  text: text!,
}));

/** `…` stands for anything within a line. */
function expectPrinted(printed: string, expected: string): void {
  const pattern = expected.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  expect(printed).toMatch(new RegExp(`^${pattern.join('[^\\n]*')}$`));
}

test('docs/budgets.md does what it says', { timeout: 180_000 }, () => {
  const home = new Home();
  const cwd = home.beside('docs');
  mkdirSync(cwd);
  const packageFolder = fileURLToPath(new URL('../../packages/cli', import.meta.url));
  let ran = { stdout: '', stderr: '' };
  let shells = 0;
  for (const { kind, text } of blocks) {
    if (kind === 'sh') {
      const { exitCode, ...said } = home.shell(`set -eo pipefail\n${text}`, { cwd });
      expect({ text, exitCode, stderr: exitCode === 0 ? '' : said.stderr }).toEqual({ text, exitCode: 0, stderr: '' });
      ran = said;
      shells++;
    } else if (kind === 'js') {
      const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', text], {
        cwd: packageFolder,
        env: cleanEnv({ IF_WITNESS_HOME: home.path }),
        encoding: 'utf8',
      });
      ran = { stdout, stderr };
    } else if (kind === 'text') expectPrinted(ran.stdout, text);
    else if (kind === 'text stderr') expectPrinted(ran.stderr, text);
  }
  expect(shells).toBeGreaterThan(5);
  expect(home.witness(['verify', '--deep', '-q']).exitCode).toBe(0);
});
