import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const folder = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(`${folder}README.md`, 'utf8');

test('the example of the README prints what the README says', () => {
  const [, script, output] = /```js\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```/.exec(readme)!;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', script!], { cwd: folder, encoding: 'utf8' });
  expect(run.stderr).toBe('');
  expect(run.stdout).toBe(output);
});

test('every event that the sources name is in the table', () => {
  const sources = ['event-names', 'sip-call', 'registrations', 'sip-witness']
    .map((name) => readFileSync(`${folder}src/${name}.ts`, 'utf8'))
    .join();
  const names = new Set([...sources.matchAll(/'(sip_[a-z0-9_]+)'/g)].map(([, name]) => name!));
  expect(names.size).toBeGreaterThan(10);
  expect([...names].filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
});
