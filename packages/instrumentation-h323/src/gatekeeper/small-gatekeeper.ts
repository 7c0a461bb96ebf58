/**
 * A small H.323 gatekeeper for tests and demonstrations: discovery, registration, admission by a policy, bandwidth, the end of
 * calls, over UDP. It routes no signalling, knows no neighbours, checks no passwords: not for a network that others reach.
 */
import { hexOf } from '@infrafabric/format';
import { type AdmissionDecision, type AdmissionPolicy, admitAll } from '../admission-policy.js';
import { callIdText, namesOf } from '../calls/observation.js';
import { encodeRas, type RasMessage, type RasMessages } from '../ras/codec.js';
import { roleOf } from '../ras/message-kinds.js';
import type { UuiesRequested } from '../ras/parts.js';
import { BPS_PER_UNIT } from '../ras/ras-events.js';
import { AdmittedCalls } from './admitted-calls.js';
import { type Registration, Registrations } from './registrations.js';
import { type DatagramListener, transportAddressOf, type UdpAddress, UdpPeer } from './udp-peer.js';

/** How the gatekeeper works. */
export interface SmallGatekeeperOptions {
  /** IPv4 address to listen at; default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: any; H.323's own is 1719. */
  readonly port?: number;
  /** Default `SmallGK`. */
  readonly gatekeeperId?: string;
  /** Default: every call is admitted. */
  readonly admissionPolicy?: AdmissionPolicy;
  /** Seconds in which an endpoint must register again; default 300. */
  readonly timeToLiveS?: number;
  /** Sees every datagram. */
  readonly onDatagram?: DatagramListener;
}

const DEFAULT_TIME_TO_LIVE_S = 300;
/** Answers that are kept for requests which come again. */
const MAX_ANSWERS = 1_000;

const NO_UUIES: UuiesRequested = {
  setup: false,
  callProceeding: false,
  connect: false,
  alerting: false,
  information: false,
  releaseComplete: false,
  facility: false,
  progress: false,
  empty: false,
};

/** Answers RAS requests until it is closed. */
export class SmallGatekeeper {
  readonly #options: SmallGatekeeperOptions;
  readonly #peer: UdpPeer;
  readonly #registrations: Registrations;
  readonly #calls = new AdmittedCalls();
  readonly #answers = new Map<string, Uint8Array>();
  #address: UdpAddress | undefined;
  #nextNumber = 1;

  constructor(options: SmallGatekeeperOptions = {}) {
    this.#options = options;
    this.#registrations = new Registrations(options.timeToLiveS ?? DEFAULT_TIME_TO_LIVE_S);
    this.#peer = new UdpPeer((message, from, datagram) => this.#receive(message, from, datagram), options.onDatagram);
  }

  /** Begins to listen. @throws what the system throws, e.g. when the port is in use */
  async start(): Promise<UdpAddress> {
    this.#address = await this.#peer.open(this.#options.host ?? '127.0.0.1', this.#options.port ?? 0);
    return this.#address;
  }

  /** Endpoints that are registered. */
  get registrations(): number {
    return this.#registrations.size;
  }

  /** Calls that are admitted. */
  get calls(): number {
    return this.#calls.size;
  }

  /** Ends a call: its endpoints are told (DRQ, forcedDrop). A call that is none does nothing. @param callId 32 hex digits */
  dropCall(callId: string): void {
    for (const { endpointId, request } of this.#calls.sidesOf(callId)) {
      const endpoint = this.#registrations.get(endpointId);
      this.#calls.leave(callId, endpointId, request.answerCall);
      if (endpoint === undefined) continue;
      const { conferenceID, callReferenceValue, callIdentifier, answerCall } = request;
      const value = {
        requestSeqNum: this.#number(),
        endpointIdentifier: endpointId,
        conferenceID,
        callReferenceValue,
        disengageReason: 'forcedDrop',
        ...(callIdentifier === undefined ? {} : { callIdentifier }),
        answeredCall: answerCall,
      };
      this.#peer.send({ name: 'disengageRequest', value }, endpoint.rasAddress);
    }
  }

  close(): Promise<void> {
    return this.#peer.close();
  }

