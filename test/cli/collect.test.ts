/** `if-witness collect` as it ships: a process, its log, its doors, signals. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ExportResult } from '@opentelemetry/core';
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtoExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parsePrometheus, sampleValue } from '../../packages/collector/test/prometheus-text.js';
import { cleanEnv, Home, programPath } from './run.js';

interface Line {
  readonly time: string;
  readonly level: string;
  readonly event: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** A collector that runs, with its log as it comes. */
class Running {
  readonly child: ChildProcess;
  readonly lines: Line[] = [];
  readonly ended: Promise<[code: number | null, signal: string | null]>;
  #onLine: () => void = () => undefined;

  constructor(home: Home, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
    const ports = ['--port', '0', '--grpc-port', '0'];
    this.child = spawn(process.execPath, [programPath('if-witness'), 'collect', ...ports, ...args], {
      env: cleanEnv({ IF_WITNESS_HOME: home.path, ...env }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.ended = once(this.child, 'exit') as Promise<[number | null, string | null]>;
    createInterface({ input: this.child.stderr! }).on('line', (line) => {
      if (line.startsWith('{')) this.lines.push(JSON.parse(line) as Line);
      this.#onLine();
    });
    onTestFinished(() => void this.child.kill('SIGKILL'));
  }

  /** The first line of an event, now or when it comes. */
  async logged(event: string): Promise<Line> {
    for (;;) {
      const found = this.lines.find((line) => line.event === event);
      if (found !== undefined) return found;
      const next = new Promise<'line'>((resolve) => {
        this.#onLine = () => resolve('line');
      });
      const first = await Promise.race([next, this.ended.then(() => 'end' as const)]);
      // What was written last may be read after the end.
      if (first === 'end') await sleep(50);
      if (first === 'end' && !this.lines.some((line) => line.event === event)) {
        throw new Error(`ended without ${event}: ${JSON.stringify(this.lines)}`);
      }
    }
  }

  /** Where it listens. */
  async url(): Promise<string> {
    return (await this.logged('collector.started')).http as string;
  }

  /** Lets it end by a signal. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<[code: number | null, signal: string | null]> {
    this.child.kill(signal);
    return this.ended;
  }
}

/** Finished spans of the SDK, one trace. */
function finishedSpans(count: number): ReadableSpan[] {
  const memory = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'collect-test' }),
    spanProcessors: [new SimpleSpanProcessor(memory)],
  });
  for (let i = 0; i < count; i++) {
    provider
      .getTracer('test')
      .startSpan(`span ${i}`, { attributes: { 'witness.trace.id': 'collect-1', i } })
      .end();
  }
  return memory.getFinishedSpans();
}

interface SpanExporter {
  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void;
  shutdown(): Promise<void>;
}

async function exported(exporter: SpanExporter, spans: ReadableSpan[]): Promise<number> {
  const result = await new Promise<ExportResult>((resolve) => exporter.export(spans, resolve));
  await exporter.shutdown();
  return result.code;
}

function jsonRequest(spanId: string, attributes: readonly object[] = []): string {
  const times = { startTimeUnixNano: '1763000000000000000', endTimeUnixNano: '1763000001000000000' };
  const span = { traceId: '5b8efff798038103d269b633813fc60c', spanId, name: 'GET /', ...times, attributes };
  return JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
}

