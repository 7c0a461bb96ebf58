/** The server side of c2sp.org/tlog-witness, over real sockets. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { encodeNote, parseNote, parseSignatureLine, sha256Hex } from '@infrafabric/format';
import { openCosignatures } from '@infrafabric/verify';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createWitnessKey, loadWitnessKey, logsFile, startWitnessServer } from '../dist/index.js';
import { post, TestLog, tempFolder, witnessFor } from './support.js';

/** A witness of one fresh log. */
async function one(options: Parameters<typeof witnessFor>[1] = {}) {
  const log = new TestLog('log.example/one');
  const running = await witnessFor([log], options);
  onTestFinished(() => running.server.stop(0));
  return { log, ...running };
}

describe('add-checkpoint', () => {
  test('cosigns a first checkpoint and what continues it, with the time, over the whole text', async () => {
    const { log, url, folder } = await one({ nowUnixS: () => 1_700_000_000 });
    const { key } = loadWitnessKey(folder);
    for (const [oldSize, size] of [
      [0, 5],
      [5, 5],
      [5, 8],
      [8, 300],
    ] as const) {
      const { status, text } = await post(url, log.request(oldSize, size));
      expect(status).toBe(200);
      const lines = text.trimEnd().split('\n').map(parseSignatureLine);
      const { cosigned } = openCosignatures(log.text(size), lines, [key]);
      expect(cosigned.map(({ timeUnixS }) => timeUnixS)).toEqual([1_700_000_000]);
      expect(openCosignatures(log.text(size, 'fork'), lines, [key]).failed).toHaveLength(1);
    }
  });

  test('answers 409 with the size as text/x.tlog.size to any other old size', async () => {
    const { log, url } = await one();
    await post(url, log.request(0, 5));
    for (const [oldSize, size] of [
      [0, 8],
      [4, 8],
      [6, 8],
      [0, 3],
    ] as const)
      expect(await post(url, log.request(oldSize, size))).toEqual({
        status: 409,
        type: 'text/x.tlog.size',
        text: '5\n',
      });
  });

  test('answers 422 to whatever does not continue what was cosigned', async () => {
    const { log, url } = await one();
    await post(url, log.request(0, 8));
    const proof = log.proof(8, 20);
    for (const body of [
      log.request(8, 8, 'fork'),
      log.request(8, 20, 'fork'),
      log.request(8, 20, 'main', []),
      log.request(8, 20, 'main', log.proof(7, 20)),
      log.request(8, 20, 'main', [...proof, proof[0]!]),
      log.request(8, 20, 'main', proof.toReversed()),
      log.request(8, 8, 'main', [proof[0]!]),
    ])
      expect((await post(url, body)).status).toBe(422);
    expect((await post(url, log.request(8, 20))).status).toBe(200);
  });

  test('answers 422 to a proof where nothing was cosigned, and to an empty tree with a root', async () => {
    const { log, url } = await one();
    expect((await post(url, log.request(0, 5, 'main', log.proof(3, 5)))).status).toBe(422);
    const empty = log.signed(`${log.origin}\n0\n${log.text(1).split('\n')[2]}\n`);
    expect((await post(url, `old 0\n\n${empty}`)).status).toBe(422);
    expect((await post(url, log.request(0, 0))).status).toBe(200);
  });

  test('answers 404 to a log that is not listed, 403 to one whose key did not sign or signed something else', async () => {
    const { log, url } = await one();
    expect((await post(url, new TestLog('log.example/two').request(0, 5))).status).toBe(404);
    expect((await post(url, new TestLog(log.origin).request(0, 5))).status).toBe(403);
    const moved = log.note(5).replace('\n5\n', '\n6\n');
    expect((await post(url, `old 0\n\n${moved}`)).status).toBe(403);
    // A good and a bad signature of one key make the note malformed.
    const { text, signatures } = parseNote(Buffer.from(log.note(5)));
    const bad = { ...signatures[0]!, signature: new Uint8Array(64) };
    expect((await post(url, `old 0\n\n${encodeNote(text, [signatures[0]!, bad])}`)).status).toBe(403);
  });

  test.each<[string, (log: TestLog) => string]>([
    ['nothing', () => ''],
    ['no empty line', (log) => `old 0\n${log.text(5)}`],
    ['a size with a leading zero', (log) => `old 00\n\n${log.note(5)}`],
    ['a negative size', (log) => `old -1\n\n${log.note(5)}`],
    ['a size beyond 2^53', (log) => `old 9007199254740993\n\n${log.note(5)}`],
    ['no old line', (log) => `\n\n${log.note(5)}`],
    ['a hash of 31 octets', (log) => `old 0\n${Buffer.alloc(31).toString('base64')}\n\n${log.note(5)}`],
    ['64 hashes', (log) => `old 0\n${`${Buffer.alloc(32).toString('base64')}\n`.repeat(64)}\n${log.note(5)}`],
    ['an old size beyond the checkpoint', (log) => `old 6\n\n${log.note(5)}`],
    ['CRLF', (log) => `old 0\n\n${log.note(5)}`.replaceAll('\n', '\r\n')],
  ])('answers 400 to %s', async (_, body) => {
    const { log, url } = await one();
    expect((await post(url, body(log))).status).toBe(400);
  });

  test('takes extension lines and signature lines of any other key, and keeps only what verified', async () => {
    const { log, url, folder } = await one();
    const text = `${log.text(5)}extension\n`;
    const mldsa = `— other.example/pq ${Buffer.alloc(4 + 8 + 2420, 7).toString('base64')}\n`;
    const { status, text: lines } = await post(url, `old 0\n\n${log.signed(text)}${mldsa}`);
    expect(status).toBe(200);
    const kept = readFileSync(join(folder, 'state', sha256Hex(log.origin)), 'utf8');
    expect(kept).toBe(log.signed(text) + lines);
    const shown = await fetch(`${url}/${sha256Hex(log.origin)}/checkpoint`);
    expect(await shown.text()).toBe(kept);
  });

  test('lets one of many that start at the same size win', async () => {
    const { log, url } = await one();
    await post(url, log.request(0, 5));
    const answers = await Promise.all(Array.from({ length: 24 }, (_, i) => post(url, log.request(5, 6 + i))));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(23);
  });

  test('never names an earlier time than before, whatever the clock does', async () => {
    let now = 1_700_000_000;
    const { log, url, folder } = await one({ nowUnixS: () => now });
    const { key } = loadWitnessKey(folder);
    const times: number[] = [];
    for (const [size, clock] of [
      [5, 1_700_000_000],
      [6, 1_600_000_000],
      [7, 0],
      [8, 1_700_000_001],
    ] as const) {
      now = clock;
      const { text } = await post(url, log.request(size === 5 ? 0 : size - 1, size));
      times.push(openCosignatures(log.text(size), [parseSignatureLine(text.trimEnd())], [key]).cosigned[0]!.timeUnixS);
    }
    expect(times).toEqual([1_700_000_000, 1_700_000_000, 1_700_000_000, 1_700_000_001]);
  });
});

