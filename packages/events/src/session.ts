/** A session under way, such as a call: one span from its beginning to its end, and events under it. */
import { type Attributes, type Context, type Span, SpanStatusCode, type TimeInput } from '@opentelemetry/api';
import type { SessionEvent } from './session-event.js';

/** What records a session's events; `EventRecorder` does. */
export interface Records {
  record(event: SessionEvent, parent: Context): void;
}

/** Ends once; what comes after is recorded, but the span is gone. */
export class Session {
  readonly span: Span;
  /** In which the session's span is active: for events, and for the application's own spans. */
  readonly context: Context;
  readonly #recorder: Records;
  #hasEnded = false;

  constructor(recorder: Records, span: Span, context: Context) {
    this.#recorder = recorder;
    this.span = span;
    this.context = context;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Records an event of the session. */
  event(event: SessionEvent): void {
    this.#recorder.record(event, this.context);
  }

  /** Marks the session as failed. @param errorType low-cardinality, e.g. `486`, `ice_failed` */
  fail(errorType: string, message?: string): void {
    this.span.setAttribute('error.type', errorType);
    this.span.setStatus({ code: SpanStatusCode.ERROR, ...(message === undefined ? {} : { message }) });
  }

  /** Ends the session's span, with what is known only now. A second call does nothing. */
  end(attributes: Attributes = {}, endTime?: TimeInput): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.span.setAttributes(attributes);
    this.span.end(endTime);
  }
}
