/** Mutated requests over real sockets: only the answers that OTLP knows, nothing lent for ever, the next sender served. */
import { gunzipSync, gzipSync } from 'node:zlib';
import { encodeTraceRequest, renderTraceRequestJson } from '@infrafabric/otlp';
import { expect, test } from 'vitest';
import type { GrpcLimits } from '../../packages/collector/dist/door/grpc-limits.js';
import {
  beginCall,
  code,
  END_HEADERS,
  END_STREAM,
  frame,
  frameType,
  headerBlock,
  message,
  openSession,
  RawHttp2,
} from '../../packages/collector/test/grpc-door-harness.js';
import { randomOf } from '../attacks/ledger-files.js';
import { spanRecord } from '../attacks/spans.js';
import { type FuzzAnswer, FuzzLedger, type Take } from './fuzz-ledger.js';
import { makePool, SEED, withNewIds } from './fuzz-pool.js';
import { MIB, openDoors } from './inside.js';
import { mutateJson } from './json-mutations.js';
import { readJsonByTheRules } from './json-reading.js';
import { type Reading, readByTheRules } from './second-reading.js';
import { httpSender, type Sender } from './senders.js';
import { mutateOctets, mutateWire, pick, type Random } from './wire-mutations.js';

const ROUNDS = Number(process.env.ROUNDS ?? (process.env.SLOW === '1' ? 50_000 : 3_000));
const MAX_BODY_BYTES = MIB;
const TIMEOUT = { timeout: 120_000 + ROUNDS * 40 };

/** A refusal is 400 or INVALID_ARGUMENT, and nothing else. */
function takeBy(sender: Sender): Take {
  return async (body) => {
    const reply = await sender.sendBytes(body);
    if (reply.outcome === 'refused') expect([400, code.invalidArgument], reply.message).toContain(reply.status);
    return reply;
  };
}

async function open(grpcLimits: Partial<GrpcLimits> = {}) {
  const opened = await openDoors({ maxBodyBytes: MAX_BODY_BYTES, grpcLimits });
  const number = randomOf(SEED);
  const random: Random = (below) => Math.floor(number() * below);
  const pool = makePool();
  const ledger = new FuzzLedger(opened);
  /** Everybody is served afterwards, nothing is lent, and the ledger is as it must be. */
  const finish = async (contents: 'known' | 'unknown' = 'known'): Promise<void> => {
    await ledger.settled();
    for (const sender of opened.senders) {
      expect((await sender.send([spanRecord(1)])).outcome, `${sender.name} afterwards`).toBe('stored');
    }
    ledger.expect(readByTheRules(encodeTraceRequest([spanRecord(1)]), new Set()));
    await expect.poll(() => opened.intake.memory.held).toBe(0);
    expect(opened.intake.inFlightSpans).toBe(0);
    await opened.close();
    console.log(`seed ${SEED}: slowest ${Math.round(ledger.slowestMs)} ms, ${ledger.entries} entries:`, ledger.counts);
    if (contents === 'known') ledger.expectWhole();
    else ledger.expectValid();
    expect(ledger.slowestMs).toBeLessThan(20_000);
  };
  const nextSpans = (round: number) => withNewIds(pick(pool, random), round, random);
  return { ...opened, random, pool, ledger, finish, nextSpans };
}

test(
  `${ROUNDS} mutated requests of each encoding, plain and compressed, by each door; seed ${SEED}`,
  TIMEOUT,
  async () => {
    const { senders, random, pool, ledger, finish, nextSpans } = await open();
    const encoded = pool.map((spans) => encodeTraceRequest(spans));
    const rendered = pool.map((spans) => renderTraceRequestJson(spans));
    const [protobuf, protobufGzip, json, jsonGzip, grpc] = senders.map(takeBy);
    for (let round = 0; round < ROUNDS; round++) {
      const wire = mutateWire(encoded, encodeTraceRequest(nextSpans(4 * round)), random);
      const text = mutateJson(rendered, renderTraceRequestJson(nextSpans(4 * round + 1)), random);
      const [wireName, textName] = [Buffer.from(wire).toString('hex'), Buffer.from(text).toString('latin1')];
      const reading = readByTheRules(wire, new Set());
      await ledger.send(protobuf!, wire, reading, `protobuf ${wireName}`);
      await ledger.send(grpc!, wire, reading, `grpc ${wireName}`);
      await ledger.send(json!, text, readJsonByTheRules(text, new Set()), `json ${textName}`);
      if (round % 4 > 0) continue;
      await ledger.send(protobufGzip!, wire, reading, `gzip protobuf ${wireName}`);
      await ledger.send(jsonGzip!, text, readJsonByTheRules(text, new Set()), `gzip json ${textName}`);
    }
    await finish();
    expect(ledger.counts.refused).toBeGreaterThan(ROUNDS / 2);
    expect(ledger.counts.stored).toBeGreaterThan(ROUNDS / 2);
  },
);

