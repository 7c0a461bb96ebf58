/**
 * Instrumentations as npm ships them, driven against providers' published answers: what we count of their spans is what was
 * served. The recorded exports of captures.test.ts go further back and beyond npm.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { decodeTraceRequest } from '@infrafabric/otlp';
import { expect, test, vi } from 'vitest';
import { Arrived, allInput } from './captures.js';

// Loading what an instrumentation brings takes seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

interface Served {
  readonly input: number;
  readonly cache_read: number;
  readonly cache_write: number;
  readonly output: number;
}

async function emit(name: string) {
  const script = join(import.meta.dirname, 'live/emit.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [script, name], { maxBuffer: 1 << 26 });
  const { otlp, served } = JSON.parse(stdout) as { otlp: string; served: (Served | null)[] };
  const arrived = new Arrived();
  arrived.add(decodeTraceRequest(Buffer.from(otlp, 'base64')).spans);
  const known = served.filter((usage) => usage !== null);
  const sum = (name: keyof Served): number => known.reduce((total, usage) => total + usage[name], 0);
  return {
    arrived,
    ...arrived.sums(),
    unknownServed: served.length - known.length,
    wanted: {
      calls: known.length,
      uncached_input: sum('input'),
      cache_read: sum('cache_read'),
      cache_write: sum('cache_write'),
      output: sum('output'),
      reasoning: 0,
    },
  };
}

test.each([
  ['ai-sdk-openai', 4],
  ['ai-sdk-anthropic', 2],
  ['openinference-openai', 3],
  ['traceloop-anthropic', 2],
])('%s: every class of %i calls', async (name, calls) => {
  const { sums, unknownCalls, unknownServed, wanted } = await emit(name);
  expect(sums).toEqual(wanted);
  expect(unknownCalls).toBe(unknownServed);
  expect(sums.calls + unknownCalls).toBe(calls);
});

test('traceloop-openai: calls, input and output; the cache is not in its spans', async () => {
  const { arrived, sums, unknownCalls, wanted } = await emit('traceloop-openai');
  expect([sums.calls, allInput(sums), sums.output]).toEqual([wanted.calls, allInput(wanted), wanted.output]);
  // A stream that did not ask for usage.
  expect(unknownCalls).toBe(1);
  // Chat may be guessed; the Responses API is not.
  expect(arrived.countable.filter((span) => span.isEstimated).map((span) => span.response)).toEqual([
    'chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT',
  ]);
});
