import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const folder = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(`${folder}README.md`, 'utf8');
const scripts = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map(([, script]) => script!);

function run(script: string): string {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return stdout;
}

test('the first example prints what the README says', () => {
  expect(run(scripts[0]!)).toBe(/```text\n([\s\S]*?)```/.exec(readme)![1]);
});

test('the example by hand runs', () => {
  expect(scripts.length).toBe(2);
  expect(run(`${scripts[1]!}\nconsole.log(frameNumber, hash.length, logged);`)).toBe('0 64 false\n');
});

test('every event is in the table', () => {
  const rows = [...readme.matchAll(/^\| `(ndi_\w+)` \|/gm)].map(([, name]) => name);
  expect(rows.toSorted()).toEqual([
    'ndi_bandwidth_usage',
    'ndi_batch_complete',
    'ndi_error',
    'ndi_frame_published',
    'ndi_stream_closed',
    'ndi_stream_created',
    'ndi_stream_metadata',
  ]);
});