describe('two histories', () => {
  test('two signed roots of one size are kept as evidence, and said', async () => {
    const { log, url, folder, events } = await one();
    await post(url, log.request(0, 8));
    // Whatever old size it comes with.
    await post(url, log.request(0, 8, 'fork'));
    const fork = events.find((event) => event.type === 'fork');
    expect(fork).toMatchObject({ origin: log.origin, size: 8 });
    const [name] = readdirSync(join(folder, 'state')).filter((file) => file.startsWith('fork-'));
    expect(readFileSync(join(folder, 'state', name!), 'utf8')).toBe(log.note(8, 'fork'));
  });
});

describe('state', () => {
  test('is not begun anew: without it a witness does not start', async () => {
    const { log, url, folder, server } = await one();
    await post(url, log.request(0, 8));
    await server.stop();
    renameSync(join(folder, 'state'), join(folder, 'elsewhere'));
    await expect(startWitnessServer({ folder, port: 0, onEvent: () => {} })).rejects.toMatchObject({ code: 'state' });
  });

  test('that is damaged or of another log makes no answer, and no signature', async () => {
    const { log, url, folder, events } = await one();
    await post(url, log.request(0, 8));
    const file = join(folder, 'state', sha256Hex(log.origin));
    const good = readFileSync(file);
    for (const bad of ['', 'garbage', good.toString().replace(log.origin, 'log.example/two'), good.subarray(0, 60)]) {
      writeFileSync(file, bad);
      expect((await post(url, log.request(0, 9))).status).toBe(500);
      expect((await post(url, log.request(8, 9))).status).toBe(500);
    }
    expect(events.filter(({ type }) => type === 'failed')).not.toEqual([]);
    writeFileSync(file, good);
    expect((await post(url, log.request(8, 9))).status).toBe(200);
  });

  test('that cannot be written makes no answer: the size stays', async () => {
    const { log, url, folder } = await one();
    await post(url, log.request(0, 8));
    // A folder in the way of the temporary file fails for root too.
    const temporary = join(folder, 'state', `${sha256Hex(log.origin)}.tmp`);
    mkdirSync(temporary);
    expect((await post(url, log.request(8, 9))).status).toBe(500);
    rmSync(temporary, { recursive: true });
    expect(await post(url, log.request(0, 10))).toMatchObject({ status: 409, text: '8\n' });
  });

  test('is of one process: a second on the same folder is refused, one after a crash is not', async () => {
    const { folder, server } = await one();
    await expect(startWitnessServer({ folder, port: 0, onEvent: () => {} })).rejects.toMatchObject({ code: 'in-use' });
    await server.stop();
    expect(existsSync(join(folder, 'lock'))).toBe(false);
    // Of a process that is gone, and one whose number was given to this one.
    for (const owner of ['999999999 1 boot\n', `${process.pid} 1 another-boot\n`]) {
      writeFileSync(join(folder, 'lock'), owner);
      const next = await startWitnessServer({ folder, port: 0, onEvent: () => {} });
      await next.stop();
    }
    writeFileSync(join(folder, 'lock'), 'nobody can read this\n');
    await expect(startWitnessServer({ folder, port: 0, onEvent: () => {} })).rejects.toMatchObject({ code: 'in-use' });
  });

  test('and key are private, and a key is never made twice', async () => {
    const folder = tempFolder();
    await createWitnessKey(folder, 'witness.example/x');
    expect(statSync(join(folder, 'key')).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'state')).mode & 0o777).toBe(0o700);
    await expect(createWitnessKey(folder, 'witness.example/y')).rejects.toMatchObject({ code: 'key-exists' });
    await expect(createWitnessKey(tempFolder(), 'with space')).rejects.toThrow(RangeError);
    writeFileSync(join(folder, 'key'), readFileSync(join(folder, 'key'), 'utf8').replace('/x+', '/z+'));
    expect(() => loadWitnessKey(folder)).toThrow(expect.objectContaining({ code: 'bad-key' }));
  });
});

