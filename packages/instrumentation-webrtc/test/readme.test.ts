import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import * as names from '../dist/names.js';

const folder = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(`${folder}README.md`, 'utf8');
const manifest = JSON.parse(readFileSync(`${folder}package.json`, 'utf8')) as { name: string; version: string };

test('the example of the README prints what the README says', () => {
  const [, script, output] = /```js\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```/.exec(readme)!;
  // From the repository's folder: the SDK is not a dependency of the package.
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', script!], {
    cwd: `${folder}../..`,
    encoding: 'utf8',
  });
  expect(run.stderr).toBe('');
  expect(run.stdout).toBe(output);
});

test('the page’s block installs itself around the constructor', () => {
  const [, block] = /```js page\n([\s\S]*?)```/.exec(readme)!;
  const script = `
    globalThis.RTCPeerConnection = class { addEventListener() {} };
    const [provider, before] = [{}, RTCPeerConnection];
    ${block}
    if (RTCPeerConnection === before) throw new Error('not installed');`;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: folder, encoding: 'utf8' });
  expect([run.status, run.stderr]).toEqual([0, '']);
});

test('every event is in the README', () => {
  const events = Object.entries(names).filter(([name]) => name.startsWith('EVENT_'));
  expect(events.length).toBeGreaterThan(12);
  for (const [, event] of events) expect(readme).toContain(`\`${event}\``);
});

test('the scope is the package, in its version', () => {
  expect(names.WEBRTC_SCOPE).toEqual({ name: manifest.name, version: manifest.version });
});

test('no file imports a module of Node', () => {
  for (const file of readdirSync(`${folder}src`)) {
    expect(readFileSync(`${folder}src/${file}`, 'utf8')).not.toMatch(/from '(node:|fs|crypto|events)/);
  }
});
