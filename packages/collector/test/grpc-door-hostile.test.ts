/** Senders that are slow, greedy, broken or gone: they get their due, others are served, and no memory stays lent. */
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Door } from '../dist/door/door.js';
import {
  beginCall,
  code,
  END_HEADERS,
  END_STREAM,
  frame,
  frameType,
  headerBlock,
  MAX_BODY_BYTES,
  message,
  openGrpcDoor,
  openSession,
  RawHttp2,
  send,
} from './grpc-door-harness.js';
import { holds, STORED } from './http-door-harness.js';

const MIB = 1024 * 1024;
const gzip = { 'grpc-encoding': 'gzip' };

/** A well-behaved sender on a connection of its own is served. */
async function expectService(door: { readonly port: number }): Promise<void> {
  const session = openSession(door);
  expect((await send(session, message('a good one'))).code).toBe(code.ok);
  session.destroy();
}

describe('memory', () => {
  test('of the process stays bounded whatever is sent, and whatever it inflates to', async () => {
    const memoryBytes = 32 * MIB;
    const maxBodyBytes = 16 * MIB;
    const child = fork(new URL('./grpc-door-child.mjs', import.meta.url), [String(memoryBytes), String(maxBodyBytes)]);
    onTestFinished(() => void child.kill('SIGKILL'));
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    const used = async (): Promise<{ maxRssKiB: number; held: number }> => {
      child.send('memory');
      return (await once(child, 'message'))[0];
    };
    await expectService({ port });
    const before = await used();

    // 64 messages of 15 MiB that never end, on one connection.
    const session = openSession({ port });
    const unfinished = message(Buffer.alloc(15 * MIB), { announced: 16 * MIB });
    const calls = Array.from({ length: 64 }, () => beginCall(session));
    for (const call of calls) call.write(unfinished);
    const refused: unknown[] = [];
    for (const { outcome } of calls) void outcome.then((answer) => refused.push(answer));
    await expect.poll(() => refused.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(62);
    for (const outcome of refused) expect(outcome).toMatchObject({ code: code.unavailable, retryAfterSeconds: 1 });
    session.destroy();

    // 64 messages of 16 KiB that inflate to 15 MiB, then as many that inflate to 1 GiB.
    for (const [bomb, expected] of [
      [gzipSync(Buffer.alloc(15 * MIB)), [code.ok, code.unavailable]],
      [Buffer.concat(Array(64).fill(gzipSync(Buffer.alloc(16 * MIB)))), [code.resourceExhausted, code.unavailable]],
    ] as const) {
      const bombs = openSession({ port });
      const outcomes = await Promise.all(
        Array.from({ length: 64 }, () => send(bombs, message(bomb, { flag: 1 }), gzip)),
      );
      for (const outcome of outcomes) expect(expected).toContain(outcome.code);
      bombs.destroy();
    }

    await expectService({ port });
    const after = await used();
    expect(after.held).toBe(0);
    // What is lent, once more while it is joined, and what awaits collection; unbounded it would be a gigabyte.
    expect(after.maxRssKiB - before.maxRssKiB).toBeLessThan((4 * memoryBytes + 64 * MIB) / 1024);
  });

  test('is not lent for what is only announced', async () => {
    const { door, intake } = await openGrpcDoor({ memoryBytes: 2 * MAX_BODY_BYTES });
    const session = openSession(door);
    const calls = Array.from({ length: 50 }, () => beginCall(session));
    for (const call of calls) call.write(message('', { announced: MAX_BODY_BYTES }));
    await sleep(100);
    expect(intake.memory.held).toBe(0);
    expect((await send(openSession(door), message(Buffer.alloc(MAX_BODY_BYTES)))).code).toBe(code.ok);
  });

  test('that is short refuses what does not fit until it is given back', async () => {
    const { door, intake } = await openGrpcDoor({ memoryBytes: 1_500_000 });
    const session = openSession(door);
    let commit = (): void => undefined;
    intake.answer = () => new Promise((resolve) => (commit = () => resolve(STORED)));
    const large = message(Buffer.alloc(1_000_000));
    const waiting = send(session, large);
    await holds(intake, 1_000_000);
    intake.answer = STORED;
    expect(await send(session, large)).toMatchObject({ code: code.unavailable, retryAfterSeconds: 1 });
    expect((await send(session, message('small'))).code).toBe(code.ok);
    commit();
    await waiting;
    await holds(intake, 0);
    expect((await send(session, large)).code).toBe(code.ok);
  });

  test('that can never hold a message says that it is too large', async () => {
    const { door } = await openGrpcDoor({ memoryBytes: 500_000 });
    const outcome = await send(openSession(door), message(Buffer.alloc(1_000_000)));
    expect(outcome).toMatchObject({ code: code.resourceExhausted, retryAfterSeconds: undefined });
  });
});

describe('a sender that goes away', () => {
  const large = randomBytes(900_000);

  test.each(['cancels', 'is gone'] as const)(
    'and %s in the middle of its message leaves nothing behind',
    async (how) => {
      const { door, intake } = await openGrpcDoor();
      const session = openSession(door);
      const call = beginCall(session);
      call.write(message(large).subarray(0, 200_000));
      await holds(intake, 4 * 64 * 1024);
      if (how === 'cancels') call.cancel();
      else session.destroy();
      await holds(intake, 0);
      expect(intake.received).toEqual([]);
      await expectService(door);
    },
  );

  test.each(['cancels', 'is gone'] as const)(
    'and %s while its message is inflated leaves nothing behind',
    async (how) => {
      const { door, intake } = await openGrpcDoor();
      for (let i = 0; i < 20; i++) {
        const session = openSession(door);
        const call = beginCall(session, gzip);
        call.write(message(gzipSync(large), { flag: 1 }));
        call.end();
        await expect.poll(() => intake.memory.held, { interval: 1 }).toBeGreaterThan(0);
        if (how === 'cancels') call.cancel();
        else session.destroy();
        await holds(intake, 0);
      }
      await expectService(door);
    },
  );

  test.each(['cancels', 'is gone'] as const)('and %s before its answer holds memory until then', async (how) => {
    const { door, intake } = await openGrpcDoor();
    let commit = (): void => undefined;
    intake.answer = () => new Promise((resolve) => (commit = () => resolve(STORED)));
    const session = openSession(door);
    const call = beginCall(session);
    call.write(message(large));
    call.end();
    await expect.poll(() => intake.received.length).toBe(1);
    if (how === 'cancels') call.cancel();
    else session.destroy();
    await call.outcome;
    await sleep(50);
    expect(intake.memory.held).toBe(large.length);
    commit();
    await holds(intake, 0);
    intake.answer = STORED;
    await expectService(door);
  });
});

describe('a slow sender', () => {
  test('is cut when its message takes too long, however it drips', async () => {
    const { door, intake } = await openGrpcDoor({ limits: { requestTimeoutMs: 300 } });
    const session = openSession(door);
    const silent = beginCall(session);
    const dripping = beginCall(session);
    dripping.write(message('', { announced: 1_000 }));
    const drip = setInterval(() => dripping.write(Uint8Array.of(0)), 20);
    for (const { outcome } of [silent, dripping]) {
      expect(await outcome).toMatchObject({ code: code.deadlineExceeded, retryAfterSeconds: undefined });
    }
    clearInterval(drip);
    await holds(intake, 0);
    expect((await send(session, message('quick'))).code).toBe(code.ok);
  });

  test('is not cut while the ledger is what takes long', async () => {
    const { door, intake } = await openGrpcDoor({
      limits: { requestTimeoutMs: 50, answerTimeoutMs: 50, idleTimeoutMs: 50 },
    });
    intake.answer = () => sleep(1_500, STORED);
    expect((await send(openSession(door), message('x'))).code).toBe(code.ok);
  });

  test('that never fetches its answer is reset', async () => {
    const { door } = await openGrpcDoor({ limits: { answerTimeoutMs: 300 } });
    const session = openSession(door, { settings: { initialWindowSize: 0 } });
    await once(session, 'localSettings');
    const outcome = await send(session, message('x'));
    expect(outcome).toMatchObject({ code: undefined, resetCode: 8 });
  });
});

describe('connections', () => {
  test('that are not used are closed, and only those', async () => {
    const { door, intake } = await openGrpcDoor({ limits: { idleTimeoutMs: 300 } });
    const idle = openSession(door);
    const silent = connect({ host: '127.0.0.1', port: door.port });
    onTestFinished(() => void silent.destroy());
    silent.on('error', () => undefined).resume();
    const busy = openSession(door);
    intake.answer = () => sleep(1_500, STORED);
    const waiting = send(busy, message('waits'));
    await Promise.all([once(idle, 'close'), once(silent, 'close')]);
    expect(busy.destroyed).toBe(false);
    expect((await waiting).code).toBe(code.ok);
  });

  test('beyond the limit are closed at once', async () => {
    const { door } = await openGrpcDoor({ limits: { maxConnections: 2 } });
    const [first, second] = [openSession(door), openSession(door)];
    await Promise.all([once(first!, 'connect'), once(second!, 'connect')]);
    const third = openSession(door);
    await expect.poll(() => third.destroyed).toBe(true);
    expect((await send(first!, message('x'))).code).toBe(code.ok);
    first!.close();
    await once(first!, 'close');
    await expect.poll(async () => (await send(openSession(door), message('x'))).code).toBe(code.ok);
  });

  test.each([
    ['HTTP/1.1', 'POST /v1/traces HTTP/1.1\r\nHost: door\r\nContent-Length: 1\r\n\r\nx'],
    ['TLS', Buffer.from('16030100050100000101', 'hex')],
    ['noise', randomBytes(10_000)],
    [
      'a frame of 16 MiB',
      Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.from('ffffff000000000001', 'hex')]),
    ],
  ])('that bring %s are closed', async (_, bytes) => {
    const { door, intake } = await openGrpcDoor();
    const raw = new RawHttp2(door);
    void raw.write(bytes);
    await expect.poll(() => raw.isClosed).toBe(true);
    expect(intake.received).toEqual([]);
    await expectService(door);
  });
});

