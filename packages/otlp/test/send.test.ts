import { spawnSync } from 'node:child_process';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import {
  OtlpSendError,
  otlpEndpointFromEnv,
  type SendTraceRequest,
  sendTraceRequest,
  tracesEndpoint,
} from '../dist/send.js';

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

/** Starts a server that answers with `handle`; returns its URL. */
async function serve(
  handle: (request: IncomingMessage, response: ServerResponse, body: Buffer) => void,
): Promise<string> {
  const started = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => handle(request, response, Buffer.concat(chunks)));
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(started.address() as AddressInfo).port}/v1/traces`;
}

function send(endpoint: string, change: Partial<SendTraceRequest> = {}): ReturnType<typeof sendTraceRequest> {
  return sendTraceRequest({
    endpoint,
    body: Uint8Array.of(1, 2, 3),
    contentType: 'application/x-protobuf',
    timeoutMs: 5_000,
    ...change,
  });
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => new Error('no error'),
    (reason: unknown) => reason,
  );
  if (error instanceof OtlpSendError) return error.code;
  throw error;
}

describe('sendTraceRequest', () => {
  test('posts the body with its type and headers and returns the answer', async () => {
    const endpoint = await serve((request, response, body) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.end(
        JSON.stringify([
          request.method,
          request.url,
          request.headers['content-type'],
          request.headers['x-key'],
          request.headers['content-length'],
          [...body],
        ]),
      );
    });
    const answer = await send(endpoint, { headers: { 'X-Key': 'secret' } });
    expect(answer.status).toBe(200);
    expect(answer.retryAfter).toBeUndefined();
    expect(JSON.parse(Buffer.from(answer.body).toString())).toStrictEqual([
      'POST',
      '/v1/traces',
      'application/x-protobuf',
      'secret',
      '3',
      [1, 2, 3],
    ]);
  });

  test('sends text as UTF-8', async () => {
    const endpoint = await serve((_, response, body) => response.end(body));
    const answer = await send(endpoint, { body: '{"é":1}', contentType: 'application/json' });
    expect(Buffer.from(answer.body).toString()).toBe('{"é":1}');
  });

  test('compresses the body when told', async () => {
    const endpoint = await serve((request, response, body) => {
      response.end(JSON.stringify([request.headers['content-encoding'], gunzipSync(body).toString()]));
    });
    const answer = await send(endpoint, { body: 'text', contentType: 'application/json', compression: 'gzip' });
    expect(JSON.parse(Buffer.from(answer.body).toString())).toStrictEqual(['gzip', 'text']);
  });

  test('sends one request after the other over one connection', async () => {
    const endpoint = await serve((request, response) => response.end(String(request.socket.remotePort)));
    const ports = new Set<string>();
    for (let i = 0; i < 5; i++) ports.add(Buffer.from((await send(endpoint)).body).toString());
    expect(ports.size).toBe(1);
  });

  test('takes a new connection where the kept one turns out to be closed', async () => {
    let requests = 0;
    const endpoint = await serve((request, response) => {
      if (requests++ === 1) request.socket.resetAndDestroy();
      else response.end('taken');
    });
    await send(endpoint);
    expect(Buffer.from((await send(endpoint)).body).toString()).toBe('taken');
    expect(requests).toBe(3);
  });

  test('an error status is an answer', async () => {
    const endpoint = await serve((_, response) => response.writeHead(503, { 'retry-after': '7' }).end('busy'));
    expect(await send(endpoint)).toStrictEqual({
      status: 503,
      contentType: undefined,
      body: Uint8Array.from(Buffer.from('busy')),
      retryAfter: '7',
    });
  });

  test('a redirect is not followed', async () => {
    const endpoint = await serve((_, response) => response.writeHead(307, { location: '/elsewhere' }).end());
    expect((await send(endpoint)).status).toBe(307);
  });

  test('no answer in time is a timeout', async () => {
    const endpoint = await serve(() => {});
    expect(await codeOf(send(endpoint, { timeoutMs: 50 }))).toBe('timeout');
  });

  test('an answer that does not end in time is a timeout', async () => {
    const endpoint = await serve((_, response) => response.write('x'));
    expect(await codeOf(send(endpoint, { timeoutMs: 100 }))).toBe('timeout');
  });

  test('a connection that breaks before or in the answer is a connection error', async () => {
    const before = await serve((request) => request.socket.destroy());
    expect(await codeOf(send(before))).toBe('connection');
    server?.close();
    const within = await serve((request, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('x', () => request.socket.destroy());
    });
    expect(await codeOf(send(within))).toBe('connection');
  });

  test('nobody there is a connection error that names the host and not the headers', async () => {
    const endpoint = await serve(() => {});
    await new Promise((resolve) => server?.close(resolve));
    const error = await send(endpoint, { headers: { authorization: 'secret' } }).catch((reason: Error) => reason);
    expect(error).toMatchObject({ code: 'connection', message: expect.stringContaining(new URL(endpoint).host) });
    expect(String(error)).not.toContain('secret');
  });

  test('an endless answer is cut off', async () => {
    const endpoint = await serve((_, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', more);
      more();
    });
    expect(await codeOf(send(endpoint))).toBe('response_too_large');
  });

  test.each([
    ['ftp://localhost/v1/traces', {}],
    ['localhost:4318', {}],
    ['http://127.0.0.1:1/', { 'x-key': 'a\r\nb: c' }],
  ])('%s with %j is a bad request', async (endpoint, headers) => {
    expect(await codeOf(send(endpoint, { headers }))).toBe('bad_request');
  });
});

describe('otlpEndpointFromEnv', () => {
  const standard = {
    kind: 'endpoint',
    endpoint: 'http://localhost:4318/v1/traces',
    headers: {},
    contentType: 'application/x-protobuf',
    timeoutMs: 10_000,
    configured: false,
  };

  test('without variables is the default of the specification', () => {
    expect(otlpEndpointFromEnv({})).toStrictEqual(standard);
    expect(otlpEndpointFromEnv({ OTEL_EXPORTER_OTLP_ENDPOINT: '', OTEL_EXPORTER_OTLP_TIMEOUT: ' ' })).toStrictEqual(
      standard,
    );
  });

  test.each([
    ['http://host:1', 'http://host:1/v1/traces'],
    ['http://host:1/', 'http://host:1/v1/traces'],
    ['https://host/prefix/', 'https://host/prefix/v1/traces'],
    ['https://host/prefix?key=1', 'https://host/prefix/v1/traces?key=1'],
  ])('a general endpoint %s gets the path', (general, endpoint) => {
    expect(otlpEndpointFromEnv({ OTEL_EXPORTER_OTLP_ENDPOINT: general })).toStrictEqual({
      ...standard,
      endpoint,
      configured: true,
    });
  });

  test('a traces endpoint is used as it is', () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://other', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://host:1/x' };
    expect(otlpEndpointFromEnv(env)).toStrictEqual({ ...standard, endpoint: 'http://host:1/x', configured: true });
  });

  test('headers are decoded and joined, those for traces winning', () => {
    const env = {
      OTEL_EXPORTER_OTLP_HEADERS: 'Api-Key=a%20b, other = 1 ,,eq=a=b',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'other=2,odd=100%',
    };
    expect(otlpEndpointFromEnv(env)).toStrictEqual({
      ...standard,
      headers: { 'api-key': 'a b', other: '2', eq: 'a=b', odd: '100%' },
    });
  });

  test('protocol and timeout, those for traces winning', () => {
    const env = {
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_TIMEOUT: '5',
      OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '250',
    };
    expect(otlpEndpointFromEnv(env)).toStrictEqual({ ...standard, contentType: 'application/json', timeoutMs: 250 });
  });

  test.each([
    ['unsupported_protocol', { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }],
    ['unsupported_protocol', { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/xml' }],
    ['unsupported_protocol', { OTEL_EXPORTER_OTLP_PROTOCOL: 'constructor' }],
    ['bad_endpoint', { OTEL_EXPORTER_OTLP_ENDPOINT: 'localhost:4317' }],
    ['bad_endpoint', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'not a url' }],
    ['bad_headers', { OTEL_EXPORTER_OTLP_HEADERS: 'no-value' }],
    ['bad_headers', { OTEL_EXPORTER_OTLP_HEADERS: 'a b=c' }],
    ['bad_headers', { OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'key=a%0d%0aevil: 1' }],
    ['bad_timeout', { OTEL_EXPORTER_OTLP_TIMEOUT: '1s' }],
    ['bad_timeout', { OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '0' }],
  ])('%s: %j is a problem that names the variable', (code, env) => {
    const [name] = Object.keys(env);
    expect(otlpEndpointFromEnv(env)).toStrictEqual({ kind: 'problem', code, message: expect.stringContaining(name!) });
  });

  test('a problem with a header does not show its value', () => {
    expect(JSON.stringify(otlpEndpointFromEnv({ OTEL_EXPORTER_OTLP_HEADERS: 'key=se%0acret' }))).not.toContain('cret');
  });

  test.each(['true', 'TRUE', ' true '])('a disabled SDK (%j) sends nowhere', (value) => {
    expect(otlpEndpointFromEnv({ OTEL_SDK_DISABLED: value, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x' })).toBeUndefined();
    expect(otlpEndpointFromEnv({ OTEL_SDK_DISABLED: 'false' })).toStrictEqual(standard);
  });
});

test.each([
  ['http://host:4318', 'http://host:4318/v1/traces'],
  ['https://host/', 'https://host/v1/traces'],
  ['http://host?key=1', 'http://host/v1/traces?key=1'],
  ['http://host/own', 'http://host/own'],
  ['http://host/v1/traces', 'http://host/v1/traces'],
  ['ftp://host', undefined],
  ['host:4318', undefined],
])('%s as a person writes it is %s', (given, endpoint) => {
  expect(tracesEndpoint(given)?.href).toBe(endpoint);
});

test('loading the client loads neither node:http nor fetch', () => {
  const url = new URL('../dist/send.js', import.meta.url).href;
  const script = `await import(${JSON.stringify(url)}); console.log(JSON.stringify(process.moduleLoadList))`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  const loaded = JSON.parse(stdout) as string[];
  expect(loaded).toContain('NativeModule url');
  expect(loaded).not.toContain('NativeModule http');
  expect(loaded).not.toContain('NativeModule internal/deps/undici/undici');
});
