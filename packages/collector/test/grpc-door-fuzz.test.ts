/** Connections of valid frames with random damage. SLOW=1 makes ten times as many; the seed is printed when one fails. */
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import {
  code,
  END_HEADERS,
  END_STREAM,
  EXPORT,
  frame,
  frameType,
  headerBlock,
  message,
  openGrpcDoor,
  openSession,
  PREFACE,
  RawHttp2,
  send,
} from './grpc-door-harness.js';
import { holds, STORED } from './http-door-harness.js';

const CONNECTIONS = process.env.SLOW === '1' ? 10_000 : 1_000;

/** Whole numbers below a bound, the same for the same seed. */
type Random = (below: number) => number;

function randomOf(seed: number): Random {
  let state = seed % 2_147_483_647 || 1;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

/** A few calls, some cut in two frames, some reset, among pings and window updates. */
function someFrames(random: Random): Buffer[] {
  const frames = [frame(frameType.settings, 0, 0), frame(frameType.settings, 1, 0)];
  const calls = 1 + random(5);
  for (let id = 1; id <= 2 * calls; id += 2) {
    const isGzip = random(2) === 0;
    frames.push(frame(frameType.headers, END_HEADERS, id, headerBlock(random(6) > 0 ? EXPORT : '/other', isGzip)));
    const plain = Buffer.alloc(random(2) > 0 ? random(3_000) : 100_000 + random(300_000), 'a');
    const bytes = isGzip ? message(gzipSync(plain), { flag: 1 }) : message(plain.subarray(0, 10_000));
    const cut = random(bytes.length);
    frames.push(
      frame(frameType.data, 0, id, bytes.subarray(0, cut)),
      frame(frameType.data, END_STREAM, id, bytes.subarray(cut)),
    );
    if (random(4) === 0) frames.push(frame(frameType.reset, 0, id, Buffer.of(0, 0, 0, random(14))));
    if (random(6) === 0)
      frames.push(frame(frameType.windowUpdate, 0, random(2) * id, Buffer.of(0, 0, random(256), random(256))));
    if (random(8) === 0) frames.push(frame(frameType.ping, 0, 0, Buffer.alloc(8)));
    if (random(9) === 0) frames.push(frame(frameType.headers, END_HEADERS + END_STREAM, id, headerBlock()));
  }
  return frames;
}

function damaged(frames: Buffer[], random: Random): Buffer {
  const kind = random(6);
  if (kind === 0) frames.sort(() => random(3) - 1);
  if (kind === 1) frames.splice(random(frames.length), 1);
  if (kind === 2) frames[random(frames.length)]!.fill(random(256), 3, 5);
  const bytes = Buffer.concat(frames);
  if (kind === 3) for (let i = random(6); i >= 0; i--) bytes[random(bytes.length)] = random(256);
  return kind === 4 ? bytes.subarray(0, random(bytes.length)) : bytes;
}

test('damaged connections end nothing but themselves, and leave nothing behind', async () => {
  const limits = { requestTimeoutMs: 500, answerTimeoutMs: 500, idleTimeoutMs: 500, maxConnections: 10_000 };
  const { door, intake } = await openGrpcDoor({ limits });
  intake.answer = async ({ body }) => {
    await sleep(body.length % 4);
    return body.length % 2 === 0 ? STORED : { outcome: 'unavailable', message: 'odd', retryAfterSeconds: 1 };
  };
  const seed = randomInt(2 ** 31);
  const random = randomOf(seed);
  let last = new RawHttp2(door);
  for (let i = 0; i < CONNECTIONS; i++) {
    const raw = new RawHttp2(door);
    void raw.write(PREFACE);
    void raw.write(damaged(someFrames(random), random));
    const isReset = random(3) === 0;
    setTimeout(() => (isReset ? raw.socket.resetAndDestroy() : raw.socket.end()), random(30));
    last = raw;
    if (i % 20 === 0) await sleep(5);
  }
  await expect.poll(() => last.isClosed, { timeout: 10_000 }).toBe(true);
  await expect.poll(() => intake.memory.held, { timeout: 5_000, message: `seed ${seed}` }).toBe(0);
  await holds(intake, 0);
  expect(intake.received.length, `seed ${seed}`).toBeGreaterThan(CONNECTIONS / 10);
  const { code: answered } = await send(openSession(door), message('ab'));
  expect(answered, `seed ${seed}`).toBe(code.ok);
  // Whatever cannot be ended in order is cut by then.
  await sleep(2_000);
  const late = await Promise.race([door.stop(60_000), sleep(5_000, 'connections are left')]);
  expect(late, `seed ${seed}`).toBeUndefined();
});
