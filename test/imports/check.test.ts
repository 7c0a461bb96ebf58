/** The import check on a small repository of its own, where one wrong import at a time is planted. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

const check = fileURLToPath(new URL('check.mjs', import.meta.url));

let root: string;

/** What each package of the small repository declares. */
const declared: Readonly<Record<string, readonly string[]>> = {
  format: ['@noble/hashes'],
  semconv: [],
  otlp: ['@infrafabric/format'],
  accounting: ['@infrafabric/format', '@infrafabric/semconv'],
  ledger: ['@infrafabric/format', '@infrafabric/accounting', 'better-sqlite3'],
  verify: ['@infrafabric/format', '@infrafabric/ledger', '@noble/ed25519', 'better-sqlite3'],
  exporter: ['@infrafabric/ledger', '@infrafabric/cli'],
  cli: ['@infrafabric/ledger', '@infrafabric/verify', 'commander', 'left-pad'],
};
const outside = [
  '@noble/hashes',
  '@noble/ed25519',
  '@opentelemetry/api',
  '@opentelemetry/core',
  'better-sqlite3',
  'commander',
  'left-pad',
];

/** A peer that is a dev dependency as well is declared; a dev dependency alone is not. */
const peers = {
  peerDependencies: { '@opentelemetry/api': '1' },
  devDependencies: { '@opentelemetry/api': '1', '@opentelemetry/core': '1' },
};

function layOut(): void {
  root = mkdtempSync(join(tmpdir(), 'imports-'));
  for (const name of outside) plant(`node_modules/${name}/index.js`, 'export const x = 1;', name);
  mkdirSync(join(root, 'node_modules/@infrafabric'), { recursive: true });
  for (const [name, dependencies] of Object.entries(declared)) {
    const manifest = {
      name: `@infrafabric/${name}`,
      dependencies: Object.fromEntries(dependencies.map((d) => [d, '1'])),
      ...(name === 'exporter' ? peers : {}),
    };
    plant(`packages/${name}/src/index.ts`, 'export const x = 1;');
    plant(`packages/${name}/dist/index.d.ts`, 'export declare const x = 1;');
    const exports = { '.': { types: './dist/index.d.ts', default: './dist/index.js' } };
    plant(`packages/${name}/package.json`, JSON.stringify({ ...manifest, exports }));
    symlinkSync(join(root, 'packages', name), join(root, 'node_modules/@infrafabric', name));
  }
  plantImports('otlp', '@infrafabric/format');
  plantImports('accounting', '@infrafabric/format', '@infrafabric/semconv');
  plantImports('ledger', '@infrafabric/accounting', 'better-sqlite3', 'node:fs');
  plantImports('verify', '@infrafabric/format', '@noble/ed25519');
  plantImports('exporter', '@infrafabric/ledger', '@opentelemetry/api');
  plantImports('cli', '@infrafabric/verify', '@infrafabric/ledger', 'commander');
}

function removeAll(): void {
  rmSync(root, { recursive: true });
}

function plant(path: string, text: string, packageName?: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  if (packageName === undefined) return;
  const manifest = { name: packageName, version: '1.0.0', type: 'module', exports: './index.js' };
  writeFileSync(join(root, dirname(path), 'package.json'), JSON.stringify(manifest));
}

function plantImports(name: string, ...modules: readonly string[]): void {
  plant(`packages/${name}/src/imports.ts`, modules.map((module) => `import '${module}';\n`).join(''));
}

function runCheck(): { readonly exitCode: number | null; readonly said: string } {
  const run = spawnSync(process.execPath, [check, root], { cwd: root, encoding: 'utf8' });
  return { exitCode: run.status, said: run.stderr };
}

/** Each is planted in a file of its own and found in one run: kind, package, file text, rule. */
const plants: readonly (readonly [string, string, string, string])[] = [
  ['up', 'exporter', "import '@infrafabric/cli';", 'exporter-imports-down-only'],
  ['sideways', 'format', "import '@infrafabric/semconv';", 'format-imports-down-only'],
  ['from the judge to the writer', 'verify', "import '@infrafabric/ledger';", 'verify-imports-down-only'],
  [
    'of a type alone',
    'verify',
    "import type { x } from '@infrafabric/ledger';\nexport type Y = typeof x;",
    'verify-imports-down-only',
  ],
  ['that is dynamic', 'format', "export const later = () => import('@infrafabric/cli');", 'format-imports-down-only'],
  ['of an unlisted sibling', 'ledger', "import '@infrafabric/otlp';", 'ledger-declares-what-it-imports'],
  ['of SQLite outside the ledger', 'verify', "import 'better-sqlite3';", 'verify-outside-dependencies'],
  ['of signatures outside verify', 'cli', "import '@noble/ed25519';", 'cli-outside-dependencies'],
  ['of hashes outside format and verify', 'ledger', "import '@noble/hashes';", 'ledger-outside-dependencies'],
  ['of a command line library outside cli', 'exporter', "import 'commander';", 'exporter-outside-dependencies'],
  ['of an outside dependency without an entrance', 'cli', "import 'left-pad';", 'cli-outside-dependencies'],
  ['of an unlisted outside dependency', 'otlp', "import 'left-pad';", 'no-undeclared-dependency'],
  ['of a dev dependency', 'exporter', "import '@opentelemetry/core';", 'no-undeclared-dependency'],
  ['of nothing', 'format', "import './nowhere.js';", 'no-unresolved-import'],
  ["by a path into a sibling's sources", 'cli', "import '../../ledger/src/index.js';", 'only-through-exports'],
];

describe('the import check', () => {
  beforeEach(layOut);
  afterEach(removeAll);

  test('accepts imports that go down, and the two arrows within level 0', () => {
    expect(runCheck()).toEqual({ exitCode: 0, said: '' });
  });

  test('refuses a cycle', () => {
    plant('packages/format/src/a.ts', "import { b } from './b.js';\nexport const a = () => b;\n");
    plant('packages/format/src/b.ts', "import { a } from './a.js';\nexport const b = () => a;\n");
    const { exitCode, said } = runCheck();
    expect(said).toContain('no-cycle: packages/format/src/a.ts -> packages/format/src/b.ts');
    expect(exitCode).toBe(1);
  });

  test('refuses a package that has no level', () => {
    plant('packages/newcomer/package.json', '{}');
    const { exitCode, said } = runCheck();
    expect(said).toContain('packages/newcomer has no level');
    expect(exitCode).toBe(1);
  });
});

describe('the import check refuses an import', () => {
  let said = '';

  beforeAll(() => {
    layOut();
    for (const [index, [, name, text]] of plants.entries()) plant(`packages/${name}/src/planted-${index}.ts`, text);
    const run = runCheck();
    expect(run.exitCode).toBe(1);
    said = run.said;
  });
  afterAll(removeAll);

  test.each(plants.map((planted, index) => [...planted, index] as const))('%s', (_, name, _text, rule, index) => {
    expect(said).toContain(`${rule}: packages/${name}/src/planted-${index}.ts -> `);
  });
});
