/**
 * A peer connection logged by hand, for stacks that nothing can watch: the integration guide's `WebRTCWitnessIntegration`, with
 * its events, payload fields, tokens, costs and model. Those are constants of the guide and not measurements: every usage is
 * marked as estimated. A description itself is never recorded.
 */
import {
  type BusinessIds,
  EventRecorder,
  type EventUsage,
  newFlowId,
  type Payload,
  type Session,
  withBusinessIds,
} from '@infrafabric/events';
import type { Attributes, Context, TracerProvider } from '@opentelemetry/api';
import { parseCandidate } from './candidates.js';
import { ConnectionEvents, type EventDetails } from './connection-events.js';
import { sdpFacts } from './description.js';
import * as names from './names.js';
import { textMember } from './peer-connection.js';

/** All of it may be left out. */
export interface WebRtcWitnessOptions extends BusinessIds {
  /** Who the other end is, for the ladder. Default `remote`. */
  readonly remotePeerId?: string | undefined;
  /** Parent of the connection's span. Default: the active context. */
  readonly context?: Context | undefined;
  /** Default: the global one. */
  readonly tracerProvider?: TracerProvider | undefined;
  /** Makes peer ids into pseudonyms before they are recorded. */
  readonly pseudonym?: ((name: string) => string) | undefined;
}

/** A candidate as the guide has it (`type`), or as browsers give it. */
export interface LoggedCandidate {
  readonly type?: string | null | undefined;
  readonly candidate?: string | undefined;
}

/** The guide's constants. Its class gives the first event no usage and its script does: the script's is taken. */
const USAGE: Readonly<Record<'started' | 'description' | 'candidates' | 'state' | 'media' | 'error', EventUsage>> = {
  started: estimated(50, 25, '0.0001'),
  description: estimated(200, 100, '0.0005'),
  candidates: estimated(100, 50, '0.0002'),
  state: estimated(50, 25, '0.0001'),
  media: estimated(150, 75, '0.0003'),
  error: estimated(50, 25, '0.0001'),
};

/** Each method takes, as its last argument, the business trace id that the event belongs to; default: the connection's. */
export class WebRtcWitness {
  readonly peerId: string;
  /** Business trace id of the connection: the one that was given, or `webrtc-<peer>-<12 hex digits>`. */
  readonly traceId: string;
  /** In which the connection's span is active. */
  readonly context: Context;
  readonly #session: Session;
  readonly #events: ConnectionEvents;
  #state: string | undefined;
  #connectedMs: number | undefined;
  #failure: string | undefined;

