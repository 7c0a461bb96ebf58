/** More than can be taken: what is too much is told so at once, the rest is served, memory stays within a bound. */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeTraceRequest, renderTraceRequestJson, type SpanRecord } from '@infrafabric/otlp';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  END_HEADERS,
  END_STREAM,
  frame,
  frameType,
  headerBlock,
  message,
} from '../../packages/collector/test/grpc-door-harness.js';
import { sampleValue } from '../../packages/collector/test/prometheus-text.js';
import { newDirectory } from '../attacks/ledger-files.js';
import { spanRecord } from '../attacks/spans.js';
import { CollectorProcess } from './collector-process.js';
import { MIB } from './inside.js';
import { countsByIds, expectValid, idsOf, ledgerOf, pinKey } from './ledger-spans.js';
import { grpcSender, httpSender, type Sender } from './senders.js';

/**
 * Resident memory of the whole process, ledger's threads included: ten times what bodies may take together. About 100 MiB of it
 * are there when nothing is asked.
 */
const BOUND_MIB = 640;
const LIMITS = { maxBodyBytes: 20 * MIB, memoryBytes: 64 * MIB, maxInFlightSpans: 1024 };

function expectBounded(collector: CollectorProcess): void {
  const peakMiB = collector.peakMiB();
  if (peakMiB === undefined) return;
  console.log(`${expect.getState().currentTestName}: at most ${Math.round(peakMiB)} MiB`);
  expect(peakMiB).toBeLessThan(BOUND_MIB);
}

test('requests beyond those that may be in flight are told to come again, and all are stored in the end', {
  timeout: 180_000,
}, async () => {
  const home = newDirectory();
  const collector = await CollectorProcess.start({ home, ...LIMITS });
  const key = pinKey(home);
  let spans = 0;
  let refusals = 0;
  let refusedSpans = 0;
  let slowestRefusalMs = 0;
  const work = async (sender: Sender): Promise<void> => {
    for (let n = 0; n < 8; n++) {
      const some = Array.from({ length: 128 }, () => spanRecord(spans++));
      for (;;) {
        const reply = await sender.send(some);
        if (reply.outcome === 'stored') break;
        expect(reply, sender.name).toMatchObject({ outcome: 'unavailable', retryAfterSeconds: 1 });
        slowestRefusalMs = Math.max(slowestRefusalMs, reply.ms);
        refusals++;
        // Of JSON that is refused unread the number is not known.
        if (!sender.name.includes('json')) refusedSpans += some.length;
        await sleep(1_000 * (0.5 + Math.random()));
      }
    }
    sender.close();
  };
  const senders = Array.from({ length: 100 }, (_, i) => {
    if (i % 5 === 0) return grpcSender(collector.grpc);
    return httpSender(collector.http, { encoding: i % 5 === 1 ? 'json' : 'protobuf' });
  });
  await Promise.all(senders.map(work));
  const { text } = await collector.page('/metrics');
  const counted = ['http', 'grpc'].map((transport) =>
    sampleValue(text, 'if_witness_refused_spans_total', { transport, reason: 'overload' }),
  );
  expect(counted[0]! + counted[1]!).toBe(refusedSpans);
  console.log(`${refusals} refusals, the slowest after ${Math.round(slowestRefusalMs)} ms`);
  expect(refusals).toBeGreaterThan(50);
  expect(slowestRefusalMs).toBeLessThan(5_000);
  expectBounded(collector);
  await collector.stop();
  const counts = countsByIds(ledgerOf(home));
  expect(counts.size).toBe(spans);
  expect([...counts].filter(([, count]) => count !== 1)).toEqual([]);
  expectValid(ledgerOf(home), key);
});

/** Sends what is stored or refused with 503, now and again, until it is told to stop; everything in the end. */
async function serveMeanwhile(
  sender: Sender,
  first: number,
  isOver: () => boolean,
): Promise<{ stored: SpanRecord[]; slowestMs: number }> {
  const stored: SpanRecord[] = [];
  let slowestMs = 0;
  for (let n = 0; !isOver() || n < 5; n++) {
    const span = spanRecord(first + n);
    const began = performance.now();
    for (;;) {
      const { outcome, message } = await sender.send([span]);
      if (outcome === 'stored') break;
      expect(outcome, message).toBe('unavailable');
      await sleep(50);
    }
    slowestMs = Math.max(slowestMs, performance.now() - began);
    stored.push(span);
    await sleep(10);
  }
  return { stored, slowestMs };
}

