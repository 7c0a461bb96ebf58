/**
 * Watches SIP messages, whatever stack or capture they come from, and tells calls from them: a `sip.call` span for each
 * dialog, a short span for each message. It never changes a message, never throws, and never records a body or a
 * credential.
 */
import { type BusinessIds, businessIdsOf, EventRecorder, withBusinessIds } from '@infrafabric/events';
import { spanIdOfBusinessId, traceIdOfBusinessId } from '@infrafabric/format';
import { WITNESS_TRACE_PARENT_ID } from '@infrafabric/semconv';
import { type Context, context, diag, TraceFlags, type Tracer, type TracerProvider, trace } from '@opentelemetry/api';
import { type CallQuality, qualityAttributes, qualityPayload } from './call-quality.js';
import { CallRecorder } from './call-recorder.js';
import { type CallLimits, CallTable } from './call-table.js';
import { detached } from './detached-text.js';
import { type SipObservation, timeOrNow } from './observation.js';
import { parseSipMessage } from './parse-message.js';
import { Registrations } from './registrations.js';
import { SIP_COMPONENT, SIP_SCOPE } from './scope.js';
import { ShownNames } from './shown-names.js';
import { SipCall } from './sip-call.js';
import type { SipMessage } from './sip-message.js';

/** How a {@link SipObserver} works. */
export interface SipObserverOptions extends CallLimits {
  /** Default: the global one, asked for each span. */
  readonly tracerProvider?: TracerProvider | undefined;
  /** Makes pseudonyms of URIs, Call-IDs and addresses, e.g. `pseudonymiser(key)`; free text of the wire is then left out. */
  readonly pseudonym?: ((name: string) => string) | undefined;
  /**
   * Business trace id of a call that begins where no trace is active. Default: its Call-ID (pseudonymised, where names
   * are), so that the observers at both ends of a call write one trace. Whoever calls chooses the Call-ID: where
   * strangers may, choose here.
   */
  readonly traceIdOf?: ((callId: string) => string) | undefined;
}

/** Counts since the observer began. */
export interface SipObserverCounts {
  /** Handed in. */
  readonly messages: number;
  /** Of them: no SIP, or not to be placed (keep-alives, other protocols, broken messages). */
  readonly unparsable: number;
  /** Of them: seen before, and not recorded again. */
  readonly retransmissions: number;
  /** Of them: of no call that the observer saw begin, and no registration. */
  readonly outsideCalls: number;
  readonly callsBegun: number;
  readonly callsTimedOut: number;
  readonly callsEvicted: number;
}

/** One per process, or one per stack; calls are told apart by Call-ID and tags. */
export class SipObserver {
  readonly #recorder: EventRecorder;
  readonly #tracer: Tracer;
  readonly #names: ShownNames;
  readonly #calls: CallTable;
  readonly #registrations: Registrations;
  readonly #traceIdOf: (callId: string) => string;
  #messages = 0;
  #unparsable = 0;
  #retransmissions = 0;
  #outsideCalls = 0;
  #callsBegun = 0;

