/** Mutated OTLP/JSON requests into a real ledger: read as a second reader reads them, stored whole or not at all. */
import { OtlpDecodeError, parseTraceRequestJson, renderTraceRequestJson } from '@infrafabric/otlp';
import { expect, test } from 'vitest';
import type { Outcome } from '../../packages/otlp/test/protobufjs-records.js';
import { randomOf } from '../attacks/ledger-files.js';
import { FuzzLedger, type Take } from './fuzz-ledger.js';
import { makePool, ROUNDS, SEED, withNewIds } from './fuzz-pool.js';
import { openIntake } from './inside.js';
import { mutateJson } from './json-mutations.js';
import { type JsonDifference, readJsonByProtobufjs, readJsonByTheRules } from './json-reading.js';
import { isSameReading, type Reading, readingOf } from './second-reading.js';
import { pick } from './wire-mutations.js';

/** Where we read something else than protobufjs, on purpose. */
const DIFFERENCES: Record<JsonDifference, string> = {
  'value of another type': 'refused with its path; protobufjs makes of it what JavaScript does, or the default',
  'number out of range': 'refused; protobufjs cuts it to its bits',
  'integer beyond int64':
    'as a JSON number it is a double, which the JS SDK writes so; protobufjs takes the nearest int64',
  'name in snake_case': 'read, as the proto3 JSON mapping asks; protobufjs does not know it',
  'two members of an AnyValue': 'refused; protobufjs keeps one of them',
  'lone surrogate': 'is U+FFFD; protobufjs writes it as three octets of no UTF-8',
  'base64 that is not standard': 'URL-safe and unpadded is read, anything else refused; protobufjs reads what it can',
  'id that is not hex': 'its span is rejected; Buffer reads what it can',
  'spans of deeper values': 'the span is rejected, and what is below 64 levels not looked at; protobufjs reads it',
};

/** Our own parser's reading. */
function read(body: Uint8Array): Reading {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    const { spans, rejected } = parseTraceRequestJson(text);
    const counts = Object.fromEntries(rejected.map(({ reason, count }) => [reason, count]));
    return readingOf({ spans, rejected: counts } as Outcome);
  } catch (error) {
    if (error instanceof OtlpDecodeError || (error as { code?: string }).code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      return 'refused';
    throw error;
  }
}

test(`${ROUNDS} mutated requests, seed ${SEED}, are read as the second reader reads them, and the ledger holds just that`, {
  timeout: 300_000 + ROUNDS * 6,
}, async () => {
  const { home, intake } = await openIntake();
  const ledger = new FuzzLedger({ home });
  const take: Take = async (body) => {
    const answer = await intake.take({ body, encoding: 'json', transport: 'http' });
    return { rejected: 0, ...answer, outcome: answer.outcome === 'malformed' ? 'refused' : answer.outcome };
  };
  const number = randomOf(SEED);
  const random = (below: number): number => Math.floor(number() * below);
  const pool = makePool();
  const rendered = pool.map((spans) => renderTraceRequestJson(spans));
  const explained = new Set<JsonDifference>();
  for (let round = 0; round < ROUNDS; round++) {
    const start = renderTraceRequestJson(withNewIds(pick(pool, random), round, random));
    const body = mutateJson(rendered, start, random);
    const name = `seed ${SEED}, round ${round}: ${Buffer.from(body).toString('latin1')}`;
    const seen = new Set<JsonDifference>();
    const rules = readJsonByTheRules(body, seen);
    const ours = read(body);
    if (!isSameReading(ours, rules)) expect(ours, name).toEqual(rules);
    if (seen.size < 2) {
      const plain = readJsonByProtobufjs(body);
      if (!isSameReading(ours, plain)) {
        if (seen.size === 0) expect(ours, name).toEqual(plain);
        for (const difference of seen) explained.add(difference);
      }
    }
    await ledger.send(take, body, rules, name);
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
