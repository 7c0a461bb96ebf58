/** Registrations (RFC 3261 §10): one event for each that succeeds or fails; challenges are counted. Bounded. */
import type { EventRecorder } from '@infrafabric/events';
import type { Context } from '@opentelemetry/api';
import { CALL_LADDER_FROM, CALL_LADDER_LABEL, CALL_LADDER_TO, SIP_CALL_ID } from './call-attributes.js';
import { detached } from './detached-text.js';
import { type Hop, hrTimeOf } from './observation.js';
import type { ShownNames } from './shown-names.js';
import type { SipMessage } from './sip-message.js';

const MAX_REGISTRATIONS = 10_000;

interface Registration {
  readonly parent: Context;
  /** Of the latest request. */
  cseq: number;
  expiresSeconds: number | undefined;
  startMs: number;
  challenges: number;
  isAnswered: boolean;
}

/** Registrations by Call-ID, which a client keeps for all of its REGISTERs. */
export class Registrations {
  readonly #recorder: EventRecorder;
  readonly #names: ShownNames;
  readonly #registrations = new Map<string, Registration>();

  constructor(recorder: EventRecorder, names: ShownNames) {
    this.#recorder = recorder;
    this.#names = names;
  }

  /** Takes a REGISTER or an answer to one. Returns false for one that says nothing new. */
  take(message: SipMessage, hop: Hop, parentOf: () => Context): boolean {
    return message.status === undefined
      ? this.#onRequest(message, hop, parentOf)
      : this.#onResponse(message, message.status, hop);
  }

  #onRequest(message: SipMessage, hop: Hop, parentOf: () => Context): boolean {
    const { cseq, expiresSeconds } = message;
    const callId = detached(message.callId);
    const known = this.#registrations.get(callId);
    // Again on another hop, or again because nobody answered.
    if (known !== undefined && cseq <= known.cseq) return false;
    const isRetry = known !== undefined && !known.isAnswered;
    const registration: Registration = {
      parent: known?.parent ?? parentOf(),
      cseq,
      expiresSeconds,
      startMs: isRetry ? known.startMs : hop.timeMs,
      challenges: isRetry ? known.challenges : 0,
      isAnswered: false,
    };
    this.#registrations.delete(callId);
    this.#registrations.set(callId, registration);
    if (this.#registrations.size > MAX_REGISTRATIONS) {
      for (const oldest of this.#registrations.keys()) {
        this.#registrations.delete(oldest);
        break;
      }
    }
    return true;
  }

  #onResponse(message: SipMessage, status: number, hop: Hop): boolean {
    const registration = this.#registrations.get(message.callId);
    if (registration === undefined || registration.isAnswered || message.cseq !== registration.cseq) return false;
    if (status < 200) return true;
    if (status === 401 || status === 407) {
      // A second challenge of the same attempt comes with the next request.
      registration.challenges++;
      return true;
    }
    registration.isAnswered = true;
    const isRefused = status >= 300;
    const expires = message.expiresSeconds ?? registration.expiresSeconds;
    const isGone = registration.expiresSeconds === 0;
    const callId = this.#names.name(message.callId);
    this.#recorder.record(
      {
        name: isRefused ? 'sip_registration_failed' : isGone ? 'sip_unregistered' : 'sip_registered',
        payload: {
          uri: this.#names.name(message.to.uri),
          call_id: callId,
          status,
          reason: this.#names.freeText(message.reason),
          expires_seconds: isRefused || isGone ? undefined : expires,
          challenges: registration.challenges,
          direction: hop.direction,
          transport: hop.transport,
          timestamp: new Date(hop.timeMs).toISOString(),
        },
        attributes: {
          [SIP_CALL_ID]: callId,
          [CALL_LADDER_FROM]: hop.from,
          [CALL_LADDER_TO]: hop.to,
          [CALL_LADDER_LABEL]: this.#names.label(message),
        },
        startTime: hrTimeOf(registration.startMs),
        endTime: hrTimeOf(Math.max(hop.timeMs, registration.startMs)),
        ...(isRefused ? { error: { type: String(status), message: this.#names.freeText(message.reason) } } : {}),
      },
      registration.parent,
    );
    return true;
  }
}
