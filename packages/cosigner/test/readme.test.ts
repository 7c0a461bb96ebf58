import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { tempFolder } from './support.js';

const folder = fileURLToPath(new URL('..', import.meta.url));

test('the example of the README prints what the README says', () => {
  const readme = readFileSync(`${folder}README.md`, 'utf8');
  const [, script, output] = /```js\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```/.exec(readme)!;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script!], {
    cwd: folder,
    env: { PATH: process.env.PATH, IF_WITNESS_HOME: tempFolder() },
    encoding: 'utf8',
  });
  expect({ stdout, stderr }).toEqual({ stdout: output, stderr: '' });
});
