/** `log` sends its span over OTLP too, when the OpenTelemetry variables name a backend. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeTraceRequest, parseTraceRequestJson, type SpanRecord } from '@infrafabric/otlp';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Home } from './run.js';

let server: Server;
let url: string;
let received: { readonly path: string; readonly auth: string | undefined; readonly spans: readonly SpanRecord[] }[] =
  [];

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const body = await bodyOf(request);
    const isJson = request.headers['content-type'] === 'application/json';
    const { spans } = isJson ? parseTraceRequestJson(body.toString()) : decodeTraceRequest(body);
    received.push({ path: request.url ?? '', auth: request.headers.authorization, spans });
    response.writeHead(request.url === '/fails/v1/traces' ? 503 : 200).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());
beforeEach(() => {
  received = [];
});

/** Runs beside the server, which lives in this process. */
async function log(home: Home, env: NodeJS.ProcessEnv, ...more: readonly string[]) {
  const child = home.start(['log', '--event', 'e', '--component', 'c', '--trace-id', 't', ...more], env);
  let stdout = '';
  let stderr = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [exitCode] = (await once(child, 'close')) as [number];
  return { exitCode, stdout, stderr };
}

describe('a backend in the environment', () => {
  test('receives the span that the ledger has', async () => {
    const home = new Home();
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20x' };
    expect(await log(home, env)).toMatchObject({ exitCode: 0, stderr: '' });
    const [entry] = home.trace('t').entries;
    expect(received).toMatchObject([{ path: '/v1/traces', auth: 'Bearer x' }]);
    expect(received[0]?.spans).toMatchObject([
      { traceId: entry?.otel.trace_id, spanId: entry?.otel.span_id, name: 'e' },
    ]);
  });

  test('may ask for JSON, at a path of its own', async () => {
    const env = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${url}/own`, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' };
    expect(await log(new Home(), env)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(received).toMatchObject([{ path: '/own', spans: [{ name: 'e' }] }]);
  });

  test.each([
    ['answers an error', () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: `${url}/fails` }), 'answered HTTP 503'],
    ['is not there', () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }), 'cannot reach 127.0.0.1:9'],
    ['is no URL', () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: 'nowhere' }), 'OTEL_EXPORTER_OTLP_ENDPOINT must be'],
    [
      'asks for a protocol that is not spoken here',
      () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }),
      'OTEL_EXPORTER_OTLP_PROTOCOL=grpc is not supported',
    ],
  ])('that %s is a warning: the event is recorded', async (_, env, why) => {
    const home = new Home();
    const ran = await log(home, env());
    expect(ran).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^seq 1 /) });
    expect(ran.stderr).toContain('warning: recorded, but not sent over OTLP: ');
    expect(ran.stderr).toContain(why);
    expect(home.trace('t').entries).toHaveLength(1);
  });

  test('receives the span also when nobody reads the answer', async () => {
    const child = new Home().start(['log', '--event', 'unread', '--component', 'c'], {
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
    });
    child.stdout!.destroy();
    const [exitCode] = (await once(child, 'close')) as [number];
    expect(exitCode).toBe(0);
    expect(received).toMatchObject([{ spans: [{ name: 'unread' }] }]);
  });

  test('is left alone when the SDK is disabled', async () => {
    await log(new Home(), { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_SDK_DISABLED: 'true' });
    expect(received).toEqual([]);
  });
});
