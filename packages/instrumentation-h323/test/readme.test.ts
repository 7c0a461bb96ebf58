import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { H323_EVENTS } from '../dist/index.js';

const folder = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(`${folder}README.md`, 'utf8');

test('the example of the README prints what the README says', () => {
  const [, script, output] = /```js\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```/.exec(readme)!;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', script!], { cwd: folder, encoding: 'utf8' });
  expect(run.stderr).toBe('');
  expect(run.stdout).toBe(output);
});

test('every event is in the table', () => {
  expect(Object.values(H323_EVENTS).filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
});