/** A request of 20 MiB: prompts of half a megabyte, as some have them. */
function bigRequest(n: number, encoding: 'protobuf' | 'json'): Buffer {
  const spans = Array.from({ length: 40 }, (_, i) =>
    spanRecord(1_000_000 + 100 * n + i, {
      attributes: [['prompt', `${n}.${i} `.repeat(510_000 / `${n}.${i} `.length)]],
    }),
  );
  const body = encoding === 'json' ? renderTraceRequestJson(spans) : encodeTraceRequest(spans);
  return Buffer.from(body as string);
}

test('fifty bodies of 20 MiB at once are stored or told to come again, and others are served meanwhile', {
  timeout: 180_000,
}, async () => {
  const home = newDirectory();
  const collector = await CollectorProcess.start({ home, ...LIMITS });
  const key = pinKey(home);
  const [protobuf, json] = [bigRequest(1, 'protobuf'), bigRequest(2, 'json')];
  expect(protobuf.length).toBeGreaterThan(18 * MIB);
  let isOver = false;
  const others = [
    httpSender(collector.http),
    httpSender(collector.http, { encoding: 'json' }),
    grpcSender(collector.grpc),
  ];
  const served = Promise.all(others.map((sender, i) => serveMeanwhile(sender, 10_000 * i, () => isOver)));
  const replies = await Promise.all(
    Array.from({ length: 50 }, async (_, i) => {
      const encoding = i % 2 === 0 ? 'protobuf' : 'json';
      const sender = i % 10 === 4 ? grpcSender(collector.grpc) : httpSender(collector.http, { encoding });
      const body = encoding === 'json' && i % 10 !== 4 ? json : protobuf;
      const first = await sender.sendBytes(body);
      if (first.outcome === 'unavailable') await sleep(1_000);
      const second = await sender.sendBytes(body);
      sender.close();
      return [first, second];
    }),
  );
  isOver = true;
  const outcomes = replies.flat().map(({ outcome }) => outcome);
  console.log(`big bodies: ${outcomes.filter((each) => each === 'stored').length} of ${outcomes.length} stored`);
  expect(outcomes.filter((outcome) => outcome !== 'stored' && outcome !== 'unavailable')).toEqual([]);
  expect(outcomes).toContain('stored');
  expect(outcomes).toContain('unavailable');
  for (const { stored, slowestMs } of await served) {
    expect(stored.length).toBeGreaterThan(5);
    expect(slowestMs).toBeLessThan(20_000);
  }
  expectBounded(collector);
  for (const sender of others) sender.close();
  await collector.stop();
  expectOnce(
    home,
    (await served).flatMap(({ stored }) => stored),
  );
  expectValid(ledgerOf(home), key);
});

function expectOnce(home: string, spans: readonly SpanRecord[]): void {
  const counts = countsByIds(ledgerOf(home));
  expect(spans.filter((span) => counts.get(idsOf(span)) !== 1)).toEqual([]);
  expect([...counts].filter(([, count]) => count !== 1)).toEqual([]);
}

