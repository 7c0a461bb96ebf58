/** SDK 3.x in a fixture of its own, because its API version lies outside what SDK 2.x accepts. */
import { decodeTraceRequest } from '@infrafabric/otlp';
import { api, resources, sdk, transformer } from '@infrafabric/sdk3-fixture';
import { describe, expect, test } from 'vitest';
import { WitnessSpanExporter, WitnessSpanProcessor } from '../dist/index.js';
import { countSpans, ledgerOf, tempHome, witnessed } from './support.js';

/** Values that SDK 2.x would not let through. */
const ATTRIBUTES = {
  none: null,
  map: { nested: [1, 'two', null, { deep: true }] },
  bytes: Uint8Array.of(0, 128, 255),
  mixed: [1, 'a', 1.5, false],
  nan: Number.NaN,
} as const;

function finished(): {
  spans: Parameters<typeof transformer.ProtobufTraceSerializer.serializeRequest>[0];
  keep: never;
} {
  const spans: unknown[] = [];
  const keep = {
    onStart: () => undefined,
    onEnd: (span: unknown) => void spans.push(span),
    forceFlush: async () => undefined,
  };
  return { spans: spans as never, keep: { ...keep, shutdown: async () => undefined } as never };
}

describe('SDK 3.x', () => {
  test.each([
    ['WitnessSpanProcessor', (home: string) => new WitnessSpanProcessor({ home })],
    ['WitnessSpanExporter under its BatchSpanProcessor', (home: string) => batching(home)],
    ['WitnessSpanExporter under its SimpleSpanProcessor', (home: string) => simple(home)],
  ])('%s witnesses its spans, new kinds of values included, as its own serializer would send them', async (_, make) => {
    const home = tempHome();
    const { spans, keep } = finished();
    const tracers = new sdk.TracerProvider({
      resource: resources.resourceFromAttributes({ 'service.name': 'shop' }),
      spanProcessors: [make(home), keep],
    });
    const tracer = tracers.getTracer('test', '3');
    const parent = tracer.startSpan('parent', { kind: api.SpanKind.CLIENT, attributes: ATTRIBUTES as never });
    const inParent = api.trace.setSpan(api.ROOT_CONTEXT, parent);
    tracer
      .startSpan('child', { links: [{ context: parent.spanContext() }] }, inParent)
      .addEvent('event', { n: 1 })
      .end();
    parent.end();
    await tracers.shutdown();
    const sent = decodeTraceRequest(transformer.ProtobufTraceSerializer.serializeRequest(spans)!).spans;
    expect(sent).toHaveLength(2);
    expect(witnessed(ledgerOf(home))).toEqual(sent);
  });

  test('loses nothing of 5,000 spans that end in one tick', async () => {
    const home = tempHome();
    const tracers = new sdk.TracerProvider({ spanProcessors: [new WitnessSpanProcessor({ home })] });
    for (let i = 0; i < 5_000; i++) tracers.getTracer('test').startSpan(`span ${i}`).end();
    await tracers.forceFlush();
    expect(countSpans(ledgerOf(home))).toBe(5_000);
    await tracers.shutdown();
  });
});

function batching(home: string): sdk.SpanProcessor {
  return new sdk.BatchSpanProcessor({ exporter: new WitnessSpanExporter({ home }) });
}

function simple(home: string): sdk.SpanProcessor {
  return new sdk.SimpleSpanProcessor({ exporter: new WitnessSpanExporter({ home }) });
}
