/** Hostile requests: the right answer, in bounded time and memory, and whoever comes next is served. */
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { code, message, openSession, send as sendGrpc } from '../../packages/collector/test/grpc-door-harness.js';
import { newDirectory } from '../attacks/ledger-files.js';
import { spanRecord } from '../attacks/spans.js';
import { CollectorProcess } from './collector-process.js';
import { type HostileCase, jsonCases, protobufCases } from './hostile-requests.js';
import { MIB } from './inside.js';
import { expectValid, idsOf, ledgerOf, pinKey, spanEntries } from './ledger-spans.js';
import { grpcSender, httpSender, type Reply, type Sender } from './senders.js';

/** It is about not hanging: on an idle machine none takes three seconds. */
const PATIENCE_MS = 20_000;
/** Of the whole process, with the default limits. */
const BOUND_MIB = 640;

const GRPC_CODES = { 200: code.ok, 400: code.invalidArgument, 413: code.resourceExhausted } as const;

function expectReply(reply: Reply, { status, rejected = 0 }: HostileCase): void {
  expect(reply.ms).toBeLessThan(PATIENCE_MS);
  expect(reply.message === '', reply.message).toBe(status === 200 && rejected === 0);
  expect(reply).toMatchObject({ outcome: status === 200 ? 'stored' : 'refused', rejected });
}

/** Somebody else, who sends one span after the other meanwhile. */
class Bystander {
  readonly #sender: Sender;
  readonly #under: Promise<void>;
  #isOver = false;
  sent = 0;
  slowestMs = 0;

  constructor(url: string) {
    this.#sender = httpSender(url);
    this.#under = this.#send();
    // What was not as expected is thrown by end(), where the test did not fail before.
    this.#under.catch(() => undefined);
  }

  async #send(): Promise<void> {
    do {
      const { outcome, ms } = await this.#sender.send([spanRecord(100_000 + this.sent)]);
      expect(['stored', 'unavailable']).toContain(outcome);
      if (outcome === 'stored') this.sent++;
      this.slowestMs = Math.max(this.slowestMs, ms);
    } while (!this.#isOver);
  }

