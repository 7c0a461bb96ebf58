/** A real SDK with its spans in memory, and a recorder on it. */
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { EventRecorder } from '../dist/index.js';

export const SCOPE = { name: '@infrafabric/instrumentation-test', version: '1.2.3' } as const;
export const COMPONENT = 'IF.witness.test';

export interface Watched {
  readonly recorder: EventRecorder;
  readonly tracerProvider: BasicTracerProvider;
  spans(): ReadableSpan[];
}

export function watch(): Watched {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const recorder = new EventRecorder({ scope: SCOPE, component: COMPONENT, tracerProvider });
  return { recorder, tracerProvider, spans: () => exporter.getFinishedSpans() };
}

export function payloadOf(span: ReadableSpan | undefined): unknown {
  return JSON.parse(String(span?.attributes['witness.payload']));
}
