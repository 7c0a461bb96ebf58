/** Services → if-witness → OpenTelemetry Collector: what is in the ledger arrives there, however long it was away. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { otelcol } from './peer-programs.js';
import { numbersOf, sendSpans, upTo } from './sender.js';
import { answersAtAll, type Running, Stage } from './stage.js';
import { type LedgerSpan, spansOf, Witness } from './witness.js';

vi.setConfig({ testTimeout: 120_000 });

let stage: Stage;
let witness: Witness;
let url: string;

beforeEach(async (context) => {
  otelcol.need(context);
  stage = new Stage();
  stage.makeFolder('otelcol-out');
  url = await stage.url(4318, '/v1/traces');
  witness = await Witness.start(stage, 'collect-forward-otelcol');
  return () => stage.close();
});

async function startOtelcol(): Promise<Running> {
  const config = await stage.file('otelcol-behind.yaml');
  const quiet = ['--set', 'service.telemetry.metrics.level=none'];
  const behind = await stage.url(14318, '/v1/traces');
  return stage.start(['otelcol', '--config', config, ...quiet]).until(() => answersAtAll(behind));
}

/** What the Collector wrote. */
function arrived(): LedgerSpan[] {
  const lines = readFileSync(join(stage.folder, 'otelcol-out/traces.jsonl'), 'utf8').split('\n');
  // The last line may be half written.
  return lines.slice(0, -1).flatMap((line) => spansOf(JSON.parse(line)));
}

async function expectArrived(count: number): Promise<void> {
  const numbers = () => [...new Set(numbersOf(arrived()))];
  await vi.waitFor(() => expect(numbers()).toEqual(upTo(count)), { timeout: 60_000, interval: 500 });
}

describe('an OpenTelemetry Collector behind', () => {
  test('receives every span as it was sent', async () => {
    await startOtelcol();
    await sendSpans(url, { from: 0, to: 1_000 });
    await expectArrived(1_000);
    const [span] = arrived().filter(({ name }) => name === 'span 7');
    expect(span).toMatchObject({ kind: 1, service: 'sender', attributes: { n: '7' } });
    witness.expectValid();
  });

  test('that is away delays no sender, and receives all of it when it is back', async () => {
    await sendSpans(url, { from: 0, to: 300 });
    const collector = await startOtelcol();
    await sendSpans(url, { from: 300, to: 600 });
    await collector.end('SIGKILL');
    await sendSpans(url, { from: 600, to: 1_000 });
    expect(numbersOf(witness.spans())).toEqual(upTo(1_000));
    await witness.kill();
    await witness.restart();
    await startOtelcol();
    await expectArrived(1_000);
    witness.expectValid();
  });
});
