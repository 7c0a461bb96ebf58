import { readFileSync } from 'node:fs';
import * as accounting from '@infrafabric/accounting';
import { expect, test } from 'vitest';

test('the example of the README prints what it says', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const example = /```js\n(.*?)```/s.exec(readme)![1]!.replace(/^import .*$/m, '');
  const printed: string[] = [];
  const console = { log: (...parts: readonly unknown[]) => printed.push(parts.join(' ')) };
  new Function('console', ...Object.keys(accounting), example)(console, ...Object.values(accounting));
  expect(printed).toEqual([...example.matchAll(/^\/\/ (.*)$/gm)].map((comment) => comment[1]));
});
