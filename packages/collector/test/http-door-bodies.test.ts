import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import {
  holds,
  JSON_TYPE,
  MAX_BODY_BYTES,
  openDoor,
  PROTOBUF,
  post,
  RawConnection,
  STORED,
  send,
  tracesHead,
} from './http-door-harness.js';

/** Bytes that do not compress to nothing, the same every time. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[i] = state >>> 28;
  }
  return bytes;
}

const GZIP = { 'content-encoding': 'gzip' };
const CHUNKED = { 'transfer-encoding': 'chunked' };

describe('sizes', () => {
  test.each([0, 1, 1_000, 65_536, 300_000, MAX_BODY_BYTES])(
    'a body of %d bytes arrives whole: announced, chunked, gzip, deflate',
    async (length) => {
      const { door, intake } = await openDoor();
      const body = noise(length);
      expect((await post(door, body)).status).toBe(200);
      expect((await send(door, { body, headers: { 'content-type': PROTOBUF, ...CHUNKED } })).status).toBe(200);
      expect((await post(door, gzipSync(body), GZIP)).status).toBe(200);
      expect((await post(door, gzipSync(body), { 'content-encoding': 'X-GZIP' })).status).toBe(200);
      expect((await post(door, deflateSync(body), { 'content-encoding': 'deflate' })).status).toBe(200);
      expect((await post(door, body, { 'content-encoding': 'identity' })).status).toBe(200);
      expect(intake.received).toHaveLength(6);
      for (const received of intake.received) expect(Buffer.compare(received.body, body)).toBe(0);
      await holds(intake, 0);
    },
  );

  test('gzip of several members arrives whole', async () => {
    const { door, intake } = await openDoor();
    const parts = [noise(200_000), Buffer.alloc(0), noise(10)];
    expect((await post(door, Buffer.concat(parts.map((part) => gzipSync(part))), GZIP)).status).toBe(200);
    expect(Buffer.compare(intake.received[0]?.body ?? Buffer.alloc(0), Buffer.concat(parts))).toBe(0);
  });

  test.each([MAX_BODY_BYTES + 1, 5 * MAX_BODY_BYTES])('%d bytes are too many: 413 each way', async (length) => {
    const { door, intake } = await openDoor();
    const body = noise(length);
    expect((await post(door, body)).status).toBe(413);
    expect((await send(door, { body, headers: { 'content-type': PROTOBUF, ...CHUNKED } })).status).toBe(413);
    expect((await post(door, gzipSync(body), GZIP)).status).toBe(413);
    expect((await post(door, gzipSync(Buffer.alloc(length)), GZIP)).status).toBe(413);
    expect((await post(door, deflateSync(Buffer.alloc(length)), { 'content-encoding': 'deflate' })).status).toBe(413);
    expect(intake.received).toStrictEqual([]);
    await holds(intake, 0);
  });

  test('a limit below what is decompressed at once holds too', async () => {
    const { door, intake } = await openDoor({ maxBodyBytes: 1_000 });
    expect((await post(door, gzipSync(Buffer.alloc(1_000)), GZIP)).status).toBe(200);
    expect((await post(door, gzipSync(Buffer.alloc(1_001)), GZIP)).status).toBe(413);
    expect(intake.received).toHaveLength(1);
  });

  test('what announces too much is refused before a byte of it came, and told the limit', async () => {
    const { door, intake } = await openDoor();
    const raw = new RawConnection(door);
    raw.writeHead(...tracesHead(`Content-Length: ${MAX_BODY_BYTES + 1}`));
    await raw.answers(1);
    expect(raw.statuses).toStrictEqual([413]);
    expect(raw.received).toContain(String(MAX_BODY_BYTES));
    expect(raw.received).toMatch(/^connection: close\r$/im);
    expect(intake.memory.held).toBe(0);
    await raw.closed();
  });

  test('a sender that reads only after it wrote everything still gets its 413', async () => {
    const { door } = await openDoor();
    const raw = new RawConnection(door, { isPaused: true });
    raw.writeHead(...tracesHead(`Content-Length: ${20 * MAX_BODY_BYTES}`));
    const part = Buffer.alloc(MAX_BODY_BYTES);
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve, reject) =>
        raw.socket.write(part, (error) => (error ? reject(error) : resolve(null))),
      );
    }
    const answer = await new Promise<string>((resolve, reject) => {
      raw.socket.once('data', (chunk) => resolve(chunk.toString()));
      raw.socket.once('error', reject);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });
});

describe('bombs', () => {
  /** A gzip file whose one kilobyte stands for a megabyte, `factor` times over. */
  const bomb = (megabytes: number): Buffer => gzipSync(Buffer.alloc(megabytes * 1024 * 1024), { level: 9 });

  test('gigabytes in a few kilobytes are 413, and are never produced', async () => {
    const { door, intake } = await openDoor({ maxBodyBytes: 8 * MAX_BODY_BYTES, memoryBytes: 16 * MAX_BODY_BYTES });
    // Members one after the other: 4 GiB of zeros in about 4 MB, within the limit for what is sent.
    const body = Buffer.concat(new Array(64).fill(bomb(64)));
    expect(body.length).toBeLessThan(8 * MAX_BODY_BYTES);
    let mostHeld = 0;
    const watch = setInterval(() => {
      mostHeld = Math.max(mostHeld, intake.memory.held);
    }, 1);
    const before = process.memoryUsage().rss;
    const start = performance.now();
    const answer = await post(door, body, GZIP);
    clearInterval(watch);
    expect(answer.status).toBe(413);
    // 4 GiB would take ten times longer to inflate, and would not fit.
    expect(performance.now() - start).toBeLessThan(5_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * 1024 * 1024);
    expect(mostHeld).toBeLessThanOrEqual(16 * MAX_BODY_BYTES);
    expect(intake.received).toStrictEqual([]);
    await holds(intake, 0);
  });

  test('many at once are answered, one by one or not at all, and leave nothing behind', async () => {
    const { door, intake } = await openDoor({ memoryBytes: 3 * MAX_BODY_BYTES });
    const body = bomb(32);
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(door, body, GZIP)));
    for (const { status } of answers) expect([413, 503]).toContain(status);
    expect(intake.received).toStrictEqual([]);
    await holds(intake, 0);
  });

  test('a length that gzip lies about changes nothing', async () => {
    const { door, intake } = await openDoor();
    const small = gzipSync(noise(100));
    small.writeUInt32LE(0xffff_ffff, small.length - 4);
    expect((await post(door, small, GZIP)).status).toBe(400);
    const large = gzipSync(Buffer.alloc(4 * MAX_BODY_BYTES));
    large.writeUInt32LE(7, large.length - 4);
    expect((await post(door, large, GZIP)).status).toBe(413);
    expect(intake.received).toStrictEqual([]);
    await holds(intake, 0);
  });
});

