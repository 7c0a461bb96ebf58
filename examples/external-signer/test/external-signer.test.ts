import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('a ledger moves its key into the signer, which signs for that ledger alone', { timeout: 60_000 }, () => {
  const example = fileURLToPath(new URL('../run.mjs', import.meta.url));
  const inherited = Object.entries(process.env).filter(([name]) => !/^(OTEL_|IF_WITNESS|VITEST)/.test(name));
  const { stdout, status } = spawnSync(process.execPath, [example], {
    env: { ...Object.fromEntries(inherited), NO_COLOR: '1' },
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  expect(stdout).toMatch(/^signer: SHA256:[A-Za-z0-9+/]{43} at /);
  expect(stdout).toMatch(
    /\nprivate keys in the witness home: 0\n\n\$ if-witness verify --quiet\nVALID .*\n\(exit code 0\)\n/,
  );
  const [, other, own] = /refused: a checkpoint of (\S+), and this key is that of (\S+)\n/.exec(stdout) ?? [];
  expect(other).not.toBe(own);
  const journal = stdout.slice(stdout.indexOf('what the signer wrote down:\n')).split('\n').slice(1, -1);
  expect(journal.map((line) => line.split(' ').slice(0, 2))).toEqual([
    [own, '3'],
    [own, '4'],
  ]);
});
