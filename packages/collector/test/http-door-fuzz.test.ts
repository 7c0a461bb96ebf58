/** Whatever bytes arrive, the door answers what HTTP knows, keeps nothing, and goes on. */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { holds, JSON_TYPE, openDoor, PROTOBUF, post, RawConnection } from './http-door-harness.js';

const RUNS = process.env.SLOW === '1' ? 20_000 : 400;

function head(...lines: string[]): string {
  return `${['POST /v1/traces HTTP/1.1', 'Host: d', ...lines].join('\r\n')}\r\n\r\n`;
}

const zipped = gzipSync('{"resourceSpans":[]}');
const wholes: Buffer[] = [
  Buffer.from(`${head(`Content-Type: ${JSON_TYPE}`, 'Content-Length: 2')}{}`),
  Buffer.from(
    `${head(`Content-Type: ${PROTOBUF}`, 'Transfer-Encoding: chunked')}3\r\nabc\r\n2;x=1\r\nde\r\n0\r\nT: 1\r\n\r\n`,
  ),
  Buffer.concat([
    Buffer.from(head(`Content-Type: ${JSON_TYPE}`, 'Content-Encoding: gzip', `Content-Length: ${zipped.length}`)),
    zipped,
  ]),
  Buffer.from(`${head(`Content-Type: ${PROTOBUF}`, 'Content-Length: 3', 'Expect: 100-continue')}abc`),
  Buffer.from(`${head(`Content-Type: ${PROTOBUF}`, 'Content-Length: 70000')}${'x'.repeat(70_000)}`),
  Buffer.from(
    'OPTIONS /v1/traces HTTP/1.1\r\nHost: d\r\nOrigin: http://a\r\nAccess-Control-Request-Method: POST\r\n\r\n',
  ),
  Buffer.from('GET /v1/metrics HTTP/1.1\r\nHost: d\r\n\r\n'),
];

/** Requests one after the other on one connection, and what a hostile hand does to their bytes. */
const streams = fc
  .tuple(
    fc.array(fc.constantFrom(...wholes), { minLength: 1, maxLength: 4 }),
    fc.array(
      fc.record({
        kind: fc.constantFrom('flip', 'insert', 'delete', 'repeat', 'cut'),
        at: fc.nat({ max: 1_000 }),
        bytes: fc.uint8Array({ minLength: 1, maxLength: 6 }),
      }),
      { maxLength: 4 },
    ),
  )
  .map(([parts, changes]) => {
    let stream = Buffer.concat(parts);
    for (const { kind, at, bytes } of changes) {
      const pos = at % (stream.length + 1);
      const before = stream.subarray(0, pos);
      const after = stream.subarray(pos);
      if (kind === 'flip') stream = Buffer.concat([before, bytes, after.subarray(bytes.length)]);
      else if (kind === 'insert') stream = Buffer.concat([before, bytes, after]);
      else if (kind === 'delete') stream = Buffer.concat([before, after.subarray(bytes.length)]);
      else if (kind === 'repeat') stream = Buffer.concat([before, after, after]);
      else stream = before;
    }
    return stream;
  });

const KNOWN = new Set([100, 200, 204, 400, 403, 404, 405, 408, 413, 415, 417, 431, 501, 503]);

test(`${RUNS} mutated streams of requests`, { timeout: 600_000 }, async () => {
  const { door, intake } = await openDoor({
    allowedOrigins: ['http://a'],
    maxBodyBytes: 100_000,
    memoryBytes: 1_000_000,
  });
  intake.answer = ({ body }) =>
    body.length % 2 === 0
      ? { outcome: 'stored', rejected: 0, message: '' }
      : { outcome: 'malformed', message: 'an odd request' };
  const seen = new Set<number>();
  await fc.assert(
    fc.asyncProperty(streams, async (stream) => {
      const raw = new RawConnection(door);
      raw.write(stream);
      raw.socket.end();
      await raw.closed();
      for (const status of raw.statuses) {
        seen.add(status);
        expect(KNOWN).toContain(status);
      }
      intake.received.length = 0;
    }),
    { numRuns: RUNS },
  );
  await holds(intake, 0);
  // It was not all refused at the first byte.
  for (const status of [200, 204, 400, 404]) expect(seen).toContain(status);
  expect((await post(door, 'xx')).status).toBe(200);
});
