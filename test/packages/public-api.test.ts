/** What each package exports is kept in `api/`, so that a change of it is seen. After one on purpose: vitest's `-u`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { renderPublicApi } from './public-api.js';

const packages = fileURLToPath(new URL('../../packages', import.meta.url));

interface Manifest {
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>;
}

describe.each(readdirSync(packages))('%s', (name) => {
  const folder = join(packages, name);
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;

  test('declares the API that is kept', async () => {
    await expect(renderPublicApi(folder, exports)).toMatchFileSnapshot(`api/${name}.d.ts.txt`);
  });

  // A register module acts when it is imported; the example runs it.
  const importable = Object.entries(exports).filter(([subpath]) => subpath !== './register');

  test('exports at run time the names that are kept', async () => {
    const lines: string[] = [];
    for (const [subpath, conditions] of importable) {
      const url = pathToFileURL(join(folder, conditions.default)).href;
      const names = Object.keys((await import(/* @vite-ignore */ url)) as object).sort();
      lines.push(`# ${subpath}`, ...names);
    }
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`api/${name}.names.txt`);
  });
});