function send(url: string, body: string): Promise<Response> {
  return fetch(`${url}/v1/traces`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
}

describe('a collector', () => {
  test('takes spans from the exporters of the SDK by protobuf, JSON and gRPC; its pages and the ledger agree', async () => {
    const home = new Home();
    const running = new Running(home);
    const url = await running.url();
    const { grpc, ledger } = await running.logged('collector.started');
    expect(ledger).toBe(home.ledger);
    expect(await exported(new ProtoExporter({ url: `${url}/v1/traces` }), finishedSpans(3))).toBe(0);
    expect(await exported(new JsonExporter({ url: `${url}/v1/traces` }), finishedSpans(4))).toBe(0);
    expect(await exported(new GrpcExporter({ url: grpc as string }), finishedSpans(5))).toBe(0);
    const page = await (await fetch(`${url}/metrics`)).text();
    expect(parsePrometheus(page).size).toBeGreaterThan(15);
    expect(sampleValue(page, 'otelcol_receiver_accepted_spans', { transport: 'http' })).toBe(7);
    expect(sampleValue(page, 'otelcol_receiver_accepted_spans', { transport: 'grpc' })).toBe(5);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect(await running.stop()).toEqual([0, null]);
    expect(home.trace('collect-1').entries).toHaveLength(12);
    expect(home.witness(['verify', '-q']).exitCode).toBe(0);
    expect(running.lines.map(({ event }) => event)).toEqual([
      'collector.started',
      'collector.signal',
      'collector.stopping',
      'collector.stopped',
    ]);
  });

  test('writes nothing to stdout', async () => {
    const running = new Running(new Home());
    let stdout = '';
    running.child.stdout!.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    await send(await running.url(), jsonRequest('00f067aa0ba902b7'));
    await running.stop('SIGINT');
    expect(stdout).toBe('');
  });

  test('says in its log what a budget has to say', async () => {
    const home = new Home();
    home.optimise(['budget', '--set', '1', '--period', 'total']);
    const running = new Running(home);
    const cost = { key: 'witness.cost.usd', value: { stringValue: '2' } };
    expect((await send(await running.url(), jsonRequest('00f067aa0ba902b7', [cost]))).status).toBe(200);
    expect(await running.logged('budget.alert')).toMatchObject({ budget: 'total' });
    await running.stop();
  });

  test('by the text of its log is read by people', async () => {
    const home = new Home();
    const running = new Running(home, ['--log-format', 'text']);
    let text = '';
    running.child.stderr!.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    await expect
      .poll(() => text)
      .toMatch(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}collecting http=http:\/\/127\.0\.0\.1:\d+ .*\n$/);
    await running.stop();
    expect(text).not.toContain('\x1b');
  });
});

describe('a stop', () => {
  test('answers and commits what is under way, then ends with 0', async () => {
    const home = new Home();
    const running = new Running(home);
    const url = await running.url();
    const other = new Database(home.ledger);
    onTestFinished(() => void other.close());
    other.exec('BEGIN IMMEDIATE');
    const answer = send(url, jsonRequest('00f067aa0ba902b7'));
    await expect
      .poll(async () => sampleValue(await (await fetch(`${url}/metrics`)).text(), 'if_witness_in_flight_spans'))
      .toBe(1);
    running.child.kill('SIGTERM');
    await running.logged('collector.stopping');
    await expect(fetch(`${url}/readyz`)).rejects.toThrow();
    other.exec('ROLLBACK');
    expect((await answer).status).toBe(200);
    expect(await running.ended).toEqual([0, null]);
    expect(home.trace('5b8efff798038103d269b633813fc60c').entries).toHaveLength(1);
    expect(home.witness(['verify', '-q']).exitCode).toBe(0);
  });

  test('cuts who is not done by the deadline, and acknowledges nothing of theirs', async () => {
    const home = new Home();
    const running = new Running(home, ['--shutdown-timeout', '300ms']);
    const { hostname, port } = new URL(await running.url());
    const headers = { 'content-type': 'application/json', 'content-length': '1000' };
    const call = httpRequest({ hostname, port, method: 'POST', path: '/v1/traces', headers, agent: new Agent() });
    const outcome = once(call, 'response').then(
      () => 'answered',
      () => 'cut',
    );
    call.write('{"resourceSpans":');
    await sleep(200);
    expect(await running.stop()).toEqual([0, null]);
    expect(await outcome).toBe('cut');
    expect(home.witness(['verify', '-q']).exitCode).toBe(0);
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('by a second %s is at once, with %i', async (signal, code) => {
    const home = new Home();
    const running = new Running(home, ['--shutdown-timeout', '60s']);
    const { hostname, port } = new URL(await running.url());
    const call = httpRequest({
      hostname,
      port,
      method: 'POST',
      path: '/v1/traces',
      headers: { 'content-length': '9' },
    });
    call.on('error', () => undefined);
    call.write('{');
    await sleep(200);
    running.child.kill('SIGTERM');
    await running.logged('collector.stopping');
    expect(await running.stop(signal)).toEqual([code, null]);
    expect(home.witness(['verify', '-q']).exitCode).toBe(0);
  });

  test('is not what SIGHUP asks for', async () => {
    const running = new Running(new Home());
    const url = await running.url();
    running.child.kill('SIGHUP');
    await running.logged('collector.hangup');
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect(await running.stop()).toEqual([0, null]);
  });
});

describe('a collector that cannot start', () => {
  test('because a port is taken ends with 2 and names the setting, as text and as JSON', async () => {
    const home = new Home();
    const taken = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void taken.close());
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    // The server of this process cannot be asked while spawnSync waits, and need not be.
    const args = ['collect', '--port', String(port), '--no-grpc'];
    const text = home.witness([...args, '--log-format', 'text']);
    expect(text).toMatchObject({ exitCode: 2, stdout: '' });
    expect(text.stderr).toMatch(
      /^error: cannot listen on 127\.0\.0\.1 port \d+: .*\nhint: --host and --port say where it listens\n$/,
    );
    const json = home.witness([...args, '--json']);
    expect(json).toMatchObject({ exitCode: 2, stdout: '' });
    expect(JSON.parse(json.stderr)).toMatchObject({
      level: 'error',
      event: 'collector.failed',
      error: { code: 'address_in_use', hint: expect.stringContaining('--port') },
    });
  });

  test('because of its configuration ends with 2 and says everything that is wrong', () => {
    const home = new Home();
    const { exitCode, stdout, stderr } = home.witness(['collect', '--host', '0.0.0.0', '--port', 'http'], {
      env: { IF_WITNESS_COLLECT_MEMORY: 'lots\x1b[2J' },
    });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr.split('\n').map((line) => line.trim().split(':')[0])).toEqual([
      'error',
      '--host',
      '--port',
      'IF_WITNESS_COLLECT_MEMORY',
      '',
    ]);
    expect(stderr).not.toContain('\x1b');
    expect(existsSync(home.path)).toBe(false);
  });
});

