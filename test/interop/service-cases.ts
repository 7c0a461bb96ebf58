/** What holds for a service in every language: told by environment variables alone, each of its spans is in the ledger. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { Peer } from '../peers.js';
import { Stage } from './stage.js';
import { type LedgerSpan, Witness } from './witness.js';

/** A service in one language. */
export interface ServiceCase {
  /** Name of the block of docs/recipes.md that starts it. */
  readonly block: string;
  /** Undefined: always there. */
  readonly peer: Peer | undefined;
  /** Files that the block names, by that name. */
  readonly files: Readonly<Record<string, string>>;
  readonly env?: NodeJS.ProcessEnv;
  /** Asserts that the spans are those of one run with `SPANS=count`. */
  expectSpans(spans: readonly LedgerSpan[], count: number): void;
}

const BUSINESS_ID = 'session-flow-001';

/** Defines the tests of a service. */
export function testService({ block, peer, files, env, expectSpans }: ServiceCase): void {
  let stage: Stage;

  beforeEach((context) => {
    peer?.need(context);
    stage = new Stage();
    for (const [name, target] of Object.entries(files)) stage.link(target, name);
    return () => stage.close();
  });

  /** Runs the service with the variables of these blocks. */
  async function serve(blocks: readonly string[], count: number) {
    const texts = await Promise.all(['traces-only', 'batches', ...blocks, block].map((name) => stage.recipe(name)));
    const variables = { SPANS: String(count), BAGGAGE: `witness.trace.id=${BUSINESS_ID}`, ...env };
    return stage.run(texts.join('\n'), variables);
  }

  describe(`a service in ${block}`, () => {
    test.each(['otlp-http', 'otlp-grpc'])('has every span in the ledger, by %s', { timeout: 120_000 }, async (how) => {
      const witness = await Witness.start(stage, 'collect');
      // More than one batch of 512.
      expect(await serve([how], 1_100)).toMatchObject({ exitCode: 0 });
      expectSpans(witness.spans(), 1_100);
      expect(witness.spans().every(({ service }) => service === 'checkout')).toBe(true);
      witness.expectValid();
    });

    test('is found by its business trace id', { timeout: 120_000 }, async () => {
      const witness = await Witness.start(stage, 'collect');
      expect(await serve(['otlp-http'], 3)).toMatchObject({ exitCode: 0 });
      expect(witness.home.trace(BUSINESS_ID).entries).toHaveLength(witness.spans().length);
    });

    test.each(['otlp-http', 'otlp-grpc'])('shows its token, by %s', { timeout: 120_000 }, async (how) => {
      const witness = await Witness.start(stage, 'collect-token');
      expect(await serve([how, 'otlp-token'], 3)).toMatchObject({ exitCode: 0 });
      expectSpans(witness.spans(), 3);
    });

    test.each(['otlp-http', 'otlp-grpc'])(
      'without the token leaves nothing, by %s',
      { timeout: 120_000 },
      async (how) => {
        const witness = await Witness.start(stage, 'collect-token');
        await serve([how], 3);
        expect(witness.spans()).toEqual([]);
        witness.expectValid();
      },
    );
  });
}

/** The spans of the small services: an order, and its numbered steps below it. */
export function expectOrder(spans: readonly LedgerSpan[], count: number): void {
  expect(spans).toHaveLength(count);
  const order = spans.find(({ name }) => name === 'order');
  const steps = spans.filter((span) => span !== order);
  expect(steps.every((step) => step.traceId === order?.traceId && step.parentSpanId === order.spanId)).toBe(true);
  const numbers = steps.map(({ name, attributes }) =>
    name === `step ${attributes.step}` ? Number(attributes.step) : 0,
  );
  expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: count - 1 }, (_, i) => i + 1));
}
