import protobuf from 'protobufjs';
import { describe, expect, test } from 'vitest';
import { BearerTokens } from '../dist/door/bearer-tokens.js';
import type { Page } from '../dist/door/entrance.js';
import { encodeStatus, encodeTraceResponse } from '../dist/door/otlp-answer.js';
import {
  type Answer,
  JSON_TYPE,
  openDoor,
  PROTOBUF,
  post,
  RawConnection,
  send,
  tracesHead,
} from './http-door-harness.js';

/** trace_service.proto and google/rpc/status.proto, as far as answers go. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message ExportTraceServiceResponse { ExportTracePartialSuccess partial_success = 1; }
  message ExportTracePartialSuccess { int64 rejected_spans = 1; string error_message = 2; }
  message Status { int32 code = 1; string message = 2; }
`);

/** A message that an independent decoder reads from the bytes. */
function decode(type: string, bytes: Uint8Array): unknown {
  const message = root.lookupType(type);
  return message.toObject(message.decode(bytes), { longs: Number });
}

/** The google.rpc.Status of an answer in the encoding that it says it has. */
function statusOf({ headers, body }: Answer): { code: number; message: string } {
  const status =
    headers['content-type'] === PROTOBUF ? decode('Status', body) : (JSON.parse(body.toString()) as unknown);
  return status as { code: number; message: string };
}

const encodings = [PROTOBUF, JSON_TYPE];

