/** Forwarding from a real ledger to backends that take it, refuse it, or are not there. */
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { append, Backend, openLedger, spanOf, startForwarder, targetOf, tempHome, until } from './forward-support.js';

describe('what is forwarded', () => {
  test.each([
    { contentType: 'application/x-protobuf', compression: 'none' },
    { contentType: 'application/x-protobuf', compression: 'gzip' },
    { contentType: 'application/json', compression: 'none' },
    { contentType: 'application/json', compression: 'gzip' },
  ] as const)('arrives whole, once and in order, as $contentType, compression $compression', async (form) => {
    const home = tempHome();
    const backend = await Backend.start();
    const ledger = await openLedger(home);
    const { forwarder, counts } = startForwarder(home, [targetOf(backend, { ...form, headers: { 'x-key': 'k' } })]);
    const names = await append(ledger, 0, 1_300);
    forwarder.wake();
    await until(() => counts().sentSpans === 1_300);
    expect(backend.taken).toEqual(names);
    expect(backend.requests[0]?.spans[5]).toEqual(spanOf('5', 5));
    expect(backend.requests[0]).toMatchObject({
      url: '/v1/traces',
      headers: { 'content-type': form.contentType, 'x-key': 'k' },
    });
    expect(Math.max(...backend.requests.map(({ spans }) => spans.length))).toBeLessThanOrEqual(512);
    expect(counts()).toEqual({
      exporter: 'test',
      sentSpans: 1_300,
      sendFailedSpans: 0,
      droppedSpans: 0,
      queueSize: 0,
      queueCapacity: 1_000_000,
    });
  });

  test('is found without being woken, whoever wrote it', async () => {
    const home = tempHome();
    const backend = await Backend.start();
    const { counts } = startForwarder(home, [targetOf(backend)]);
    const names = await append(await openLedger(home), 0, 3);
    await until(() => counts().sentSpans === 3);
    expect(backend.taken).toEqual(names);
  });

  test('goes to a path of its own, over one connection', async () => {
    const home = tempHome();
    const backend = await Backend.start();
    const ledger = await openLedger(home);
    const ports = new Set<string | undefined>();
    backend.treat = ({ headers }) => {
      ports.add(headers.connection);
      return 'take';
    };
    const { counts } = startForwarder(home, [targetOf({ url: `${backend.url}/own?key=1` })]);
    await append(ledger, 0, 2_000);
    await until(() => counts().sentSpans === 2_000);
    expect(new Set(backend.requests.map(({ url }) => url))).toEqual(new Set(['/own?key=1']));
    expect(ports).toEqual(new Set(['keep-alive']));
  });

  test('stays within the size of a request, but for a span that is larger alone', async () => {
    const home = tempHome();
    const backend = await Backend.start();
    const ledger = await openLedger(home);
    const { counts } = startForwarder(home, [targetOf(backend, { maxRequestBytes: 50_000 })]);
    await append(ledger, 0, 30, 'x'.repeat(10_000));
    await append(ledger, 30, 1, 'x'.repeat(90_000));
    await append(ledger, 31, 30, 'x'.repeat(10_000));
    await until(() => counts().sentSpans === 61);
    const [largest, second] = backend.requests.map(({ octets }) => octets).sort((a, b) => b - a);
    expect(largest).toBeGreaterThan(90_000);
    expect(second).toBeLessThanOrEqual(50_000);
    expect(backend.requests.length).toBeLessThan(30);
  });

  test('is not what the ledger held before; entries that are no spans are passed over', async () => {
    const home = tempHome();
    const backend = await Backend.start();
    const ledger = await openLedger(home);
    await append(ledger, 0, 10);
    const { counts, log } = startForwarder(home, [targetOf(backend)]);
    const gap = { count: 1, reason: 'test', since: '1', source: 'test', until: '2' };
    await ledger.append(Array.from({ length: 5_000 }, () => ({ type: 'gap', body: gap }) as const));
    const names = await append(ledger, 10, 2);
    await until(() => counts().queueSize === 0 && counts().sentSpans === 2);
    expect(backend.taken).toEqual(names);
    expect(counts()).toMatchObject({ droppedSpans: 0, sendFailedSpans: 0 });
    expect(log).toEqual([
      expect.objectContaining({ event: 'forward.start', level: 'info', exporter: 'test', details: { next_seq: 11 } }),
    ]);
  });

  test('is everything of a ledger that is created after the start', async () => {
    const home = tempHome();
    const backend = await Backend.start();
    const { counts, log } = startForwarder(home, [targetOf(backend)]);
    await sleep(600);
    const names = await append(await openLedger(home), 0, 5);
    await until(() => counts().sentSpans === 5);
    expect(backend.taken).toEqual(names);
    expect(log).toEqual([]);
  });

  test('is sent by a thread that gives way to those that take spans in', async (context) => {
    if (process.platform !== 'linux') return context.skip('threads have priorities of their own on Linux');
    const niceness = (): number[] =>
      readdirSync('/proc/self/task').flatMap((task) => {
        const stat = readFileSync(`/proc/self/task/${task}/stat`, 'utf8');
        // Fields are counted from behind the name, which may hold anything: the 19th is the 17th from there.
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
      });
    const own = getPriority();
    const { forwarder } = startForwarder(tempHome(), [targetOf({ url: 'http://127.0.0.1:1' })]);
    await until(() => niceness().includes(own + 5));
    expect(niceness().filter((nice) => nice === own + 5)).toHaveLength(1);
    await forwarder.close(1_000);
    expect(new Set(niceness())).toEqual(new Set([own]));
  });

  test('holds back no checkpoint of the ledger', async () => {
    const home = tempHome();
    const backend = await Backend.start();
    const ledger = await openLedger(home);
    const { counts } = startForwarder(home, [targetOf(backend)]);
    await append(ledger, 0, 600);
    await until(() => counts().sentSpans === 600);
    const db = new Sqlite(ledger.paths.ledger);
    expect(db.pragma('wal_checkpoint(TRUNCATE)')).toEqual([{ busy: 0, log: 0, checkpointed: 0 }]);
    db.close();
  });
});

