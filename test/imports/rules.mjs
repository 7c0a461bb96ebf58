/**
 * Which package may import what, as dependency-cruiser rules: down the levels only, never sideways but for the arrows
 * below, and each outside dependency at its one place. The table is docs/architecture.md's, in code.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const scope = '@infrafabric/';

/** A package may import packages of lower levels. `instrumentation-*` stands for every package of that beginning. */
const levels = [
  ['format', 'semconv', 'otlp', 'accounting', 'events'],
  ['ledger', 'verify', 'instrumentation-*'],
  ['budgets', 'cosigner'],
  ['exporter', 'collector'],
  ['cli'],
];

/** Sideways, and allowed. */
const arrows = { otlp: ['format'], accounting: ['semconv', 'format'], events: ['semconv', 'format'] };

/** Where an outside dependency enters. One that is not here enters nowhere; `@opentelemetry/` is any of that scope. */
const entrances = {
  'better-sqlite3': ['ledger'],
  '@noble/ed25519': ['verify'],
  '@noble/hashes': ['format', 'verify'],
  commander: ['cli'],
  'prom-client': ['collector'],
  yaml: ['collector'],
  '@opentelemetry/': ['events', 'exporter', 'instrumentation-*'],
};

/**
 * @param {string} root the repository: its `packages` folder says which packages there are and what they declare
 * @returns {import('dependency-cruiser').IForbiddenRuleType[]}
 */
export function importRules(root) {
  const names = readdirSync(join(root, 'packages'));
  return [
    ...names.flatMap((name) => packageRules(root, name, names)),
    {
      name: 'no-cycle',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-unresolved-import',
      severity: 'error',
      from: {},
      // Node 20 does not have it: docs/decisions/0027-two-better-sqlite3.md.
      to: { couldNotResolve: true, pathNot: '^better-sqlite3-napi$' },
    },
    {
      name: 'no-undeclared-dependency',
      comment: 'an import that package.json does not list under dependencies, peer or optional dependencies',
      severity: 'error',
      from: { path: '^packages/' },
      to: {
        dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev', 'npm-bundled', 'deprecated'],
        // A peer is usually a dev dependency as well.
        dependencyTypesNot: ['npm', 'npm-peer', 'npm-optional'],
      },
    },
    {
      name: 'only-through-exports',
      comment: "another package's files are reached by its name, never by a path",
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: { path: '^packages/', pathNot: ['^packages/$1/', '^packages/[^/]+/dist/'] },
    },
  ];
}

/** The rules for imports that start in one package. */
function packageRules(root, name, names) {
  const level = levels.findIndex((group) => group.some((entry) => matches(entry, name)));
  if (level < 0) throw new Error(`packages/${name} has no level: give it one in test/imports/rules.mjs`);
  const lower = levels.slice(0, level).flat();
  const allowed = (other) =>
    other === name || [...lower, ...(arrows[name] ?? [])].some((entry) => matches(entry, other));
  const declared = declaredBy(root, name);
  const from = { path: `^packages/${name}/` };
  const rules = [];
  const refused = names.filter((other) => !allowed(other));
  if (refused.length > 0) {
    const to = { path: refused.flatMap(pathsOf) };
    rules.push({ name: `${name}-imports-down-only`, severity: 'error', from, to });
  }
  const undeclared = names.filter((other) => other !== name && allowed(other) && !declared.has(`${scope}${other}`));
  if (undeclared.length > 0) {
    const to = { path: undeclared.flatMap(pathsOf) };
    rules.push({ name: `${name}-declares-what-it-imports`, severity: 'error', from, to });
  }
  const entering = Object.keys(entrances).filter((key) => entrances[key].some((entry) => matches(entry, name)));
  const to = {
    path: '(^|/)node_modules/',
    pathNot: ['/@types/', ...entering.map((key) => `node_modules/${key.endsWith('/') ? key : `${key}(/|$)`}`)],
  };
  rules.push({ name: `${name}-outside-dependencies`, comment: 'see `entrances`', severity: 'error', from, to });
  return rules;
}

/** A sibling as dependency-cruiser may name it: its folder, or its bare name where it is not built or not linked. */
function pathsOf(name) {
  return [`^packages/${name}/`, `^${scope}${name}(/|$)`];
}

function declaredBy(root, name) {
  const manifest = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'));
  const fields = [manifest.dependencies, manifest.peerDependencies, manifest.optionalDependencies];
  return new Set(fields.flatMap((field) => Object.keys(field ?? {})));
}

function matches(entry, name) {
  return entry.endsWith('*') ? name.startsWith(entry.slice(0, -1)) : entry === name;
}
