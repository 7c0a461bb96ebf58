/** docs/format.md §Proof and §Bundle against the code: every code that can be said is named there, and no other. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { BUNDLE_FORMAT, MAX_BUNDLE_LINE_OCTETS, MAX_EXTRA_OCTETS, MAX_PROOF_OCTETS } from '../../format/dist/index.js';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const page = read('docs/format.md');
const section = (title: string): string => {
  const [, text] = page.split(`\n## ${title}\n`);
  expect(text, title).toBeDefined();
  return text!.split('\n## ')[0]!;
};
const sorted = (codes: Iterable<string>): string[] => [...new Set(codes)].sort();
const named = (text: string): string[] =>
  sorted([...text.matchAll(/`([a-z]+\.[a-z-]+|fork|invalid)`/g)].map(([, code]) => code!));
const literals = (...files: string[]): string[] =>
  sorted(
    files.flatMap((file) =>
      [
        ...read(`packages/verify/src/${file}`).matchAll(
          /'((?:bundle|entry|checkpoint|genesis|payload|context|redaction|adjustment|rotation|key|proof|import|index|cosignature)\.[a-z-]+|fork)'/g,
        ),
      ].map(([, code]) => code!),
    ),
  );
const union = (file: string, name: string): string[] => {
  const [, text] = new RegExp(`export type ${name} =([^;]+);`).exec(read(`packages/verify/src/${file}`))!;
  return [...text!.matchAll(/'([^']+)'/g)].map(([, code]) => code!);
};

test('proofs', () => {
  expect(named(section('Proof'))).toEqual(sorted(union('judge-proof.ts', 'ProofProblemCode')));
  expect(section('Proof')).toContain(`at most ${MAX_PROOF_OCTETS.toLocaleString('en')} octets`);
  expect(section('Proof')).toContain(`1 to ${MAX_EXTRA_OCTETS.toLocaleString('en')} octets`);
});

test('bundles', () => {
  const said = literals(
    'judge-bundle.ts',
    'bundle-entries.ts',
    'bundle-payloads.ts',
    'bundle-keys.ts',
    'bundle-indexes.ts',
    'bundle-cosignatures.ts',
    'key-epochs.ts',
    'judge-imports.ts',
  ).filter((code) => code !== 'bundle.version');
  expect(named(section('Bundle'))).toEqual(sorted([...said, ...union('bundle-report.ts', 'BundleVerdictCode')]));
  expect(section('Bundle')).toContain(`\`${BUNDLE_FORMAT}\``);
  expect(section('Bundle')).toContain(`at most ${MAX_BUNDLE_LINE_OCTETS.toLocaleString('en')} octets`);
});
