/**
 * A small H.323 endpoint for tests and demonstrations: it registers, asks for calls and bandwidth and ends them, over UDP, as
 * a terminal would. It has no signalling and no media of its own.
 */
import { randomBytes } from 'node:crypto';
import { bytesOfHex } from '@infrafabric/format';
import type { AdmissionDecision } from '../admission-policy.js';
import { callIdText } from '../calls/observation.js';
import type { AliasAddress, EndpointType, VendorIdentifier } from '../ras/addresses.js';
import type { RasMessage, RasMessages } from '../ras/codec.js';
import { BPS_PER_UNIT } from '../ras/ras-events.js';
import { type DatagramListener, transportAddressOf, type UdpAddress, UdpPeer } from './udp-peer.js';

/** Who the endpoint is. */
export interface SmallEndpointOptions {
  readonly gatekeeper: UdpAddress;
  /** Names; those of digits alone are dialled digits, all others H.323 ids. */
  readonly aliases: readonly string[];
  /** IPv4 address; default 127.0.0.1. */
  readonly host?: string;
  /** TCP port that is named for call signalling; nothing listens there. Default 1720. */
  readonly signalPort?: number;
  /** An unanswered request is sent again after so long, milliseconds, twice; default 1,000. */
  readonly retryMs?: number;
  /** Sees every datagram. */
  readonly onDatagram?: DatagramListener;
  /** The gatekeeper has ended a call. */
  readonly onDropped?: (callId: string) => void;
}

/** A call that is asked for. */
export interface CallOptions {
  /** 32 hex digits; default random. Both sides of a call have the same. */
  readonly callId?: string;
  /** Name of who is called. */
  readonly destination?: string;
  /** bit/s, in steps of 100. */
  readonly bandwidthBps: number;
  /** Of the called side. */
  readonly isAnswering?: boolean;
  readonly callReference?: number;
}

/** When a call was answered and ended, milliseconds since 1970: told with the disengage request, in whole seconds. */
export interface CallUsage {
  readonly connectMs?: number;
  readonly endMs?: number;
}

interface Waiting {
  readonly resolve: (answer: RasMessage) => void;
  readonly reject: (error: Error) => void;
  readonly timer: ReturnType<typeof setInterval>;
}

const ATTEMPTS = 3;
const PROTOCOL = '0.0.8.2250.0.7';
const VENDOR: VendorIdentifier = { vendor: { t35CountryCode: 181, t35Extension: 0, manufacturerCode: 0 } };
const TERMINAL: EndpointType = { vendor: VENDOR, terminal: {}, mc: false, undefinedNode: false };

/** Asks a gatekeeper. Methods reject with an Error when no answer comes. */
export class SmallEndpoint {
  readonly #options: SmallEndpointOptions;
  readonly #peer: UdpPeer;
  readonly #waiting = new Map<number, Waiting>();
  readonly #requests = new Map<string, RasMessages['admissionRequest']>();
  #address: UdpAddress | undefined;
  #number = 0;
  #endpointId: string | undefined;

  constructor(options: SmallEndpointOptions) {
    this.#options = options;
    this.#peer = new UdpPeer((message, from) => this.#receive(message, from), options.onDatagram);
  }

  /** Whom the endpoint asks. */
  get gatekeeper(): UdpAddress {
    return this.#options.gatekeeper;
  }

  /** The gatekeeper's name for the endpoint; undefined while it is not registered. */
  get endpointId(): string | undefined {
    return this.#endpointId;
  }

  /** Opens the endpoint's port. */
  async start(): Promise<UdpAddress> {
    this.#address = await this.#peer.open(this.#options.host ?? '127.0.0.1', 0);
    return this.#address;
  }

