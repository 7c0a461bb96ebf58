/**
 * Every file that the matrix makes is shown to the second verifier too, which shares no code with ours: at the end of a
 * test file, all of them in one process. Heads, anchors and --deep are ours alone, so verdicts that used them are left out.
 */
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { encodeVkey } from '@infrafabric/format';
import type { Report } from '@infrafabric/verify';
import { peer } from '../peers.js';
import type { How } from './ledger-files.js';

const SCRIPT = fileURLToPath(new URL('children/second-opinions.py', import.meta.url));
const EXIT_CODES = { VALID: 0, INVALID: 1, INCOMPLETE: 3 } as const;

interface Opinion {
  readonly verdict: Report['verdict'];
  readonly found: string;
  readonly vkey: string | null;
  /** The policy's file. */
  readonly policy: string | null;
  readonly state: string;
}

const opinions = new Map<string, Opinion>();

/** Notes what our verifier said of a file. */
export function noteOpinion(
  path: string,
  { head, anchors, requireAnchor, deep, key, policy, asked }: How,
  report: Report,
): void {
  if (head !== undefined || (anchors ?? []).length > 0 || requireAnchor === true || deep === true) return;
  if (asked !== undefined) return;
  opinions.set(path, {
    verdict: report.verdict,
    found: report.problems.map(({ code }) => code).join(),
    vkey: key === undefined ? null : encodeVkey(key.name, key.publicKey),
    policy: policy?.from ?? null,
    state: stateOf(path),
  });
}

/** Asks the second verifier about every file that is still as ours saw it. @returns the disagreements. */
export function disagreements(): string[] {
  const asked = [...opinions].filter(([path, { state }]) => state === stateOf(path));
  if (asked.length === 0 || !present()) return [];
  const input = asked.map(([path, { vkey, policy }]) => `${JSON.stringify([path, vkey, policy])}\n`).join('');
  const run = spawnSync('python3', [SCRIPT], { input, encoding: 'utf8', maxBuffer: 1e8 });
  const answers = run.stdout.split('\n').filter(Boolean);
  if (answers.length !== asked.length)
    return [`it ended after ${answers.length} of ${asked.length} files: ${run.stderr}`];
  return answers.flatMap((line, i) => {
    const [code, sentence] = JSON.parse(line) as [number, string];
    const { verdict, found } = asked[i]![1];
    return code === EXIT_CODES[verdict] ? [] : [`${asked[i]![0]}: ours ${verdict} (${found}), second ${sentence}`];
  });
}

function present(): boolean {
  return (
    peer('python3', ['python3', '-c', 'import sqlite3']).present &&
    peer('openssl', ['openssl', 'pkeyutl', '-help']).present
  );
}

function stateOf(path: string): string {
  return ['', '-wal', '-journal']
    .map((suffix) => statSync(path + suffix, { throwIfNoEntry: false }))
    .map((file) => (file === undefined || file.size === 0 ? 'none' : `${file.ino} ${file.size} ${file.mtimeMs}`))
    .join();
}
