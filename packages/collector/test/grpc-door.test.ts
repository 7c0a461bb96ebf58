/** What the gRPC door answers to whom: the OTel SDK's own exporter, a gRPC client, and calls written by hand. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { decodeTraceRequest } from '@infrafabric/otlp';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { describe, expect, onTestFinished, test } from 'vitest';
import { peer } from '../../../test/peers.js';
import { BearerTokens } from '../dist/door/bearer-tokens.js';
import type { Door } from '../dist/door/door.js';
import type { IntakeAnswer } from '../dist/index.js';
import {
  beginCall,
  code,
  decode,
  MAX_BODY_BYTES,
  message,
  type OpenedDoor,
  openGrpcDoor,
  openSession,
  send,
} from './grpc-door-harness.js';
import { holds, STORED } from './http-door-harness.js';

const openssl = peer('openssl', ['openssl', 'version']);
const TOKEN = 'a-token-of-the-collector';

type ExporterConfig = ConstructorParameters<typeof OTLPTraceExporter>[0];

/** Three finished spans, and what the SDK's exporter says of them. */
async function exportSpans(
  door: Door,
  config: ExporterConfig = {},
  origin = 'http://127.0.0.1',
): Promise<ExportResult> {
  const spans = new InMemorySpanExporter();
  const tracers = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
  for (let i = 0; i < 3; i++)
    tracers
      .getTracer('test')
      .startSpan(`span ${i}`, { attributes: { text: 'é'.repeat(99) } })
      .end();
  const exporter = new OTLPTraceExporter({
    url: `${origin}:${door.port}`,
    timeoutMillis: 5_000,
    ...config,
  });
  try {
    return await new Promise((resolve) => exporter.export(spans.getFinishedSpans(), resolve));
  } finally {
    await exporter.shutdown();
  }
}

function spanNames({ intake }: OpenedDoor): string[] {
  return intake.received.flatMap(({ body, encoding, transport }) => {
    expect([encoding, transport]).toEqual(['protobuf', 'grpc']);
    return decodeTraceRequest(body).spans.map(({ name }) => name);
  });
}

describe('the exporter of the OTel SDK', () => {
  const threeSpans = ['span 0', 'span 1', 'span 2'];

  test.each([
    ['as it is', {}],
    ['with gzip', { compression: 'gzip' as never }],
  ])('%s delivers its spans', async (_, config) => {
    const opened = await openGrpcDoor();
    expect(await exportSpans(opened.door, config as ExporterConfig)).toEqual({ code: ExportResultCode.SUCCESS });
    expect(spanNames(opened)).toEqual(threeSpans);
  });

  test('is heard with a token and not without', async () => {
    const opened = await openGrpcDoor({ tokens: new BearerTokens([TOKEN]) });
    const metadata = (token: string): Metadata => {
      const result = new Metadata();
      result.set('authorization', `Bearer ${token}`);
      return result;
    };
    for (const config of [{}, { metadata: metadata('another') }]) {
      const { code: result, error } = await exportSpans(opened.door, config);
      expect(result).toBe(ExportResultCode.FAILED);
      expect((error as ServiceError).code).toBe(code.unauthenticated);
    }
    expect(opened.intake.received).toEqual([]);
    await exportSpans(opened.door, { metadata: metadata(TOKEN) });
    expect(spanNames(opened)).toEqual(threeSpans);
  });

  test('delivers over TLS, and not to a door whose certificate it does not know', async (context) => {
    openssl.need(context);
    const tls = selfSigned();
    const opened = await openGrpcDoor({ tls });
    const trusting = { credentials: credentials.createSsl(Buffer.from(tls.cert)) };
    expect((await exportSpans(opened.door, trusting, 'https://localhost')).code).toBe(ExportResultCode.SUCCESS);
    const distrusting = { credentials: credentials.createSsl(), timeoutMillis: 1_000 };
    expect((await exportSpans(opened.door, distrusting, 'https://localhost')).code).toBe(ExportResultCode.FAILED);
    expect((await exportSpans(opened.door, { timeoutMillis: 1_000 })).code).toBe(ExportResultCode.FAILED);
    expect(spanNames(opened)).toEqual(threeSpans);
  });
});

