/** The SDK's own exporters against the door: they are the peers whose reaction counts. */
import { decodeTraceRequest, parseTraceRequestJson, type SpanRecord } from '@infrafabric/otlp';
import { DiagLogLevel, diag, SpanKind } from '@opentelemetry/api';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtoExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterEach, describe, expect, test } from 'vitest';
import { BearerTokens } from '../dist/door/bearer-tokens.js';
import type { HttpDoorOptions } from '../dist/door/http-door.js';
import type { TraceRequest } from '../dist/index.js';
import { TEST_CERT, TEST_KEY } from './http-door-certificate.js';
import { openDoor, STORED } from './http-door-harness.js';

type ExporterConfig = NonNullable<ConstructorParameters<typeof ProtoExporter>[0]>;

const GZIP = { compression: 'gzip' } as ExporterConfig;

/** Finished spans of an SDK, a parent and its children. */
function finishedSpans(count: number): ReadableSpan[] {
  const memory = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'checkout' }),
    spanProcessors: [new SimpleSpanProcessor(memory)],
  });
  const tracer = provider.getTracer('door-test', '1.0');
  for (let i = 0; i < count; i++) {
    const span = tracer.startSpan(`span ${i} é`, { kind: SpanKind.CLIENT, attributes: { i, text: 'x'.repeat(500) } });
    span.addEvent('happened', { ok: true });
    span.end();
  }
  return memory.getFinishedSpans();
}

function exportSpans(exporter: ProtoExporter | JsonExporter, spans: ReadableSpan[]): Promise<ExportResult> {
  return new Promise((resolve) => exporter.export(spans, resolve));
}

function spansOf({ body, encoding }: TraceRequest): SpanRecord[] {
  const { spans, rejected } =
    encoding === 'protobuf' ? decodeTraceRequest(body) : parseTraceRequestJson(Buffer.from(body).toString());
  expect(rejected).toStrictEqual([]);
  return spans;
}

const warnings: string[] = [];
afterEach(() => {
  diag.disable();
  warnings.length = 0;
});

