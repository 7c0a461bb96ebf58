/** The READMEs of this package and of `@infrafabric/semconv`, which has nothing else to test. */
import { readFileSync } from 'node:fs';
import * as semconv from '@infrafabric/semconv';
import { expect, test } from 'vitest';
import * as format from '../dist/index.js';

const readme = (name: string): string => readFileSync(new URL(`../../${name}/README.md`, import.meta.url), 'utf8');

test('the example prints what the README says', () => {
  const example = /```js\nimport \{.*?\} from '[^']+';\n(.*?)```/s.exec(readme('format'))![1]!;
  const printed: string[] = [];
  const console = { log: (...parts: readonly unknown[]) => printed.push(parts.join(' ')) };
  new Function('console', ...Object.keys(format), example)(console, ...Object.values(format));
  expect(printed).toEqual([...example.matchAll(/^\/\/ (.*)$/gm)].map((comment) => comment[1]));
});

test('the table of semconv has every name that it exports', () => {
  const rows = [...readme('semconv').matchAll(/^\| `(\w+)` +\| `([\w.]+)` +\|/gm)].map(([, constant, name]) => [
    constant!,
    name!,
  ]);
  const { WITNESS_BAGGAGE_KEYS, ...names } = semconv;
  expect(Object.fromEntries(rows)).toEqual(names);
  for (const key of WITNESS_BAGGAGE_KEYS) {
    expect(readme('semconv')).toMatch(new RegExp(`\\| \`${key}\` +\\|.*baggage member`));
  }
});
