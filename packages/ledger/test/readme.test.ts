import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { newDirectory } from '../../../test/attacks/ledger-files.js';
import { LedgerError } from '../dist/index.js';

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

test('every code of LedgerError is in the table', () => {
  const source = readFileSync(new URL('../src/ledger-error.ts', import.meta.url), 'utf8');
  const union = source.slice(source.indexOf('LedgerErrorCode ='), source.indexOf('export class'));
  const codes = [...union.matchAll(/\| '([a-z.-]+)'/g)].map(([, code]) => code!);
  expect(codes.length).toBeGreaterThan(10);
  expect(codes.filter((code) => !readme.includes(`\`${code}\``))).toEqual([]);
  expect(new LedgerError('closed', 'x').hint).toBeUndefined();
});
