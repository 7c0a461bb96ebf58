/** Services → OpenTelemetry Collector → if-witness: whatever is killed in between, each acknowledged span is there once. */
import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { otelcol } from './peer-programs.js';
import { numbersOf, sendSpans, upTo } from './sender.js';
import { answersAtAll, type Running, Stage } from './stage.js';
import { Witness } from './witness.js';

vi.setConfig({ testTimeout: 120_000 });

let stage: Stage;
let witness: Witness;
let url: string;

beforeEach(async (context) => {
  otelcol.need(context);
  stage = new Stage();
  url = await stage.url(4318, '/v1/traces');
  witness = await Witness.start(stage, 'collect-behind-otelcol');
  return () => stage.close();
});

/** The Collector with the recipe's configuration; only its own metrics are off, for their port. */
async function startOtelcol(): Promise<Running> {
  const config = await stage.file('otelcol-in-front.yaml');
  const quiet = ['--set', 'service.telemetry.metrics.level=none'];
  return stage.start(['otelcol', '--config', config, ...quiet]).until(() => answersAtAll(url));
}

async function expectAll(count: number): Promise<void> {
  await vi.waitFor(() => expect(witness.spans().length).toBeGreaterThanOrEqual(count), {
    timeout: 60_000,
    interval: 500,
  });
  // Long enough for a late second copy.
  await delay(2_000);
  expect(numbersOf(witness.spans())).toEqual(upTo(count));
  witness.expectValid();
}

describe('an OpenTelemetry Collector in front', () => {
  test('loses and doubles nothing while if-witness is killed and started again', async () => {
    await startOtelcol();
    const sending = sendSpans(url, { from: 0, to: 3_000, pauseMs: 20 });
    for (let kill = 0; kill < 3; kill++) {
      await delay(1_000);
      await witness.kill();
      await delay(500);
      await witness.restart();
    }
    await sending;
    await expectAll(3_000);
  });

  test('keeps what it acknowledged while if-witness was down, though it is killed itself', async () => {
    const collector = await startOtelcol();
    await sendSpans(url, { from: 0, to: 500 });
    await witness.kill();
    await sendSpans(url, { from: 500, to: 1_000 });
    await collector.end('SIGKILL');
    await startOtelcol();
    await witness.restart();
    await expectAll(1_000);
  });
});