describe('--check', () => {
  test('shows what would hold and who set it, and makes nothing', () => {
    const home = new Home();
    const { exitCode, stdout, stderr } = home.witness(
      ['collect', '--check', '--port', '0', '--forward', 'http://a:1'],
      {
        env: { IF_WITNESS_COLLECT_MAX_BODY: '1MiB' },
      },
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: 'the configuration can be used\n' });
    expect(stdout).toMatch(/^port +0 {2}\(--port\)$/m);
    expect(stdout).toMatch(/^max_body +1MiB {2}\(IF_WITNESS_COLLECT_MAX_BODY\)$/m);
    expect(stdout).toMatch(/^ {2}url +http:\/\/a:1\/v1\/traces$/m);
    expect(existsSync(home.path)).toBe(false);
  });

  test('as JSON is the result, good or bad', () => {
    const home = new Home();
    const good = home.witness(['collect', '--check', '--json', '--port', '0']);
    expect(good).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(good.stdout)).toMatchObject({
      ok: true,
      problems: [],
      warnings: [],
      config: { host: '127.0.0.1', port: 0, forward: [] },
      sources: { host: 'default', port: '--port' },
    });
    const bad = home.witness(['collect', '--check', '--json', '--port', 'x', '--token-file', '/does/not/exist']);
    expect(bad).toMatchObject({ exitCode: 2, stderr: '' });
    expect(JSON.parse(bad.stdout)).toMatchObject({
      ok: false,
      config: null,
      problems: [{ source: '--port' }, { source: '--token-file' }],
    });
  });

  test('masks what is secret, wherever it comes from', () => {
    const home = new Home();
    const tokens = home.beside('tokens');
    const config = home.beside('c.yaml');
    writeFileSync(tokens, 's3cret-token-of-a-sender\n', { mode: 0o600 });
    writeFileSync(
      config,
      `forward:\n  url: https://a.example.com/?key=s3cret\n  headers: { authorization: "Bearer \${env:KEY}" }\n`,
    );
    for (const more of [[], ['--json']]) {
      const args = ['collect', '--check', '--config', config, '--token-file', tokens, ...more];
      const { exitCode, stdout, stderr } = home.witness(args, { env: { KEY: 's3cret' } });
      expect(exitCode).toBe(0);
      expect(stdout).toContain('authorization');
      expect(stdout + stderr).not.toContain('s3cret');
    }
  });
});

test('an SDK that NODE_OPTIONS loads does not make the collector trace itself', { timeout: 60_000 }, async () => {
  const home = new Home();
  const register = pathToFileURL(
    fileURLToPath(new URL('../../packages/exporter/dist/register.js', import.meta.url)),
  ).href;
  const running = new Running(home, [], { NODE_OPTIONS: `--import ${register}` });
  const url = await running.url();
  for (let i = 1; i <= 5; i++) expect((await send(url, jsonRequest(`00f067aa0ba9000${i}`))).status).toBe(200);
  // The processor of the register module writes what it has within half a second.
  await sleep(1_500);
  expect(await running.stop()).toEqual([0, null]);
  const rows = home.witness(['export', '--format', 'csv']).stdout.split('\n');
  expect(rows.filter((row) => row.includes(',span,'))).toHaveLength(5);
  expect(running.lines).toContainEqual(expect.objectContaining({ level: 'warn', event: 'self_tracing.off' }));
  expect(existsSync(`${home.path}/spool`) ? readdirSync(`${home.path}/spool`, { recursive: true }) : []).toEqual([]);
});
