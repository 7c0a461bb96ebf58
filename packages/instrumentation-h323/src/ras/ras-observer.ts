/**
 * Watches RAS datagrams, at an endpoint, a gatekeeper or a mirror port: pairs requests and answers, and records what they say
 * as events of calls and endpoints. It never sends anything and never throws.
 */
import { sha256Hex } from '@infrafabric/format';
import { diag } from '@opentelemetry/api';
import { CallWatch, type WatchOptions } from '../calls/call-watch.js';
import { ObservedClock } from '../calls/clock.js';
import { type CallSide, callIdText, type Occurrence } from '../calls/observation.js';
import { SCOPE_NAME } from '../names.js';
import { decodeRas, type RasMessage } from './codec.js';
import { EXCHANGES, labelOf, roleOf } from './message-kinds.js';
import type { CallRequest } from './messages-call.js';
import { type PendingRequest, PendingRequests } from './pending-requests.js';
import { recordAnswer, recordReport, recordRequest, recordTimeout } from './ras-events.js';

/** Which way a datagram went, and between whom. */
export interface DatagramInfo {
  /** Seen from where it is observed. On a mirror port take the sender for `local`, and `sent`. */
  readonly direction: 'sent' | 'received';
  /** The other side, `192.0.2.7:1719`. */
  readonly peer: string;
  /** This side, likewise. */
  readonly local?: string;
  /** Milliseconds since 1970; default now. */
  readonly time?: number;
}

/** How datagrams are watched. */
export interface RasObserverOptions extends WatchOptions {
  /** A request without an answer for so long has none; default 15 seconds. */
  readonly requestTimeoutMs?: number;
  /** How often that is looked at while nothing arrives; default 1 second, 0 for never. It does not keep the process alive. */
  readonly sweepIntervalMs?: number;
}

/** What was counted besides what was recorded. */
export interface RasCounts {
  readonly datagrams: number;
  /** That are no RAS message. */
  readonly malformed: number;
  readonly retransmissions: number;
  /** Answers to requests that were not seen, or second answers. */
  readonly unpaired: number;
}

const DEFAULT_REQUEST_TIMEOUT_MS = 15_000;
const DEFAULT_SWEEP_INTERVAL_MS = 1_000;
const SWEEP_STEP_MS = 250;
/** Datagrams up to that are compared as they are, longer ones by their hash. */
const MAX_COMPARED_OCTETS = 2_048;