describe('what cannot be read', () => {
  const gz = gzipSync(noise(200_000));
  const short = gzipSync(noise(2_000));
  test.each([
    ['empty', Buffer.alloc(0)],
    ['not gzip', Buffer.from('{"resourceSpans":[]}')],
    ['long, and not gzip', noise(200_000)],
    ['cut in its head', gz.subarray(0, 5)],
    ['short and cut', short.subarray(0, -9)],
    ['long and cut', gz.subarray(0, gz.length >> 1)],
    ['with a wrong checksum', Buffer.concat([short.subarray(0, -8), Buffer.alloc(4), short.subarray(-4)])],
    ['deflate', deflateSync(noise(10))],
  ])('as gzip, because it is %s: 400', async (_, body) => {
    const { door, intake } = await openDoor();
    const answer = await post(door, body, GZIP, JSON_TYPE);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ code: 3, message: expect.stringContaining('gzip') });
    expect(intake.received).toStrictEqual([]);
    await holds(intake, 0);
  });

  test.each([
    ['a lone continuation byte', [0x22, 0x80, 0x22]],
    ['a cut sequence', [0x22, 0xe2, 0x82]],
    ['a surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['an overlong form', [0x22, 0xc0, 0xaf, 0x22]],
    ['UTF-16', [...Buffer.from('\ufeff{}', 'utf16le')]],
  ])('as JSON, because it holds %s: 400, compressed or not', async (_, bytes) => {
    const { door, intake } = await openDoor();
    const body = Uint8Array.from(bytes);
    for (const answer of [await post(door, body, {}, JSON_TYPE), await post(door, gzipSync(body), GZIP, JSON_TYPE)]) {
      expect(answer.status).toBe(400);
      expect(JSON.parse(answer.body.toString())).toMatchObject({ code: 3, message: expect.stringContaining('UTF-8') });
    }
    expect(intake.received).toStrictEqual([]);
    // The same bytes are nobody's business in protobuf.
    expect((await post(door, body)).status).toBe(200);
  });
});

