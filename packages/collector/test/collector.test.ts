import { once } from 'node:events';
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import {
  type Collector,
  type CollectorConfig,
  defaultCollectorConfig,
  forwardTo,
  Log,
  StartError,
  startCollector,
} from '@infrafabric/collector';
import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { certificate, resolved, tempFolder } from './config-support.js';
import { sampleValue } from './prometheus-text.js';

interface Line {
  readonly level: string;
  readonly event: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** A collector in a home of its own, on free ports, with what it logs. */
async function start(
  changes: Partial<CollectorConfig> = {},
  repeatMs?: number,
): Promise<{ collector: Collector; lines: Line[]; home: string }> {
  const home = changes.home ?? join(tempFolder(), 'home');
  const lines: Line[] = [];
  const log = new Log({
    level: 'debug',
    format: 'json',
    write: (line) => lines.push(JSON.parse(line) as Line),
    repeatMs,
  });
  const grpc = { host: '127.0.0.1', port: 0 };
  const collector = await startCollector({ ...defaultCollectorConfig, home, port: 0, grpc, ...changes }, { log });
  onTestFinished(() => collector.stop(0));
  return { collector, lines, home };
}

let spans = 0;

function traceRequest(): string {
  spans++;
  const spanId = spans.toString(16).padStart(16, '0');
  const span = {
    traceId: '5b8efff798038103d269b633813fc60c',
    spanId,
    name: 'x',
    startTimeUnixNano: '1',
    endTimeUnixNano: '2',
  };
  return JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
}

function send(collector: Collector, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${collector.addresses.http}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: traceRequest(),
  });
}

async function get(collector: Collector, path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(collector.addresses.http + path);
  return { status: response.status, text: await response.text() };
}

function portOf(url: string | undefined): number {
  return Number(new URL(url!).port);
}

/** Whether somebody can listen there now. */
async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  const [outcome] = await Promise.race([
    once(server, 'listening').then(() => ['free']),
    once(server, 'error').then(() => ['busy']),
  ]);
  server.close();
  return outcome === 'free';
}

/** Files under a folder that this process has open. */
function openFilesUnder(folder: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith(folder) ? [target] : [];
    } catch {
      return [];
    }
  });
}

describe('a collector', () => {
  test('says where it is, is ready, counts what it took, and leaves nothing open behind', async () => {
    const { collector, lines, home } = await start();
    expect((await send(collector)).status).toBe(200);
    expect(await get(collector, '/readyz')).toEqual({ status: 200, text: '{"status":"ready"}\n' });
    expect(JSON.parse((await get(collector, '/healthz')).text)).toMatchObject({ status: 'ok', phase: 'serving' });
    const page = await get(collector, '/metrics');
    expect(sampleValue(page.text, 'otelcol_receiver_accepted_spans', { transport: 'http' })).toBe(1);
    await expect.poll(async () => sampleValue(await collector.metrics(), 'if_witness_ledger_entries')).toBe(2);
    expect(sampleValue(page.text, 'if_witness_ledger_size_bytes')).toBeGreaterThan(10_000);
    expect(sampleValue(await collector.metrics(), 'if_witness_commits_total')).toBe(1);
    expect(lines[0]).toMatchObject({
      level: 'info',
      event: 'collector.started',
      http: collector.addresses.http,
      grpc: collector.addresses.grpc,
      ledger: join(home, 'witness.db'),
      forward: [],
    });
    expect(openFilesUnder(home)).not.toEqual([]);
    await Promise.all([collector.stop(1_000), collector.stop(1_000)]);
    expect(openFilesUnder(home)).toEqual([]);
    expect(lines.filter(({ event }) => event === 'collector.stopped')).toHaveLength(1);
    for (const url of [collector.addresses.http, collector.addresses.grpc])
      expect(await isFree(portOf(url))).toBe(true);
  });

  test('has no second door when it is not asked for', async () => {
    const { collector } = await start({ grpc: undefined });
    expect(collector.addresses.grpc).toBeUndefined();
    expect((await send(collector)).status).toBe(200);
  });

  test('shares its ledger with another one', async () => {
    const one = await start();
    const two = await start({ home: one.home });
    const answers = await Promise.all([one, two, one, two].map(({ collector }) => send(collector)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    await expect.poll(async () => sampleValue(await two.collector.metrics(), 'if_witness_ledger_entries')).toBe(5);
  });

  test('with tokens asks for one, also for the metrics, but not for its health; no log line has a token', async () => {
    const { collector, lines } = await start({ tokens: ['the-right-token'] });
    expect((await send(collector)).status).toBe(401);
    expect((await send(collector, { authorization: 'Bearer the-wrong-token' })).status).toBe(401);
    expect((await send(collector, { authorization: 'Bearer the-right-token' })).status).toBe(200);
    expect((await get(collector, '/metrics')).status).toBe(401);
    expect((await get(collector, '/readyz')).status).toBe(200);
    await collector.stop(0);
    expect(lines.filter(({ event }) => event === 'request.refused')).toMatchObject([
      { level: 'warn', code: 'http.401' },
      { code: 'http.401', repeated: 2 },
    ]);
    expect(JSON.stringify(lines)).not.toMatch(/the-(right|wrong)-token/);
    expect(sampleValue(await collector.metrics(), 'if_witness_error_answers_total', { status: '401' })).toBe(3);
  });

  test('logs nothing of what it was sent, also where that cannot be read', async () => {
    const { collector, lines } = await start({}, 0);
    const span = {
      traceId: 's3cret',
      spanId: 's3cret',
      name: 's3cret',
      attributes: [{ key: 's3cret', value: { s3cret: 1 } }],
    };
    const bodies = [
      's3cret',
      '{"s3cret": s3cret',
      JSON.stringify({ resourceSpans: 's3cret' }),
      JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span, { kind: 's3cret' }] }] }] }),
    ];
    for (const body of bodies) {
      for (const type of ['application/json', 'application/x-protobuf', 'application/s3cret']) {
        const headers = { 'content-type': type, 'content-encoding': 'identity', 'x-s3cret': 's3cret' };
        const { status } = await fetch(`${collector.addresses.http}/v1/traces?s3cret`, {
          method: 'POST',
          headers,
          body,
        });
        expect(status).toBeGreaterThanOrEqual(type === 'application/s3cret' ? 415 : 200);
        await get(collector, '/s3cret');
      }
    }
    await collector.stop(0);
    expect(lines.filter(({ event }) => event === 'request.refused').length).toBeGreaterThan(2);
    expect(JSON.stringify(lines)).not.toContain('s3cret');
  });

  test('speaks TLS by the files of its configuration', async () => {
    const { cert, key } = certificate();
    const { tls } = resolved({ flags: { tls_cert: cert, tls_key: key } }).config;
    const { collector } = await start({ tls });
    expect(collector.addresses.http).toMatch(/^https:/);
    const call = request(`${collector.addresses.http}/readyz`, { ca: tls!.cert, agent: false }).end();
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(200);
  });

  test('forwards what it took, and counts it', async () => {
    const bodies: number[] = [];
    const backend = createHttpServer((incoming, response) => {
      let bytes = 0;
      incoming.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      incoming.on('end', () => {
        bodies.push(bytes);
        response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
      });
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void backend.close());
    await once(backend, 'listening');
    const url = `http://127.0.0.1:${(backend.address() as AddressInfo).port}`;
    const { collector, lines } = await start({ forwards: [forwardTo(url, { name: 'sink' })] });
    expect(lines.find(({ event }) => event === 'collector.started')).toMatchObject({
      forward: [`sink ${url}/v1/traces`],
    });
    expect((await send(collector)).status).toBe(200);
    await expect
      .poll(async () => sampleValue(await collector.metrics(), 'otelcol_exporter_sent_spans', { exporter: 'sink' }))
      .toBe(1);
    expect(bodies.length).toBe(1);
    expect(sampleValue(await collector.metrics(), 'otelcol_exporter_queue_capacity', { exporter: 'sink' })).toBe(
      1_000_000,
    );
  });
});

