/**
 * Calls under way, and their events: what both sources, datagrams and status lines, hand their observations to. The table is
 * bounded; a call of which nothing is heard for too long ends with `timeout`. Nothing here throws into who observes.
 */
import { businessIdsOf, EventRecorder, type EventUsage, type Payload, withBusinessIds } from '@infrafabric/events';
import { type Attributes, type Context, context, diag, type TracerProvider, trace } from '@opentelemetry/api';
import {
  CALL_END_REASON,
  H323_CALL,
  H323_CALL_ID,
  H323_COMPONENT,
  H323_EVENTS,
  H323_INFERRED,
  LADDER_FROM,
  LADDER_LABEL,
  LADDER_TO,
  SCOPE_NAME,
  SCOPE_VERSION,
} from '../names.js';
import { hrTimeOf } from './clock.js';
import { completionOf, type EndReason } from './completion.js';
import type { CallSide, Occurrence } from './observation.js';
import { OpenCall } from './open-call.js';

/** How calls are watched; the same for both sources. */
export interface WatchOptions {
  /** Default: the global one. */
  readonly tracerProvider?: TracerProvider;
  /**
   * Where a call's span belongs. Default: the active context, if it has a span or a business trace id; else the business trace
   * id `h323-<call id>`, so that observers at both ends of a call land in one trace.
   */
  readonly contextOf?: (callId: string) => Context | undefined;
  /** Makes pseudonyms of aliases and addresses before they are recorded; see `pseudonymiser` of `@infrafabric/events`. */
  readonly pseudonymise?: (name: string) => string;
  /** Open calls; with one more the oldest ends as `evicted`. Default 10,000. */
  readonly maxCalls?: number;
  /** A call ends as `timeout` when nothing was heard of it for so long; default four hours. */
  readonly callTimeoutMs?: number;
}

const DEFAULT_MAX_CALLS = 10_000;
const DEFAULT_CALL_TIMEOUT_MS = 4 * 3_600_000;
/** After one side has ended the other is waited for. */
export const CLOSING_MS = 5_000;
/** A call that has ended is kept for what trails behind. */
const TRAILING_MS = 30_000;

/** What one event says. */
export interface H323Event {
  readonly name: string;
  readonly at: Occurrence;
  readonly payload: Payload;
  readonly usage?: EventUsage | undefined;
  /** A failure, by the gatekeeper's reason. */
  readonly errorType?: string | undefined;
}

/** The table of open calls. */
export class CallWatch {
  readonly #options: WatchOptions;
  readonly #recorder: EventRecorder;
  readonly #calls = new Map<string, OpenCall>();

  constructor(options: WatchOptions) {
    this.#options = options;
    const { tracerProvider } = options;
    const scope = { name: SCOPE_NAME, version: SCOPE_VERSION };
    this.#recorder = new EventRecorder({ scope, component: H323_COMPONENT, tracerProvider });
  }

  /** Calls that have not ended. */
  get openCalls(): number {
    let count = 0;
    for (const { isComplete } of this.#calls.values()) if (!isComplete) count++;
    return count;
  }

  find(callId: string): OpenCall | undefined {
    return this.#calls.get(callId);
  }

  /** The one call that an endpoint is in; undefined when it is in none or in several. */
  onlyCallOf(endpointId: string): OpenCall | undefined {
    let only: OpenCall | undefined;
    for (const call of this.#calls.values()) {
      if (call.isComplete || !call.sides.has(endpointId)) continue;
      if (only !== undefined) return undefined;
      only = call;
    }
    return only;
  }

  /** The call of a side, begun when it is new. */
  open(side: CallSide, at: Occurrence): OpenCall {
    const known = this.#calls.get(side.callId);
    if (known !== undefined) return known;
    const attributes = { [H323_CALL_ID]: side.callId };
    const startTime = hrTimeOf(at.atMs);
    const session = this.#recorder.startSession(
      { name: H323_CALL, attributes, startTime },
      this.#contextOf(side.callId),
    );
    const call = new OpenCall(side.callId, session, at.atMs, at.to);
    this.#calls.set(side.callId, call);
    const [oldest] = this.#calls.values();
    if (this.#calls.size > (this.#options.maxCalls ?? DEFAULT_MAX_CALLS) && oldest !== undefined) {
      if (!oldest.isComplete) this.end(oldest, 'evicted', at);
      this.#calls.delete(oldest.callId);
    }
    return call;
  }

