import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('of twenty set-ups neither a watch nor a listener is left in memory', () => {
  const script = fileURLToPath(new URL('leak.mjs', import.meta.url));
  const run = spawnSync(process.execPath, ['--expose-gc', script, '20'], { encoding: 'utf8', timeout: 60_000 });
  expect(run.stderr).toBe('');
  // What the engine keeps of the last one is its own business.
  expect(Number(run.stdout)).toBeLessThanOrEqual(2);
}, 90_000);
