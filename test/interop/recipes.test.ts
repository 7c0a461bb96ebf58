/** docs/recipes.md cannot drift from what is run: not by a block that nothing runs, not by a command that is not there. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Home } from '../cli/run.js';
import { recipe, recipeNames } from './recipes.js';
import { Stage } from './stage.js';

const page = readFileSync(join(import.meta.dirname, '../../docs/recipes.md'), 'utf8');
const collecting = recipeNames.filter((name) => recipe(name).includes('if-witness collect'));

function sources(): string {
  const files = ['.', '../browser'].flatMap((folder) =>
    readdirSync(join(import.meta.dirname, folder))
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(import.meta.dirname, folder, name)),
  );
  return files.map((file) => readFileSync(file, 'utf8')).join('\n');
}

describe('docs/recipes.md', () => {
  test('has no two blocks of one name', () => {
    expect(recipeNames).toEqual([...new Set(recipeNames)]);
    // Only the picture has none.
    expect([...page.matchAll(/^```(\w.*)$/gm)].map(([, info]) => info!.split(' ')[1])).toEqual(recipeNames);
  });

  test.each(recipeNames)('the block %s is run by a test', (name) => {
    expect(sources()).toContain(`'${name}'`);
  });

  test('and the pages beside it name every command of test/interop/run.mjs, and no other', () => {
    const row = /^\|.*node test\/interop\/run\.mjs (.*) \|$/gm;
    const docs = join(import.meta.dirname, '../../docs');
    const pages = readdirSync(docs).filter((name) => name.endsWith('.md'));
    const text = pages.map((name) => readFileSync(join(docs, name), 'utf8')).join('\n');
    const named = [...text.matchAll(row)].flatMap(([, names]) => names!.replaceAll('`', '').split(', '));
    const there = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.interop.ts'));
    expect(named.sort()).toEqual(there.map((file) => file.slice(0, -'.interop.ts'.length)).sort());
  });

  test.each(collecting)('the command of %s passes its own check', async (name) => {
    const stage = new Stage();
    onTestFinished(() => stage.close());
    const home = new Home();
    const script = (await stage.recipe(name)).replace(/(?=\n$)/, ' --check');
    expect(script).toContain('--check');
    expect(await stage.run(script, { IF_WITNESS_HOME: home.path })).toMatchObject({ exitCode: 0 });
  });
});
