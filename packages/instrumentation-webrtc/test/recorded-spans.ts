/** Spans as an SDK finishes them, to look at. */
import type { Attributes } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';

/** A provider whose finished spans are kept. */
export class RecordedSpans {
  readonly #exporter = new InMemorySpanExporter();
  readonly provider: BasicTracerProvider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(this.#exporter)],
  });

  get all(): ReadableSpan[] {
    return this.#exporter.getFinishedSpans();
  }

  /** The connection span of a peer. */
  connection(peerId = 'local'): ReadableSpan {
    const found = this.all.filter(
      ({ name, attributes }) => name === 'webrtc.peer_connection' && attributes['webrtc.peer_id'] === peerId,
    );
    if (found.length !== 1) throw new Error(`${found.length} connections of ${peerId}`);
    return found[0]!;
  }

  /** The events of a peer, in the order in which they were recorded. */
  events(peerId = 'local'): RecordedEvent[] {
    return this.all
      .filter(({ name }) => name !== 'webrtc.peer_connection')
      .map((span) => ({
        name: span.name,
        span,
        attributes: span.attributes,
        payload: JSON.parse(String(span.attributes['witness.payload'])) as Record<string, unknown>,
      }))
      .filter(({ payload }) => payload.peer_id === peerId);
  }

  /** The payloads of a peer's events of one name. */
  payloads(name: string, peerId = 'local'): Record<string, unknown>[] {
    return this.events(peerId)
      .filter((event) => event.name === name)
      .map(({ payload }) => payload);
  }
}

/** One event. */
export interface RecordedEvent {
  readonly name: string;
  readonly span: ReadableSpan;
  readonly attributes: Attributes;
  readonly payload: Record<string, unknown>;
}
