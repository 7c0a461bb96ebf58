/** Senders that are slow, break off, or do not speak HTTP. The limits here are short; the defaults are those of the collector. */
import { createConnection } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { defaultHttpLimits } from '../dist/door/http-limits.js';
import { holds, MAX_BODY_BYTES, openDoor, post, RawConnection, STORED, send, tracesHead } from './http-door-harness.js';

const SHORT = { headersTimeoutMs: 200, requestTimeoutMs: 400, keepAliveTimeoutMs: 200, idleTimeoutMs: 1_000 };

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Writes a byte now and then until the connection is closed or the test's patience ends. */
async function trickle(raw: RawConnection, byte: string): Promise<void> {
  for (let i = 0; i < 200 && !raw.isClosed; i++) {
    raw.write(byte);
    await pause(20);
  }
}

test('a whole request has 30 s by default, and headers less', () => {
  expect(defaultHttpLimits.requestTimeoutMs).toBe(30_000);
  expect(defaultHttpLimits.headersTimeoutMs).toBeLessThan(30_000);
});

describe('too slow', () => {
  test('a connection that says nothing is closed', async () => {
    const { door } = await openDoor({ limits: SHORT });
    await new RawConnection(door).closed();
  });

  test('headers that come byte by byte are 408 and closed', async () => {
    const { door, intake, refusals } = await openDoor({ limits: SHORT });
    const raw = new RawConnection(door);
    raw.write('POST /v1/traces HTTP/1.1\r\nHost: door\r\nX-Slow: ');
    await trickle(raw, 'x');
    await raw.closed();
    expect(raw.statuses).toStrictEqual([408]);
    expect(intake.received).toStrictEqual([]);
    expect(refusals.map(({ status }) => status)).toStrictEqual([408]);
  });

  test.each([
    ['announced', ['Content-Length: 10000'], 'x'],
    ['chunked', ['Transfer-Encoding: chunked'], '1\r\nx\r\n'],
  ])('a body that comes byte by byte is 408 and closed: %s', async (_, headers, byte) => {
    const { door, intake } = await openDoor({ limits: SHORT });
    const raw = new RawConnection(door);
    raw.writeHead(...tracesHead(...headers));
    await trickle(raw, byte);
    await raw.closed();
    expect(raw.statuses).toStrictEqual([408]);
    expect(intake.received).toStrictEqual([]);
    await holds(intake, 0);
  });

  test('a sender that was refused and does not finish its body is cut, and not answered twice', async () => {
    const { door } = await openDoor({ limits: SHORT });
    const raw = new RawConnection(door);
    raw.writeHead(...tracesHead('Content-Length: 100', 'Content-Encoding: br'));
    await trickle(raw, 'x');
    await raw.closed();
    expect(raw.statuses).toStrictEqual([415]);
  });

  test('half a body that stays half is cut, and what it held is given back', async () => {
    const { door, intake } = await openDoor({ limits: SHORT });
    const raw = new RawConnection(door);
    raw.writeHead(...tracesHead('Content-Length: 200000'));
    raw.write(Buffer.alloc(100_000));
    await holds(intake, 100_000);
    await raw.closed();
    await holds(intake, 0);
    expect(intake.received).toStrictEqual([]);
  });

  test('a connection that is kept open for nothing is closed', async () => {
    const { door } = await openDoor({ limits: SHORT });
    const raw = new RawConnection(door);
    raw.writeHead(...tracesHead('Content-Length: 0'));
    await raw.closed();
    expect(raw.statuses).toStrictEqual([200]);
  });

  test('the others are served meanwhile', async () => {
    const { door } = await openDoor({ limits: SHORT });
    const slow = Array.from({ length: 100 }, () => new RawConnection(door));
    for (const raw of slow) raw.writeHead(...tracesHead('Content-Length: 1000'));
    for (let i = 0; i < 20; i++) expect((await post(door, 'x')).status).toBe(200);
    for (const raw of slow) await raw.closed();
  });

  test('a sender that never reads its answers is cut', async () => {
    const body = 'x'.repeat(64 * 1024 * 1024);
    const page = async () => ({ status: 200, contentType: 'text/plain', body });
    const { door } = await openDoor({
      limits: { ...SHORT, requestTimeoutMs: 10_000 },
      pages: new Map([['/metrics', page]]),
    });
    const raw = new RawConnection(door, { isPaused: true });
    raw.socket.pause();
    raw.writeHead('GET /metrics HTTP/1.1', 'Host: door');
    // The answer does not fit into the buffers of the kernel.
    await pause(3 * SHORT.idleTimeoutMs);
    let received = 0;
    raw.socket.on('data', (chunk) => (received += chunk.length)).resume();
    await raw.closed();
    expect(received).toBeLessThan(body.length / 2);
  });

  test('waiting for the intake is not slowness of the sender', async () => {
    const { door, intake } = await openDoor({ limits: { ...SHORT, idleTimeoutMs: 10_000 } });
    intake.answer = async () => {
      await pause(1_000);
      return STORED;
    };
    expect((await post(door, 'x')).status).toBe(200);
  });
});