  constructor(peerId: string, options: WebRtcWitnessOptions = {}) {
    const pseudonym = options.pseudonym ?? ((name: string) => name);
    this.peerId = pseudonym(peerId);
    const remote = pseudonym(options.remotePeerId ?? 'remote');
    const connectionId = newFlowId(`webrtc-${this.peerId}`);
    this.traceId = options.traceId ?? connectionId;
    const recorder = new EventRecorder({
      scope: names.WEBRTC_SCOPE,
      component: names.WEBRTC_COMPONENT,
      tracerProvider: options.tracerProvider,
    });
    const attributes = { [names.ATTR_PEER_ID]: this.peerId, [names.ATTR_CONNECTION_ID]: connectionId };
    const startTime = Date.now();
    this.#session = recorder.startSession(
      { name: names.SPAN_PEER_CONNECTION, attributes, startTime },
      withBusinessIds({ traceId: this.traceId, parentTraceId: options.parentTraceId }, options.context),
    );
    this.context = this.#session.context;
    this.#events = new ConnectionEvents(recorder, this.context, startTime, { local: this.peerId, remote });
    this.#record(names.EVENT_STARTED, { connection_id: connectionId }, undefined, { usage: USAGE.started });
  }

  /** A local offer. @param constraints what is offered, e.g. `{ audio: true, video: true }` */
  logSdpOffer(sdpOffer: string, constraints: Payload = {}, traceId?: string): void {
    const { hash, lines, length } = sdpFacts(sdpOffer);
    const payload = { offer_hash: hash, constraints, offer_lines: lines, offer_length: length };
    this.#record(names.EVENT_OFFER_CREATED, payload, traceId, {
      usage: USAGE.description,
      arrow: { from: 'local', label: 'SDP offer' },
    });
  }

  /** The remote answer. */
  logSdpAnswer(sdpAnswer: string, traceId?: string): void {
    const { hash, lines, length } = sdpFacts(sdpAnswer);
    const payload = { answer_hash: hash, answer_lines: lines, answer_length: length };
    this.#record(names.EVENT_ANSWER_RECEIVED, payload, traceId, {
      usage: USAGE.description,
      arrow: { from: 'remote', label: 'SDP answer' },
    });
  }

  /** Nothing, as in the guide: one event for each candidate is too many. Use `logIceCandidatesSummary`. */
  logIceCandidate(_candidate: LoggedCandidate, _candidateType = 'host', _traceId?: string): void {}

  /** How many candidates of which type. */
  logIceCandidatesSummary(candidates: readonly LoggedCandidate[], traceId?: string): void {
    const candidate_types: Record<string, number> = {};
    for (const candidate of candidates) {
      const type = typeOf(candidate);
      candidate_types[type] = (candidate_types[type] ?? 0) + 1;
    }
    const payload = { total_candidates: candidates.length, candidate_types, gathering_time_ms: this.#events.elapsedMs };
    this.#record(names.EVENT_CANDIDATES_GATHERED, payload, traceId, { usage: USAGE.candidates });
  }

  /** The ICE state changed. */
  logConnectionStateChange(oldState: string, newState: string, traceId?: string): void {
    this.#state = newState;
    if (newState === 'connected' || newState === 'completed') this.#connectedMs ??= this.#events.elapsedMs;
    const payload = { old_state: oldState, new_state: newState, duration_ms: this.#events.elapsedMs };
    this.#record(names.EVENT_ICE_STATE, payload, traceId, { usage: USAGE.state });
  }

  /** Media flows. */
  logMediaStreamReady(
    audioEnabled: boolean,
    videoEnabled: boolean,
    videoResolution = '1920x1080',
    traceId?: string,
  ): void {
    const payload = {
      audio_enabled: audioEnabled,
      video_enabled: videoEnabled,
      video_resolution: videoResolution,
      connection_duration_ms: this.#events.elapsedMs,
    };
    this.#record(names.EVENT_MEDIA_READY, payload, traceId, { usage: USAGE.media });
  }

  /** Something failed. @param errorCode low-cardinality, e.g. `ice_failed`; it becomes `error.type` */
  logConnectionError(errorCode: string, errorMessage: string, traceId?: string): void {
    this.#failure = errorCode;
    const payload = { error_code: errorCode, error_message: errorMessage, duration_ms: this.#events.elapsedMs };
    const error = { type: errorCode, message: errorMessage };
    this.#record(names.EVENT_ERROR, payload, traceId, { usage: USAGE.error, error });
  }

  /** The end. A second call does nothing. */
  close(traceId?: string): void {
    if (this.#session.hasEnded) return;
    const elapsedMs = this.#events.elapsedMs;
    this.#record(names.EVENT_CLOSED, { duration_seconds: elapsedMs / 1_000 }, traceId);
    if (this.#failure !== undefined) this.#session.fail(this.#failure);
    const reason: names.EndReason = this.#failure !== undefined ? 'failed' : 'hangup';
    const attributes: Attributes = {
      [names.ATTR_CALL_END_REASON]: reason,
      ...(this.#state === undefined ? {} : { [names.ATTR_CALL_LAST_CODE]: this.#state }),
      ...(this.#connectedMs === undefined
        ? {}
        : {
            [names.ATTR_CALL_SETUP_TIME_MS]: this.#connectedMs,
            [names.ATTR_CALL_DURATION_MS]: elapsedMs - this.#connectedMs,
          }),
    };
    this.#session.end(attributes, this.#events.nowMs);
  }

  #record(name: string, payload: Payload, traceId: string | undefined, details: EventDetails = {}): void {
    this.#events.record(name, payload, { ...details, traceId });
  }
}

/** The guide's candidates have a `type`; those of browsers have it too, or in their text. */
function typeOf(candidate: LoggedCandidate): string {
  const type = textMember(candidate, 'type', 16);
  if (type !== undefined && type !== '') return type;
  const text = textMember(candidate, 'candidate', 2_048);
  return (text === undefined ? undefined : parseCandidate(text)?.type) ?? 'unknown';
}

function estimated(tokensIn: number, tokensOut: number, costUsd: string): EventUsage {
  return { tokensIn, tokensOut, costUsd, model: 'claude-haiku-4.5', isEstimated: true };
}