/** A certificate for localhost. */
function selfSigned(): { cert: string; key: string } {
  const folder = mkdtempSync(join(tmpdir(), 'grpc-door-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const run = spawnSync('openssl', ['req', '-x509', ...curve, ...files, ...subject], { encoding: 'utf8' });
  expect(run.status, run.stderr).toBe(0);
  return { cert: readFileSync(join(folder, 'cert.pem'), 'utf8'), key: readFileSync(join(folder, 'key.pem'), 'utf8') };
}

describe('an answer of the intake, read by a gRPC client', () => {
  /** One call by a client that we did not write. */
  async function callBy(answer: IntakeAnswer): Promise<{ error: ServiceError | null; response: unknown }> {
    const { door, intake } = await openGrpcDoor();
    intake.answer = answer;
    const client = new Client(`127.0.0.1:${door.port}`, credentials.createInsecure());
    try {
      return await new Promise((resolve) => {
        const raw = (bytes: Buffer): Buffer => bytes;
        const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
        client.makeUnaryRequest(path, raw, raw, Buffer.from('x'), (error, response) => {
          resolve({ error, response: response && decode('ExportTraceServiceResponse', response) });
        });
      });
    } finally {
      client.close();
    }
  }

  test('stored is OK with an empty response', async () => {
    expect(await callBy(STORED)).toEqual({ error: null, response: {} });
  });

  test('stored in part is OK and says what was rejected', async () => {
    const rejected = { outcome: 'stored', rejected: 3, message: 'span_id must be 8 bytes ✗' } as const;
    expect(await callBy(rejected)).toEqual({
      error: null,
      response: { partialSuccess: { rejectedSpans: 3, errorMessage: 'span_id must be 8 bytes ✗' } },
    });
  });

  test('malformed is INVALID_ARGUMENT with the message, whatever is in it', async () => {
    const text = '100 % of "this" \r\n is \u0000 wrong: é ✗ 😀';
    const { error } = await callBy({ outcome: 'malformed', message: `${text}\ud800` });
    expect([error?.code, error?.details]).toEqual([code.invalidArgument, `${text}\ufffd`]);
    expect(error?.metadata.get('grpc-status-details-bin')).toEqual([]);
  });

  test('malformed with an endless message is cut short', async () => {
    const { error } = await callBy({ outcome: 'malformed', message: '✗'.repeat(1_000_000) });
    expect(error?.details).toMatch(/^✗{511}…$/);
  });

  test('unavailable is UNAVAILABLE with RetryInfo', async () => {
    const { error } = await callBy({ outcome: 'unavailable', message: 'the ledger is locked', retryAfterSeconds: 7 });
    expect([error?.code, error?.details]).toEqual([code.unavailable, 'the ledger is locked']);
    const [details] = error?.metadata.get('grpc-status-details-bin') ?? [];
    const status = decode('Status', details as Buffer);
    expect(status).toMatchObject({ code: code.unavailable, message: 'the ledger is locked' });
    const [any] = status.details as { typeUrl: string; value: Uint8Array }[];
    expect(any?.typeUrl).toBe('type.googleapis.com/google.rpc.RetryInfo');
    expect(decode('RetryInfo', any!.value)).toEqual({ retryDelay: { seconds: 7 } });
  });
});

describe('a message', () => {
  test('arrives whole however it is cut into pieces', async () => {
    const { door, intake } = await openGrpcDoor();
    const session = openSession(door);
    const body = Uint8Array.from({ length: 300_000 }, (_, i) => i % 251);
    const whole = message(body);
    const bytewise = beginCall(session);
    for (const byte of whole.subarray(0, 20)) {
      bytewise.write(Uint8Array.of(byte));
      await sleep(1);
    }
    bytewise.write(whole.subarray(20));
    bytewise.end();
    expect((await bytewise.outcome).code).toBe(code.ok);
    expect(Buffer.from(intake.received[0]!.body).equals(body)).toBe(true);
  });

  test('is handed over in a buffer of its own', async () => {
    const { door, intake } = await openGrpcDoor();
    const session = openSession(door);
    const gzip = { 'grpc-encoding': 'gzip' };
    await send(session, message('plain'));
    await send(session, message(gzipSync('x'.repeat(200_000)), { flag: 1 }), gzip);
    for (const { body } of intake.received) expect(body.buffer.byteLength).toBe(body.length);
    expect(intake.received).toHaveLength(2);
  });

  test('may be empty', async () => {
    const { door, intake } = await openGrpcDoor();
    expect((await send(openSession(door), message(''))).code).toBe(code.ok);
    expect(intake.received.map(({ body }) => body.length)).toEqual([0]);
  });

  test('may be as large as the limit before and after decompression, and no larger', async () => {
    const { door, intake } = await openGrpcDoor();
    const session = openSession(door);
    const gzip = { 'grpc-encoding': 'gzip' };
    const largest = Buffer.alloc(MAX_BODY_BYTES, 'ab');
    const larger = Buffer.alloc(MAX_BODY_BYTES + 1, 'ab');
    expect((await send(session, message(largest))).code).toBe(code.ok);
    expect((await send(session, message(gzipSync(largest), { flag: 1 }), gzip)).code).toBe(code.ok);
    for (const { body } of intake.received) expect(largest.equals(body)).toBe(true);
    expect(intake.received).toHaveLength(2);
    const tooLarge = [
      await send(session, message(larger)),
      await send(session, message(gzipSync(larger), { flag: 1 }), gzip),
    ];
    for (const { code: answered, message: text, retryAfterSeconds } of tooLarge) {
      expect([answered, retryAfterSeconds]).toEqual([code.resourceExhausted, undefined]);
      expect(text).toContain('fewer spans');
    }
    expect(intake.received).toHaveLength(2);
  });

  test('too large is refused before a byte of it is sent', async () => {
    const { door } = await openGrpcDoor();
    const call = beginCall(openSession(door));
    call.write(message('', { announced: MAX_BODY_BYTES + 1 }));
    expect((await call.outcome).code).toBe(code.resourceExhausted);
  });

  const gzip = { 'grpc-encoding': 'gzip' };
  test.each([
    ['none at all', Buffer.alloc(0), {}, code.invalidArgument],
    ['half a prefix', message('x').subarray(0, 3), {}, code.invalidArgument],
    ['less than announced', message('x', { announced: 2 }), {}, code.invalidArgument],
    ['two of them', Buffer.concat([message('x'), message('y')]), {}, code.unimplemented],
    ['one and a bit', Buffer.concat([message(''), Buffer.of(0)]), {}, code.unimplemented],
    ['an unknown flag', message('x', { flag: 2 }), gzip, code.invalidArgument],
    ['compressed without saying how', message(gzipSync('x'), { flag: 1 }), {}, code.invalidArgument],
    ['no gzip, and says it is', message('no gzip', { flag: 1 }), gzip, code.invalidArgument],
    ['half of a gzip', message(gzipSync('x'.repeat(999)).subarray(0, 20), { flag: 1 }), gzip, code.invalidArgument],
    [
      'half of a large gzip',
      message(gzipSync(noise(200_000)).subarray(0, -9), { flag: 1 }),
      gzip,
      code.invalidArgument,
    ],
  ])('that is %s is refused and never reaches the intake', async (_, bytes, headers, expected) => {
    const { door, intake, refusals } = await openGrpcDoor();
    const outcome = await send(openSession(door), bytes, headers);
    expect(outcome).toMatchObject({ httpStatus: 200, code: expected, retryAfterSeconds: undefined });
    expect(intake.received).toEqual([]);
    expect(refusals).toEqual([{ code: expected, message: outcome.message, remoteAddress: '127.0.0.1' }]);
  });

  test('without compression is taken where compression is announced, as gRPC allows', async () => {
    const { door, intake } = await openGrpcDoor();
    expect((await send(openSession(door), message('plain'), gzip)).code).toBe(code.ok);
    expect(intake.received.map(({ body }) => Buffer.from(body).toString())).toEqual(['plain']);
  });
});

/** Bytes that do not compress, the same every time. */
function noise(length: number): Buffer {
  let state = 1;
  return Buffer.from(
    Uint8Array.from({ length }, () => {
      state = (state * 48_271) % 2_147_483_647;
      return state & 255;
    }),
  );
}

describe('a call', () => {
  test.each([
    ['logs', '/opentelemetry.proto.collector.logs.v1.LogsService/Export', /traces only, no logs/],
    ['metrics', '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export', /traces only, no metrics/],
    ['a health check', '/grpc.health.v1.Health/Check', /nothing is called \/grpc\.health/],
    ['no path that anybody has', '/é%zz', /nothing is called/],
  ])('for %s is UNIMPLEMENTED and says so', async (_, path, text) => {
    const { door, intake } = await openGrpcDoor();
    const outcome = await send(openSession(door), message('x'), { ':path': path });
    expect(outcome.code).toBe(code.unimplemented);
    expect(outcome.message).toMatch(text);
    expect(intake.received).toEqual([]);
  });

  test('with another compression is UNIMPLEMENTED and told which there are', async () => {
    const { door } = await openGrpcDoor();
    const outcome = await send(openSession(door), message('x', { flag: 1 }), { 'grpc-encoding': 'zstd' });
    expect(outcome.code).toBe(code.unimplemented);
    expect(outcome.headers['grpc-accept-encoding']).toBe('identity,gzip');
  });

  test.each([
    ['GET', { ':method': 'GET' }, 405],
    ['HEAD', { ':method': 'HEAD' }, 405],
    ['OTLP/HTTP', { 'content-type': 'application/x-protobuf' }, 415],
    ['JSON in gRPC', { 'content-type': 'application/grpc+json' }, 415],
    ['gRPC-Web', { 'content-type': 'application/grpc-web' }, 415],
  ])('that is none but %s is answered in HTTP', async (_, headers, status) => {
    const { door, intake } = await openGrpcDoor();
    const outcome = await send(openSession(door), message('x'), headers);
    expect(outcome).toMatchObject({ httpStatus: status, code: undefined });
    expect(intake.received).toEqual([]);
  });

  test('without a token is refused before its message, whatever it is for', async () => {
    const { door, intake } = await openGrpcDoor({ tokens: new BearerTokens([TOKEN]) });
    const session = openSession(door);
    for (const path of ['/opentelemetry.proto.collector.trace.v1.TraceService/Export', '/any/other']) {
      const call = beginCall(session, { ':path': path });
      expect((await call.outcome).code).toBe(code.unauthenticated);
    }
    expect((await send(session, message('x'), { authorization: `Bearer ${TOKEN}` })).code).toBe(code.ok);
    expect(intake.received).toHaveLength(1);
  });

  test('waits for its commit while others are answered', async () => {
    const { door, intake } = await openGrpcDoor();
    const session = openSession(door);
    let commit = (): void => undefined;
    intake.answer = () => new Promise((resolve) => (commit = () => resolve(STORED)));
    const waiting = send(session, message('waits'));
    await holds(intake, 5);
    intake.answer = STORED;
    expect((await send(session, message('does not'))).code).toBe(code.ok);
    const first = await Promise.race([waiting, sleep(100, 'nothing')]);
    expect(first).toBe('nothing');
    commit();
    expect((await waiting).code).toBe(code.ok);
  });

  test('whose intake fails is UNAVAILABLE', async () => {
    const { door, intake } = await openGrpcDoor();
    intake.answer = () => Promise.reject(new Error('a defect'));
    const outcome = await send(openSession(door), message('x'));
    expect(outcome).toMatchObject({ code: code.unavailable, retryAfterSeconds: 5 });
    expect(outcome.message).not.toContain('defect');
  });
});

describe('a door', () => {
  test('says where it listens, and that somebody else does', async () => {
    const { door } = await openGrpcDoor();
    expect(door.host).toBe('127.0.0.1');
    expect(door.port).toBeGreaterThan(0);
    await expect(openGrpcDoor({ port: door.port })).rejects.toMatchObject({
      name: 'DoorError',
      code: 'address_in_use',
    });
  });

  test('does not open with a certificate that is none', async () => {
    const tls = { cert: 'no certificate', key: 'no key' };
    await expect(openGrpcDoor({ tls })).rejects.toMatchObject({ name: 'DoorError', code: 'bad_tls' });
  });

  test('that stops lets calls under way finish and hears no others', async () => {
    const { door, intake } = await openGrpcDoor();
    const session = openSession(door);
    const idle = openSession(door);
    await send(idle, message('before'));
    let commit = (): void => undefined;
    intake.answer = () => new Promise((resolve) => (commit = () => resolve(STORED)));
    const waiting = send(session, message('waits'));
    await holds(intake, 5);
    const stopped = door.stop(60_000);
    expect(door.stop(0)).toBe(stopped);
    await expect.poll(() => idle.closed).toBe(true);
    await expect(
      new Promise((resolve, reject) => openSession(door).on('connect', resolve).on('error', reject)),
    ).rejects.toThrow();
    expect(await Promise.race([stopped, sleep(100, 'not yet')])).toBe('not yet');
    commit();
    expect((await waiting).code).toBe(code.ok);
    await stopped;
  });

  test('that stops cuts what is left at the deadline', async () => {
    const { door, intake } = await openGrpcDoor();
    intake.answer = () => sleep(1_000, STORED);
    const neverEnds = beginCall(openSession(door));
    neverEnds.write(message('x', { announced: 9 }));
    const waiting = send(openSession(door), message('waits'));
    await holds(intake, 5 + 9);
    await door.stop(100);
    expect((await neverEnds.outcome).code).toBeUndefined();
    expect((await waiting).code).toBeUndefined();
    await holds(intake, 0);
  });
});
