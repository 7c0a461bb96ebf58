/** Spans in memory, and what the tests ask of them. */
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';

/** A provider of its own, and what it has recorded. */
export class Spans {
  readonly #exporter = new InMemorySpanExporter();
  readonly provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(this.#exporter)] });

  get all(): readonly ReadableSpan[] {
    return this.#exporter.getFinishedSpans();
  }

  get names(): readonly string[] {
    return this.all.map(({ name }) => name);
  }

  named(name: string): readonly ReadableSpan[] {
    return this.all.filter((span) => span.name === name);
  }

  /** The only span of a name. */
  one(name: string): ReadableSpan {
    const [span, ...others] = this.named(name);
    if (span === undefined || others.length > 0) throw new Error(`${this.named(name).length} spans are named ${name}`);
    return span;
  }

  /** Of a call, by its id: its events in order, then the call's own span. */
  ofCall(callId: string): readonly ReadableSpan[] {
    const call = this.all.find(({ name, attributes }) => name === 'h323.call' && attributes['h323.call_id'] === callId);
    if (call === undefined) return [];
    const { spanId } = call.spanContext();
    return [...this.all.filter(({ parentSpanContext }) => parentSpanContext?.spanId === spanId), call];
  }
}

export function payloadOf(span: ReadableSpan): Record<string, unknown> {
  return JSON.parse(String(span.attributes['witness.payload'])) as Record<string, unknown>;
}

export function millisOf([seconds, nanos]: ReadableSpan['startTime']): number {
  return seconds * 1000 + nanos / 1e6;
}