describe('a request that was stored', () => {
  test('is answered in its own encoding, and reaches the intake byte by byte', async () => {
    const { door, intake, refusals } = await openDoor();
    const protobufAnswer = await post(door, Uint8Array.of(1, 2, 255), {}, PROTOBUF);
    expect(protobufAnswer.status).toBe(200);
    expect(protobufAnswer.headers['content-type']).toBe(PROTOBUF);
    expect(protobufAnswer.headers['content-length']).toBe('0');
    expect(decode('ExportTraceServiceResponse', protobufAnswer.body)).toStrictEqual({});

    const jsonAnswer = await post(door, '{"é":1}', {}, 'Application/JSON ; charset="UTF-8"');
    expect(jsonAnswer.status).toBe(200);
    expect(jsonAnswer.headers['content-type']).toBe(JSON_TYPE);
    expect(JSON.parse(jsonAnswer.body.toString())).toStrictEqual({});

    expect(intake.received.map(({ body, encoding, transport }) => [[...body], encoding, transport])).toStrictEqual([
      [[1, 2, 255], 'protobuf', 'http'],
      [[...Buffer.from('{"é":1}')], 'json', 'http'],
    ]);
    expect(refusals).toStrictEqual([]);
  });

  test.each(encodings)('may be empty (%s)', async (contentType) => {
    const { door, intake } = await openDoor();
    expect((await post(door, '', {}, contentType)).status).toBe(200);
    expect(intake.received[0]?.body).toHaveLength(0);
  });

  test('answers what was rejected of it', async () => {
    const { door, intake } = await openDoor();
    intake.answer = { outcome: 'stored', rejected: 3, message: 'span_id must be 8 bytes ✗' };
    const inProtobuf = await post(door, 'x', {}, PROTOBUF);
    expect(inProtobuf.status).toBe(200);
    expect(decode('ExportTraceServiceResponse', inProtobuf.body)).toStrictEqual({
      partialSuccess: { rejectedSpans: 3, errorMessage: 'span_id must be 8 bytes ✗' },
    });
    const inJson = await post(door, '{}', {}, JSON_TYPE);
    expect(inJson.status).toBe(200);
    expect(JSON.parse(inJson.body.toString())).toStrictEqual({
      partialSuccess: { rejectedSpans: '3', errorMessage: 'span_id must be 8 bytes ✗' },
    });
  });

  test('is not answered before the intake did', async () => {
    const { door, intake } = await openDoor();
    let release = (): void => {};
    intake.answer = () =>
      new Promise((resolve) => {
        release = () => resolve({ outcome: 'stored', rejected: 0, message: '' });
      });
    const raw = new RawConnection(door);
    raw.writeHead(...tracesHead('Content-Length: 0'));
    await expect.poll(() => intake.received.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(raw.received).toBe('');
    release();
    await raw.answers(1);
    expect(raw.statuses).toStrictEqual([200]);
  });
});

describe('answers that an independent decoder reads', () => {
  test.each([
    [0, ''],
    [1, ''],
    [0, 'a warning'],
    [2 ** 40, 'é'.repeat(300)],
  ])('%d rejected, %j', (rejectedSpans, errorMessage) => {
    const expected = {
      ...(rejectedSpans !== 0 && { rejectedSpans }),
      ...(errorMessage !== '' && { errorMessage }),
    };
    expect(decode('ExportTraceServiceResponse', encodeTraceResponse(rejectedSpans, errorMessage))).toStrictEqual(
      Object.keys(expected).length === 0 ? {} : { partialSuccess: expected },
    );
  });

  test('what a message quotes is cut', () => {
    const { message } = decode('Status', encodeStatus(3, 'x'.repeat(1_000_000))) as { message: string };
    expect(message).toHaveLength(1024);
  });
});

describe.each(encodings)('what is refused is refused in the encoding of the request: %s', (contentType) => {
  test('malformed: 400', async () => {
    const { door, intake, refusals } = await openDoor();
    intake.answer = { outcome: 'malformed', message: 'a varint of more than 64 bits' };
    const answer = await post(door, 'x', {}, contentType);
    expect(answer.status).toBe(400);
    expect(answer.headers['content-type']).toBe(contentType);
    expect(statusOf(answer)).toStrictEqual({ code: 3, message: 'a varint of more than 64 bits' });
    expect(refusals).toStrictEqual([
      { status: 400, message: 'a varint of more than 64 bits', remoteAddress: '127.0.0.1' },
    ]);
  });

  test.each([
    [7, '7'],
    [0.2, '1'],
    [2.1, '3'],
  ])('unavailable for %d s: 503 with Retry-After %s', async (retryAfterSeconds, header) => {
    const { door, intake } = await openDoor();
    intake.answer = { outcome: 'unavailable', message: 'the ledger is locked', retryAfterSeconds };
    const answer = await post(door, 'x', {}, contentType);
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe(header);
    expect(statusOf(answer)).toStrictEqual({ code: 14, message: 'the ledger is locked' });
  });

  test('an intake that breaks its word is unavailable', async () => {
    const { door, intake } = await openDoor();
    intake.answer = () => Promise.reject(new Error('broken'));
    const answer = await post(door, 'x', {}, contentType);
    expect(answer.status).toBe(503);
    expect(answer.headers).toHaveProperty('retry-after');
    expect(statusOf(answer).code).toBe(14);
  });

  test('other signals: 404 that says why', async () => {
    const { door } = await openDoor();
    for (const signal of ['logs', 'metrics']) {
      const answer = await send(door, { path: `/v1/${signal}`, body: 'x', headers: { 'content-type': contentType } });
      expect(answer.status).toBe(404);
      expect(statusOf(answer)).toMatchObject({ code: 12, message: expect.stringContaining('traces only') });
      expect(statusOf(answer).message).toContain(signal);
    }
  });

  test.each(['/', '/v1/traces/', '/v1/traces/v1/traces', '/V1/traces', '//v1/traces', '*'])(
    'nothing is at %s: 404',
    async (path) => {
      const { door, intake } = await openDoor();
      const answer = await send(door, { path, body: 'x', headers: { 'content-type': contentType } });
      expect(answer.status).toBe(404);
      expect(statusOf(answer)).toMatchObject({ code: 5, message: expect.stringContaining('/v1/traces') });
      expect(intake.received).toStrictEqual([]);
    },
  );

  test.each(['GET', 'PUT', 'DELETE', 'PATCH'])('the wrong method %s: 405 with Allow', async (method) => {
    const { door, intake } = await openDoor();
    const answer = await send(door, { method, headers: { 'content-type': contentType }, body: 'x' });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('POST, OPTIONS');
    expect(statusOf(answer).code).toBe(12);
    expect(intake.received).toStrictEqual([]);
  });

  test.each([undefined, 'Bearer wrong', 'Basic c2VjcmV0', 'secret'])(
    'the wrong token %s: 401',
    async (authorization) => {
      const { door, intake } = await openDoor({ tokens: new BearerTokens(['secret']) });
      const answer = await post(door, 'x', authorization === undefined ? {} : { authorization }, contentType);
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
      expect(statusOf(answer).code).toBe(16);
      expect(intake.received).toStrictEqual([]);
    },
  );

  test.each(['br', 'gzip, gzip', 'zstd', 'snappy'])('an unknown coding %s: 415', async (coding) => {
    const { door, intake } = await openDoor();
    const answer = await post(door, 'x', { 'content-encoding': coding }, contentType);
    expect(answer.status).toBe(415);
    expect(answer.headers['accept-encoding']).toBe('gzip, deflate');
    expect(statusOf(answer)).toMatchObject({ code: 3, message: expect.stringContaining('gzip') });
    expect(intake.received).toStrictEqual([]);
  });

  test('another charset: 415', async () => {
    const { door, intake } = await openDoor();
    const answer = await post(door, 'x', {}, `${contentType}; charset=iso-8859-1`);
    expect(answer.status).toBe(415);
    expect(statusOf(answer)).toMatchObject({ code: 3, message: expect.stringContaining('utf-8') });
    expect(intake.received).toStrictEqual([]);
  });
});

test.each(['text/plain', 'application/protobuf', 'application/x-www-form-urlencoded', 'application/jsonx', 'json', ''])(
  'another type "%s": 415 in JSON',
  async (contentType) => {
    const { door, intake } = await openDoor();
    const answer = await post(door, 'x', {}, contentType);
    expect(answer.status).toBe(415);
    expect(answer.headers['content-type']).toBe(JSON_TYPE);
    expect(statusOf(answer)).toMatchObject({ code: 3, message: expect.stringContaining(PROTOBUF) });
    expect(intake.received).toStrictEqual([]);
  },
);

test('no type at all: 415', async () => {
  const { door } = await openDoor();
  expect((await send(door, { body: 'x' })).status).toBe(415);
});

test('the right token lets in', async () => {
  const { door, intake } = await openDoor({ tokens: new BearerTokens(['old', 'secret']) });
  expect((await post(door, 'x', { authorization: 'Bearer secret' })).status).toBe(200);
  expect(intake.received).toHaveLength(1);
});

test('a query and the absolute form of a proxy lead to the same place', async () => {
  const { door, intake } = await openDoor();
  for (const path of ['/v1/traces?key=1', 'http://collector.example:4318/v1/traces']) {
    expect((await send(door, { path, body: 'x', headers: { 'content-type': PROTOBUF } })).status).toBe(200);
  }
  expect(intake.received).toHaveLength(2);
});

test('OPTIONS without a page behind it lists the methods', async () => {
  const { door } = await openDoor();
  const answer = await send(door, { method: 'OPTIONS' });
  expect([answer.status, answer.headers.allow]).toStrictEqual([204, 'POST, OPTIONS']);
});

test('many requests on one connection are answered in their order, also when they do not wait for each other', async () => {
  const { door, intake } = await openDoor();
  const raw = new RawConnection(door);
  intake.answer = async ({ body }) => {
    // The first ones take longest.
    await new Promise((resolve) => setTimeout(resolve, 50 - 10 * (body[0] ?? 0)));
    return { outcome: 'stored', rejected: body[0] ?? 0, message: '' };
  };
  for (const i of [1, 2, 3, 4]) {
    raw.writeHead('POST /v1/traces HTTP/1.1', 'Host: door', `Content-Type: ${JSON_TYPE}`, 'Content-Length: 1');
    raw.write(Uint8Array.of(i));
  }
  await raw.answers(4);
  expect([...raw.received.matchAll(/"rejectedSpans":"(\d)"/g)].map(([, i]) => i)).toStrictEqual(['1', '2', '3', '4']);
});

describe('pages', () => {
  const page = (status: number, body: string, open?: boolean): Page =>
    Object.assign(
      async () => ({ status, contentType: 'text/plain; charset=utf-8', body }),
      open !== undefined && { open },
    );

  test('are shown to GET and HEAD', async () => {
    const { door } = await openDoor({ pages: new Map([['/readyz', page(503, 'the ledger is lockéd')]]) });
    for (const method of ['GET', 'HEAD']) {
      const answer = await send(door, { method, path: '/readyz?verbose' });
      expect(answer.status).toBe(503);
      expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
      expect(answer.headers['content-length']).toBe('21');
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(answer.body.toString()).toBe(method === 'GET' ? 'the ledger is lockéd' : '');
    }
  });

  test('are not piled up for a sender that asks for many at once', async () => {
    const { door } = await openDoor({ pages: new Map([['/metrics', page(200, 'x'.repeat(100_000))]]) });
    const raw = new RawConnection(door);
    raw.write('GET /metrics HTTP/1.1\r\nHost: d\r\n\r\n'.repeat(20));
    await raw.answers(20);
    expect(raw.statuses).toStrictEqual([200, ...new Array(19).fill(503)]);
    raw.write('GET /metrics HTTP/1.1\r\nHost: d\r\n\r\n');
    await raw.answers(21);
    expect(raw.statuses.at(-1)).toBe(200);
  });

  test('do not take what is sent to them', async () => {
    const { door } = await openDoor({ pages: new Map([['/healthz', page(200, 'ok')]]) });
    const answer = await send(door, { path: '/healthz', body: 'x' });
    expect([answer.status, answer.headers.allow]).toStrictEqual([405, 'GET, HEAD']);
  });

  test('that fail are 500 and tell no more', async () => {
    const failing: Page = () => Promise.reject(new Error('secret detail'));
    const { door } = await openDoor({ pages: new Map([['/metrics', failing]]) });
    const answer = await send(door, { method: 'GET', path: '/metrics' });
    expect(answer.status).toBe(500);
    expect(answer.body.toString()).not.toContain('secret');
  });

  test('are behind the token, but for those of liveness and those that say so', async () => {
    const pages = new Map([
      ['/healthz', page(200, 'ok')],
      ['/readyz', page(200, 'ok')],
      ['/metrics', page(200, 'ok')],
      ['/open', page(200, 'ok', true)],
      ['/closed', page(200, 'ok', false)],
    ]);
    const { door } = await openDoor({ pages, tokens: new BearerTokens(['secret']) });
    const get = async (path: string, headers = {}): Promise<number> =>
      (await send(door, { method: 'GET', path, headers })).status;
    for (const path of ['/healthz', '/readyz', '/open']) expect(await get(path)).toBe(200);
    for (const path of ['/metrics', '/closed']) {
      expect(await get(path)).toBe(401);
      expect(await get(path, { authorization: 'Bearer secret' })).toBe(200);
    }
  });
});