  /** GRQ. @returns the gatekeeper's identifier */
  async discover(): Promise<string | undefined> {
    const answer = await this.#ask((requestSeqNum) => ({
      name: 'gatekeeperRequest',
      value: {
        requestSeqNum,
        protocolIdentifier: PROTOCOL,
        rasAddress: transportAddressOf(this.#local),
        endpointType: TERMINAL,
        endpointAlias: this.#aliases,
      },
    }));
    return answer.name === 'gatekeeperConfirm' ? answer.value.gatekeeperIdentifier : undefined;
  }

  /** RRQ. @returns the reason of a rejection, undefined when the endpoint is registered */
  async register(options: { readonly isKeepAlive?: boolean } = {}): Promise<string | undefined> {
    const endpointIdentifier = this.#endpointId;
    const answer = await this.#ask((requestSeqNum) => ({
      name: 'registrationRequest',
      value: {
        requestSeqNum,
        protocolIdentifier: PROTOCOL,
        discoveryComplete: true,
        callSignalAddress: [transportAddressOf(this.#signal)],
        rasAddress: [transportAddressOf(this.#local)],
        terminalType: TERMINAL,
        terminalAlias: this.#aliases,
        endpointVendor: VENDOR,
        keepAlive: options.isKeepAlive === true,
        ...(endpointIdentifier === undefined ? {} : { endpointIdentifier }),
      },
    }));
    if (answer.name !== 'registrationConfirm') return reasonOf(answer);
    this.#endpointId = answer.value.endpointIdentifier;
    return undefined;
  }

  /** ARQ. @returns the decision, with the call id */
  async requestAdmission(call: CallOptions): Promise<AdmissionDecision & { readonly callId: string }> {
    const callId = call.callId ?? callIdText(randomBytes(16));
    const guid = bytesOfHex(callId);
    let request: RasMessages['admissionRequest'] | undefined;
    const answer = await this.#ask((requestSeqNum) => {
      request = {
        requestSeqNum,
        callType: 'pointToPoint',
        endpointIdentifier: this.#endpointId ?? 'none',
        ...(call.destination === undefined ? {} : { destinationInfo: [aliasOf(call.destination)] }),
        srcInfo: this.#aliases,
        bandWidth: Math.round(call.bandwidthBps / BPS_PER_UNIT),
        callReferenceValue: call.callReference ?? 1,
        conferenceID: guid,
        activeMC: false,
        answerCall: call.isAnswering === true,
        callIdentifier: { guid },
      };
      return { name: 'admissionRequest', value: request };
    });
    if (answer.name !== 'admissionConfirm') return { isAdmitted: false, reason: reasonOf(answer), callId };
    this.#requests.set(callId, request!);
    return { isAdmitted: true, bandwidthBps: answer.value.bandWidth * BPS_PER_UNIT, callId };
  }

  /** BRQ. @returns the decision */
  async requestBandwidth(callId: string, bandwidthBps: number): Promise<AdmissionDecision> {
    const answer = await this.#ask((requestSeqNum) => ({
      name: 'bandwidthRequest',
      value: { ...this.#about(callId), requestSeqNum, bandWidth: Math.round(bandwidthBps / BPS_PER_UNIT) },
    }));
    if (answer.name === 'bandwidthConfirm')
      return { isAdmitted: true, bandwidthBps: answer.value.bandWidth * BPS_PER_UNIT };
    const reason = reasonOf(answer);
    if (answer.name !== 'bandwidthReject') return { isAdmitted: false, reason };
    return { isAdmitted: false, reason, availableBandwidthBps: answer.value.allowedBandWidth * BPS_PER_UNIT };
  }

  /** DRQ. @returns the reason of a rejection, undefined when the gatekeeper agrees */
  async disengage(callId: string, usage?: CallUsage): Promise<string | undefined> {
    const seconds = (ms: number): number => Math.floor(ms / 1000);
    const usageInformation = usage && {
      nonStandardUsageFields: [],
      ...(usage.connectMs === undefined ? {} : { connectTime: seconds(usage.connectMs) }),
      ...(usage.endMs === undefined ? {} : { endTime: seconds(usage.endMs) }),
    };
    const answer = await this.#ask((requestSeqNum) => ({
      name: 'disengageRequest',
      value: {
        ...this.#about(callId),
        requestSeqNum,
        disengageReason: 'normalDrop',
        ...(usageInformation === undefined ? {} : { usageInformation }),
      },
    }));
    this.#requests.delete(callId);
    return answer.name === 'disengageConfirm' ? undefined : reasonOf(answer);
  }

  /** IRR about a call, answered by IACK. */
  async report(callId: string): Promise<void> {
    const request = this.#requests.get(callId);
    await this.#ask((requestSeqNum) => ({
      name: 'infoRequestResponse',
      value: {
        requestSeqNum,
        endpointType: TERMINAL,
        endpointIdentifier: this.#endpointId ?? 'none',
        rasAddress: transportAddressOf(this.#local),
        callSignalAddress: [transportAddressOf(this.#signal)],
        perCallInfo: [
          {
            callReferenceValue: request?.callReferenceValue ?? 1,
            conferenceID: bytesOfHex(callId),
            originator: request?.answerCall !== true,
            h245: {},
            callSignaling: {},
            callType: 'pointToPoint',
            bandWidth: request?.bandWidth ?? 0,
            callModel: 'direct',
            callIdentifier: { guid: bytesOfHex(callId) },
          },
        ],
        needResponse: true,
      },
    }));
  }

  /** URQ. @returns the reason of a rejection, undefined when the gatekeeper agrees */
  async unregister(): Promise<string | undefined> {
    const endpointIdentifier = this.#endpointId;
    const answer = await this.#ask((requestSeqNum) => ({
      name: 'unregistrationRequest',
      value: {
        requestSeqNum,
        callSignalAddress: [transportAddressOf(this.#signal)],
        ...(endpointIdentifier === undefined ? {} : { endpointIdentifier }),
      },
    }));
    this.#endpointId = undefined;
    return answer.name === 'unregistrationConfirm' ? undefined : reasonOf(answer);
  }

  /** Closes the port; what waits for an answer is rejected. */
  async close(): Promise<void> {
    for (const { reject, timer } of this.#waiting.values()) {
      clearInterval(timer);
      reject(new Error('the endpoint was closed'));
    }
    this.#waiting.clear();
    await this.#peer.close();
  }

  #ask(messageOf: (requestSeqNum: number) => RasMessage): Promise<RasMessage> {
    this.#number = (this.#number % 65_535) + 1;
    const number = this.#number;
    const message = messageOf(number);
    return new Promise((resolve, reject) => {
      const datagram = this.#peer.send(message, this.#options.gatekeeper);
      let attempts = 1;
      const timer = setInterval(() => {
        if (attempts++ < ATTEMPTS) {
          this.#peer.sendAgain(datagram, this.#options.gatekeeper);
          return;
        }
        clearInterval(timer);
        this.#waiting.delete(number);
        reject(new Error(`the gatekeeper did not answer ${message.name}`));
      }, this.#options.retryMs ?? 1_000);
      this.#waiting.set(number, { resolve, reject, timer });
    });
  }

  #receive(message: RasMessage, from: UdpAddress): void {
    if (message.value instanceof Uint8Array) return;
    const { requestSeqNum } = message.value;
    if (message.name === 'disengageRequest') {
      this.#peer.send({ name: 'disengageConfirm', value: { requestSeqNum } }, from);
      const { callIdentifier, conferenceID } = message.value;
      const callId = callIdText(callIdentifier?.guid ?? conferenceID);
      if (this.#requests.delete(callId)) this.#options.onDropped?.(callId);
      return;
    }
    const waiting = this.#waiting.get(requestSeqNum);
    if (waiting === undefined) return;
    clearInterval(waiting.timer);
    this.#waiting.delete(requestSeqNum);
    waiting.resolve(message);
  }

  #about(callId: string): Omit<RasMessages['disengageRequest'], 'requestSeqNum' | 'disengageReason'> {
    const guid = bytesOfHex(callId);
    const request = this.#requests.get(callId);
    return {
      endpointIdentifier: this.#endpointId ?? 'none',
      conferenceID: guid,
      callReferenceValue: request?.callReferenceValue ?? 1,
      callIdentifier: { guid },
      ...(request === undefined ? {} : { answeredCall: request.answerCall }),
    };
  }

  get #local(): UdpAddress {
    if (this.#address === undefined) throw new TypeError('start the endpoint first');
    return this.#address;
  }

  get #signal(): UdpAddress {
    return { host: this.#local.host, port: this.#options.signalPort ?? 1720 };
  }

  get #aliases(): readonly AliasAddress[] {
    return this.#options.aliases.map(aliasOf);
  }
}

function aliasOf(name: string): AliasAddress {
  return /^[0-9#*,]+$/.test(name) ? { name: 'dialedDigits', value: name } : { name: 'h323-ID', value: name };
}

function reasonOf(answer: RasMessage): string {
  const { rejectReason } = answer.value as { readonly rejectReason?: { readonly name: string } };
  return rejectReason?.name ?? answer.name;
}
