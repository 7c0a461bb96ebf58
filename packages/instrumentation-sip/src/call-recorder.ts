/** Writes a call down: its span, an event per message with its arrow of the ladder, and the chain through the events. */
import { businessAttributesOf, type EventRecorder, type Payload, Session } from '@infrafabric/events';
import { WITNESS_COMPONENT, WITNESS_PAYLOAD } from '@infrafabric/semconv';
import { type Attributes, type Context, diag, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import { digestBody } from './body-digest.js';
import {
  CALL_DIRECTION,
  CALL_LADDER_FROM,
  CALL_LADDER_LABEL,
  CALL_LADDER_TO,
  SIP_CALL_ID,
  SIP_EVENTS,
  SIP_EVENTS_DROPPED,
  SIP_FROM,
  SIP_LAST_EVENT_HASH,
  SIP_TO,
} from './call-attributes.js';
import { CallChain, withLinks } from './call-chain.js';
import { canonicalPayload } from './canonical-payload.js';
import { detached } from './detached-text.js';
import { type CallTexts, type EventExtra, isoTime, messagePayload } from './message-payload.js';
import { type Hop, hrTimeOf } from './observation.js';
import { SIP_SCOPE } from './scope.js';
import type { ShownNames } from './shown-names.js';
import type { SipMessage } from './sip-message.js';

/** A call that goes on making events (a hostile peer, a loop) is counted, not recorded, beyond these. */
const MAX_EVENTS = 1_000;

const KINDS = { sent: SpanKind.CLIENT, received: SpanKind.SERVER, passing: SpanKind.INTERNAL } as const;
const DIRECTIONS = { sent: 'outgoing', received: 'incoming', passing: 'passing' } as const;

/** One call on record. */
export class CallRecorder {
  readonly session: Session;
  /** Name of the first audio codec that the last SDP offered or answered. */
  audioCodec: string | undefined;
  readonly names: ShownNames;
  readonly #chain = new CallChain();
  readonly #callId: string;
  /** An observer has microseconds for a message: what all events of the call have in common is made once. */
  readonly #common: Attributes;
  /** The same with room for an arrow: a copy of one shape is much cheaper than one that grows. */
  readonly #arrow: Attributes;
  readonly #tracer: Tracer;
  readonly #localUri: string;
  readonly #remoteUri: string;
  readonly #texts: CallTexts;
  /** A call that no SDK samples costs its parsing, and neither hashes nor events. */
  readonly #isRecorded: boolean;
  #dropped = 0;

  constructor(
    recorder: EventRecorder,
    tracer: Tracer,
    names: ShownNames,
    invite: SipMessage,
    hop: Hop,
    parent: Context,
  ) {
    this.names = names;
    this.#tracer = tracer;
    this.#callId = detached(names.name(invite.callId));
    const from = detached(names.name(invite.from.uri));
    const to = detached(names.name(invite.to.uri));
    [this.#localUri, this.#remoteUri] = hop.direction === 'received' ? [to, from] : [from, to];
    this.#texts = {
      callId: JSON.stringify(this.#callId),
      localUri: JSON.stringify(this.#localUri),
      remoteUri: JSON.stringify(this.#remoteUri),
    };
    const business = businessAttributesOf(parent);
    this.#common = {
      ...business,
      [WITNESS_COMPONENT]: recorder.component,
      [SIP_CALL_ID]: this.#callId,
      [WITNESS_PAYLOAD]: '',
    };
    this.#arrow = { ...this.#common, [CALL_LADDER_FROM]: '', [CALL_LADDER_TO]: '', [CALL_LADDER_LABEL]: '' };
    const span = tracer.startSpan(
      'sip.call',
      {
        kind: KINDS[hop.direction],
        startTime: hrTimeOf(hop.timeMs),
        attributes: {
          ...business,
          [WITNESS_COMPONENT]: recorder.component,
          [SIP_CALL_ID]: this.#callId,
          [SIP_FROM]: from,
          [SIP_TO]: to,
          [CALL_DIRECTION]: DIRECTIONS[hop.direction],
          'network.protocol.name': 'sip',
          ...networkAttributes(hop),
        },
      },
      parent,
    );
    this.session = new Session(recorder, span, trace.setSpan(parent, span));
    this.#isRecorded = this.session.span.isRecording();
  }

  /** An event that a message is: with its arrow. */
  message(name: string, message: SipMessage, hop: Hop, extra?: EventExtra): void {
    if (!this.#isRecorded || this.#isFull()) return;
    const digest = digestBody(message);
    if (digest?.audioCodec !== undefined) this.audioCodec = detached(digest.audioCodec);
    const payload = messagePayload(this.#texts, this.names, message, hop, digest, extra);
    const attributes = { ...this.#arrow };
    attributes[CALL_LADDER_FROM] = hop.from;
    attributes[CALL_LADDER_TO] = hop.to;
    attributes[CALL_LADDER_LABEL] = this.names.label(message);
    this.#event(name, hop.timeMs, payload, attributes, extra);
  }

  /** An event that follows from messages and is none: no arrow. */
  conclusion(name: string, timeMs: number, payload: Payload, attributes?: Attributes): void {
    if (!this.#isRecorded || this.#isFull()) return;
    const whole: Payload = {
      ...payload,
      call_id: this.#callId,
      local_uri: this.#localUri,
      remote_uri: this.#remoteUri,
      timestamp: isoTime(timeMs),
    };
    this.#event(name, timeMs, canonicalPayload(whole), { ...this.#common, ...attributes });
  }

  /** Ends the call's span; events that come later are recorded under it all the same. */
  end(attributes: Attributes, timeMs: number): void {
    const { lastEventHash, length } = this.#chain;
    this.session.end(
      {
        ...attributes,
        [SIP_EVENTS]: length,
        ...(lastEventHash === undefined ? {} : { [SIP_LAST_EVENT_HASH]: lastEventHash }),
        ...(this.#dropped === 0 ? {} : { [SIP_EVENTS_DROPPED]: this.#dropped }),
      },
      hrTimeOf(timeMs),
    );
  }

  #isFull(): boolean {
    if (this.#chain.length < MAX_EVENTS) return false;
    this.#dropped++;
    return true;
  }

  /** An SDK that fails must not keep the call from being followed. */
  #event(name: string, timeMs: number, payload: string, attributes: Attributes, extra?: EventExtra): void {
    attributes[WITNESS_PAYLOAD] = withLinks(payload, this.#chain.append(payload));
    if (extra?.errorType !== undefined) attributes['error.type'] = extra.errorType;
    const time = hrTimeOf(timeMs);
    try {
      const span = this.#tracer.startSpan(
        name,
        { kind: SpanKind.INTERNAL, attributes, startTime: time },
        this.session.context,
      );
      if (extra?.errorType !== undefined) {
        const { message } = extra;
        span.setStatus({ code: SpanStatusCode.ERROR, ...(message === undefined ? {} : { message }) });
      }
      span.end(time);
    } catch (error) {
      diag.error(`${SIP_SCOPE.name}: the event ${name} was not recorded`, error);
    }
  }
}

/** By the semantic conventions: `network.transport` knows tcp, udp and no WebSocket. */
function networkAttributes(hop: Hop): Attributes {
  const { transport, peer } = hop;
  return {
    ...(transport === undefined
      ? {}
      : { 'network.transport': transport === 'udp' || transport === 'sctp' ? transport : 'tcp' }),
    ...(peer === undefined ? {} : { 'network.peer.address': peer.address }),
    ...(peer?.port === undefined ? {} : { 'network.peer.port': peer.port }),
  };
}
