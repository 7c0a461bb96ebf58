import { describe, expect, test } from 'vitest';
import { AllowedOrigins } from '../dist/door/cors.js';
import { JSON_TYPE, openDoor, post, send } from './http-door-harness.js';

describe('AllowedOrigins', () => {
  test.each([
    ['https://app.example.com', 'https://app.example.com'],
    ['https://App.Example.com', 'https://app.example.com'],
    ['http://localhost:3000', 'http://localhost:3000'],
    ['https://*.example.com', 'https://a.example.com'],
    ['https://*.example.com', 'https://a.b.example.com'],
    ['http://localhost:*', 'http://localhost:5173'],
    ['https://*', 'https://app.example.com:8443'],
    ['chrome-extension://*', 'chrome-extension://abcdef'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
    ['null', 'null'],
    ['*', 'https://anything.example'],
    ['*', 'null'],
  ])('%s lets in %s', (entry, origin) => {
    expect(new AllowedOrigins([entry]).allows(origin)).toBe(true);
  });

  test.each([
    ['https://app.example.com', 'http://app.example.com'],
    ['https://app.example.com', 'https://app.example.com:8443'],
    ['https://app.example.com', 'https://app.example.com.evil.test'],
    ['https://app.example.com', 'https://evil.test, https://app.example.com'],
    ['https://app.example.com', 'null'],
    ['https://app.example.com', ''],
    ['https://*.example.com', 'https://example.com'],
    ['https://*.example.com', 'https://.example.com'],
    ['https://*.example.com', 'https://evil.test/.example.com'],
    ['https://*.example.com', 'https://evil.test#.example.com'],
    ['https://*.example.com', 'https://evil.test:1.example.com'],
    ['https://*.example.com', 'https://a.exampleXcom'],
    ['https://*.example.com', 'https://a.example.com.evil.test'],
    ['https://*.example.com', 'https://a.example.com\n'],
    ['http://localhost:*', 'http://localhost.evil.test:80'],
    ['https://*', 'http://app.example.com'],
  ])('%s does not let in %s', (entry, origin) => {
    expect(new AllowedOrigins([entry]).allows(origin)).toBe(false);
  });

  test('an empty list lets nobody in', () => {
    expect(new AllowedOrigins([]).allows('https://app.example.com')).toBe(false);
  });

  test.each([
    'https://app.example.com/',
    'https://app.example.com/path',
    'app.example.com',
    '',
    'https://*.*.com',
    '**',
  ])('an entry that no origin can be is refused: "%s"', (entry) => {
    expect(() => new AllowedOrigins([entry])).toThrow(TypeError);
  });
});

const PAGE = 'https://app.example.com';
const PREFLIGHT = {
  'access-control-request-method': 'POST',
  'access-control-request-headers': 'content-type,x-tenant',
};

describe('a page on the list', () => {
  test('may ask, whatever headers it wants to send, without a token', async () => {
    const { door, intake } = await openDoor({ allowedOrigins: [PAGE] });
    const answer = await send(door, { method: 'OPTIONS', headers: { origin: PAGE, ...PREFLIGHT } });
    expect(answer.status).toBe(204);
    expect(answer.headers['access-control-allow-origin']).toBe(PAGE);
    expect(answer.headers['access-control-allow-methods']).toBe('POST');
    expect(Number(answer.headers['access-control-max-age'])).toBeGreaterThan(600);
    expect(answer.headers.vary).toContain('Origin');
    const allowed = answer.headers['access-control-allow-headers']?.split(/, */);
    for (const name of ['content-type', 'content-encoding', 'authorization', 'traceparent', 'tracestate', 'baggage']) {
      expect(allowed).toContain(name);
    }
    expect(allowed).toContain('x-requested-with');
    expect(allowed).toContain('x-tenant');
    expect(answer.headers).not.toHaveProperty('content-length');
    expect(answer.headers).not.toHaveProperty('access-control-allow-private-network');
    expect(intake.received).toStrictEqual([]);
  });

  test('may ask from a public network for this private one', async () => {
    const { door } = await openDoor({ allowedOrigins: [PAGE] });
    const headers = { origin: PAGE, ...PREFLIGHT, 'access-control-request-private-network': 'true' };
    const answer = await send(door, { method: 'OPTIONS', headers });
    expect(answer.headers['access-control-allow-private-network']).toBe('true');
  });

  test('may write and read every answer', async () => {
    const { door, intake } = await openDoor({ allowedOrigins: [PAGE] });
    for (const [outcome, status] of [
      [{ outcome: 'stored', rejected: 0, message: '' }, 200],
      [{ outcome: 'stored', rejected: 1, message: 'no' }, 200],
      [{ outcome: 'malformed', message: 'no' }, 400],
      [{ outcome: 'unavailable', message: 'no', retryAfterSeconds: 3 }, 503],
    ] as const) {
      intake.answer = outcome;
      const answer = await post(door, '{}', { origin: PAGE }, JSON_TYPE);
      expect(answer.status).toBe(status);
      expect(answer.headers['access-control-allow-origin']).toBe(PAGE);
      expect(answer.headers['access-control-expose-headers']).toContain('Retry-After');
      expect(answer.headers.vary).toBe('Origin');
    }
    expect(intake.received).toHaveLength(4);
    const refused = await post(door, '{}', { origin: PAGE }, 'text/plain');
    expect(refused.status).toBe(415);
    expect(refused.headers['access-control-allow-origin']).toBe(PAGE);
  });

  test('"*" lets every page in and names it, so that a page with credentials can read the answer too', async () => {
    const { door } = await openDoor({ allowedOrigins: ['*'] });
    const answer = await post(door, '{}', { origin: 'https://any.example' }, JSON_TYPE);
    expect(answer.status).toBe(200);
    expect(answer.headers['access-control-allow-origin']).toBe('https://any.example');
  });
});

describe('a page that is not on the list', () => {
  const strangers = ['https://evil.test', 'null', 'http://127.0.0.1:4318', `${PAGE}.evil.test`];

  test.each(strangers)('%s cannot write: nothing is stored, and no page may read why', async (origin) => {
    const { door, intake, refusals } = await openDoor({ allowedOrigins: [PAGE] });
    for (const contentType of ['text/plain', JSON_TYPE]) {
      const answer = await post(door, '{"resourceSpans":[]}', { origin }, contentType);
      expect(answer.status).toBe(403);
      expect(JSON.parse(answer.body.toString())).toMatchObject({ code: 7 });
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toStrictEqual([]);
    }
    expect(intake.received).toStrictEqual([]);
    expect(refusals.map(({ status }) => status)).toStrictEqual([403, 403]);
  });

  test.each(strangers)('%s is told no when it asks', async (origin) => {
    const { door } = await openDoor({ allowedOrigins: [PAGE] });
    const answer = await send(door, { method: 'OPTIONS', headers: { origin, ...PREFLIGHT } });
    expect(answer.status).toBe(403);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toStrictEqual([]);
  });

  test('cannot read the pages', async () => {
    const page = async () => ({ status: 200, contentType: 'text/plain', body: 'ok' });
    const { door } = await openDoor({ allowedOrigins: [PAGE], pages: new Map([['/healthz', page]]) });
    expect(
      (await send(door, { method: 'GET', path: '/healthz', headers: { origin: 'https://evil.test' } })).status,
    ).toBe(403);
    expect((await send(door, { method: 'GET', path: '/healthz', headers: { origin: PAGE } })).status).toBe(200);
  });

  test('by default there is no page on the list', async () => {
    const { door, intake } = await openDoor();
    expect((await post(door, '{}', { origin: 'http://localhost' }, JSON_TYPE)).status).toBe(403);
    expect(intake.received).toStrictEqual([]);
  });
});

test('programs, which send no origin, are not concerned', async () => {
  const { door } = await openDoor();
  const answer = await post(door, '{}', {}, JSON_TYPE);
  expect(answer.status).toBe(200);
  expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toStrictEqual([]);
});

test('an entry that no origin can be keeps the door shut', async () => {
  await expect(openDoor({ allowedOrigins: ['https://app.example.com/'] })).rejects.toThrow(TypeError);
});
