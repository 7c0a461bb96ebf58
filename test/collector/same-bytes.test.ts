/**
 * The same spans, by our exporter in the service or by the OTel SDK's own exporters through a collector, in every encoding and
 * compression, give the same signed bodies, the same payloads and the same contexts, octet by octet.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultCollectorConfig, Log, startCollector } from '@infrafabric/collector';
import { WitnessSpanExporter } from '@infrafabric/exporter';
import { type Link, ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import { type ExportResult, ExportResultCode, TraceState } from '@opentelemetry/core';
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtoExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';
import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';

/** Spans with everything that the SDK can say in JSON too: it writes no NaN there, and no whole number beyond 2^53 exactly. */
function manySpans(): ReadableSpan[] {
  const spans = new InMemorySpanExporter();
  const tracers = new BasicTracerProvider({
    resource: resourceFromAttributes(
      { 'service.name': 'shop', 'service.instance.id': 'é✗😀', list: ['a', 'b'], process: 4711 },
      { schemaUrl: 'https://example.org/resource' },
    ),
    spanProcessors: [new SimpleSpanProcessor(spans)],
    spanLimits: { attributeCountLimit: 20, eventCountLimit: 2, linkCountLimit: 2 },
  });
  const remote = trace.setSpanContext(ROOT_CONTEXT, {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
    traceState: new TraceState('vendor=1,other=2'),
  });
  const tracer = tracers.getTracer('library', '2.1', { schemaUrl: 'https://example.org/scope' });
  const parent = tracer.startSpan('GET /é ✗ 😀 "quoted" \\ \n\u0000', { kind: SpanKind.SERVER }, remote);
  parent.setAttributes({
    ...{ text: 'é\u0000"\\\u2028', empty: '', yes: true, no: false, texts: ['', 'é'], none: [], flags: [true, false] },
    ...{ whole: 1, zero: 0, negative: -7, largest: Number.MAX_SAFE_INTEGER, smallest: Number.MIN_SAFE_INTEGER },
    ...{ fraction: 0.1, large: 4503599627370495.5, tiny: 5e-324, numbers: [1, -2], fractions: [0.5, 1.5] },
    'gen_ai.request.model': 'gpt-4.1',
    'gen_ai.usage.input_tokens': 36,
    'gen_ai.usage.output_tokens': 87,
  });
  for (let i = 0; i < 3; i++) parent.addEvent(`event ${i}`, { n: i, text: '✗' });
  parent.setStatus({ code: SpanStatusCode.ERROR, message: 'no: é' });
  const linkTo = (spanId: string): Link => ({
    context: { ...parent.spanContext(), spanId, traceState: new TraceState('link=1') },
    attributes: { why: 'test' },
  });
  const links = [linkTo('1111111111111111'), linkTo('2222222222222222'), linkTo('3333333333333333')];
  const child = tracers
    .getTracer('other')
    .startSpan('', { links, kind: SpanKind.CLIENT }, trace.setSpan(ROOT_CONTEXT, parent));
  child.setStatus({ code: SpanStatusCode.OK }).end();
  parent.end();
  tracers.getTracer('library', '2.1', { schemaUrl: 'https://example.org/scope' }).startSpan('last').end();
  return spans.getFinishedSpans();
}

/** What a ledger holds of its spans, but for what differs by nature: place, time and salt. */
interface Witnessed {
  /** Canonical JSON. */
  readonly bodies: string[];
  /** Hex. */
  readonly payloads: string[];
  /** Digest and context, hex. */
  readonly contexts: string[];
}

function readLedger(path: string): Witnessed {
  const db = new Database(path, { readonly: true });
  try {
    const column = (sql: string): string[] => db.prepare(sql).pluck().all() as string[];
    const entries = column("SELECT CAST(entry AS TEXT) FROM entries WHERE type = 'span' ORDER BY seq");
    return {
      // Canonical JSON is what JSON.stringify makes of it: members stay in their order.
      bodies: entries.map((entry) => JSON.stringify((JSON.parse(entry) as { body: unknown }).body)),
      payloads: column('SELECT hex(payload) FROM payloads ORDER BY seq'),
      contexts: column("SELECT hex(digest) || ' ' || hex(context) FROM contexts ORDER BY digest"),
    };
  } finally {
    db.close();
  }
}

function exportAll(exporter: SpanExporter, spans: ReadableSpan[]): Promise<ExportResult> {
  return new Promise((resolve) => exporter.export(spans, resolve));
}

function tempHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'same-bytes-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  return home;
}

async function throughCollector(
  makeExporter: (addresses: { readonly http: string; readonly grpc: string }) => SpanExporter,
  spans: ReadableSpan[],
): Promise<Witnessed> {
  const home = tempHome();
  const log = new Log({ level: 'error', format: 'json', write: () => undefined });
  const grpc = { host: '127.0.0.1', port: 0 };
  const collector = await startCollector({ ...defaultCollectorConfig, home, port: 0, grpc }, { log });
  const { addresses } = collector;
  const exporter = makeExporter({ http: `${addresses.http}/v1/traces`, grpc: addresses.grpc! });
  try {
    expect(await exportAll(exporter, spans)).toEqual({ code: ExportResultCode.SUCCESS });
  } finally {
    await exporter.shutdown();
    await collector.stop();
  }
  return readLedger(join(home, 'witness.db'));
}

async function throughOurExporter(spans: ReadableSpan[]): Promise<Witnessed> {
  const home = tempHome();
  const exporter = new WitnessSpanExporter({ home });
  expect(await exportAll(exporter, spans)).toEqual({ code: ExportResultCode.SUCCESS });
  await exporter.shutdown();
  return readLedger(join(home, 'witness.db'));
}

/** What the exporters call it; their enumeration is in a package of theirs. */
const gzip = 'gzip' as never;

describe('the same spans give the same bytes', () => {
  const spans = manySpans();

  test.each<[string, Parameters<typeof throughCollector>[0]]>([
    ['OTLP/HTTP in protobuf', ({ http }) => new ProtoExporter({ url: http })],
    ['OTLP/HTTP in protobuf, gzip', ({ http }) => new ProtoExporter({ url: http, compression: gzip })],
    ['OTLP/HTTP in JSON', ({ http }) => new JsonExporter({ url: http })],
    ['OTLP/HTTP in JSON, gzip', ({ http }) => new JsonExporter({ url: http, compression: gzip })],
    ['OTLP/gRPC', ({ grpc }) => new GrpcExporter({ url: grpc })],
    ['OTLP/gRPC, gzip', ({ grpc }) => new GrpcExporter({ url: grpc, compression: gzip })],
  ])('by %s as by our exporter in the service', async (_, makeExporter) => {
    const expected = await throughOurExporter(spans);
    const witnessed = await throughCollector(makeExporter, spans);
    expect(witnessed).toEqual(expected);
    expect(witnessed.bodies).toHaveLength(spans.length);
    expect(witnessed.payloads).toHaveLength(spans.length);
    expect(witnessed.contexts).toHaveLength(3);
    // A payload begins with the digests of its resource and its scope: nothing that it names was left out above.
    const digests = witnessed.contexts.map((row) => row.split(' ')[0]);
    for (const payload of witnessed.payloads) {
      expect(digests).toEqual(expect.arrayContaining([payload.slice(0, 64), payload.slice(64, 128)]));
    }
  });
});
