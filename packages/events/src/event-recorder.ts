/**
 * Events as spans, through the OpenTelemetry API alone: any SDK and any backend will do, and without an SDK nothing happens.
 * Each event is a short span of its own, ended at once, so that it is witnessed when it happens and not when an hour-long
 * call ends. Nothing here throws into the application that it watches.
 */
import {
  type Attributes,
  type Context,
  context,
  diag,
  INVALID_SPAN_CONTEXT,
  type Link,
  type Span,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  type TimeInput,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import { businessAttributesOf } from './business-context.js';
import { Session } from './session.js';
import { addAttributes, type SessionEvent } from './session-event.js';

/** Who records. */
export interface RecorderOptions {
  /** Instrumentation scope, e.g. `@infrafabric/instrumentation-sip` and its version. */
  readonly scope: { readonly name: string; readonly version: string };
  /** `witness.component` of every span, e.g. `IF.witness.sip`. */
  readonly component: string;
  /** Default: the global one, whose tracer waits for an SDK that starts later. */
  readonly tracerProvider?: TracerProvider | undefined;
}

/** How a session's span begins. */
export interface SessionStart {
  /** E.g. `sip.call`. */
  readonly name: string;
  readonly kind?: SpanKind | undefined;
  readonly attributes?: Attributes | undefined;
  readonly links?: readonly Link[] | undefined;
  readonly startTime?: TimeInput | undefined;
}

/** Records events and sessions of one component. */
export class EventRecorder {
  readonly component: string;
  readonly #options: RecorderOptions;
  #knownTracer: Tracer | undefined;
  /** The last span went nowhere: there is no SDK, or not yet. */
  #isUnheard = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.component = options.component;
  }

  /** Records an event as a child of what is active in `parent`. @returns whether an SDK took it and samples it */
  record(event: SessionEvent, parent: Context = context.active()): boolean {
    try {
      const startTime = event.startTime ?? event.endTime ?? Date.now();
      const span = this.#startSpan(event, { kind: SpanKind.INTERNAL, startTime }, parent);
      if (event.error !== undefined) {
        const { message } = event.error;
        span.setStatus({ code: SpanStatusCode.ERROR, ...(message === undefined ? {} : { message }) });
      }
      const isRecorded = span.isRecording();
      span.end(event.endTime ?? startTime);
      return isRecorded;
    } catch (error) {
      diag.error(`${this.#options.scope.name}: the event ${event.name} was not recorded`, error);
      return false;
    }
  }

  /** Begins a session: a span that lasts, under which its events are recorded. */
  startSession(start: SessionStart, parent: Context = context.active()): Session {
    const span = this.#startSessionSpan(start, parent);
    return new Session(this, span, trace.setSpan(parent, span));
  }

  /** A tracer that fails must not stop the call that it watches: then the session's events have the parent that there was. */
  #startSessionSpan(start: SessionStart, parent: Context): Span {
    const { name, kind = SpanKind.INTERNAL, attributes, links, startTime } = start;
    try {
      const options: SpanOptions = {
        kind,
        ...(links === undefined ? {} : { links: [...links] }),
        ...(startTime === undefined ? {} : { startTime }),
      };
      return this.#startSpan({ name, attributes }, options, parent);
    } catch (error) {
      diag.error(`${this.#options.scope.name}: the session ${name} has no span`, error);
      return trace.wrapSpanContext(trace.getSpanContext(parent) ?? INVALID_SPAN_CONTEXT);
    }
  }

  /**
   * Samplers see the attributes when a span begins. Where nobody listens they are not even made, which costs more than all
   * the rest; the first span that an SDK takes after that gets them at once, but too late for its sampler.
   */
  #startSpan(event: SessionEvent, options: SpanOptions, parent: Context): Span {
    const isProbe = this.#isUnheard;
    if (!isProbe) options.attributes = this.#attributesOf(event, parent);
    const span = this.#tracer().startSpan(event.name, options, parent);
    // Without an SDK the span has its parent's context, or none (API specification, "Behavior of the API in the absence of an SDK").
    this.#isUnheard = span.spanContext().spanId === (trace.getSpanContext(parent) ?? INVALID_SPAN_CONTEXT).spanId;
    if (isProbe && span.isRecording()) span.setAttributes(this.#attributesOf(event, parent));
    return span;
  }

  #attributesOf(event: SessionEvent, parent: Context): Attributes {
    return addAttributes(businessAttributesOf(parent), event, this.component);
  }

  #tracer(): Tracer {
    const { scope, tracerProvider } = this.#options;
    this.#knownTracer ??= (tracerProvider ?? trace).getTracer(scope.name, scope.version);
    return this.#knownTracer;
  }
}