  #receive(message: RasMessage, from: UdpAddress, datagram: Uint8Array): void {
    const isAsked =
      roleOf(message.name)?.isRequest === true || ['infoRequestResponse', 'locationRequest'].includes(message.name);
    if (!isAsked) return;
    // A request that comes again gets its first answer again: it must not be decided twice.
    const key = `${from.host}:${from.port}|${hexOf(datagram)}`;
    const before = this.#answers.get(key);
    if (before !== undefined) {
      this.#peer.sendAgain(before, from);
      return;
    }
    const answer = this.#answer(message, from);
    if (answer === undefined) return;
    this.#answers.set(key, this.#peer.send(answer, from));
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > MAX_ANSWERS && oldest !== undefined) this.#answers.delete(oldest);
  }

  #answer(message: RasMessage, from: UdpAddress): RasMessage | undefined {
    switch (message.name) {
      case 'gatekeeperRequest': {
        const { requestSeqNum, protocolIdentifier } = message.value;
        const rasAddress = transportAddressOf(this.#address!);
        const gatekeeperIdentifier = this.#id;
        return {
          name: 'gatekeeperConfirm',
          value: { requestSeqNum, protocolIdentifier, gatekeeperIdentifier, rasAddress },
        };
      }
      case 'registrationRequest':
        return this.#register(message.value, from);
      case 'unregistrationRequest':
        return this.#unregister(message.value);
      case 'admissionRequest':
        return this.#admit(message.value);
      case 'bandwidthRequest':
        return this.#changeBandwidth(message.value);
      case 'disengageRequest':
        return this.#disengage(message.value);
      case 'locationRequest': {
        const { requestSeqNum, destinationInfo } = message.value;
        const found = this.#registrations.destination(destinationInfo, undefined);
        if (found === undefined) {
          return { name: 'locationReject', value: { requestSeqNum, rejectReason: { name: 'requestDenied' } } };
        }
        const rasAddress = transportAddressOf(this.#address!);
        return {
          name: 'locationConfirm',
          value: { requestSeqNum, callSignalAddress: found.signalAddress, rasAddress },
        };
      }
      case 'infoRequestResponse': {
        const { requestSeqNum, needResponse, endpointIdentifier } = message.value;
        const endpoint = this.#registrations.get(endpointIdentifier);
        if (endpoint !== undefined) this.#registrations.refresh(endpoint);
        return needResponse === true ? { name: 'infoRequestAck', value: { requestSeqNum } } : undefined;
      }
      default:
        return undefined;
    }
  }

  #register(request: RasMessages['registrationRequest'], from: UdpAddress): RasMessage {
    const { requestSeqNum, protocolIdentifier, terminalAlias = [], callSignalAddress, keepAlive } = request;
    const reject = (rejectReason: RasMessages['registrationReject']['rejectReason']): RasMessage => ({
      name: 'registrationReject',
      value: { requestSeqNum, protocolIdentifier, rejectReason, gatekeeperIdentifier: this.#id },
    });
    let registration: Registration | undefined;
    if (keepAlive === true) {
      registration = this.#registrations.get(request.endpointIdentifier);
      if (registration === undefined) return reject({ name: 'fullRegistrationRequired' });
      this.#registrations.refresh(registration);
    } else {
      const [signalAddress] = callSignalAddress;
      if (signalAddress === undefined) return reject({ name: 'invalidCallSignalAddress' });
      const added = this.#registrations.add(terminalAlias, signalAddress, from);
      if (added === undefined) return reject({ name: 'resourceUnavailable' });
      if ('taken' in added) return reject({ name: 'duplicateAlias', value: added.taken });
      registration = added;
    }
    return {
      name: 'registrationConfirm',
      value: {
        requestSeqNum,
        protocolIdentifier,
        callSignalAddress: [],
        terminalAlias: registration.aliases,
        gatekeeperIdentifier: this.#id,
        endpointIdentifier: registration.endpointId,
        timeToLive: this.#options.timeToLiveS ?? DEFAULT_TIME_TO_LIVE_S,
        willRespondToIRR: true,
        maintainConnection: false,
      },
    };
  }

  #unregister({ requestSeqNum, endpointIdentifier, endpointAlias }: RasMessages['unregistrationRequest']): RasMessage {
    const registration =
      this.#registrations.get(endpointIdentifier) ?? this.#registrations.destination(endpointAlias, undefined);
    if (registration === undefined) {
      return {
        name: 'unregistrationReject',
        value: { requestSeqNum, rejectReason: { name: 'notCurrentlyRegistered' } },
      };
    }
    this.#registrations.remove(registration.endpointId);
    return { name: 'unregistrationConfirm', value: { requestSeqNum } };
  }

  #admit(request: RasMessages['admissionRequest']): RasMessage {
    const { requestSeqNum, endpointIdentifier, answerCall, destinationInfo, destCallSignalAddress } = request;
    const reject = (name: string): RasMessage => rejection(requestSeqNum, name);
    const endpoint = this.#registrations.get(endpointIdentifier);
    if (endpoint === undefined) return reject('callerNotRegistered');
    const destination = answerCall ? endpoint : this.#registrations.destination(destinationInfo, destCallSignalAddress);
    if (destination === undefined) return reject('calledPartyNotRegistered');
    const callId = callIdOf(request);
    const bandwidthBps = request.bandWidth * BPS_PER_UNIT;
    const destinationNames = namesOf(destinationInfo);
    const decision = this.#decide(callId, endpointIdentifier, bandwidthBps, answerCall, destinationNames);
    if (!decision.isAdmitted) return reject(decision.reason);
    const granted = Math.floor((decision.bandwidthBps ?? bandwidthBps) / BPS_PER_UNIT);
    if (!this.#calls.admit(callId, endpointIdentifier, request, granted * BPS_PER_UNIT))
      return reject('exceedsCallCapacity');
    return {
      name: 'admissionConfirm',
      value: {
        requestSeqNum,
        bandWidth: granted,
        callModel: 'direct',
        destCallSignalAddress: destination.signalAddress,
        willRespondToIRR: true,
        uuiesRequested: NO_UUIES,
      },
    };
  }

  #changeBandwidth(request: RasMessages['bandwidthRequest']): RasMessage {
    const { requestSeqNum, endpointIdentifier, bandWidth } = request;
    const reject = (name: string, allowedBps = 0): RasMessage => ({
      name: 'bandwidthReject',
      value: { requestSeqNum, rejectReason: { name }, allowedBandWidth: Math.floor(allowedBps / BPS_PER_UNIT) },
    });
    const callId = callIdOf(request);
    if (this.#registrations.get(endpointIdentifier) === undefined) return reject('notBound');
    const side = this.#calls.sidesOf(callId).find((other) => other.endpointId === endpointIdentifier);
    if (side === undefined) return reject('invalidConferenceID');
    const isAnswering = side.request.answerCall;
    const decision = this.#decide(callId, endpointIdentifier, bandWidth * BPS_PER_UNIT, isAnswering, undefined);
    if (!decision.isAdmitted) return reject('insufficientResources', decision.availableBandwidthBps);
    const granted = Math.floor((decision.bandwidthBps ?? bandWidth * BPS_PER_UNIT) / BPS_PER_UNIT);
    this.#calls.admit(callId, endpointIdentifier, side.request, granted * BPS_PER_UNIT);
    return { name: 'bandwidthConfirm', value: { requestSeqNum, bandWidth: granted } };
  }

  #disengage(request: RasMessages['disengageRequest']): RasMessage {
    const { requestSeqNum, endpointIdentifier, answeredCall } = request;
    if (this.#registrations.get(endpointIdentifier) === undefined) {
      return { name: 'disengageReject', value: { requestSeqNum, rejectReason: { name: 'notRegistered' } } };
    }
    this.#calls.leave(callIdOf(request), endpointIdentifier, answeredCall);
    return { name: 'disengageConfirm', value: { requestSeqNum } };
  }

  #decide(
    callId: string,
    endpointId: string,
    bandwidthBps: number,
    isAnswering: boolean,
    destination: readonly string[] | undefined,
  ): AdmissionDecision {
    const { admissionPolicy = admitAll } = this.#options;
    const usedBandwidthBps = this.#calls.bandwidthWithout(callId);
    try {
      return admissionPolicy({ callId, endpointId, bandwidthBps, isAnswering, usedBandwidthBps, destination });
    } catch {
      return { isAdmitted: false, reason: 'undefinedReason' };
    }
  }

  get #id(): string {
    return this.#options.gatekeeperId ?? 'SmallGK';
  }

  #number(): number {
    const number = this.#nextNumber;
    this.#nextNumber = (number % 65_535) + 1;
    return number;
  }
}

/** ARJ; a reason that H.225.0 does not have, as a policy may give it, is `undefinedReason` on the wire. */
function rejection(requestSeqNum: number, name: string): RasMessage {
  const answer = (reason: string): RasMessage => ({
    name: 'admissionReject',
    value: { requestSeqNum, rejectReason: { name: reason } },
  });
  try {
    encodeRas(answer(name));
    return answer(name);
  } catch {
    return answer('undefinedReason');
  }
}

function callIdOf({
  callIdentifier,
  conferenceID,
}: Pick<RasMessages['admissionRequest'], 'callIdentifier' | 'conferenceID'>): string {
  return callIdText(callIdentifier?.guid ?? conferenceID);
}