describe('a flood', () => {
  /** Writes frames until all are written or nobody reads them any more; others are served meanwhile. */
  async function flood(door: Door, count: number, frames: (streamId: number) => Buffer): Promise<RawHttp2> {
    const raw = new RawHttp2(door);
    raw.begin();
    for (let i = 0; i < count && !raw.isClosed; i += 100) {
      const written = raw.write(Buffer.concat(Array.from({ length: 100 }, (_, j) => frames(2 * (i + j) + 1))));
      if ((await Promise.race([written, sleep(500, 'unread')])) === 'unread') break;
      if (i % 2_000 === 0) await expectService(door);
    }
    await expectService(door);
    return raw;
  }

  test('of calls that never end is refused beyond the limit of one connection', async () => {
    const { door, intake } = await openGrpcDoor({ limits: { maxUnderWay: 150 } });
    const announced = message('x', { announced: 2 });
    const raw = await flood(door, 10_000, (id) =>
      Buffer.concat([
        frame(frameType.headers, END_HEADERS, id, headerBlock()),
        frame(frameType.data, 0, id, announced),
      ]),
    );
    await expect.poll(() => raw.isClosed).toBe(true);
    await holds(intake, 0);
  });

  test('of calls that are reset at once is soon unheard, and its connection goes as any that is not used', async () => {
    const { door, intake, refusals } = await openGrpcDoor({ limits: { idleTimeoutMs: 300 } });
    const raw = await flood(door, 50_000, (id) =>
      Buffer.concat([
        frame(frameType.headers, END_HEADERS, id, headerBlock('/no/such')),
        frame(frameType.reset, 0, id, Buffer.from('00000008', 'hex')),
      ]),
    );
    await expect.poll(() => raw.isClosed, { timeout: 5_000 }).toBe(true);
    expect(refusals.length).toBeLessThan(10_000);
    await holds(intake, 0);
  });

  test('of headers without an end ends its connection', async () => {
    const { door } = await openGrpcDoor();
    const raw = await flood(door, 50_000, (id) => {
      const [type, streamId] = id === 1 ? [frameType.headers, 1] : [frameType.continuation, 1];
      return frame(
        type,
        0,
        streamId,
        Buffer.concat([Buffer.of(0, 1), Buffer.from('a'), Buffer.of(100), Buffer.alloc(100, 'b')]),
      );
    });
    await expect.poll(() => raw.isClosed).toBe(true);
  });

  test('of empty settings, pings and unknown frames lets others through', async () => {
    const { door } = await openGrpcDoor();
    await flood(door, 20_000, () =>
      Buffer.concat([frame(frameType.settings, 0, 0), frame(frameType.ping, 0, 0, Buffer.alloc(8)), frame(0x42, 0, 0)]),
    );
  });

  test('of calls on many connections is refused beyond the limit of the door', async () => {
    const { door } = await openGrpcDoor({ limits: { maxUnderWay: 20, requestTimeoutMs: 1_000 } });
    const calls = Array.from({ length: 10 }, () => openSession(door)).flatMap((session) => [
      beginCall(session),
      beginCall(session),
      beginCall(session),
    ]);
    const outcomes = await Promise.all(calls.map(({ outcome }) => outcome));
    const codes = outcomes.map((outcome) => outcome.code);
    expect(codes.filter((answered) => answered === code.unavailable)).toHaveLength(10);
    expect(codes.filter((answered) => answered === code.deadlineExceeded)).toHaveLength(20);
    await expectService(door);
  });

  test('of complete calls in one write is served up to the limit of one connection', async () => {
    const { door, intake } = await openGrpcDoor({ limits: { maxCallsPerConnection: 10 } });
    let commit = (): void => undefined;
    const committed = new Promise<void>((resolve) => (commit = resolve));
    intake.answer = () => committed.then(() => STORED);
    const raw = new RawHttp2(door);
    raw.begin();
    for (let id = 1; id <= 29; id += 2) {
      void raw.write(frame(frameType.headers, END_HEADERS, id, headerBlock()));
      void raw.write(frame(frameType.data, END_STREAM, id, message('x')));
    }
    await expect.poll(() => intake.received.length).toBe(10);
    await sleep(50);
    commit();
    await holds(intake, 0);
    expect(intake.received).toHaveLength(10);
  });
});