describe('too many', () => {
  test('connections beyond the limit are closed at once, and the limit is free again later', async () => {
    const { door } = await openDoor({ limits: { maxConnections: 3 } });
    const kept = Array.from({ length: 3 }, () => new RawConnection(door));
    for (const raw of kept) {
      raw.writeHead(...tracesHead('Content-Length: 0'));
      await raw.answers(1);
    }
    const late = new RawConnection(door);
    late.writeHead(...tracesHead('Content-Length: 0'));
    await late.closed();
    expect(late.statuses).toStrictEqual([]);
    kept[0]?.socket.destroy();
    await expect.poll(() => post(door, 'x').catch(() => undefined)).toMatchObject({ status: 200 });
  });
});

describe('not HTTP', () => {
  test.each([
    ['garbage', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 400],
    ['no Host', 'POST /v1/traces HTTP/1.1\r\nContent-Length: 0\r\n\r\n', 400],
    ['HTTP/2 without asking', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['two lengths', 'POST /v1/traces HTTP/1.1\r\nHost: d\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx', 400],
    [
      'length and chunks',
      'POST /v1/traces HTTP/1.1\r\nHost: d\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
    ],
    ['a length that is none', 'POST /v1/traces HTTP/1.1\r\nHost: d\r\nContent-Length: -1\r\n\r\n', 400],
    ['a length without end', `POST /v1/traces HTTP/1.1\r\nHost: d\r\nContent-Length: ${'9'.repeat(40)}\r\n\r\n`, 400],
    ['a line without end', `POST /${'x'.repeat(100_000)}`, 431],
    ['headers without end', `POST /v1/traces HTTP/1.1\r\nHost: d\r\n${'X-H: v\r\n'.repeat(10_000)}\r\n`, 431],
    ['a header that folds', 'POST /v1/traces HTTP/1.1\r\nHost: d\r\nX : v\r\n\r\n', 400],
  ])('%s is answered and closed', async (_, bytes, status) => {
    const { door, intake } = await openDoor();
    const raw = new RawConnection(door);
    raw.write(Buffer.from(bytes, 'latin1'));
    await raw.closed();
    expect(raw.statuses).toStrictEqual([status]);
    expect(raw.received).toMatch(/^connection: close\r$/im);
    expect(intake.received).toStrictEqual([]);
    expect((await post(door, 'x')).status).toBe(200);
  });

  test.each([
    ['a size that is none', 'zz\r\nabc\r\n'],
    ['a chunk longer than its size', '1\r\nabcdef\r\n'],
    ['a size without end', `${'f'.repeat(40)}\r\n`],
    ['a chunk larger than any memory', 'ffffffffffffffff\r\nabc'],
    ['an endless extension', `1;${'x'.repeat(200_000)}\r\n`],
  ])('a body of bad chunks is answered and closed: %s', async (_, chunks) => {
    const { door, intake } = await openDoor({ limits: SHORT });
    const raw = new RawConnection(door);
    raw.writeHead(...tracesHead('Transfer-Encoding: chunked'));
    raw.write('3\r\nabc\r\n');
    await holds(intake, 3);
    raw.write(chunks);
    await raw.closed();
    expect(raw.statuses).toHaveLength(1);
    expect([400, 408, 413]).toContain(raw.statuses[0]);
    expect(intake.received).toStrictEqual([]);
    await holds(intake, 0);
  });

  test('garbage after a request that is being stored is not taken for its answer', async () => {
    const { door, intake } = await openDoor();
    let release = (): void => {};
    intake.answer = () => new Promise((resolve) => (release = () => resolve(STORED)));
    const raw = new RawConnection(door);
    raw.writeHead(...tracesHead('Content-Length: 1'));
    raw.write('xGARBAGE\r\n\r\n');
    await expect.poll(() => intake.received.length).toBe(1);
    await raw.closed();
    // A 400 here would tell the sender that what will be durable in a moment is malformed.
    expect(raw.received).toBe('');
    expect(intake.memory.held).toBe(1);
    release();
    await holds(intake, 0);
  });
});

describe('gone', () => {
  const stages: readonly [string, (raw: RawConnection) => void][] = [
    ['before its request', () => {}],
    ['in its headers', (raw) => raw.write('POST /v1/traces HTTP/1.1\r\nHost: d')],
    ['before its body', (raw) => raw.writeHead(...tracesHead('Content-Length: 200000'))],
    [
      'in its body',
      (raw) => {
        raw.writeHead(...tracesHead('Content-Length: 200000'));
        raw.write(Buffer.alloc(100_000));
      },
    ],
    [
      'in a chunk',
      (raw) => {
        raw.writeHead(...tracesHead('Transfer-Encoding: chunked'));
        raw.write('1000\r\nabc');
      },
    ],
    ['waiting to go on', (raw) => raw.writeHead(...tracesHead('Content-Length: 3', 'Expect: 100-continue'))],
    ['having announced too much', (raw) => raw.writeHead(...tracesHead(`Content-Length: ${10 * MAX_BODY_BYTES}`))],
  ];

  test.each(stages)('%s: nothing is held, nothing is stored, the next is served', async (_, start) => {
    const { door, intake } = await openDoor();
    for (const end of ['end', 'destroy', 'reset'] as const) {
      const raw = new RawConnection(door);
      await new Promise((resolve) => raw.socket.once('connect', resolve));
      start(raw);
      await pause(30);
      if (end === 'end') raw.socket.end();
      else if (end === 'destroy') raw.socket.destroy();
      else raw.socket.resetAndDestroy();
    }
    await holds(intake, 0);
    expect((await post(door, 'x')).status).toBe(200);
    expect(intake.received).toHaveLength(1);
  });

  test('while its request is being stored: what it held is given back when that is over', async () => {
    const { door, intake } = await openDoor();
    const releases: (() => void)[] = [];
    intake.answer = () => new Promise((resolve) => releases.push(() => resolve(STORED)));
    for (const end of ['end', 'destroy', 'reset'] as const) {
      const raw = new RawConnection(door);
      raw.writeHead(...tracesHead('Content-Length: 1000'));
      raw.write(Buffer.alloc(1000));
      // A second one behind it, and a third that is not whole.
      raw.writeHead(...tracesHead('Content-Length: 1000'));
      raw.write(Buffer.alloc(1000));
      raw.writeHead(...tracesHead('Content-Length: 1000'));
      raw.write(Buffer.alloc(500));
      await holds(intake, 2_500);
      if (end === 'end') raw.socket.end();
      else if (end === 'destroy') raw.socket.destroy();
      else raw.socket.resetAndDestroy();
      await holds(intake, 2_000);
      for (const release of releases.splice(0)) release();
      await holds(intake, 0);
    }
    intake.answer = STORED;
    expect((await post(door, 'x')).status).toBe(200);
  });

  test('while its body is being decompressed', async () => {
    const { door, intake } = await openDoor({ maxBodyBytes: 64 * MAX_BODY_BYTES, memoryBytes: 128 * MAX_BODY_BYTES });
    const body = gzipSync(Buffer.alloc(60 * MAX_BODY_BYTES));
    const raw = new RawConnection(door);
    raw.writeHead(...tracesHead(`Content-Length: ${body.length}`, 'Content-Encoding: gzip'));
    raw.write(body);
    await expect.poll(() => intake.memory.held, { interval: 1 }).toBeGreaterThan(body.length);
    raw.socket.resetAndDestroy();
    await holds(intake, 0);
    expect((await post(door, 'x')).status).toBe(200);
  });
});

describe('stop', () => {
  test('lets requests under way finish, closes their connections, and takes no new ones', async () => {
    const { door, intake } = await openDoor();
    let release = (): void => {};
    intake.answer = () => new Promise((resolve) => (release = () => resolve(STORED)));
    const idle = new RawConnection(door);
    idle.writeHead('GET /nothing HTTP/1.1', 'Host: d');
    await idle.answers(1);
    const silent = new RawConnection(door);
    await new Promise((resolve) => silent.socket.once('connect', resolve));
    const busy = new RawConnection(door);
    busy.writeHead(...tracesHead('Content-Length: 1'));
    busy.write('x');
    const half = new RawConnection(door);
    half.writeHead(...tracesHead('Content-Length: 2'));
    half.write('x');
    await expect.poll(() => intake.received.length).toBe(1);
    await holds(intake, 2);

    let isStopped = false;
    const stopped = door.stop(20_000).then(() => {
      isStopped = true;
    });
    await idle.closed();
    await silent.closed();
    await expect(refused(door.port)).resolves.toBe('ECONNREFUSED');
    expect(isStopped).toBe(false);
    release();
    await busy.answers(1);
    await busy.closed();
    expect(busy.statuses).toStrictEqual([200]);
    expect(busy.received).toMatch(/^connection: close\r$/im);
    expect(isStopped).toBe(false);
    intake.answer = STORED;
    half.write('y');
    await half.answers(1);
    expect(half.statuses).toStrictEqual([200]);
    await stopped;
    await half.closed();
  });

  test('cuts at the deadline what is not finished, and gives its memory back when the intake is done', async () => {
    const { door, intake } = await openDoor();
    let release = (): void => {};
    intake.answer = () => new Promise((resolve) => (release = () => resolve(STORED)));
    const stored = new RawConnection(door);
    stored.writeHead(...tracesHead('Content-Length: 1'));
    stored.write('x');
    const half = new RawConnection(door);
    half.writeHead(...tracesHead('Content-Length: 20'));
    half.write('x');
    await holds(intake, 2);
    await door.stop(100);
    await stored.closed();
    await half.closed();
    expect(stored.received + half.received).toBe('');
    await holds(intake, 1);
    release();
    await holds(intake, 0);
  });

  test('twice is once', async () => {
    const { door } = await openDoor();
    expect(door.stop(1_000)).toBe(door.stop(0));
    await door.stop(0);
    await expect(send(door, { method: 'GET' })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('with nothing under way it does not wait for its deadline', async () => {
    const { door } = await openDoor();
    expect((await post(door, 'x', { connection: 'keep-alive' })).status).toBe(200);
    const start = performance.now();
    await door.stop(60_000);
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});

function refused(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    socket.on('connect', () => {
      socket.destroy();
      resolve('connected');
    });
  });
}

describe('opening', () => {
  test('an address in use says so', async () => {
    const { door } = await openDoor();
    await expect(openDoor({ port: door.port })).rejects.toMatchObject({
      name: 'DoorError',
      code: 'address_in_use',
      message: expect.stringContaining(String(door.port)),
    });
  });

  test('an address that this machine does not have says so', async () => {
    await expect(openDoor({ host: '192.0.2.1' })).rejects.toMatchObject({ code: 'no_such_address' });
  });

  test('tells where it listens', async () => {
    const { door } = await openDoor({ host: 'localhost' });
    expect(['127.0.0.1', '::1']).toContain(door.host);
    expect(door.port).toBeGreaterThan(0);
  });
});