  /** @throws RangeError for a limit that is no number above 0 */
  constructor(options: SipObserverOptions = {}) {
    this.#recorder = new EventRecorder({
      scope: SIP_SCOPE,
      component: SIP_COMPONENT,
      tracerProvider: options.tracerProvider,
    });
    // The global one finds the SDK when there is one, also one that starts later.
    this.#tracer = (options.tracerProvider ?? trace).getTracer(SIP_SCOPE.name, SIP_SCOPE.version);
    this.#names = new ShownNames(options.pseudonym);
    this.#calls = new CallTable(options);
    this.#registrations = new Registrations(this.#recorder, this.#names);
    this.#traceIdOf = options.traceIdOf ?? ((callId) => this.#names.name(callId));
  }

  /**
   * A message as it was on the wire, one whole message at a time (a stream is framed by Content-Length, RFC 3261
   * §18.3). What is no SIP is counted and ignored. Never throws.
   */
  observe(message: string | Uint8Array, observation: SipObservation): void {
    try {
      const parsed = parseSipMessage(message);
      this.#messages++;
      if (parsed === undefined) this.#unparsable++;
      else this.#take(parsed, observation);
    } catch (error) {
      diag.error(`${SIP_SCOPE.name}: a message was not recorded`, error);
    }
  }

  /** The same for what a stack has parsed already. Never throws. */
  observeParsed(message: SipMessage, observation: SipObservation): void {
    try {
      this.#messages++;
      this.#take(message, observation);
    } catch (error) {
      diag.error(`${SIP_SCOPE.name}: a message was not recorded`, error);
    }
  }

  /**
   * Media quality of a call, by whoever measures it (RTCP, `getStats()`): an event `sip_media_quality` with the
   * estimated MOS, and the worst of a call on its span. Returns whether a call with that Call-ID is known.
   */
  recordQuality(callId: string, quality: CallQuality): boolean {
    let isKnown = false;
    for (const call of this.#calls.withCallId(callId)) {
      isKnown = true;
      try {
        call.takeQuality(timeOrNow(quality.time), qualityPayload(quality), qualityAttributes(quality));
      } catch (error) {
        diag.error(`${SIP_SCOPE.name}: the quality of a call was not recorded`, error);
      }
    }
    return isKnown;
  }

  /**
   * Says which request a call serves, once that is known: the call's span gets a link to the business trace, and its id
   * as parent id. Returns whether a call with that Call-ID is under way.
   */
  linkCall(callId: string, ids: BusinessIds): boolean {
    const { traceId } = ids;
    let isKnown = false;
    for (const { state, recorder } of this.#calls.withCallId(callId)) {
      if (state === 'over') continue;
      isKnown = true;
      if (traceId === undefined) continue;
      recorder.session.span.setAttribute(WITNESS_TRACE_PARENT_ID, traceId);
      recorder.session.span.addLink({
        context: {
          traceId: traceIdOfBusinessId(traceId),
          spanId: spanIdOfBusinessId(traceId),
          traceFlags: TraceFlags.SAMPLED,
          isRemote: true,
        },
      });
    }
    return isKnown;
  }

  /** The context of a call under way, for spans of the application that belong to it. */
  contextOf(callId: string): Context | undefined {
    for (const call of this.#calls.withCallId(callId)) if (call.state !== 'over') return call.recorder.session.context;
    return undefined;
  }

  /** Counts so far. */
  get counts(): SipObserverCounts {
    return {
      messages: this.#messages,
      unparsable: this.#unparsable,
      retransmissions: this.#retransmissions,
      outsideCalls: this.#outsideCalls,
      callsBegun: this.#callsBegun,
      callsTimedOut: this.#calls.timedOut,
      callsEvicted: this.#calls.evicted,
    };
  }

  /** Ends the calls that are open, as `shutdown`. Call it before the SDK shuts down; the observer can go on being used. */
  close(): void {
    this.#calls.close();
  }

  #take(message: SipMessage, observation: SipObservation): void {
    const { callId, from, to } = message;
    const hop = this.#names.hop(observation);
    if (message.method === 'REGISTER') {
      if (!this.#registrations.take(message, hop, () => this.#parentOf(detached(callId), observation)))
        this.#retransmissions++;
      return;
    }
    const place = this.#calls.find(callId, from.tag, to.tag);
    const isInvitation = message.method === 'INVITE' && message.status === undefined && to.tag === undefined;
    if (isInvitation && (place === undefined || (place.call.state === 'over' && place.call.isNew(message, hop)))) {
      const ownCallId = detached(callId);
      const parent = this.#parentOf(ownCallId, observation);
      const call = new SipCall(
        new CallRecorder(this.#recorder, this.#tracer, this.#names, message, hop, parent),
        message,
        hop,
      );
      this.#callsBegun++;
      call.take(message, hop);
      this.#calls.add(ownCallId, call);
      return;
    }
    if (place === undefined) {
      this.#outsideCalls++;
      return;
    }
    if (!place.call.take(message, hop)) this.#retransmissions++;
    this.#calls.touch(place);
  }

  #parentOf(callId: string, observation: SipObservation): Context {
    const base = observation.context ?? context.active();
    const hasOwnTrace = trace.getSpanContext(base) !== undefined || businessIdsOf(base).traceId !== undefined;
    return withBusinessIds(hasOwnTrace ? {} : { traceId: this.#traceIdOf(callId) }, base);
  }
}
