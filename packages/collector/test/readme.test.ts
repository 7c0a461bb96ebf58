import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { VERSION } from '../dist/version.js';
import manifest from '../package.json' with { type: 'json' };
import { tempFolder } from './config-support.js';

test('the example of the README prints what the README says', () => {
  const folder = fileURLToPath(new URL('..', import.meta.url));
  const readme = readFileSync(join(folder, 'README.md'), 'utf8');
  const [, script, output] = /```js\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```/.exec(readme) ?? [];
  const env = { PATH: process.env.PATH, IF_WITNESS_HOME: join(tempFolder(), 'home') };
  const ran = spawnSync(process.execPath, ['--input-type=module', '-e', script!], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  expect(ran.stderr).toBe('');
  expect(ran.stdout).toBe(output);
  expect(ran.status).toBe(0);
});

test('the version is the one of the package', () => {
  expect(VERSION).toBe(manifest.version);
});

test('every YAML block of the docs is YAML', () => {
  const docs = fileURLToPath(new URL('../../../docs', import.meta.url));
  const pages = readdirSync(docs).filter((name) => name.endsWith('.md'));
  const blocks = pages.flatMap((name) => [
    ...readFileSync(join(docs, name), 'utf8').matchAll(/^```yaml(?: \S+)?\n([\s\S]*?)^```$/gm),
  ]);
  expect(blocks.length).toBeGreaterThanOrEqual(3);
  for (const [, text] of blocks) {
    const { errors, warnings } = parseDocument(text!);
    expect({ text, problems: [...errors, ...warnings].map(({ message }) => message) }).toEqual({ text, problems: [] });
  }
});
