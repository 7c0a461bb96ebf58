/**
 * Finished spans into one `ExportTraceServiceRequest`, span by span as they end: no span object is kept, the cost of
 * encoding is spread over the ends, and how much memory waits is known to the byte. Neighbours that share resource and
 * scope share their `ResourceSpans` and `ScopeSpans`; the order of the spans never changes.
 */
import { ProtoWriter } from '@infrafabric/otlp';
import { type EncodedResource, encodeResource, encodeScope } from './encode-context.js';
import { writeSpan } from './encode-span.js';
import type { InstrumentationScope, ReadableSpan, Resource } from './readable-span.js';
import { type RefusalReason, RefusedSpan } from './refused-span.js';

/** An encoded request, in pieces: they are joined only once, in the buffer that leaves. */
export interface TraceRequest {
  readonly pieces: readonly Uint8Array[];
  /** Of all pieces. */
  readonly bytes: number;
  readonly spans: number;
  /** Service name of its first resource. */
  readonly service: string;
}

/** Neighbouring spans of one resource. */
interface Run {
  readonly resource: Resource;
  /** `ScopeSpans` fields. */
  readonly scopeSpans: Uint8Array;
  readonly spans: number;
}

/** A `ScopeSpans` that is being written. */
interface OpenScope {
  readonly scope: InstrumentationScope;
  /** Where its tag begins. */
  readonly mark: number;
  /** Where its content begins. */
  readonly start: number;
  readonly tail: Uint8Array;
  spans: number;
}

/** Collects spans, then gives one request. */
export class TraceRequestBuilder {
  readonly #writer: ProtoWriter;
  readonly #runs: Run[] = [];
  readonly #refusals = new Map<RefusalReason, number>();
  #resource: Resource | undefined;
  #scope: OpenScope | undefined;
  #runSpans = 0;
  #spans = 0;
  #runBytes = 0;

  /** `writer` may be shared by builders of which each is sealed before the next one adds its first span. */
  constructor(writer: ProtoWriter) {
    this.#writer = writer;
  }

  /** Spans in it. */
  get spans(): number {
    return this.#spans;
  }

  /** Its size in bytes, resources not counted. */
  get bytes(): number {
    return this.#runBytes + (this.#runSpans === 0 ? 0 : this.#writer.pos);
  }

  /** How many spans were refused, by reason. */
  get refusals(): ReadonlyMap<RefusalReason, number> {
    return this.#refusals;
  }

  /** Adds a finished span, or counts why it cannot be. Never throws; nothing of a refused span stays. */
  add(span: ReadableSpan): void {
    const writer = this.#writer;
    let mark: number | undefined;
    try {
      const scope = this.#enter(span.resource, span.instrumentationScope);
      mark = writer.pos;
      const start = writer.open(0x12);
      writeSpan(writer, span);
      writer.close(start);
      scope.spans++;
      this.#runSpans++;
      this.#spans++;
    } catch (error) {
      if (mark !== undefined) writer.pos = mark;
      this.#refuse(error, 1);
    }
  }

  /** Takes its bytes out of the shared writer; no span can be added after. */
  seal(): void {
    this.#closeRun();
  }

  /** Resolves when the resources of a sealed builder have all their attributes; undefined when they have. Never rejects. */
  complete(): Promise<unknown> | undefined {
    const waits = this.#runs.map(({ resource }) => arrival(resource)).filter((wait) => wait !== undefined);
    return waits.length === 0 ? undefined : Promise.all(waits);
  }

  /** The request of a sealed builder, with what is known of its resources now; undefined without a span. Never throws. */
  finish(): TraceRequest | undefined {
    const pieces: Uint8Array[] = [];
    let service: string | undefined;
    for (const run of this.#runs) {
      try {
        const resource = encodeResource(run.resource);
        pieces.push(...resourceSpans(resource, run.scopeSpans));
        service ??= resource.service;
      } catch (error) {
        this.#refuse(error, run.spans);
        this.#spans -= run.spans;
      }
    }
    if (service === undefined) return undefined;
    return { pieces, bytes: pieces.reduce((sum, { length }) => sum + length, 0), spans: this.#spans, service };
  }

  #enter(resource: Resource, scope: InstrumentationScope): OpenScope {
    if (resource !== this.#resource) {
      this.#closeRun();
      this.#resource = resource;
    }
    if (this.#scope?.scope !== scope) {
      this.#closeScope();
      const { head, tail } = encodeScope(scope);
      const mark = this.#writer.pos;
      const start = this.#writer.open(0x12);
      this.#writer.raw(head);
      this.#scope = { scope, mark, start, tail, spans: 0 };
    }
    return this.#scope!;
  }

  #closeScope(): void {
    if (this.#scope === undefined) return;
    if (this.#scope.spans === 0) {
      this.#writer.pos = this.#scope.mark;
    } else {
      this.#writer.raw(this.#scope.tail);
      this.#writer.close(this.#scope.start);
    }
    this.#scope = undefined;
  }

  #closeRun(): void {
    this.#closeScope();
    if (this.#runSpans > 0) {
      const scopeSpans = this.#writer.finish();
      this.#runs.push({ resource: this.#resource!, scopeSpans, spans: this.#runSpans });
      this.#runBytes += scopeSpans.length;
    }
    this.#writer.reset();
    this.#resource = undefined;
    this.#runSpans = 0;
  }

  #refuse(error: unknown, spans: number): void {
    const reason = error instanceof RefusedSpan ? error.reason : 'unreadable';
    this.#refusals.set(reason, (this.#refusals.get(reason) ?? 0) + spans);
  }
}

const tagWriter = new ProtoWriter(16);

function resourceSpans(resource: EncodedResource, scopeSpans: Uint8Array): Uint8Array[] {
  tagWriter.varint(0x0a);
  tagWriter.varint(resource.head.length + scopeSpans.length + resource.tail.length);
  return [tagWriter.finish(), resource.head, scopeSpans, resource.tail];
}

const arrivals = new WeakMap<Resource, Promise<void>>();

/** Until a resource has all its attributes. */
function arrival(resource: Resource): Promise<void> | undefined {
  try {
    if (resource.asyncAttributesPending !== true || resource.waitForAsyncAttributes === undefined) return undefined;
    let known = arrivals.get(resource);
    if (known === undefined) {
      known = resource.waitForAsyncAttributes().catch(() => undefined);
      arrivals.set(resource, known);
    }
    return known;
  } catch {
    return undefined;
  }
}
