import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const folder = fileURLToPath(new URL('..', import.meta.url));

test('the example of the README runs without an SDK, silently, and ends by itself', () => {
  const script = /```js\n([\s\S]*?)```/.exec(readFileSync(`${folder}README.md`, 'utf8'))![1]!;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: folder, encoding: 'utf8' });
  expect([run.status, run.stderr, run.stdout]).toEqual([0, '', '']);
});