describe('the list of logs', () => {
  test('is read again when it changes, and stays as it was when it cannot be read', async () => {
    const { log, url, folder, events } = await one();
    const second = new TestLog('log.example/two');
    expect((await post(url, second.request(0, 1))).status).toBe(404);
    writeFileSync(logsFile(folder), `# two\nlog ${log.vkey}\nlog ${second.vkey} https://two.example/\n`);
    expect((await post(url, second.request(0, 1))).status).toBe(200);
    writeFileSync(logsFile(folder), 'log garbage\n');
    expect((await post(url, second.request(1, 2))).status).toBe(200);
    expect(events.filter(({ type }) => type === 'bad-logs')).toHaveLength(1);
    writeFileSync(logsFile(folder), `log ${log.vkey}\n`);
    expect((await post(url, second.request(2, 3))).status).toBe(404);
  });

  test('holds several keys of a log: any of them may sign', async () => {
    const [old, next] = [new TestLog('log.example/r'), new TestLog('log.example/r')];
    const { server, url } = await witnessFor([old, next]);
    onTestFinished(() => server.stop(0));
    expect((await post(url, old.request(0, 4))).status).toBe(200);
    expect((await post(url, next.request(4, 6))).status).toBe(200);
  });

  test.each([
    ['half a line', (vkey: string) => `log ${vkey}`],
    ['a witness', () => 'quorum none\n'],
    ['a key of a witness', () => `log ${'w+0e589bb0+BIvu3NF8I7uf1v5WCOhcii7PY+QT6v/P6VymjVb9aTBh'}\n`],
  ])('that holds %s keeps a witness from starting', async (_, text) => {
    const folder = tempFolder();
    await createWitnessKey(folder, 'witness.example/x');
    writeFileSync(logsFile(folder), text(new TestLog('a').vkey));
    await expect(startWitnessServer({ folder, port: 0, onEvent: () => {} })).rejects.toMatchObject({
      code: 'bad-logs',
    });
    expect(existsSync(join(folder, 'lock'))).toBe(false);
  });
});

