/** What is mutated: requests of every shape of value, and requests of metered services, of which the ledger reads more. */
import { type AnyValue, encodeTraceRequest, type KeyValue, type SpanRecord } from '@infrafabric/otlp';
import fc from 'fast-check';
import { requests } from '../../packages/otlp/test/arbitraries.js';
import { spanRecord } from '../attacks/spans.js';
import type { Random } from './wire-mutations.js';

/**
 * How many mutated requests of each encoding, and with which numbers. Half of the hundred thousand by default, so that all
 * tests together stay within a quarter of an hour: `ROUNDS=100000 npx vitest run test/collector/fuzz` has all of them.
 */
export const ROUNDS: number = Number(process.env.ROUNDS ?? (process.env.SLOW === '1' ? 1_000_000 : 50_000));
export const SEED: number = Number(process.env.SEED ?? 20_260_701);

/** Requests of one to five spans, none of them large. */
export function makePool(): SpanRecord[][] {
  const odd = fc
    .sample(requests, { numRuns: 250, seed: 7 })
    .filter((spans) => spans.length > 0 && encodeTraceRequest(spans).length < 800);
  const metered = Array.from({ length: 100 }, (_, n) =>
    Array.from({ length: 1 + (n % 3) }, (_, i) =>
      spanRecord(1000 + 3 * n + i, { attributes: meteredAttributes(n + i) }),
    ),
  );
  return [...odd, ...metered];
}

/** Values that accounting reads, as they should be and as they should not. */
const READ: readonly AnyValue[] = [
  100n,
  -1n,
  2n ** 63n - 1n,
  12.5,
  NaN,
  '9007.199254740993',
  '1e400',
  '',
  'gpt-4o',
  'gpt-4o\u0000',
  '\ufffd'.repeat(300),
  true,
  null,
  ['a', 1n],
];
const KEYS = [
  'witness.trace.id',
  'witness.trace.parent_id',
  'witness.component',
  'witness.cost.usd',
  'gen_ai.request.model',
  'gen_ai.response.model',
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.output_tokens',
  'gen_ai.usage.cache_read.input_tokens',
  'gen_ai.operation.name',
  'gen_ai.provider.name',
  'session.id',
];

function meteredAttributes(n: number): KeyValue[] {
  return KEYS.map((key, i) => [key, READ[(n * 7 + i * (1 + (n % 5))) % READ.length]!]);
}

/** The same with ids of their own, mostly: now and then a span comes again, as it was or changed. */
export function withNewIds(spans: readonly SpanRecord[], round: number, random: Random): readonly SpanRecord[] {
  if (random(16) === 0) return spans;
  return spans.map((span, i) => ({ ...span, spanId: (16 * (round + 1) + i).toString(16).padStart(16, '0') }));
}
