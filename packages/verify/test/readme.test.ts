import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { newDirectory } from '../../../test/attacks/ledger-files.js';
import * as verify from '../dist/index.js';

const folder = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(`${folder}README.md`, 'utf8');

test('the example of the README prints what the README says', () => {
  const [, script, output] = /```js\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```/.exec(readme)!;
  const env = { PATH: process.env.PATH, IF_WITNESS_HOME: `${newDirectory()}/home` };
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', script!], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  expect(run.stderr).toBe('');
  expect(run.stdout).toBe(output);
});

test('every function that the README names is exported', () => {
  const named = [...readme.matchAll(/`((?:verify|judge|open|plan|merge)[A-Z]\w+)[(`]/g)].map(([, name]) => name!);
  expect(named.length).toBeGreaterThan(6);
  expect(named.filter((name) => !(name in verify))).toEqual([]);
});