function listen(): void {
  const note = (...words: unknown[]): void => void warnings.push(words.join(' '));
  const silent = (): void => {};
  diag.setLogger(
    { error: note, warn: note, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}

describe.each([
  ['protobuf', ProtoExporter],
  ['JSON', JsonExporter],
] as const)('the %s exporter', (_, Exporter) => {
  async function setUp(change: Partial<HttpDoorOptions> = {}, config: ExporterConfig = {}) {
    listen();
    const opened = await openDoor(change);
    const scheme = change.tls === undefined ? 'http' : 'https';
    const url = `${scheme}://127.0.0.1:${opened.door.port}/v1/traces`;
    const exporter = new Exporter({ url, timeoutMillis: 10_000, ...config });
    return { ...opened, exporter };
  }

  test.each([
    ['plain', {}],
    ['gzip', GZIP],
  ])('is content: %s, small and large, one connection', async (_, config) => {
    const { intake, exporter } = await setUp({}, config);
    for (const count of [1, 8, 1_000]) {
      const result = await exportSpans(exporter, finishedSpans(count));
      expect(result).toStrictEqual({ code: ExportResultCode.SUCCESS });
    }
    expect(warnings).toStrictEqual([]);
    expect(intake.received.map(spansOf).map(({ length }) => length)).toStrictEqual([1, 8, 1_000]);
    const [first] = spansOf(intake.received[0] as TraceRequest);
    expect(first).toMatchObject({ name: 'span 0 é', kind: 3 });
    expect(first?.resource.attributes).toContainEqual(['service.name', 'checkout']);
    await exporter.shutdown();
  });

  test('takes a partial success for a success and warns of it', async () => {
    const { intake, exporter } = await setUp();
    intake.answer = { outcome: 'stored', rejected: 2, message: 'span_id must be 8 bytes' };
    expect(await exportSpans(exporter, finishedSpans(3))).toStrictEqual({ code: ExportResultCode.SUCCESS });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/Partial Success.*span_id must be 8 bytes/);
    expect(warnings[0]).toMatch(/"rejectedSpans":"?2/);
    await exporter.shutdown();
  });

  test('comes back when Retry-After says so', async () => {
    const { intake, exporter } = await setUp();
    const times: number[] = [];
    intake.answer = () => {
      times.push(performance.now());
      return times.length === 1 ? { outcome: 'unavailable', message: 'locked', retryAfterSeconds: 2 } : STORED;
    };
    expect(await exportSpans(exporter, finishedSpans(1))).toStrictEqual({ code: ExportResultCode.SUCCESS });
    expect(times).toHaveLength(2);
    // Its own first pause would be 0.8 to 1.2 s.
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(1_900);
    expect(warnings).toStrictEqual([]);
    await exporter.shutdown();
  });

  test('comes back when there was no memory', async () => {
    const { intake, exporter } = await setUp();
    const all = intake.memory.capacity;
    intake.memory.take(all);
    setTimeout(() => intake.memory.give(all), 200);
    expect(await exportSpans(exporter, finishedSpans(1))).toStrictEqual({ code: ExportResultCode.SUCCESS });
    expect(intake.received).toHaveLength(1);
    await exporter.shutdown();
  });

  test.each([
    ['malformed', 400, {}],
    ['without its token', 401, { tokens: new BearerTokens(['secret']) }],
    ['too large', 413, { maxBodyBytes: 10_000 }],
  ])('does not come back when it was %s', async (_, status, options) => {
    const { intake, exporter, refusals } = await setUp(options);
    intake.answer = { outcome: 'malformed', message: 'never' };
    const { code, error } = await exportSpans(exporter, finishedSpans(1_000));
    expect(code).toBe(ExportResultCode.FAILED);
    expect(error).toMatchObject({ code: status });
    expect(refusals.map((refusal) => refusal.status)).toStrictEqual([status]);
    await exporter.shutdown();
  });

  test('shows its token, over TLS', async () => {
    const { intake, exporter } = await setUp(
      { tokens: new BearerTokens(['secret']), tls: { cert: TEST_CERT, key: TEST_KEY } },
      { headers: { Authorization: 'Bearer secret' }, httpAgentOptions: { ca: TEST_CERT } },
    );
    expect(await exportSpans(exporter, finishedSpans(1))).toStrictEqual({ code: ExportResultCode.SUCCESS });
    expect(intake.received).toHaveLength(1);
    await exporter.shutdown();
  });

  test('comes back when the door stopped and another one opened', async () => {
    const { door, exporter } = await setUp();
    expect((await exportSpans(exporter, finishedSpans(1))).code).toBe(ExportResultCode.SUCCESS);
    const { port } = door;
    await door.stop(1_000);
    const later = exportSpans(exporter, finishedSpans(2));
    const { intake } = await openDoor({ port });
    expect((await later).code).toBe(ExportResultCode.SUCCESS);
    expect(intake.received.map(spansOf).map(({ length }) => length)).toStrictEqual([2]);
    await exporter.shutdown();
  });
});

test('the same spans arrive the same in both encodings', async () => {
  const { door, intake } = await openDoor();
  const spans = finishedSpans(50);
  for (const Exporter of [ProtoExporter, JsonExporter]) {
    const exporter = new Exporter({ url: `http://127.0.0.1:${door.port}/v1/traces` });
    expect((await exportSpans(exporter, spans)).code).toBe(ExportResultCode.SUCCESS);
    await exporter.shutdown();
  }
  const [inProtobuf, inJson] = intake.received.map(spansOf);
  expect(inProtobuf).toHaveLength(50);
  expect(inJson?.map(({ lossy: _, ...span }) => span)).toStrictEqual(inProtobuf?.map(({ lossy: _, ...span }) => span));
});
