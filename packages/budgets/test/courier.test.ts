import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { addDestination, Courier, readDestinations, removeDestination } from '@infrafabric/budgets';
import type { Ledger } from '@infrafabric/ledger';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openBudgets, spend, tempHome, USD, until } from './support.js';

interface Request {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A receiver of webhooks that answers as it is told. */
async function receiver(answer: (response: ServerResponse, nth: number) => void) {
  const requests: Request[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    requests.push({ headers: request.headers, body });
    answer(response, requests.length);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { requests, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` };
}

const ok = (response: ServerResponse): void => void response.writeHead(204).end();

/** A home whose budget has tripped once; the destination was named before. */
async function tripped(target: Parameters<typeof addDestination>[1] | undefined, home = tempHome()) {
  const destination = target && addDestination(home, target, 1n);
  const { ledger, budgets } = await openBudgets(home);
  await budgets.set({ limitPico: USD, period: { kind: 'total' }, scope: { component: '$(touch x)' } });
  await spend(ledger, { usd: '0.85', attributes: { 'witness.component': '$(touch x)' } });
  const [alert] = await budgets.judge();
  return { home, ledger, budgets, alert: alert!, destination };
}

async function courierOf(ledger: Ledger, options: { retryMs?: number; maxAttempts?: number } = {}) {
  const warnings: string[] = [];
  const view = await ledger.view();
  const courier = new Courier(view, {
    home: ledger.paths.home,
    warn: (text) => warnings.push(text),
    retryMs: 20,
    ...options,
  });
  onTestFinished(() => courier.close(0));
  return { courier, warnings };
}

describe('a webhook', () => {
  test('gets the alert once, with the headers of Standard Webhooks', async () => {
    const { requests, url } = await receiver(ok);
    const home = tempHome();
    const secretFile = join(home, 'secret');
    const key = Buffer.from('0123456789abcdef0123456789abcdef');
    writeFileSync(secretFile, `whsec_${key.toString('base64')}\n`);
    const { ledger, alert } = await tripped({ kind: 'webhook', url, secretFile }, home);
    const { courier, warnings } = await courierOf(ledger);
    await courier.kick();
    await courier.kick();
    expect(requests).toHaveLength(1);
    const { headers, body } = requests[0]!;
    expect(headers['content-type']).toBe('application/json');
    expect(headers['webhook-id']).toBe(alert.id);
    expect(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1000)).toBeLessThan(30);
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
    expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
    expect(JSON.parse(body)).toMatchObject({
      type: 'witness.budget.alert',
      timestamp: expect.stringMatching(/^20\d\d-.*Z$/),
      data: {
        budget: 'total-touch-x',
        kind: 'spent',
        level: 'warning',
        percent: 80,
        spent_usd: '0.85',
        limit_usd: '1',
        seq: alert.seq,
      },
    });
    expect(warnings).toEqual([]);
  });

  test('is tried again after 500, after a redirect, after a broken connection; under one id', async () => {
    const { requests, url } = await receiver((response, nth) => {
      if (nth === 1) response.writeHead(500).end('no');
      else if (nth === 2) response.writeHead(302, { location: '/elsewhere' }).end();
      else if (nth === 3) response.destroy();
      else ok(response);
    });
    const { ledger, alert } = await tripped({ kind: 'webhook', url });
    const { courier, warnings } = await courierOf(ledger);
    await courier.deliverFor(10_000);
    expect(requests.map(({ headers }) => headers['webhook-id'])).toEqual(Array(4).fill(alert.id));
    expect(new Set(requests.map(({ body }) => body)).size).toBe(1);
    expect(requests[0]!.headers['webhook-signature']).toBeUndefined();
    expect(warnings.map((text) => /: (answered \d+|[^;]+); tried again/.exec(text)?.[1])).toEqual([
      'answered 500',
      'answered 302',
      expect.any(String),
    ]);
    expect(courier.shipments()).toMatchObject([{ delivery: { state: 'delivered', attempts: 4 } }]);
  });

  test('that is slow keeps nobody else waiting', async () => {
    const slow = await receiver((response) => void setTimeout(() => ok(response), 1_500));
    const quick = await receiver(ok);
    const home = tempHome();
    addDestination(home, { kind: 'webhook', url: slow.url }, 1n);
    const { ledger } = await tripped({ kind: 'webhook', url: quick.url }, home);
    const { courier } = await courierOf(ledger);
    const began = Date.now();
    const round = courier.kick();
    await until(() => quick.requests.length === 1 && slow.requests.length === 1);
    expect(Date.now() - began).toBeLessThan(1_400);
    await round;
    expect(courier.shipments().map(({ delivery }) => delivery.state)).toEqual(['delivered', 'delivered']);
  });

  test('that never takes it is given up, visibly, and then left alone', async () => {
    const { requests, url } = await receiver((response) => void response.writeHead(503).end());
    const { ledger } = await tripped({ kind: 'webhook', url });
    const { courier, warnings } = await courierOf(ledger, { retryMs: 5, maxAttempts: 3 });
    await courier.deliverFor(10_000);
    expect(requests).toHaveLength(3);
    expect(warnings.at(-1)).toContain('did not reach webhook');
    expect(warnings.at(-1)).toContain('answered 503; given up');
    expect(courier.shipments()).toMatchObject([{ delivery: { state: 'failed', attempts: 3, error: 'answered 503' } }]);
    await (await courierOf(ledger)).courier.kick();
    expect(requests).toHaveLength(3);
  });

  test('gets nothing twice from couriers at work at once', async () => {
    const { requests, url } = await receiver((response) => void setTimeout(() => ok(response), 100));
    const { ledger } = await tripped({ kind: 'webhook', url });
    const couriers = await Promise.all(Array.from({ length: 6 }, () => courierOf(ledger)));
    await Promise.all(couriers.map(({ courier }) => courier.deliverFor(3_000)));
    expect(requests).toHaveLength(1);
  });

  test('gets what an earlier process could not deliver, and not what it could', async () => {
    let broken = true;
    const { requests, url } = await receiver((response) => void response.writeHead(broken ? 500 : 200).end());
    const { ledger, budgets } = await tripped({ kind: 'webhook', url });
    const first = await courierOf(ledger, { retryMs: 60_000 });
    await first.courier.kick();
    await first.courier.close(0);
    expect(requests).toHaveLength(1);
    broken = false;
    // Its pause holds for the next process as well.
    const second = await courierOf(ledger);
    await second.courier.kick();
    expect(requests).toHaveLength(1);
    const file = join(ledger.paths.home, 'alerts');
    expect(statSync(file).mode & 0o777).toBe(0o700);
    await spend(ledger, { usd: '1', attributes: { 'witness.component': '$(touch x)' } });
    expect(await budgets.judge()).toMatchObject([{ level: 'error' }]);
    await second.courier.kick();
    expect(requests.map(({ body }) => JSON.parse(body).data.level)).toEqual(['warning', 'error']);
    await (await courierOf(ledger)).courier.kick();
    expect(requests).toHaveLength(2);
  });

  test.each([
    ['whose process died', () => JSON.stringify({ host: hostname(), pid: 2 ** 22 + 1, until: Date.now() + 60_000 }), 1],
    ['whose time has passed', () => JSON.stringify({ host: 'elsewhere', pid: 1, until: Date.now() - 1 }), 1],
    [
      'of a process that is at it',
      () => JSON.stringify({ host: hostname(), pid: process.pid, until: Date.now() + 60_000 }),
      0,
    ],
    [
      'of another machine',
      () => JSON.stringify({ host: 'elsewhere', pid: 2 ** 22 + 1, until: Date.now() + 60_000 }),
      0,
    ],
    ['that is being written', () => '', 0],
  ])('is left to a claim %s, or not', async (_, claim, expected) => {
    const { requests, url } = await receiver(ok);
    const { ledger, alert, destination } = await tripped({ kind: 'webhook', url });
    const { courier } = await courierOf(ledger);
    const origin = String((await ledger.view()).genesis()!.entry.body.origin);
    const directory = join(ledger.paths.home, 'alerts', createHash('sha256').update(origin).digest('hex').slice(0, 16));
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `${alert.seq}-${destination!.id}.claim`), claim());
    await courier.kick();
    expect(requests).toHaveLength(expected);
  });

  test('gets no alert from before it was named', async () => {
    const { requests, url } = await receiver(ok);
    const { ledger, home } = await tripped(undefined);
    addDestination(home, { kind: 'webhook', url }, BigInt(Date.now() + 1_000) * 1_000_000n);
    await (await courierOf(ledger)).courier.kick();
    expect(requests).toEqual([]);
  });
});

describe('a command', () => {
  test('gets JSON on stdin and variables, and no text becomes part of it', async () => {
    const home = tempHome();
    const out = join(home, 'out');
    const command = `cd '${home}' && { cat; printf '%s\\n' "$IF_ALERT_LEVEL" "$IF_ALERT_TEXT"; } > '${out}'`;
    const { ledger, alert } = await tripped({ kind: 'exec', command }, home);
    const { courier } = await courierOf(ledger);
    await courier.kick();
    const [json, level, text] = readFileSync(out, 'utf8').trim().split('\n');
    expect(JSON.parse(json!)).toMatchObject({ data: { id: alert.id, scope: { component: '$(touch x)' } } });
    expect(level).toBe('warning');
    expect(text).toContain('component $(touch x)');
    expect(existsSync(join(home, 'x'))).toBe(false);
  });

  test('that fails is tried again; what it said on stderr is kept in one line', async () => {
    const home = tempHome();
    const marker = join(home, 'marker');
    const command = `if [ -e '${marker}' ]; then exit 0; fi; touch '${marker}'; echo 'not\nyet' >&2; exit 3`;
    const { ledger } = await tripped({ kind: 'exec', command }, home);
    const { courier, warnings } = await courierOf(ledger);
    await courier.deliverFor(10_000);
    expect(warnings).toEqual([expect.stringContaining('exit code 3: not yet; tried again in 1 s')]);
    expect(courier.shipments()).toMatchObject([{ delivery: { state: 'delivered', attempts: 2 } }]);
  });
});

describe('destinations', () => {
  test('are kept in a private file, once each, until they are removed', () => {
    const home = tempHome();
    const first = addDestination(home, { kind: 'exec', command: 'true' }, 5n);
    expect(addDestination(home, { kind: 'exec', command: 'true' }, 9n)).toEqual(first);
    expect(readDestinations(home)).toEqual([first]);
    expect(statSync(join(home, 'alerts.json')).mode & 0o777).toBe(0o600);
    expect(removeDestination(home, 'ffffffff')).toBe(false);
    expect(removeDestination(home, first.id)).toBe(true);
    expect(readDestinations(home)).toEqual([]);
  });

  test.each([
    [{ kind: 'webhook', url: 'ftp://x' }],
    [{ kind: 'webhook', url: 'nowhere' }],
    [{ kind: 'exec', command: ' ' }],
    [{ kind: 'webhook', url: 'https://x', secretFile: '/nonexistent' }],
  ] as const)('%o is refused', (target) => {
    expect(() => addDestination(tempHome(), target, 1n)).toThrow(
      expect.objectContaining({ code: 'destination.invalid' }),
    );
  });

  test('of a file that is none stop nothing but themselves', async () => {
    const home = tempHome();
    writeFileSync(join(home, 'alerts.json'), '{"destinations":[{"id":"x"}]}');
    expect(() => readDestinations(home)).toThrow('cannot be read');
    const { ledger } = await tripped(undefined, home);
    const { courier, warnings } = await courierOf(ledger);
    await courier.kick();
    expect(warnings).toEqual([expect.stringContaining('alerts.json cannot be read')]);
  });
});
