import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { countSpans, ledgerOf, tempHome } from './support.js';

const folder = fileURLToPath(new URL('..', import.meta.url));
const examples = [
  ...readFileSync(`${folder}README.md`, 'utf8').matchAll(/### (.*)\n\n```js\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```/g),
];

test.each(examples.map(([, title, script, output]) => [title!, script!, output!]))(
  'the example of the README prints what the README says: %s',
  (_, script, output) => {
    const home = tempHome();
    const env = { PATH: process.env.PATH, IF_WITNESS_HOME: home };
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: folder,
      env,
      encoding: 'utf8',
    });
    expect(run.stderr).toBe('');
    expect(run.stdout).toBe(output);
    expect(countSpans(ledgerOf(home))).toBe(1);
  },
);

test('both examples of the README are found', () => {
  expect(examples).toHaveLength(2);
});
