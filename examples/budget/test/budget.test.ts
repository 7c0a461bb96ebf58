import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('the careless service trips its budget, the careful one keeps it', { timeout: 60_000 }, () => {
  const example = fileURLToPath(new URL('../run.mjs', import.meta.url));
  const inherited = Object.entries(process.env).filter(([name]) => !/^(OTEL_|IF_WITNESS|VITEST)/.test(name));
  const { stdout, status } = spawnSync(process.execPath, [example], {
    env: { ...Object.fromEntries(inherited), NO_COLOR: '1' },
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  for (const line of [
    'if-witness: notice: budget careless (component careless): spent $0.50 of $1.00 (50.0 %), 50 % reached',
    'if-witness: warning: budget careless (component careless): spent $0.80 of $1.00 (80.0 %), 80 % reached',
    'if-witness: error: budget careless (component careless): spent $1.00 of $1.00 (100.0 %), 100 % reached',
    'careless: 12 of 12 calls made',
    'careful: 10 of 12 calls made',
    'budget careless: $1.20 spent of $1.00',
    '(exit code 1)',
    'VALID',
  ])
    expect(stdout).toContain(line);
  expect(stdout).toMatch(/\ncareful \(component=careful\) +total +\$1\.00 +\$1\.00 +100\.0 % +\$0\.00 /);
});