describe('memory', () => {
  test('a body is held until its answer, decompressed without what was sent', async () => {
    const { door, intake } = await openDoor();
    let held = -1;
    intake.answer = () => {
      held = intake.memory.held;
      return STORED;
    };
    await post(door, noise(300_000));
    expect(held).toBe(300_000);
    await post(door, gzipSync(noise(300_000)), GZIP);
    expect(held).toBe(300_000);
    await post(door, gzipSync(noise(3_000)), GZIP);
    expect(held).toBe(3_000);
    await holds(intake, 0);
  });

  test('what does not fit at present is 503 and fits later; announced, before a byte of it came', async () => {
    const { door, intake } = await openDoor({ memoryBytes: MAX_BODY_BYTES });
    let release = (): void => {};
    intake.answer = () => new Promise((resolve) => (release = () => resolve(STORED)));
    const first = post(door, noise(700_000));
    await holds(intake, 700_000);

    const raw = new RawConnection(door);
    raw.writeHead(...tracesHead('Content-Length: 400000'));
    await raw.answers(1);
    expect(raw.statuses).toStrictEqual([503]);
    expect(raw.received).toMatch(/^retry-after: 1\r$/im);
    for (const answer of [
      await post(door, noise(400_000)),
      await send(door, { body: noise(400_000), headers: { 'content-type': PROTOBUF, ...CHUNKED } }),
      await post(door, gzipSync(Buffer.alloc(400_000)), GZIP),
    ]) {
      expect(answer.status).toBe(503);
      expect(answer.headers['retry-after']).toBe('1');
    }
    expect(intake.memory.held).toBe(700_000);
    expect(intake.received).toHaveLength(1);

    release();
    expect((await first).status).toBe(200);
    intake.answer = STORED;
    expect((await post(door, noise(400_000))).status).toBe(200);
    await holds(intake, 0);
  });

  test('what never fits is 413: sending it again is useless', async () => {
    const { door, intake } = await openDoor({ memoryBytes: 100_000 });
    expect((await post(door, noise(100_001))).status).toBe(413);
    expect((await send(door, { body: noise(200_000), headers: { 'content-type': PROTOBUF, ...CHUNKED } })).status).toBe(
      413,
    );
    expect((await post(door, gzipSync(Buffer.alloc(500_000)), GZIP)).status).toBe(413);
    expect((await post(door, noise(100_000))).status).toBe(200);
    await holds(intake, 0);
  });

  test('those who announce much and send nothing take nothing from others', async () => {
    const { door, intake } = await openDoor({ memoryBytes: 2 * MAX_BODY_BYTES });
    for (let i = 0; i < 50; i++) new RawConnection(door).writeHead(...tracesHead(`Content-Length: ${MAX_BODY_BYTES}`));
    expect((await post(door, noise(MAX_BODY_BYTES))).status).toBe(200);
    await holds(intake, 0);
  });

  test('more requests under way than allowed are 503', async () => {
    const { door, intake } = await openDoor({ limits: { maxUnderWay: 2 } });
    const releases: (() => void)[] = [];
    intake.answer = () => new Promise((resolve) => releases.push(() => resolve(STORED)));
    const under = [post(door, 'x'), post(door, 'x')];
    await expect.poll(() => releases.length).toBe(2);
    const answer = await post(door, 'x');
    expect([answer.status, answer.headers['retry-after']]).toStrictEqual([503, '1']);
    for (const release of releases) release();
    for (const { status } of await Promise.all(under)) expect(status).toBe(200);
    intake.answer = STORED;
    expect((await post(door, 'x')).status).toBe(200);
  });
});

describe('Expect: 100-continue', () => {
  const EXPECT = 'Expect: 100-continue';

  test('is told to go on, and then answered', async () => {
    const { door, intake } = await openDoor();
    const raw = new RawConnection(door);
    raw.writeHead(...tracesHead('Content-Length: 3', EXPECT));
    await raw.answers(1);
    expect(raw.statuses).toStrictEqual([100]);
    raw.write('abc');
    await raw.answers(2);
    expect(raw.statuses).toStrictEqual([100, 200]);
    expect(intake.received[0]?.body).toHaveLength(3);
  });

  test.each([
    [413, [`Content-Length: ${MAX_BODY_BYTES + 1}`]],
    [403, ['Content-Length: 3', 'Origin: https://evil.test']],
    [415, ['Content-Length: 3', 'Content-Encoding: br']],
  ])('is told %d instead, and nothing more is read as a request', async (status, headers) => {
    const { door, intake } = await openDoor();
    const raw = new RawConnection(door);
    raw.writeHead(...tracesHead(...headers, EXPECT));
    await raw.answers(1);
    // A sender that keeps its body for itself and goes on with another request must not have it taken for the body.
    raw.writeHead(...tracesHead('Content-Length: 0'));
    await raw.closed();
    expect(raw.statuses).toStrictEqual([status]);
    expect(intake.received).toStrictEqual([]);
  });

  test('another expectation is 417', async () => {
    const { door } = await openDoor();
    expect((await post(door, 'x', { expect: 'a miracle' })).status).toBe(417);
  });
});
