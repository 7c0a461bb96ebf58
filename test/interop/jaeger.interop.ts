/** Services → if-witness → Jaeger v2, which forgets; and the ways back into it: its upload, and a replay. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { jaeger } from './peer-programs.js';
import { expectOrder } from './service-cases.js';
import { answers, type Running, Stage } from './stage.js';
import { type LedgerSpan, spansOf, Witness } from './witness.js';

vi.setConfig({ testTimeout: 120_000 });

const BUSINESS_ID = 'session-flow-001';
let stage: Stage;
let witness: Witness;
let running: Running;

beforeEach(async (context) => {
  jaeger.need(context);
  stage = new Stage();
  stage.link(join(import.meta.dirname, 'peers/service.mjs'), 'service.mjs');
  await stage.file('jaeger.yaml');
  await startJaeger();
  witness = await Witness.start(stage, 'collect-forward-jaeger');
  return () => stage.close();
});

async function startJaeger(): Promise<void> {
  const command = (await stage.recipe('jaeger')).trim().split(' ');
  const services = await stage.url(16686, '/api/v3/services');
  const quiet = ['--set', 'service.telemetry.metrics.level=none'];
  running = await stage.start([...command, ...quiet]).until(() => answers(services));
}

/** Runs the service of the recipe for Node, and returns its trace id. */
async function serve(count: number): Promise<string> {
  const script = (await Promise.all(['traces-only', 'otlp-http', 'node'].map((name) => stage.recipe(name)))).join('\n');
  const env = { SPANS: String(count), BAGGAGE: `witness.trace.id=${BUSINESS_ID}` };
  expect(await stage.run(script, env)).toMatchObject({ exitCode: 0 });
  return witness.home.trace(BUSINESS_ID).otel_trace_ids[0]!;
}

/** What Jaeger's query API has of a trace. */
async function spansInJaeger(traceId: string): Promise<LedgerSpan[]> {
  const response = await fetch(await stage.url(16686, `/api/v3/traces/${traceId}`));
  if (response.status === 404) return [];
  const { result } = (await response.json()) as { result: Parameters<typeof spansOf>[0] };
  return spansOf(result);
}

async function expectInJaeger(traceId: string, count: number): Promise<void> {
  await vi.waitFor(async () => expectOrder(await spansInJaeger(traceId), count), { timeout: 30_000, interval: 300 });
}

/** What the UI shows of an uploaded file: it reads OTLP JSON by this request and nothing else. */
async function upload(file: string) {
  const response = await fetch(await stage.url(16686, '/api/transform'), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: readFileSync(join(stage.folder, file)),
  });
  return (await response.json()) as {
    data: { traceID: string; spans: { operationName: string }[] }[];
    errors: unknown;
  };
}

describe('Jaeger', () => {
  test('has every span that the ledger has', async () => {
    const traceId = await serve(20);
    await expectInJaeger(traceId, 20);
    expect((await spansInJaeger(traceId)).every(({ service }) => service === 'checkout')).toBe(true);
    expectOrder(witness.spans(), 20);
    witness.expectValid();
  });

  test('loads what trace and export write as an upload', async () => {
    const traceId = await serve(20);
    const env = { IF_WITNESS_HOME: witness.home.path };
    expect(await stage.run(await stage.recipe('jaeger-upload'), env)).toMatchObject({ exitCode: 0 });
    for (const file of ['trace.json', 'all.json']) {
      const { data, errors } = await upload(file);
      expect(errors).toBeNull();
      expect(data).toMatchObject([{ traceID: traceId, spans: { length: 20 } }]);
      expect(data[0]?.spans.map(({ operationName }) => operationName)).toContain('step 19');
    }
  });

  test('that was started empty gets a trace back by replay', async () => {
    const traceId = await serve(20);
    await expectInJaeger(traceId, 20);
    await running.end('SIGKILL');
    await startJaeger();
    expect(await spansInJaeger(traceId)).toEqual([]);
    const env = { IF_WITNESS_HOME: witness.home.path };
    expect(await stage.run(await stage.recipe('jaeger-replay'), env)).toMatchObject({ exitCode: 0 });
    await expectInJaeger(traceId, 20);
    witness.expectValid();
  });
});