describe('a backend that fails for a while', () => {
  test('gets everything, once and in order, when it recovers', async () => {
    const home = tempHome();
    const backend = await Backend.start();
    const ledger = await openLedger(home);
    const failures = [
      { status: 503, headers: { 'content-type': 'text/plain' }, body: 'not now' },
      { status: 429, headers: { 'retry-after': '0' } },
      { status: 502 },
      { status: 504 },
      'reset',
      'hang',
      'reset',
    ] as const;
    backend.treat = (_, index) => (index % 2 === 1 ? 'take' : (failures[index / 2] ?? 'take'));
    const { log, counts } = startForwarder(home, [targetOf(backend, { timeoutMs: 3_000 })]);
    const names = await append(ledger, 0, 10_000);
    await until(() => counts().sentSpans === 10_000);
    expect(backend.taken).toEqual(names);
    expect(counts()).toMatchObject({ sendFailedSpans: 0, droppedSpans: 0, queueSize: 0 });
    expect(new Set(log.map(({ event }) => event))).toEqual(
      new Set(['forward.start', 'forward.retry', 'forward.recovered']),
    );
    expect(log.find(({ event }) => event === 'forward.retry')?.message).toMatch(/^HTTP 503: not now; tried again in /);
  });

  test('is left alone as long as it asked for', async () => {
    const home = tempHome();
    const backend = await Backend.start();
    const ledger = await openLedger(home);
    backend.treat = (_, index) => {
      if (index === 0) return { status: 503, headers: { 'retry-after': '1' } };
      if (index === 1) {
        const date = new Date(Date.now() + 2_000).toUTCString();
        return { status: 429, headers: { 'retry-after': date } };
      }
      return 'take';
    };
    const { forwarder, counts } = startForwarder(home, [targetOf(backend)]);
    await append(ledger, 0, 1);
    const poking = setInterval(() => forwarder.wake(), 10);
    await until(() => counts().sentSpans === 1);
    clearInterval(poking);
    const [first, second, third] = backend.requests.map(({ atMs }) => atMs);
    expect(second! - first!).toBeGreaterThanOrEqual(990);
    // The date has whole seconds.
    expect(third! - second!).toBeGreaterThanOrEqual(950);
  });

  test('and is dead meanwhile has 20 MB of spans wait in the ledger, and gets them all', async () => {
    const home = tempHome();
    const backend = await Backend.start();
    const { port } = backend;
    backend.stop();
    const ledger = await openLedger(home);
    const { log, counts } = startForwarder(home, [targetOf({ url: `http://127.0.0.1:${port}` })]);
    const names = await append(ledger, 0, 5_000, 'x'.repeat(4_000));
    await until(() => counts().queueSize >= 5_000);
    await until(() => log.some(({ event }) => event === 'forward.retry'));
    await backend.listen(port);
    await until(() => counts().sentSpans === 5_000);
    expect(backend.taken).toEqual(names);
    expect(log.filter(({ event }) => event === 'forward.retry')).toHaveLength(1);
    expect(log.at(-1)).toMatchObject({ event: 'forward.recovered', level: 'info', exporter: 'test' });
  });

  test('does not hold up another', async () => {
    const home = tempHome();
    const [hanging, good] = [await Backend.start(), await Backend.start()];
    hanging.treat = () => 'hang';
    const ledger = await openLedger(home);
    const { forwarder } = startForwarder(home, [
      targetOf(hanging, { name: 'hanging', timeoutMs: 60_000 }),
      targetOf(good, { name: 'good' }),
    ]);
    const names = await append(ledger, 0, 3_000);
    await until(() => forwarder.counts()[1]?.sentSpans === 3_000);
    expect(good.taken).toEqual(names);
    expect(hanging.requests).toHaveLength(1);
    await until(() => forwarder.counts()[0]?.queueSize === 3_000);
    expect(forwarder.counts()[0]).toMatchObject({ exporter: 'hanging', sentSpans: 0, droppedSpans: 0 });
    hanging.treat = () => 'take';
  });
});

