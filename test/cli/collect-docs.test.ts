/** What docs/operating.md says of the collector is held against the collector. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ConfigError, flagOf, resolveConfig, settingNames, variableOf } from '@infrafabric/collector';
import { expect, onTestFinished, test } from 'vitest';
import { certificate } from '../../packages/collector/test/config-support.js';
import { parsePrometheus } from '../../packages/collector/test/prometheus-text.js';
import { peer } from '../peers.js';
import { cleanEnv, Home } from './run.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(root, 'docs/operating.md'), 'utf8');
const section = page.slice(page.indexOf('## Running the collector'), page.indexOf('## Trouble'));
const systemd = peer('systemd', ['systemd-analyze', '--version']);

/** Blocks of a page: language, name behind it, text. */
function blocksOf(text: string): { language: string; name: string; text: string }[] {
  return [...text.matchAll(/^```(\w+)(?: (\S+))?\n([\s\S]*?)^```$/gm)].map(([, language, name = '', body]) => ({
    language: language!,
    name,
    text: body!,
  }));
}

function block(name: string): string {
  const found = blocksOf(section).filter((one) => one.name === name);
  expect(found).toHaveLength(1);
  return found[0]!.text;
}

/** First cells of the rows of a table, by a text of its head. */
function firstCells(head: string): string[] {
  const table = section.slice(section.indexOf(head)).split('\n\n')[0]!;
  return table
    .split('\n')
    .slice(2)
    .flatMap((row) => [...(row.split(' | ')[0] ?? '').matchAll(/`([^`{]+)`/g)].map(([, name]) => name!));
}

test('the configuration file of the docs can be used, and its backends are as it says', () => {
  const { cert, key } = certificate();
  const folder = dirname(cert);
  mkdirSync(join(folder, 'creds'));
  writeFileSync(join(folder, 'creds', 'tokens'), 'correct-horse-battery-staple\n', { mode: 0o600 });
  writeFileSync(join(folder, 'creds', 'key.pem'), readFileSync(key), { mode: 0o600 });
  const config = join(folder, 'collector.yaml');
  writeFileSync(config, block('collector.yaml').replace('/etc/if-witness/cert.pem', cert));
  const env = { CREDENTIALS_DIRECTORY: join(folder, 'creds'), VENDOR_KEY: 'v', IF_WITNESS_HOME: join(folder, 'home') };
  const resolved = resolveConfig({ flags: { config }, env });
  expect(resolved.warnings).toEqual([]);
  expect(resolved.config).toMatchObject({
    host: '0.0.0.0',
    tokens: ['correct-horse-battery-staple'],
    forwards: [
      { name: 'jaeger', url: 'http://127.0.0.1:14318/v1/traces' },
      { name: 'vendor', headers: { authorization: 'Bearer v' }, compression: 'gzip', maxBehind: 5_000_000 },
    ],
  });
  const { VENDOR_KEY: _, ...without } = env;
  expect(() => resolveConfig({ flags: { config }, env: without })).toThrow(ConfigError);
});

test('the table of settings has each of them, with what holds by default', () => {
  expect(firstCells('| in the file | default |').sort()).toEqual([...settingNames].sort());
  const help = new Home().witness(['collect', '--help']).stdout;
  for (const name of settingNames) {
    expect(help).toContain(name === 'grpc' ? '--no-grpc' : flagOf(name));
    expect(variableOf(name)).toMatch(/^IF_WITNESS_/);
  }
  const shown = JSON.parse(new Home().witness(['collect', '--check', '--json']).stdout) as {
    config: Record<string, unknown>;
  };
  for (const name of [
    'host',
    'port',
    'grpc',
    'grpc_port',
    'max_body',
    'max_in_flight',
    'memory',
    'shutdown_timeout',
    'log_level',
  ]) {
    expect(section).toContain(`| \`${name}\` | \`${String(shown.config[name])}\` |`);
  }
});

test('the table of events has each that the sources name, and no other', () => {
  const folders = ['packages/collector/src', 'packages/cli/src/collect'];
  const sources = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join(root, folder, name), 'utf8')),
  );
  const named = /'((?:collector|config|ledger|request|forward|budget|keys|self_tracing|anchor)\.[a-z_]+)'/g;
  const events = new Set(sources.flatMap((text) => [...text.matchAll(named)].map(([, event]) => event!)));
  expect(firstCells('| event | |').sort()).toEqual([...events].sort());
});

test('the table of metrics has each that the page has; the health check of the container is right; rules name metrics', async () => {
  const home = new Home();
  mkdirSync(home.beside('anchors'));
  const anchored = ['--anchor-dir', home.beside('anchors')];
  const child = home.start(['collect', '--port', '0', '--no-grpc', '--forward', 'http://127.0.0.1:9', ...anchored], {});
  onTestFinished(() => void child.kill('SIGKILL'));
  let log = '';
  child.stderr!.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  await expect.poll(() => log, { timeout: 20_000 }).toContain('collector.started');
  const url = /"http":"([^"]+)"/.exec(log)![1]!;
  const names = [...parsePrometheus(await (await fetch(`${url}/metrics`)).text()).keys()];
  expect(
    firstCells('| metric | |')
      .filter((name) => /^(otelcol|if_witness)_/.test(name))
      .sort(),
  ).toEqual(names.sort());

  for (const name of block('if-witness-rules.yml').match(/(otelcol|if_witness)_[a-z_]+/g)!)
    expect(names).toContain(name);

  const check = JSON.parse(/^HEALTHCHECK CMD (\[.*\])$/m.exec(block('Containerfile'))![1]!) as string[];
  const healthy = (port: string): number | null => {
    const args = check.slice(1).map((arg) => arg.replace('127.0.0.1:4318', `127.0.0.1:${port}`));
    return spawnSync(process.execPath, args, { env: cleanEnv() }).status;
  };
  const { port } = new URL(url);
  expect(healthy(port)).toBe(0);
  child.kill('SIGTERM');
  while (child.exitCode === null && child.signalCode === null) await sleep(20);
  expect(healthy(port)).toBe(1);
});

test('systemd understands the unit of the docs', (context) => {
  systemd.need(context);
  const home = new Home();
  mkdirSync(home.path);
  const file = join(home.path, 'if-witness-collect.service');
  // The program and the credentials need not be installed here.
  writeFileSync(file, block('if-witness-collect.service').replace('/usr/bin/if-witness', process.execPath));
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
  expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: '' });
});