describe('slow peers', () => {
  const HTTP_LIMITS = {
    headersTimeoutMs: 1_500,
    requestTimeoutMs: 3_000,
    keepAliveTimeoutMs: 3_000,
    idleTimeoutMs: 3_000,
  };
  const GRPC_LIMITS = { requestTimeoutMs: 3_000, answerTimeoutMs: 2_000, idleTimeoutMs: 3_000 };

  /** A connection that says this, and then a byte now and then; `reads`: whether it takes in what it is told. */
  class Slow {
    readonly #socket: Socket;
    #isClosed = false;

    constructor(url: string, said: Uint8Array | string, { trickle = '', reads = true } = {}) {
      this.#socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port) });
      this.#socket
        .on('error', () => undefined)
        .on('close', () => {
          this.#isClosed = true;
        });
      if (reads) this.#socket.resume();
      else this.#socket.pause();
      this.#socket.write(said);
      const timer = setInterval(() => trickle !== '' && this.#socket.writable && this.#socket.write(trickle), 200);
      onTestFinished(() => {
        clearInterval(timer);
        this.#socket.destroy();
      });
    }

    /** Whether the other side has ended it. Of one that does not read this is seen only by writing. */
    get isClosed(): boolean {
      if (!this.#isClosed && this.#socket.isPaused()) this.#socket.write('x');
      return this.#isClosed;
    }
  }

  const HEAD = 'POST /v1/traces HTTP/1.1\r\nHost: c\r\nContent-Type: application/x-protobuf\r\n';
  const PREFACE = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(frameType.settings, 0, 0)]);
  const CALL = frame(frameType.headers, END_HEADERS, 1, headerBlock());
  /** Answers are sent only as far as their receiver opens a window: this one never does. */
  const NO_WINDOW = frame(frameType.settings, 0, 0, Buffer.from('000400000000', 'hex'));
  const whole = message(encodeTraceRequest([spanRecord(5)]));

  test('are cut, give back what they held, and keep nobody from being served', { timeout: 120_000 }, async () => {
    const home = newDirectory();
    const options = { home, ...LIMITS, httpLimits: HTTP_LIMITS, grpcLimits: GRPC_LIMITS };
    const collector = await CollectorProcess.start(options, { script: 'doors.mjs' });
    const key = pinKey(home);
    const { http, grpc } = collector;
    const kinds: Record<string, () => Slow> = {
      'headers byte by byte': () => new Slow(http, `${HEAD}X-Slow: `, { trickle: 'x' }),
      'a body byte by byte': () =>
        new Slow(http, `${HEAD}Content-Length: 900000\r\n\r\n${'x'.repeat(100_000)}`, { trickle: 'x' }),
      'chunks of one byte': () =>
        new Slow(http, `${HEAD}Transfer-Encoding: chunked\r\n\r\n`, { trickle: '1\r\nx\r\n' }),
      'nothing at all': () => new Slow(http, ''),
      'an answer that nobody reads': () => new Slow(http, 'GET /metrics HTTP/1.1\r\nHost: c\r\n\r\n', { reads: false }),
      'more requests than anybody has answers for': () =>
        new Slow(http, 'GET /v1/metrics HTTP/1.1\r\nHost: c\r\n\r\n'.repeat(20_000), { reads: false }),
      'half a preface': () => new Slow(grpc, PREFACE.subarray(0, 10)),
      'a message byte by byte': () =>
        new Slow(
          grpc,
          Buffer.concat([
            PREFACE,
            CALL,
            frame(frameType.data, 0, 1, message(Buffer.alloc(15_000), { announced: 900_000 })),
          ]),
        ),
      'a call without a message': () => new Slow(grpc, Buffer.concat([PREFACE, CALL])),
      'an answer that nobody lets in': () =>
        new Slow(grpc, Buffer.concat([PREFACE, NO_WINDOW, CALL, frame(frameType.data, END_STREAM, 1, whole)])),
    };
    const began = performance.now();
    const slow = Object.entries(kinds).flatMap(([name, make]) =>
      Array.from({ length: 40 }, () => ({ name, peer: make() })),
    );
    let isOver = false;
    const senders = [httpSender(http), httpSender(http, { encoding: 'json' }), grpcSender(grpc)];
    const served = Promise.all(senders.map((sender, i) => serveMeanwhile(sender, 10_000 * (i + 1), () => isOver)));
    const left = (): string[] => [...new Set(slow.filter(({ peer }) => !peer.isClosed).map(({ name }) => name))];
    await expect.poll(left, { timeout: 60_000, interval: 250 }).toEqual([]);
    const seconds = (performance.now() - began) / 1000;
    isOver = true;
    for (const { stored, slowestMs } of await served) {
      expect(stored.length).toBeGreaterThan(20);
      expect(slowestMs).toBeLessThan(5_000);
    }
    const held = async (): Promise<string> => (await collector.page('/healthz')).text;
    await expect.poll(held, { timeout: 10_000 }).toBe('0');
    console.log(`${slow.length} slow peers were gone after ${seconds.toFixed(1)} s`);
    expectBounded(collector);
    for (const sender of senders) sender.close();
    await collector.stop();
    expectOnce(
      home,
      (await served).flatMap(({ stored }) => stored),
    );
    expectValid(ledgerOf(home), key);
  });
});