describe('a collector that cannot start', () => {
  async function failure(changes: Partial<CollectorConfig>): Promise<StartError> {
    const error = await start(changes).then(
      () => undefined,
      (cause: unknown) => cause,
    );
    if (!(error instanceof StartError)) throw new Error(`not refused: ${error}`);
    return error;
  }

  test('names the port that is taken and the setting, and leaves nothing open', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void taken.close());
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const home = join(tempFolder(), 'home');
    const byHttp = await failure({ home, port });
    expect(byHttp).toMatchObject({ code: 'address_in_use', hint: expect.stringContaining('--port') });
    expect(byHttp.message).toContain(`127.0.0.1 port ${port}`);
    expect(openFilesUnder(home)).toEqual([]);

    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const free = (probe.address() as AddressInfo).port;
    await new Promise((resolve) => probe.close(resolve));
    const byGrpc = await failure({ home, port: free, grpc: { host: '127.0.0.1', port } });
    expect(byGrpc).toMatchObject({ code: 'address_in_use', hint: expect.stringContaining('--grpc-port') });
    expect(openFilesUnder(home)).toEqual([]);
    expect(await isFree(free)).toBe(true);
  });

  test('because anybody could write to it says so, unless it is told', async () => {
    const open = { host: '0.0.0.0', grpc: undefined };
    expect(await failure(open)).toMatchObject({ code: 'open_to_all' });
    expect(await failure({ grpc: { host: '::', port: 0 } })).toMatchObject({ code: 'open_to_all' });
    await start({ ...open, insecureListen: true });
    await start({ ...open, tokens: ['the-right-token'] });
  });

  test('because its ledger must be mended says so', async () => {
    const home = tempFolder();
    writeFileSync(join(home, 'witness.db'), 'no database at all, and long enough to be looked at. '.repeat(100));
    expect(await failure({ home })).toMatchObject({ code: 'corrupt', hint: expect.any(String) });
    expect(openFilesUnder(home)).toEqual([]);
  });
});

test('a ledger that is locked is waited for: not ready, 503, and ready again by itself', {
  timeout: 60_000,
}, async () => {
  const { collector: first, home } = await start();
  await first.stop(0);
  const other = new Database(join(home, 'witness.db'));
  onTestFinished(() => void other.close());
  other.exec('BEGIN IMMEDIATE');
  const { collector, lines } = await start({ home });
  const ready = await get(collector, '/readyz');
  expect(ready.status).toBe(503);
  expect(JSON.parse(ready.text)).toMatchObject({ status: 'unavailable', reason: 'ledger.locked' });
  expect((await get(collector, '/healthz')).status).toBe(200);
  const refused = await send(collector);
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
  expect(sampleValue(await collector.metrics(), 'if_witness_ready')).toBe(0);
  other.exec('ROLLBACK');
  await expect.poll(async () => (await get(collector, '/readyz')).status, { timeout: 20_000 }).toBe(200);
  expect((await send(collector)).status).toBe(200);
  const events = lines.map(({ event }) => event).filter((event) => event.startsWith('ledger.'));
  expect(events).toEqual(['ledger.unavailable', 'ledger.available']);
  const page = await collector.metrics();
  expect(sampleValue(page, 'otelcol_receiver_refused_spans', { transport: 'http' })).toBe(1);
  expect(sampleValue(page, 'otelcol_receiver_accepted_spans', { transport: 'http' })).toBe(1);
});
