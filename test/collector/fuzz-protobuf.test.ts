/** Mutated protobuf requests into a real ledger: read as an independent decoder reads them, stored whole or not at all. */
import { decodeTraceRequest, encodeTraceRequest, OtlpDecodeError } from '@infrafabric/otlp';
import { expect, test } from 'vitest';
import type { Outcome } from '../../packages/otlp/test/protobufjs-records.js';
import { randomOf } from '../attacks/ledger-files.js';
import { FuzzLedger, type Take } from './fuzz-ledger.js';
import { makePool, ROUNDS, SEED, withNewIds } from './fuzz-pool.js';
import { openIntake } from './inside.js';
import {
  isSameReading,
  type Reading,
  readByProtobufjs,
  readByTheRules,
  readingOf,
  type WireDifference,
} from './second-reading.js';
import { mutateWire, pick } from './wire-mutations.js';

/** Where we read something else than protobufjs, on purpose. */
const DIFFERENCES: Record<WireDifference, string> = {
  'field number 0 or beyond 29 bits': 'refused; protobufjs skips it or cuts it to 32 bits',
  'varint beyond 64 bits': 'refused; protobufjs reads 32 bits and skips the rest',
  'value past the end of its message': 'refused; protobufjs reads on into the enclosing message',
  'wire type of another type': 'refused; protobufjs reads the value as the type it expects',
  group: 'refused; protobufjs skips it',
  'embedded message given twice': 'merged; protobufjs takes the last',
  'oneof member given again': 'the last on the wire counts; protobufjs takes the one that came first last',
  'bool beyond 32 bits': 'true; protobufjs looks at 32 bits',
  'varint of six to nine bytes': 'read to its end; protobufjs takes ten bytes for anything of more than five',
  'text that is not UTF-8': 'each bad sequence is one U+FFFD; protobufjs reads surrogates and overlong forms',
  'spans of deeper values': 'the span is rejected, and what is below 64 levels not looked at; protobufjs reads it',
};

/** Our own decoder's reading. */
function read(bytes: Uint8Array): Reading {
  try {
    const { spans, rejected } = decodeTraceRequest(bytes);
    const counts = Object.fromEntries(rejected.map(({ reason, count }) => [reason, count]));
    return readingOf({ spans, rejected: counts } as Outcome);
  } catch (error) {
    if (error instanceof OtlpDecodeError) return 'refused';
    throw error;
  }
}

test(`${ROUNDS} mutated requests, seed ${SEED}, are read as protobufjs reads them, and the ledger holds just that`, {
  timeout: 300_000 + ROUNDS * 6,
}, async () => {
  const { home, intake } = await openIntake();
  const ledger = new FuzzLedger({ home });
  const take: Take = async (body) => {
    const answer = await intake.take({ body, encoding: 'protobuf', transport: 'http' });
    return { rejected: 0, ...answer, outcome: answer.outcome === 'malformed' ? 'refused' : answer.outcome };
  };
  const number = randomOf(SEED);
  const random = (below: number): number => Math.floor(number() * below);
  const pool = makePool();
  const encoded = pool.map((spans) => encodeTraceRequest(spans));
  const explained = new Set<WireDifference>();
  for (let round = 0; round < ROUNDS; round++) {
    const start = encodeTraceRequest(withNewIds(pick(pool, random), round, random));
    const bytes = mutateWire(encoded, start, random);
    const name = `seed ${SEED}, round ${round}: ${Buffer.from(bytes).toString('hex')}`;
    const seen = new Set<WireDifference>();
    const rules = readByTheRules(bytes, seen);
    const ours = read(bytes);
    if (!isSameReading(ours, rules)) expect(ours, name).toEqual(rules);
    if (seen.size < 2) {
      const plain = readByProtobufjs(bytes);
      if (!isSameReading(ours, plain)) {
        if (seen.size === 0) expect(ours, name).toEqual(plain);
        for (const difference of seen) explained.add(difference);
      }
    }
    await ledger.send(take, bytes, rules, name);
  }
  await ledger.settled();
  expect(intake.inFlightSpans).toBe(0);
  await intake.close();
  const { counts, slowestMs } = ledger;
  console.log(
    `seed ${SEED}: ${ROUNDS} requests, slowest ${Math.round(slowestMs)} ms, ${ledger.entries} entries:`,
    counts,
  );
  ledger.expectWhole();
  expect(slowestMs).toBeLessThan(20_000);
  // Some are rare.
  if (ROUNDS >= 100_000) expect([...explained].sort()).toEqual(Object.keys(DIFFERENCES).sort());
  // Neither is nearly everything refused, nor nearly nothing.
  for (const count of [counts.refused, counts.stored]) expect(count).toBeGreaterThan(ROUNDS / 6);
  expect(counts.partly).toBeGreaterThan(ROUNDS / 200);
});