describe('a backend that refuses', () => {
  test.each([400, 401, 404, 500, 307])('with %i costs those spans alone, counted and logged', async (status) => {
    const home = tempHome();
    const [backend, elsewhere] = [await Backend.start(), await Backend.start()];
    const ledger = await openLedger(home);
    backend.treat = (_, index) =>
      index > 0
        ? 'take'
        : {
            status,
            headers: { 'content-type': 'application/json', location: `${elsewhere.url}/v1/traces` },
            body: JSON.stringify({ code: 3, message: 'not like \u001b[31mthis\n' }),
          };
    const headers = { authorization: 'Bearer s3cret' };
    const { log, counts } = startForwarder(home, [targetOf(backend, { headers })]);
    await append(ledger, 0, 512);
    await until(() => counts().sendFailedSpans === 512);
    const names = await append(ledger, 512, 5);
    await until(() => counts().sentSpans === 5);
    expect(backend.taken).toEqual(names);
    expect(log.filter(({ event }) => event === 'forward.lost')).toEqual([
      {
        level: 'error',
        event: 'forward.lost',
        exporter: 'test',
        message: `512 spans are not forwarded: the backend refused the request (HTTP ${status}: not like [31mthis)`,
        details: { reason: 'refused', spans: 512, first_seq: 1, last_seq: 512 },
      },
    ]);
    expect(JSON.stringify(log)).not.toContain('s3cret');
    expect(elsewhere.requests).toEqual([]);
  });

  test('what is too large gets less at a time, and loses only what is too large alone', async () => {
    const home = tempHome();
    const backend = await Backend.start();
    const ledger = await openLedger(home);
    backend.treat = ({ octets }) => (octets > 20_000 ? { status: 413 } : 'take');
    const { counts, log } = startForwarder(home, [targetOf(backend)]);
    const before = await append(ledger, 0, 700, 'x'.repeat(100));
    await append(ledger, 700, 1, 'x'.repeat(30_000));
    const after = await append(ledger, 701, 700, 'x'.repeat(100));
    await until(() => counts().sentSpans + counts().sendFailedSpans === 1_401);
    expect(backend.taken).toEqual([...before, ...after]);
    expect(counts()).toMatchObject({ sentSpans: 1_400, sendFailedSpans: 1 });
    expect(log.filter(({ event }) => event === 'forward.lost')).toMatchObject([
      { details: { reason: 'refused', spans: 1, first_seq: 701, last_seq: 701 } },
    ]);
    expect(backend.requests.length).toBeLessThan(60);
  });

  test('what is too large by hanging up gets less at a time', async () => {
    const home = tempHome();
    const backend = await Backend.start();
    const ledger = await openLedger(home);
    backend.treat = ({ octets }) => (octets > 20_000 ? 'reset' : 'take');
    const { counts } = startForwarder(home, [targetOf(backend)]);
    const names = await append(ledger, 0, 700, 'x'.repeat(100));
    await until(() => counts().sentSpans === 700);
    expect(backend.taken).toEqual(names);
  });

  test.each([
    ['application/x-protobuf', Uint8Array.of(0x0a, 0x07, 0x08, 0x03, 0x12, 0x03, 0x62, 0x61, 0x64)],
    ['application/json', '{"partialSuccess":{"rejectedSpans":"3","errorMessage":"bad"}}'],
  ] as const)('some spans of a request has them counted (%s)', async (contentType, body) => {
    const home = tempHome();
    const backend = await Backend.start();
    const ledger = await openLedger(home);
    backend.treat = () => ({ status: 200, headers: { 'content-type': contentType }, body });
    const { log, counts } = startForwarder(home, [targetOf(backend, { contentType })]);
    await append(ledger, 0, 10);
    await until(() => counts().sentSpans + counts().sendFailedSpans === 10);
    expect(counts()).toMatchObject({ sentSpans: 7, sendFailedSpans: 3 });
    expect(backend.requests).toHaveLength(1);
    expect(log.at(-1)).toMatchObject({
      event: 'forward.lost',
      message: expect.stringContaining('(bad)'),
      details: { reason: 'rejected', spans: 3, first_seq: 1, last_seq: 10 },
    });
  });

  test('nothing, but is no OTLP endpoint, is warned of', async () => {
    const home = tempHome();
    const backend = await Backend.start();
    const ledger = await openLedger(home);
    backend.treat = () => ({ status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' });
    const { log, counts } = startForwarder(home, [targetOf(backend)]);
    await append(ledger, 0, 1);
    await until(() => counts().sentSpans === 1);
    expect(log.at(-1)).toMatchObject({ event: 'forward.warning', message: expect.stringContaining('web page') });
  });
});

describe('spans that cannot be forwarded', () => {
  test('because the target is too far behind are skipped, counted and told with their place', async () => {
    const home = tempHome();
    const backend = await Backend.start();
    backend.treat = () => ({ status: 503 });
    const ledger = await openLedger(home);
    const { log, counts } = startForwarder(home, [targetOf(backend, { maxBehind: 1_000 })]);
    await append(ledger, 0, 1);
    await until(() => backend.requests.length > 0);
    const gap = { count: 1, reason: 'test', since: '1', source: 'test', until: '2' };
    await ledger.append([{ type: 'gap', body: gap }]);
    const names = await append(ledger, 1, 5_000);
    await until(() => counts().droppedSpans === 4_001);
    expect(counts()).toMatchObject({ queueSize: 1_000, queueCapacity: 1_000 });
    backend.treat = () => 'take';
    await until(() => counts().sentSpans === 1_000);
    expect(backend.taken).toEqual(names.slice(-1_000));
    const [lost] = log.filter(({ event }) => event === 'forward.lost');
    expect(lost).toMatchObject({ level: 'error', details: { reason: 'too_far_behind', first_seq: 1 } });
    expect(counts()).toMatchObject({ sendFailedSpans: 0, droppedSpans: 4_001 });
  });

  test('because they were erased, or are damaged, are counted apart from what is sent', async () => {
    const home = tempHome();
    const backend = await Backend.start();
    // Time enough to change what was read already.
    backend.treat = () => ({ status: 503, headers: { 'retry-after': '3' } });
    const ledger = await openLedger(home);
    const { log, counts, forwarder } = startForwarder(home, [targetOf(backend)]);
    await append(ledger, 0, 10);
    await until(() => backend.requests.length > 0);
    await ledger.redact([3], 'test', { timeoutMs: 0 });
    const db = new Sqlite(ledger.paths.ledger);
    db.exec('DROP TRIGGER payloads_no_update');
    db.exec("UPDATE payloads SET payload = x'00' WHERE seq = 5");
    db.close();
    backend.treat = () => 'take';
    await until(() => counts().sentSpans === 8);
    expect(backend.taken).toEqual(['0', '1', '3', '5', '6', '7', '8', '9']);
    expect(counts()).toMatchObject({ droppedSpans: 2, sendFailedSpans: 0 });
    await forwarder.close(1_000);
    expect(log.filter(({ event }) => event === 'forward.lost').map(({ details }) => details)).toEqual([
      { reason: 'erased', spans: 1, first_seq: 1, last_seq: 10 },
      { reason: 'unreadable', spans: 1, first_seq: 1, last_seq: 10 },
    ]);
  });
});

describe('closing', () => {
  test('sends what was committed before, and keeps the place', async () => {
    const home = tempHome();
    const backend = await Backend.start();
    const ledger = await openLedger(home);
    const { forwarder, counts } = startForwarder(home, [targetOf(backend)]);
    const names = await append(ledger, 0, 2_000);
    await forwarder.close(10_000);
    expect(backend.taken).toEqual(names);
    expect(counts()).toMatchObject({ sentSpans: 2_000, queueSize: 0 });
    const more = await append(ledger, 2_000, 10);
    const next = startForwarder(home, [targetOf(backend)]);
    await until(() => next.counts().sentSpans === 10);
    expect(backend.taken).toEqual([...names, ...more]);
  });

  test('lets the request under way finish', async () => {
    const home = tempHome();
    const backend = await Backend.start();
    backend.treat = () => ({ status: 200, afterMs: 400 });
    const ledger = await openLedger(home);
    const { forwarder, counts } = startForwarder(home, [targetOf(backend)]);
    await append(ledger, 0, 10);
    await until(() => backend.requests.length === 1);
    await forwarder.close(10_000);
    expect(counts().sentSpans).toBe(10);
  });

  test('waits neither for a pause nor beyond its deadline', async () => {
    const home = tempHome();
    const [failing, hanging] = [await Backend.start(), await Backend.start()];
    failing.treat = () => ({ status: 503, headers: { 'retry-after': '300' } });
    hanging.treat = () => 'hang';
    const ledger = await openLedger(home);
    await append(ledger, 0, 10);
    for (const [backend, deadlineMs] of [
      [failing, 60_000],
      [hanging, 300],
    ] as const) {
      const { forwarder } = startForwarder(home, [targetOf(backend, { name: String(deadlineMs), timeoutMs: 60_000 })]);
      await append(ledger, deadlineMs, 1);
      await until(() => backend.requests.length === 1);
      const began = Date.now();
      await forwarder.close(deadlineMs);
      await forwarder.close(deadlineMs);
      expect(Date.now() - began).toBeLessThan(10_000);
    }
  });
});

test('targets that make no sense are refused at once, without showing their secrets', () => {
  const home = tempHome();
  const target = targetOf({ url: 'http://127.0.0.1:1' });
  expect(() => startForwarder(home, [target, target])).toThrow('two targets are called test');
  expect(() => startForwarder(home, [targetOf({ url: 'ftp://k:s3cret@x' })])).toThrow(/^(?!.*s3cret).*http or https/);
  expect(() => startForwarder(home, [{ ...target, maxBehind: 0 }])).toThrow('maxBehind');
});
