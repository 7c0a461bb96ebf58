/** `node --import @infrafabric/exporter/register`, in processes of its own. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { decodeTraceRequest } from '@infrafabric/otlp';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WitnessSpanExporter } from '../dist/index.js';
import { bodies, countSpans, emptyLedger, ledgerOf, lock, spoolFiles, tempHome, until } from './support.js';

const fixtures = fileURLToPath(new URL('fixtures/', import.meta.url));

interface Run {
  readonly child: ChildProcess;
  readonly stderr: () => string;
  /** Resolves with exit code and signal. */
  readonly ended: Promise<[code: number | null, signal: string | null]>;
}

/** Starts the application under register. */
function run(
  ending: string,
  home: string,
  options: { env?: NodeJS.ProcessEnv; cwd?: string; count?: number } = {},
): Run {
  const cwd = options.cwd ?? fixtures;
  const child = fork(join(cwd, 'application.mjs'), [ending, String(options.count ?? 100)], {
    cwd,
    execArgv: ['--import', '@infrafabric/exporter/register'],
    env: { PATH: process.env.PATH, IF_WITNESS_HOME: home, ...options.env },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let stderr = '';
  child.stderr!.on('data', (chunk) => (stderr += String(chunk)));
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, stderr: () => stderr, ended: once(child, 'close') as Run['ended'] };
}

/** What a later process makes of the spool. */
async function drained(home: string, spans: number): Promise<void> {
  const exporter = new WitnessSpanExporter({ home });
  await until(() => countSpans(ledgerOf(home)) === spans);
  await exporter.shutdown();
}

describe('an application under register', () => {
  test('that just ends has all its spans in the ledger, under its own service name', async () => {
    const home = tempHome();
    const { ended, stderr } = run('end', home, { env: { OTEL_SERVICE_NAME: 'shop' } });
    expect(await ended).toEqual([0, null]);
    expect(countSpans(ledgerOf(home))).toBe(100);
    expect(bodies(ledgerOf(home))[0]).toMatchObject({ event: 'span 0', service: 'shop' });
    expect(spoolFiles(home)).toEqual([]);
    expect(stderr()).toBe('');
  });

  test.each([
    ['calls process.exit', 'exit', 3],
    ['dies of an exception', 'throw', 1],
  ])('that %s has them in the spool, and the next process puts them into the ledger', async (_, ending, code) => {
    const home = tempHome();
    expect(await run(ending, home).ended).toEqual([code, null]);
    expect(spoolFiles(home).map(({ mode }) => mode)).toEqual([0o600]);
    await drained(home, 100);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'that gets a %s dies of it after its spans are committed',
    async (signal) => {
      const home = tempHome();
      const { child, ended } = run('wait', home);
      await once(child, 'message');
      child.kill(signal);
      expect(await ended).toEqual([null, signal]);
      expect(countSpans(ledgerOf(home))).toBeGreaterThanOrEqual(100);
      expect(spoolFiles(home)).toEqual([]);
    },
  );

  test('that is busy when the signal comes loses no span that ended before it died', async () => {
    const home = tempHome();
    const { child, ended } = run('busy', home);
    let told = 0;
    child.on('message', (count) => {
      told = Number(count);
      if (told === 200) child.kill('SIGTERM');
    });
    expect(await ended).toEqual([null, 'SIGTERM']);
    expect(told).toBeGreaterThanOrEqual(200);
    const exporter = new WitnessSpanExporter({ home });
    await until(() => countSpans(ledgerOf(home)) >= told && spoolFiles(home).length === 0);
    await exporter.shutdown();
  });

  test('that handles SIGTERM decides itself when to end, and loses nothing', async () => {
    const home = tempHome();
    const { child, ended } = run('decide', home);
    await once(child, 'message');
    child.kill('SIGTERM');
    expect(await ended).toEqual([7, null]);
    await drained(home, 101);
    expect(bodies(ledgerOf(home)).map(({ event }) => event)).toContain('last words');
  });

  test('that uses signal-exit dies of a SIGTERM all the same', async () => {
    const home = tempHome();
    const { child, ended } = run('polite', home);
    await once(child, 'message');
    child.kill('SIGTERM');
    expect(await ended).toEqual([null, 'SIGTERM']);
    expect(countSpans(ledgerOf(home))).toBe(100);
  });

  test('that gets a SIGTERM while the ledger is locked ends within the flush timeout, spans in the spool', async () => {
    const home = tempHome();
    const held = lock(await emptyLedger(home));
    const { child, ended, stderr } = run('wait', home, { env: { IF_WITNESS_FLUSH_TIMEOUT_MS: '500' } });
    await once(child, 'message');
    const began = Date.now();
    child.kill('SIGTERM');
    expect(await ended).toEqual([null, 'SIGTERM']);
    expect(Date.now() - began).toBeLessThan(4_500);
    expect(spoolFiles(home).length).toBeGreaterThan(0);
    expect(
      stderr()
        .split('\n')
        .filter((line) => line !== '').length,
    ).toBeLessThanOrEqual(1);
    held.release();
    const exporter = new WitnessSpanExporter({ home });
    await until(() => countSpans(ledgerOf(home)) >= 100);
    await exporter.shutdown();
  });

  test('that gets a second SIGTERM ends at once, spans in the spool', async () => {
    const home = tempHome();
    lock(await emptyLedger(home));
    const { child, ended } = run('wait', home, { env: { IF_WITNESS_FLUSH_TIMEOUT_MS: '20000' } });
    await once(child, 'message');
    child.kill('SIGTERM');
    await sleep(200);
    const began = Date.now();
    child.kill('SIGTERM');
    expect(await ended).toEqual([null, 'SIGTERM']);
    expect(Date.now() - began).toBeLessThan(4_000);
    expect(spoolFiles(home).length).toBeGreaterThan(0);
  });

  test('has its HTTP requests witnessed by the instrumentations that are installed', async () => {
    const home = tempHome();
    expect(await run('http', home, { count: 0 }).ended).toEqual([0, null]);
    expect(
      bodies(ledgerOf(home))
        .map(({ kind }) => kind)
        .sort(),
    ).toEqual([2, 3]);
  });

  test('sends its spans to the OTLP endpoint as well when one is set', async () => {
    const received: string[] = [];
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (request.url === '/v1/traces')
          received.push(...decodeTraceRequest(Buffer.concat(chunks)).spans.map(({ name }) => name));
        response.end();
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void server.close());
    const home = tempHome();
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await run('end', home, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } }).ended).toEqual([0, null]);
    expect(received).toHaveLength(100);
    expect(countSpans(ledgerOf(home))).toBe(100);
  });

  test('goes on unwitnessed when the SDK is disabled', async () => {
    const home = tempHome();
    const { ended, stderr } = run('end', home, { env: { OTEL_SDK_DISABLED: 'true' } });
    expect(await ended).toEqual([0, null]);
    expect([countSpans(ledgerOf(home)), spoolFiles(home), stderr()]).toEqual([0, [], '']);
  });

  test('goes on when the ledger cannot be created, and says so once', async () => {
    const { ended, stderr } = run('end', '/dev/null/home', {});
    expect(await ended).toEqual([0, null]);
    expect(stderr()).toMatch(/^if-witness: .*\n(if-witness: .*\n)*$/);
    expect(stderr()).toContain('spans are lost');
  });

  test('writes to the ledger that IF_WITNESS_LEDGER names', async () => {
    const home = tempHome();
    const ledger = join(home, 'other.db');
    expect(await run('end', home, { env: { IF_WITNESS_LEDGER: ledger } }).ended).toEqual([0, null]);
    expect([countSpans(ledger), existsSync(ledgerOf(home))]).toEqual([100, false]);
  });

  test('goes on, and is told what to install, when the SDK is missing', async () => {
    const home = tempHome();
    const { ended, stderr } = run('end', home, { cwd: applicationWithoutSdk() });
    expect(await ended).toEqual([0, null]);
    expect(stderr()).toMatch(/^if-witness: nothing is witnessed: .*npm install @opentelemetry\/api.*\n$/);
  });
});

/** A directory with this package and the API, and nothing else of OpenTelemetry. */
function applicationWithoutSdk(): string {
  const cwd = mkdtempSync(join(tmpdir(), 'exporter-application-'));
  onTestFinished(() => rmSync(cwd, { recursive: true }));
  const here = fileURLToPath(new URL('../', import.meta.url));
  const modules = join(cwd, 'node_modules');
  mkdirSync(join(modules, '@infrafabric', 'exporter'), { recursive: true });
  mkdirSync(join(modules, '@opentelemetry'));
  for (const name of ['dist', 'package.json'])
    cpSync(join(here, name), join(modules, '@infrafabric', 'exporter', name), { recursive: true });
  for (const name of ['@infrafabric/ledger', '@infrafabric/otlp', '@infrafabric/semconv', '@opentelemetry/api']) {
    symlinkSync(realpathSync(join(here, 'node_modules', name)), join(modules, name));
  }
  cpSync(join(fixtures, 'application.mjs'), join(cwd, 'application.mjs'));
  return cwd;
}