  /** Records an event of a call, or of none. */
  record({ name, at, payload, usage, errorType }: H323Event, call?: OpenCall): void {
    const inferred = at.inferred ?? [];
    const from = this.name(at.from);
    const to = this.name(at.to);
    const attributes: Attributes = { [LADDER_LABEL]: at.label };
    if (from !== undefined) attributes[LADDER_FROM] = from;
    if (to !== undefined) attributes[LADDER_TO] = to;
    if (inferred.length > 0) attributes[H323_INFERRED] = [...inferred];
    const event = {
      name,
      payload: {
        ...payload,
        timestamp: new Date(at.atMs).toISOString(),
        ...(inferred.length === 0 ? {} : { inferred }),
      },
      usage,
      attributes,
      startTime: hrTimeOf(at.atMs),
      ...(errorType === undefined ? {} : { error: { type: errorType } }),
    };
    if (call === undefined) this.#recorder.record(event);
    else {
      call.lastMs = Math.max(call.lastMs, at.atMs);
      call.session.event(event);
    }
  }

  /** Ends a call: `h323_call_complete` if it was admitted, and the call's span with its summary. */
  end(call: OpenCall, reason: EndReason, at: Occurrence): void {
    if (call.isComplete) return;
    call.isComplete = true;
    call.lastMs = at.atMs;
    const { payload, usage, attributes, inferred } = completionOf(call, reason, at.atMs);
    if (reason === 'completed' || reason === 'unanswered') {
      const occurrence = { ...at, inferred: [...new Set([...(at.inferred ?? []), ...inferred])] };
      this.record({ name: H323_EVENTS.callComplete, at: occurrence, payload, usage }, call);
    }
    if (reason === 'rejected' || reason === 'timeout') call.session.fail(call.lastCode ?? reason);
    call.session.end({ ...attributes, [CALL_END_REASON]: reason }, hrTimeOf(Math.max(at.atMs, call.startMs)));
  }

  /** Ends what has been silent for too long, and forgets what has ended. */
  sweep(nowMs: number): void {
    const { callTimeoutMs = DEFAULT_CALL_TIMEOUT_MS } = this.#options;
    for (const call of this.#calls.values()) {
      const at = { atMs: nowMs, from: undefined, to: undefined, label: 'timeout' };
      if (call.isComplete) {
        if (nowMs - call.lastMs > TRAILING_MS) this.#calls.delete(call.callId);
      } else if (call.closingMs !== undefined && nowMs > call.closingMs) {
        if (!call.hasDetail) call.inferred.add('end');
        const label = call.hasDetail ? 'CDR' : 'DCF';
        this.end(call, endReasonOf(call), { ...at, atMs: call.stoppedMs ?? nowMs, label });
      } else if (nowMs - call.lastMs > callTimeoutMs) {
        const payload = { call_id: call.callId, waited_for: 'call', waited_ms: Math.round(nowMs - call.lastMs) };
        const inferred = { ...at, inferred: ['event'] };
        this.record({ name: H323_EVENTS.timeout, at: inferred, payload, errorType: 'timeout' }, call);
        this.end(call, 'timeout', inferred);
      }
    }
  }

  /** Ends all that is open, as `closed`: the observer stops, not the calls. */
  close(nowMs: number): void {
    const at = { atMs: nowMs, from: undefined, to: undefined, label: 'closed' };
    for (const call of this.#calls.values()) this.end(call, 'closed', at);
    this.#calls.clear();
  }

  /** A name as it may be recorded. */
  name(of: string | undefined): string | undefined {
    const { pseudonymise } = this.#options;
    return of === undefined || pseudonymise === undefined ? of : pseudonymise(of);
  }

  /** Names as they may be recorded. */
  names(of: readonly string[] | undefined): readonly string[] | undefined {
    return of?.map((name) => this.name(name)!);
  }

  #contextOf(callId: string): Context {
    try {
      const chosen = this.#options.contextOf?.(callId);
      if (chosen !== undefined) return chosen;
    } catch (error) {
      diag.error(`${SCOPE_NAME}: contextOf failed`, error);
    }
    const active = context.active();
    if (trace.getSpanContext(active) !== undefined || businessIdsOf(active).traceId !== undefined) {
      return withBusinessIds({}, active);
    }
    return withBusinessIds({ traceId: `h323-${callId}` }, active);
  }
}

/** How an admitted call ends of which nothing else is known. */
export function endReasonOf({ hasTimes, connectMs }: OpenCall): 'completed' | 'unanswered' {
  return hasTimes && connectMs === undefined ? 'unanswered' : 'completed';
}
