/**
 * `node test/imports/check.mjs [ROOT]`: reads the imports of every package's sources and prints each that rules.mjs
 * refuses. Exit code 0 when there is none.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cruise } from 'dependency-cruiser';
import { importRules } from './rules.mjs';

const root = resolve(process.argv[2] ?? fileURLToPath(new URL('../..', import.meta.url)));
const sources = readdirSync(join(root, 'packages')).flatMap((name) =>
  ['src', 'bin'].map((folder) => `packages/${name}/${folder}`).filter((folder) => existsSync(join(root, folder))),
);

const { output } = await cruise(sources, {
  baseDir: root,
  validate: true,
  ruleSet: { forbidden: importRules(root) },
  // Type imports count too: a judge that knows the writer's types knows the writer.
  tsPreCompilationDeps: true,
  doNotFollow: { path: ['node_modules', '/dist/'] },
  enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['types', 'import', 'node', 'default'] },
});

const { violations, totalDependenciesCruised } = output.summary;
for (const { rule, from, to, cycle } of violations) {
  const path = cycle ? cycle.map((step) => step.name).join(' -> ') : to;
  console.error(`${rule.name}: ${from} -> ${path}`);
}
if (totalDependenciesCruised === 0) console.error('no import was read at all');
process.exitCode = violations.length > 0 || totalDependenciesCruised === 0 ? 1 : 0;