describe('whoever asks badly', () => {
  test('with a body that is too long is refused before it is read to its end', async () => {
    const { log, url } = await one();
    expect((await post(url, Buffer.concat([log.request(0, 5), Buffer.alloc(20_000)]))).status).toBe(413);
    // Without a length, and never ending.
    const { port } = new URL(url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('error', () => undefined);
    let answer = '';
    socket.on('data', (piece) => {
      answer += piece.toString();
    });
    socket.write('POST /add-checkpoint HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n');
    const chunk = `1000\r\n${'a'.repeat(4096)}\r\n`;
    const feeding = setInterval(() => socket.write(chunk), 5);
    onTestFinished(() => {
      clearInterval(feeding);
      socket.destroy();
    });
    await expect.poll(() => answer).toContain('413');
  });

  test('slowly is cut, and others are served meanwhile', async () => {
    const { log, url } = await one({ requestTimeoutMs: 500 });
    const slow = Array.from({ length: 20 }, (_, i) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(
        i % 2 === 0 ? 'POST /add-check' : 'POST /add-checkpoint HTTP/1.1\r\nhost: x\r\ncontent-length: 999\r\n\r\nold',
      );
      socket.resume();
      onTestFinished(() => void socket.destroy());
      return socket;
    });
    expect((await post(url, log.request(0, 5))).status).toBe(200);
    await expect
      .poll(() => slow.every((socket) => socket.destroyed || socket.readyState !== 'open'), { timeout: 10_000 })
      .toBe(true);
    expect((await post(url, log.request(5, 6))).status).toBe(200);
  });

  test('for something else gets nothing', async () => {
    const { url } = await one();
    expect((await fetch(`${url}/add-checkpoint`)).status).toBe(405);
    for (const path of ['/', '/state', `/${'0'.repeat(64)}/checkpoint`, '/../../etc/passwd', '/%2e%2e/key'])
      expect((await fetch(url + path)).status).toBe(404);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });
});

test('the page of metrics counts answers', async () => {
  const { log, url } = await one();
  await post(url, log.request(0, 5));
  await post(url, log.request(0, 5));
  const page = await (await fetch(`${url}/metrics`)).text();
  expect(page).toContain('if_witness_cosigner_answers_total{status="200"} 1\n');
  expect(page).toContain('if_witness_cosigner_answers_total{status="409"} 1\n');
  expect(page).toContain('if_witness_cosigner_logs 1\n');
});
