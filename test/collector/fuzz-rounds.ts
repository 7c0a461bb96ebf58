/** The rounds of a fuzzer: each mutation is read three ways, taken by an intake, and looked for in its ledger. */
import type { SpanRecord } from '@infrafabric/otlp';
import { expect } from 'vitest';
import type { Encoding } from '../../packages/collector/dist/intake/intake.js';
import { randomOf } from '../attacks/ledger-files.js';
import { FuzzLedger, type Take } from './fuzz-ledger.js';
import { makePool, ROUNDS, SEED, withNewIds } from './fuzz-pool.js';
import { openIntake } from './inside.js';
import { isSameReading, type Reading } from './second-reading.js';
import { pick, type Random } from './wire-mutations.js';

/** One encoding, and who reads it. `Start` is what an encoder of it returns. */
export interface FuzzedEncoding<Start, Difference extends string> {
  readonly encoding: Encoding;
  readonly encode: (spans: readonly SpanRecord[]) => Start;
  readonly mutate: (pool: readonly Start[], start: Start, random: Random) => Uint8Array;
  /** How a failing request is printed. */
  readonly print: 'hex' | 'latin1';
  /** Our own decoder. */
  readonly read: (body: Uint8Array) => Reading;
  /** The rules, by other code; notes where protobufjs reads something else. */
  readonly readByTheRules: (body: Uint8Array, seen: Set<Difference>) => Reading;
  readonly readByProtobufjs: (body: Uint8Array) => Reading;
  /** Each must turn up in a hundred thousand rounds. */
  readonly differences: Readonly<Record<Difference, string>>;
}

/** Carries out all rounds. Fails at the first difference that is not on the list, or when the ledger holds anything else. */
export async function fuzz<Start, Difference extends string>(fuzzed: FuzzedEncoding<Start, Difference>): Promise<void> {
  const { encoding, encode, print } = fuzzed;
  const { home, intake } = await openIntake();
  const ledger = new FuzzLedger({ home });
  const take: Take = async (body) => {
    const answer = await intake.take({ body, encoding, transport: 'http' });
    return { rejected: 0, ...answer, outcome: answer.outcome === 'malformed' ? 'refused' : answer.outcome };
  };
  const number = randomOf(SEED);
  const random = (below: number): number => Math.floor(number() * below);
  const pool = makePool();
  const encoded = pool.map(encode);
  const explained = new Set<Difference>();
  for (let round = 0; round < ROUNDS; round++) {
    const start = encode(withNewIds(pick(pool, random), round, random));
    const body = fuzzed.mutate(encoded, start, random);
    const name = `seed ${SEED}, round ${round}: ${Buffer.from(body).toString(print)}`;
    const seen = new Set<Difference>();
    const rules = fuzzed.readByTheRules(body, seen);
    const ours = fuzzed.read(body);
    if (!isSameReading(ours, rules)) expect(ours, name).toEqual(rules);
    if (seen.size < 2) {
      const plain = fuzzed.readByProtobufjs(body);
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
  if (ROUNDS >= 100_000) expect([...explained].sort()).toEqual(Object.keys(fuzzed.differences).sort());
  // Neither is nearly everything refused, nor nearly nothing.
  for (const count of [counts.refused, counts.stored]) expect(count).toBeGreaterThan(ROUNDS / 6);
  expect(counts.partly).toBeGreaterThan(ROUNDS / 200);
}
