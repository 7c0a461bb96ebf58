/** Every command block of docs/evidence.md is run, in order, in one folder, as its reader would; the verdicts are those of the page. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/evidence.md'), 'utf8');
/** Each block with the first words behind it, in which the page says what comes out. */
const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```\n+(?:`([^`]+)`)?/gm)].map(([, script, says]) => ({
  script: script!,
  says,
}));

describe('docs/evidence.md', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'evidence-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('says of its verdicts what comes out', () => {
    expect(blocks.filter(({ says }) => says !== undefined).map(({ says }) => says)).toEqual([
      'VALID (anchored)',
      'INVALID: Hash chain broken at entry 2',
      'Signature Verified Successfully',
    ]);
  });

  for (const { script, says } of blocks) {
    test(`runs: ${script.split('\n')[0]}`, () => {
      const { status, stdout, stderr } = spawnSync('bash', ['-euo', 'pipefail', '-c', script], {
        cwd: folder,
        encoding: 'utf8',
        env: {
          ...process.env,
          PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}`,
          IF_WITNESS_HOME: join(folder, 'home'),
        },
      });
      expect({ status, stderr: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, stderr: '' });
      if (says !== undefined) expect(stdout).toContain(says);
    });
  }
});
