/** What would be published: each tarball's shape, and a project that uses nothing but the tarballs. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installInto, packAll } from './packed.js';

const folder = mkdtempSync(join(tmpdir(), 'packed-'));
const packed = packAll(folder);
const project = join(folder, 'consumer');

afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe.each(packed)('the tarball of $name', ({ tarball, files, manifest }) => {
  test('holds the build, the sources that its maps point to, and the licence; no test, no build cache', () => {
    expect(files).toEqual(
      expect.arrayContaining(['package.json', 'LICENSE', 'src/index.ts', 'dist/index.js', 'dist/index.d.ts']),
    );
    expect(files.filter((path) => /(^|\/)tests?\/|\.test\.|tsbuildinfo|tsconfig/.test(path))).toEqual([]);
  });

  test('depends on exact versions, and on nothing of the workspace', () => {
    const versions = Object.values(manifest.dependencies ?? {});
    expect(versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  test('passes publint', async () => {
    const bytes = readFileSync(tarball);
    const pack = { tarball: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) };
    const { messages, pkg } = await publint({ pack, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  test('resolves to types and code alike from ES modules and bundlers', async () => {
    const result = await checkPackage(createPackageFromTarballData(readFileSync(tarball)));
    if (!result.types) throw new Error('the tarball has no types');
    // The packages are ES modules only: what CommonJS and Node 10 make of them does not count.
    const counts = (kind: string) => kind !== 'node10' && kind !== 'node16-cjs';
    const problems = result.problems.filter(
      (problem) => !('resolutionKind' in problem) || counts(problem.resolutionKind),
    );
    expect(problems).toEqual([]);
  });
});

describe('a project that has only the tarballs', () => {
  beforeAll(() => {
    cpSync(fileURLToPath(new URL('consumer', import.meta.url)), project, { recursive: true });
    installInto(project, packed);
  });

  test('type-checks against them, their own declarations included', () => {
    const tsc = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));
    const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', project], { encoding: 'utf8' });
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });

  test('records a span and finds its ledger valid', () => {
    // The line above compiled it.
    const args = [join(project, 'consumer.js'), join(folder, 'home')];
    expect(execFileSync(process.execPath, args, { encoding: 'utf8' })).toBe('valid.unanchored\n');
  });

  test.each(['if-witness', 'if-optimise'])('has the command %s', (command) => {
    const program = join(project, 'node_modules/@infrafabric/cli/bin', `${command}.js`);
    const { stdout, status } = spawnSync(program, ['--version'], { encoding: 'utf8' });
    expect(stdout).toContain('0.1.0');
    expect(status).toBe(0);
  });
});
