/** The page that ships is what its sources make, and the same every time. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const cli = fileURLToPath(new URL('../../packages/cli/', import.meta.url));
const page = readFileSync(join(cli, 'dist/verify-page.html'), 'utf8');

test('building the page again gives the same octets', () => {
  const directory = mkdtempSync(join(tmpdir(), 'page-'));
  try {
    const file = join(directory, 'page.html');
    // Elsewhere, so that no path can get in.
    execFileSync(process.execPath, [join(cli, 'page/build.mjs'), file], { cwd: directory });
    expect(readFileSync(file, 'utf8') === page).toBe(true);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('the page is one file that asks for nothing', () => {
  expect(page).toContain("default-src 'none'");
  expect(page).not.toMatch(/\{\{|\0|\r/);
  expect(page.match(/<script/g)).toHaveLength(1);
  expect(page).not.toMatch(/<link|<img|<iframe|src=|@import|url\(/);
  expect(page).not.toContain(cli);
});