  /** After one more that is stored. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#under;
    expect(await this.#sender.send([spanRecord(100_000)])).toMatchObject({ outcome: 'stored' });
    if (this.sent === 0) this.sent = 1;
    this.#sender.close();
    expect(this.slowestMs).toBeLessThan(PATIENCE_MS / 2);
  }
}

/** The collector lives, has not taken too much memory, and has stopped cleanly; its ledger is VALID and has so many spans. */
async function expectWhole(
  collector: CollectorProcess,
  home: string,
  { sent }: Bystander,
  stored: number,
): Promise<void> {
  const peakMiB = collector.peakMiB();
  if (peakMiB !== undefined) expect(peakMiB).toBeLessThan(BOUND_MIB);
  const key = pinKey(home);
  await collector.stop();
  expect(collector.end).toBe(0);
  const bystanders = new Set(Array.from({ length: sent }, (_, n) => idsOf(spanRecord(100_000 + n))));
  const entries = spanEntries(ledgerOf(home));
  expect(entries.filter(({ ids }) => !bystanders.has(ids)).length).toBe(stored);
  expect(entries.length - stored).toBe(sent);
  expectValid(ledgerOf(home), key);
}

describe.each(protobufCases)('protobuf: $name', (hostile) => {
  test(`is answered by both doors with ${hostile.status}`, { timeout: 120_000 }, async () => {
    const home = newDirectory();
    const collector = await CollectorProcess.start({ home });
    const bystander = new Bystander(collector.http);
    const body = hostile.body();
    const http = httpSender(collector.http);
    const overHttp = await http.sendBytes(body);
    expectReply(overHttp, hostile);
    expect(overHttp.status).toBe(hostile.status);
    const grpc = grpcSender(collector.grpc);
    const overGrpc = await grpc.sendBytes(body);
    expectReply(overGrpc, hostile);
    expect(overGrpc.status).toBe(GRPC_CODES[hostile.status]);
    for (const sender of [http, grpc]) sender.close();
    await bystander.end();
    await expectWhole(collector, home, bystander, hostile.stored);
  });
});

describe.each(jsonCases)('JSON: $name', (hostile) => {
  test(`is answered with ${hostile.status}`, { timeout: 120_000 }, async () => {
    const home = newDirectory();
    const collector = await CollectorProcess.start({ home });
    const bystander = new Bystander(collector.http);
    const sender = httpSender(collector.http, { encoding: 'json' });
    const reply = await sender.sendBytes(hostile.body());
    expectReply(reply, hostile);
    expect(reply.status).toBe(hostile.status);
    sender.close();
    await bystander.end();
    await expectWhole(collector, home, bystander, hostile.stored);
  });
});

describe('gzip', () => {
  const bombs: Record<string, () => Buffer> = {
    'a bomb of 512 MiB': () => gzipSync(Buffer.alloc(512 * MIB), { level: 9 }),
    'a bomb of a thousand members': () => Buffer.concat(Array<Buffer>(1000).fill(gzipSync(Buffer.alloc(MIB)))),
    'a bomb that says it is small': () => {
      const bomb = gzipSync(Buffer.alloc(128 * MIB));
      bomb.writeUInt32LE(10, bomb.length - 4);
      return bomb;
    },
  };

  test.each(Object.keys(bombs))(
    '%s is too large by either door, twenty at once',
    { timeout: 120_000 },
    async (name) => {
      const home = newDirectory();
      const collector = await CollectorProcess.start({ home });
      const bystander = new Bystander(collector.http);
      const bomb = bombs[name]!();
      expect(bomb.length).toBeLessThan(2 * MIB);
      const senders = Array.from({ length: 20 }, () => httpSender(collector.http, { coding: 'gzipped' }));
      const session = openSession({ port: Number(new URL(collector.grpc).port) });
      const framed = message(bomb, { flag: 1 });
      const [overHttp, overGrpc] = await Promise.all([
        Promise.all(senders.map((sender) => sender.sendBytes(bomb))),
        Promise.all(senders.map(() => sendGrpc(session, framed, { 'grpc-encoding': 'gzip' }))),
      ]);
      // Where there is no memory at the moment to see how large it is: later.
      for (const { status, ms } of overHttp) {
        expect([413, 503]).toContain(status);
        expect(ms).toBeLessThan(PATIENCE_MS);
      }
      for (const outcome of overGrpc) expect([code.resourceExhausted, code.unavailable]).toContain(outcome.code);
      // One at a time there is.
      expect(await senders[0]!.sendBytes(bomb)).toMatchObject({ outcome: 'refused', status: 413 });
      expect(await sendGrpc(session, framed, { 'grpc-encoding': 'gzip' })).toMatchObject({
        code: code.resourceExhausted,
      });
      for (const sender of senders) sender.close();
      session.destroy();
      await bystander.end();
      await expectWhole(collector, home, bystander, 0);
    },
  );
});

describe('ids that many share', () => {
  test('do not slow each other down: a hundred requests of other content under the same ids', {
    timeout: 120_000,
  }, async () => {
    const home = newDirectory();
    const collector = await CollectorProcess.start({ home });
    const bystander = new Bystander(collector.http);
    const sender = httpSender(collector.http);
    const spans = (from: number) =>
      Array.from({ length: 256 }, (_, i) => spanRecord(1, { name: `other content ${from + i}` }));
    for (let n = 0; n < 100; n++) {
      const reply = await sender.send(spans(256 * n));
      expect(reply).toMatchObject({ outcome: 'stored', rejected: 0 });
      expect(reply.ms).toBeLessThan(PATIENCE_MS / 4);
    }
    // Sent again, early or late ones, they are known.
    for (const n of [0, 50, 99]) expect(await sender.send(spans(256 * n))).toMatchObject({ outcome: 'stored' });
    sender.close();
    await bystander.end();
    await expectWhole(collector, home, bystander, 25_600);
    const entries = spanEntries(ledgerOf(home)).filter(({ ids }) => ids === idsOf(spanRecord(1)));
    expect(entries.filter(({ conflict }) => conflict !== entries[0]!.seq)).toEqual([entries[0]]);
  });
});