test(`${ROUNDS} gzip bodies with octets changed; seed ${SEED}`, TIMEOUT, async () => {
  const { http, random, ledger, finish, nextSpans } = await open();
  const sender = httpSender(`http://127.0.0.1:${http.port}`, { coding: 'gzipped' });
  const take = takeBy(sender);
  const pool = [gzipSync('pool')];
  for (let round = 0; round < ROUNDS; round++) {
    const whole = gzipSync(encodeTraceRequest(nextSpans(round)));
    const body = random(8) === 0 ? Buffer.concat([whole, whole]) : mutateOctets(whole, pool, random);
    await ledger.send(take, body, inflatedReading(body), `round ${round}: ${Buffer.from(body).toString('hex')}`);
  }
  await ledger.settled();
  sender.close();
  await finish();
  expect(ledger.counts.refused).toBeGreaterThan(ROUNDS / 3);
  expect(ledger.counts.stored).toBeGreaterThan(ROUNDS / 30);
});

function inflatedReading(body: Uint8Array): Reading {
  try {
    return readByTheRules(gunzipSync(body), new Set());
  } catch {
    return 'refused';
  }
}

test(`${ROUNDS} gRPC messages whose framing lies; seed ${SEED}`, TIMEOUT, async () => {
  const { grpc, random, ledger, finish, nextSpans } = await open();
  let session = openSession(grpc);
  const codes = new Map<number, number>();
  const take: Take = async (framed) => {
    if (session.closed || session.destroyed) session = openSession(grpc);
    const call = beginCall(session, framed[0] === 1 ? { 'grpc-encoding': 'gzip' } : {});
    const cut = random(framed.length + 1);
    call.write(framed.subarray(0, cut));
    call.write(framed.subarray(cut));
    call.end();
    const outcome = await call.outcome;
    expect(outcome, JSON.stringify(outcome)).toMatchObject({ httpStatus: 200, code: expect.any(Number) });
    codes.set(outcome.code!, (codes.get(outcome.code!) ?? 0) + 1);
    const isRefused = [code.invalidArgument, code.resourceExhausted, code.unimplemented].includes(outcome.code as 3);
    return answerOf(
      isRefused ? 'refused' : outcome.code === code.ok ? 'stored' : `code ${outcome.code}`,
      outcome.message,
    );
  };
  for (let round = 0; round < ROUNDS; round++) {
    const body = encodeTraceRequest(nextSpans(round));
    const framed = lyingFrame(body, random);
    await ledger.send(take, framed, readingOfFrame(framed), `round ${round}: ${framed.toString('hex')}`);
  }
  await ledger.settled();
  session.destroy();
  await finish();
  expect([...codes.keys()].sort((a, b) => a - b)).toEqual([
    code.ok,
    code.invalidArgument,
    code.resourceExhausted,
    code.unimplemented,
  ]);
});

function answerOf(outcome: string, text: string | undefined): FuzzAnswer {
  return { outcome, rejected: 0, message: text ?? '' };
}

function lyingFrame(body: Uint8Array, random: Random): Buffer {
  const zipped = gzipSync(body);
  switch (random(8)) {
    case 0:
      return message(body, {
        announced: pick([0, 1, body.length - 1, body.length + 1, MIB, MIB + 1, 2 ** 32 - 1], random),
      });
    case 1:
      return message(body, { flag: random(256) });
    case 2:
      return Buffer.concat([message(body), message(body)]);
    case 3:
      return message(body).subarray(0, random(body.length + 5));
    case 4:
      return message(zipped, { flag: 1 });
    case 5:
      return message(mutateOctets(zipped, [zipped], random), { flag: 1 });
    case 6:
      return Buffer.concat([message(body), Buffer.alloc(1 + random(10))]);
    default:
      return message(body);
  }
}

/** gRPC over HTTP/2, "Length-Prefixed-Message", of a call that is unary. */
function readingOfFrame(framed: Buffer): Reading {
  if (framed.length < 5 || framed[0]! > 1) return 'refused';
  if (framed.readUInt32BE(1) !== framed.length - 5) return 'refused';
  const body = framed.subarray(5);
  return framed[0] === 1 ? inflatedReading(body) : readByTheRules(body, new Set());
}

test(`${ROUNDS / 3} mutated streams of HTTP/2; seed ${SEED}`, TIMEOUT, async () => {
  const limits = { requestTimeoutMs: 500, answerTimeoutMs: 500, idleTimeoutMs: 500 };
  const { grpc, intake, random, finish, nextSpans } = await open(limits);
  let connections: RawHttp2[] = [];
  for (let round = 0; round < ROUNDS / 3; round++) {
    const framed = message(encodeTraceRequest(nextSpans(round)));
    const good = [
      frame(frameType.headers, END_HEADERS, 1, headerBlock()),
      frame(frameType.data, 0, 1, framed.subarray(0, 20)),
      frame(frameType.data, END_STREAM, 1, framed.subarray(20)),
      frame(frameType.ping, 0, 0, Buffer.alloc(8)),
    ];
    const raw = new RawHttp2(grpc);
    raw.begin();
    raw.write(mutateOctets(Buffer.concat(good), good, random));
    connections.push(raw);
    if (connections.length < 1_000 && round < ROUNDS / 3 - 1) continue;
    // Whatever they said: they are answered or cut, and closed once they say nothing more.
    const isOver = (): boolean => connections.every(({ isClosed }) => isClosed);
    await expect.poll(isOver, { timeout: 30_000, interval: 20 }).toBe(true);
    connections = [];
  }
  await expect.poll(() => intake.memory.held).toBe(0);
  // A change in the spans is one that was sent so: which were stored is not known here.
  await finish('unknown');
});
