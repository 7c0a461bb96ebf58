/** The client side: an honest witness, and every way in which one can misbehave. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { encodeSignatureLine, parseCosignature, parseSignatureLine, sha256Hex } from '@infrafabric/format';
import { describe, expect, onTestFinished, test } from 'vitest';
import { askWitness, type Question, type WitnessAnswer, witnessKeyOf } from '../dist/index.js';
import { post, TestLog, witnessFor } from './support.js';

const witness = witnessKeyOf('witness.example/w', new Uint8Array(32).fill(7));
const stranger = witnessKeyOf('witness.example/w', new Uint8Array(32).fill(8));
const log = new TestLog('log.example/asked');

function question(size: number, options: Partial<Question> = {}): Question {
  return {
    note: Buffer.from(log.note(size)),
    logKey: log.key,
    proofFrom: (oldSize) => log.proof(oldSize, size),
    timeoutMs: 2_000,
    tries: 1,
    ...options,
  };
}

type Handler = (request: IncomingMessage, body: string, response: ServerResponse) => void;

/** A witness that does as it is told. @returns what it was asked, too */
async function hostile(handle: Handler): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const body = Buffer.concat(pieces).toString('utf8');
      asked.push(`${request.method} ${request.url}\n${body}`);
      handle(request, body, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** Asks one that answers each time alike. */
async function askOne(status: number, body: string | Uint8Array, type = 'text/plain'): Promise<WitnessAnswer> {
  const { url } = await hostile((_, __, response) => response.writeHead(status, { 'content-type': type }).end(body));
  return askWitness({ name: 'w', key: witness.key, url }, question(9));
}

describe('an honest witness', () => {
  test('cosigns whatever the guess was, and the line is its', async () => {
    const { server, url, folder } = await witnessFor([log]);
    onTestFinished(() => server.stop(0));
    const { loadWitnessKey } = await import('../dist/index.js');
    const { key } = loadWitnessKey(folder);
    let size = 5;
    for (const guess of [undefined, 3, 0, 100, 8]) {
      const answer = await askWitness({ name: 'w', key, url }, question(size, { guess }));
      expect(answer).toMatchObject({ outcome: 'cosigned' });
      size++;
    }
  });

  test('that has seen more says so, with the note that the log signed', async () => {
    const { server, url } = await witnessFor([log]);
    onTestFinished(() => server.stop(0));
    await post(url, log.request(0, 20));
    const answer = await askWitness({ name: 'w', key: witness.key, url }, question(9));
    expect(answer).toMatchObject({ outcome: 'ahead', size: 20 });
    expect(String((answer as { note?: string }).note)).toContain(log.note(20));
  });

  test('that has seen another history says so', async () => {
    const { server, url } = await witnessFor([log]);
    onTestFinished(() => server.stop(0));
    await post(url, log.request(0, 7, 'fork'));
    expect(await askWitness({ name: 'w', key: witness.key, url }, question(9))).toMatchObject({
      outcome: 'fork',
      size: 7,
    });
    expect(await askWitness({ name: 'w', key: witness.key, url }, question(7))).toMatchObject({
      outcome: 'fork',
      size: 7,
    });
  });
});

test('what is sent has the lines of the log and of nobody else, and at most 63 hashes', async () => {
  const { url, asked } = await hostile((_, __, response) => response.writeHead(404).end());
  const line = `${witness.cosign(log.text(9), 5)}\n`;
  const note = Buffer.from(log.note(9) + line);
  await askWitness({ name: 'w', key: witness.key, url }, question(9, { note, guess: 4 }));
  const proof = log.proof(4, 9).map((hash) => `${Buffer.from(hash, 'hex').toString('base64')}\n`);
  expect(asked).toEqual([`POST /add-checkpoint\nold 4\n${proof.join('')}\n${log.note(9)}`]);
  const long = await askWitness(
    { name: 'w', key: witness.key, url },
    question(9, { proofFrom: () => Array(64).fill('00'.repeat(32)) }),
  );
  expect(long).toMatchObject({ outcome: 'failed' });
});

test('a prefix in the URL stays', async () => {
  const { url, asked } = await hostile((_, __, response) => response.writeHead(404).end());
  for (const prefix of ['/a/b', '/a/b/'])
    await askWitness({ name: 'w', key: witness.key, url: url + prefix }, question(9));
  expect(asked.map((text) => text.split('\n')[0])).toEqual(Array(2).fill('POST /a/b/add-checkpoint'));
});

describe('a witness that misbehaves', () => {
  const own = (size = 9, timeUnixS = 1_700_000_000): string => `${witness.cosign(log.text(size), timeUnixS)}\n`;
  const zeroTime = (): string => {
    const line = parseSignatureLine(own().trimEnd());
    return `${encodeSignatureLine({ ...line, signature: Buffer.concat([Buffer.alloc(8), line.signature.subarray(8)]) })}\n`;
  };
  const pq = `— witness.example/pq ${Buffer.alloc(4 + 8 + 2420, 1).toString('base64')}\n`;

  test('among lines of others, of other algorithms and of other keys its own counts', async () => {
    const answer = await askOne(200, `${pq}${stranger.cosign(log.text(9), 5)}\n${own()}${pq}`);
    expect(answer).toEqual({ outcome: 'cosigned', line: own().trimEnd(), timeUnixS: 1_700_000_000 });
    const { signature } = parseSignatureLine(own().trimEnd());
    expect(parseCosignature(signature).timeUnixS).toBe(1_700_000_000);
  });

  test.each<[string, string | Uint8Array]>([
    ['nothing', ''],
    ['garbage', 'yes, of course\n'],
    ['octets that are no UTF-8', Buffer.from([0xff, 0xfe, 0x0a])],
    ['the line of another key', `${stranger.cosign(log.text(9), 5)}\n`],
    ['only lines of unknown algorithms', pq],
    ['a cosignature of another checkpoint', own(8)],
    ['a cosignature of another log', `${witness.cosign(log.text(9).replace('asked', 'other'), 5)}\n`],
    ['a time of zero', zeroTime()],
    ['a signature that was cut', own().replace(/.{8}\n$/, '\n')],
    ['a good and a bad line of its key', own() + own(8)],
    ['its line without the newline', own().trimEnd()],
    ['more than a hundred lines', pq.repeat(16) + own().repeat(90)],
    ['ten million octets', Buffer.alloc(10_000_000, 0x61)],
    ['an empty line first', `\n${own()}`],
    ['ANSI escapes', `\x1b[2J${own()}`],
  ])('with %s has not cosigned', async (_, body) => {
    expect(await askOne(200, body)).toMatchObject({ outcome: 'failed' });
  });

  test.each<[string, string, string]>([
    ['no size', '', 'text/x.tlog.size'],
    ['a size of another type', '5\n', 'text/plain'],
    ['a size with a leading zero', '05\n', 'text/x.tlog.size'],
    ['a negative one', '-5\n', 'text/x.tlog.size'],
    ['one beyond 2^53', '9007199254740993\n', 'text/x.tlog.size'],
    ['two', '5\n6\n', 'text/x.tlog.size'],
    ['the one it was asked with', '0\n', 'text/x.tlog.size'],
  ])('with 409 and %s has failed', async (_, body, type) => {
    expect(await askOne(409, body, type)).toMatchObject({ outcome: 'failed' });
  });

  test('that says another size each time is left', async () => {
    let size = 1;
    const { url, asked } = await hostile((_, __, response) =>
      response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end(`${size++}\n`),
    );
    expect(await askWitness({ name: 'w', key: witness.key, url }, question(9))).toMatchObject({ outcome: 'failed' });
    expect(asked.length).toBeLessThan(5);
  });

  test('that claims to be ahead shows only notes that the log signed', async () => {
    const other = new TestLog(log.origin);
    for (const shown of [other.note(50), log.note(10), 'garbage', new TestLog('log.example/x').note(50)]) {
      const { url, asked } = await hostile((request, _, response) => {
        if (request.method === 'GET') response.end(shown);
        else response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end('50\n');
      });
      const answer = await askWitness({ name: 'w', key: witness.key, url }, question(9));
      expect(answer).toEqual({ outcome: 'ahead', size: 50, note: undefined });
      expect(asked.at(-1)).toContain(`GET /${sha256Hex(log.origin)}/checkpoint`);
    }
  });

  test('that sends elsewhere is not followed', async () => {
    const { url, asked } = await hostile((_, __, response) =>
      response.writeHead(307, { location: '/elsewhere' }).end(),
    );
    expect(await askWitness({ name: 'w', key: witness.key, url }, question(9))).toMatchObject({ outcome: 'failed' });
    expect(asked).toHaveLength(1);
  });

  test('that never answers, or never ends its answer, is given up in time', async () => {
    const silent = await hostile(() => undefined);
    const endless = await hostile((_, __, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write('— a'), 50);
      response.on('close', () => clearInterval(timer));
    });
    const started = performance.now();
    for (const { url } of [silent, endless]) {
      const answer = await askWitness({ name: 'w', key: witness.key, url }, question(9, { timeoutMs: 400 }));
      expect(answer).toMatchObject({ outcome: 'failed', reason: 'no answer within 0.4 s' });
    }
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  test('that fails for a moment is asked again; one that refuses is not', async () => {
    let times = 0;
    const moody = await hostile((_, __, response) => {
      if (times++ < 2) response.writeHead(503).end();
      else response.end(own());
    });
    const asking = question(9, { tries: 3 });
    expect(await askWitness({ name: 'w', key: witness.key, url: moody.url }, asking)).toMatchObject({
      outcome: 'cosigned',
    });
    const strict = await hostile((_, __, response) => response.writeHead(403).end('no'));
    expect(await askWitness({ name: 'w', key: witness.key, url: strict.url }, asking)).toMatchObject({
      outcome: 'failed',
      reason: 'it answers 403: no',
    });
    expect(strict.asked).toHaveLength(1);
  });

  test('at an address where nobody is, or that is none, has failed', async () => {
    for (const url of ['http://127.0.0.1:9', 'ftp://x', 'not a url'])
      expect(await askWitness({ name: 'w', key: witness.key, url }, question(9))).toMatchObject({ outcome: 'failed' });
  });
});