/** Watches the datagrams of one place. */
export class RasObserver {
  readonly #watch: CallWatch;
  readonly #pending = new PendingRequests();
  readonly #clock = new ObservedClock();
  readonly #requestTimeoutMs: number;
  readonly #sweepIntervalMs: number;
  readonly #counts = { datagrams: 0, malformed: 0, retransmissions: 0, unpaired: 0 };
  #sweptMs = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: RasObserverOptions = {}) {
    this.#watch = new CallWatch(options);
    this.#requestTimeoutMs = options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS;
    this.#sweepIntervalMs = options.sweepIntervalMs ?? DEFAULT_SWEEP_INTERVAL_MS;
  }

  get counts(): RasCounts {
    return { ...this.#counts };
  }

  /** Calls under way. */
  get openCalls(): number {
    return this.#watch.openCalls;
  }

  /** Takes a datagram; it is neither kept nor changed. Never throws. */
  observe(datagram: Uint8Array, info: DatagramInfo): void {
    try {
      this.#counts.datagrams++;
      const atMs = info.time ?? Date.now();
      this.#clock.observe(atMs);
      // Not with every datagram: the tables may be long.
      if (atMs - this.#sweptMs >= SWEEP_STEP_MS) this.sweep(atMs);
      this.#startTimer();
      let message: RasMessage;
      try {
        message = decodeRas(datagram);
      } catch {
        this.#counts.malformed++;
        return;
      }
      this.#take(message, datagram, info, atMs);
    } catch (error) {
      diag.error(`${SCOPE_NAME}: a datagram was not recorded`, error);
    }
  }

  /** Ends what has waited for too long. @param nowMs default: the time of the last datagram, and what has passed since */
  sweep(nowMs: number = this.#clock.now()): void {
    this.#sweptMs = nowMs;
    for (const request of this.#pending.expired(nowMs)) recordTimeout(this.#watch, request, nowMs);
    this.#watch.sweep(nowMs);
  }

  /** Stops watching: what is open ends as `closed`. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    const nowMs = this.#clock.now();
    this.#watch.close(Number.isFinite(nowMs) ? nowMs : Date.now());
  }

  #take(message: RasMessage, datagram: Uint8Array, info: DatagramInfo, atMs: number): void {
    const isSent = info.direction === 'sent';
    const at: Occurrence = {
      atMs,
      from: isSent ? info.local : info.peer,
      to: isSent ? info.peer : info.local,
      label: labelOf(message.name),
    };
    const role = roleOf(message.name);
    const number = message.value instanceof Uint8Array ? undefined : message.value.requestSeqNum;
    if (number === undefined) return;
    // Who asked: the sender of a request, the receiver of its answer.
    const asker = (isSent === (role?.isRequest ?? false) ? info.local : info.peer) ?? '';
    if (message.name === 'requestInProgress') {
      if (!(message.value instanceof Uint8Array)) this.#prolong(asker, number, atMs + message.value.delay);
    } else if (message.name === 'infoRequestResponse') recordReport(this.#watch, message.value, at);
    else if (role?.isRequest === true) this.#request(message, `${asker}|${role.exchange}|${number}`, datagram, at);
    else if (role !== undefined) this.#answer(message, `${asker}|${role.exchange}|${number}`, at);
  }

  #request(message: RasMessage, key: string, datagram: Uint8Array, at: Occurrence): void {
    const fingerprint = fingerprintOf(datagram);
    const before = this.#pending.get(key);
    if (before?.fingerprint === fingerprint) {
      this.#counts.retransmissions++;
      before.retransmissions++;
      before.deadlineMs = at.atMs + this.#requestTimeoutMs;
      return;
    }
    const request: PendingRequest = {
      key,
      message,
      at,
      side: sideOf(message),
      fingerprint,
      retransmissions: 0,
      deadlineMs: at.atMs + this.#requestTimeoutMs,
      isAnswered: false,
    };
    for (const removed of this.#pending.add(request)) recordTimeout(this.#watch, removed, at.atMs);
    recordRequest(this.#watch, request);
  }

  #answer(message: RasMessage, key: string, at: Occurrence): void {
    const request = this.#pending.get(key);
    if (request === undefined || request.isAnswered) {
      this.#counts.unpaired++;
      return;
    }
    request.isAnswered = true;
    request.deadlineMs = at.atMs + this.#requestTimeoutMs;
    recordAnswer(this.#watch, request, message, at);
  }

  #prolong(asker: string, number: number, deadlineMs: number): void {
    for (const exchange of EXCHANGES) {
      const request = this.#pending.get(`${asker}|${exchange}|${number}`);
      if (request !== undefined) request.deadlineMs = Math.max(request.deadlineMs, deadlineMs);
    }
  }

  #startTimer(): void {
    if (this.#timer !== undefined || this.#sweepIntervalMs === 0) return;
    this.#timer = setInterval(() => this.sweep(), this.#sweepIntervalMs);
    this.#timer.unref();
  }
}

/** Which side of which call a request is about; undefined for those that are about none. */
function sideOf(message: RasMessage): CallSide | undefined {
  if (!['admissionRequest', 'bandwidthRequest', 'disengageRequest'].includes(message.name)) return undefined;
  const request = message.value as CallRequest & { readonly answerCall?: boolean; readonly answeredCall?: boolean };
  const { callIdentifier, conferenceID, callReferenceValue, endpointIdentifier } = request;
  const guid = callIdentifier?.guid;
  return {
    // Version 1 of H.225.0 has no call identifier.
    callId: guid === undefined ? `${callIdText(conferenceID)}-${callReferenceValue}` : callIdText(guid),
    callReference: callReferenceValue,
    endpointId: endpointIdentifier.toWellFormed(),
    isAnswering: request.answerCall ?? request.answeredCall,
  };
}

function fingerprintOf(datagram: Uint8Array): string {
  if (datagram.length > MAX_COMPARED_OCTETS) return sha256Hex(datagram);
  return Buffer.from(datagram.buffer, datagram.byteOffset, datagram.length).toString('latin1');
}
