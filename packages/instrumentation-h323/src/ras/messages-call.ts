/** A call's admission, bandwidth and end: ARQ, BRQ, DRQ and their answers (H.225.0 §7.11 to 7.13). */
import { boolean, integer, list, type Of, optional, sequence } from '../per/types.js';
import {
  type AliasAddress,
  aliasAddress,
  type EndpointType,
  endpointType,
  type TransportAddress,
  transportAddress,
} from './addresses.js';
import { type QseriesOptions, qseriesOptions } from './call-services.js';
import type { RasMessageBase } from './messages-registration.js';
import {
  bandWidth,
  type CallIdentifier,
  type CallModel,
  type CallTerminationCause,
  type CallType,
  callIdentifier,
  callModel,
  callReferenceValue,
  callType,
  conferenceID,
  endpointIdentifier,
  type FeatureSet,
  featureSet,
  gatekeeperIdentifier,
  nonStandardData,
  type RasUsageInformation,
  requestSeqNum,
  type ServiceControlSession,
  serviceControl,
  type TransportQos,
  terminationCause,
  transportQOS,
  type UuiesRequested,
  usageInformation,
  uuiesRequested,
} from './parts.js';
import {
  admissionRejectReason,
  bandwidthRejectReason,
  disengageReason,
  disengageRejectReason,
  type Reason,
} from './reasons.js';

/** What every request about a call has. */
export interface CallRequest extends RasMessageBase {
  readonly endpointIdentifier: string;
  readonly callReferenceValue: number;
  readonly conferenceID: Uint8Array;
  readonly callIdentifier?: CallIdentifier;
  readonly gatekeeperIdentifier?: string;
}

export interface AdmissionRequest extends CallRequest {
  readonly callType: CallType;
  readonly callModel?: CallModel;
  readonly destinationInfo?: readonly AliasAddress[];
  readonly destCallSignalAddress?: TransportAddress;
  readonly destExtraCallInfo?: readonly AliasAddress[];
  readonly srcInfo: readonly AliasAddress[];
  readonly srcCallSignalAddress?: TransportAddress;
  /** In 100 bit/s, both directions together. */
  readonly bandWidth: number;
  readonly callServices?: QseriesOptions;
  readonly activeMC: boolean;
  /** Of the called side. */
  readonly answerCall: boolean;
  readonly canMapAlias?: boolean;
  readonly transportQOS?: TransportQos;
  readonly willSupplyUUIEs?: boolean;
  readonly featureSet?: FeatureSet;
  readonly canMapSrcAlias?: boolean;
}

export const admissionRequest: Of<AdmissionRequest> = sequence<AdmissionRequest>(
  {
    requestSeqNum,
    callType,
    callModel: optional(callModel),
    endpointIdentifier,
    destinationInfo: optional(list(aliasAddress)),
    destCallSignalAddress: optional(transportAddress),
    destExtraCallInfo: optional(list(aliasAddress)),
    srcInfo: list(aliasAddress),
    srcCallSignalAddress: optional(transportAddress),
    bandWidth,
    callReferenceValue,
    nonStandardData,
    callServices: optional(qseriesOptions),
    conferenceID,
    activeMC: boolean,
    answerCall: boolean,
  },
  [
    ['canMapAlias', boolean],
    ['callIdentifier', callIdentifier],
    'srcAlternatives destAlternatives',
    ['gatekeeperIdentifier', gatekeeperIdentifier],
    'tokens cryptoTokens integrityCheckValue',
    ['transportQOS', transportQOS],
    ['willSupplyUUIEs', boolean],
    'callLinkage gatewayDataRate capacity circuitInfo desiredProtocols desiredTunnelledProtocol',
    ['featureSet', featureSet],
    'genericData',
    ['canMapSrcAlias', boolean],
  ],
);

export interface AdmissionConfirm extends RasMessageBase {
  readonly bandWidth: number;
  readonly callModel: CallModel;
  readonly destCallSignalAddress: TransportAddress;
  /** Seconds between the endpoint's reports. */
  readonly irrFrequency?: number;
  readonly destinationInfo?: readonly AliasAddress[];
  readonly destExtraCallInfo?: readonly AliasAddress[];
  readonly destinationType?: EndpointType;
  readonly remoteExtensionAddress?: readonly AliasAddress[];
  readonly transportQOS?: TransportQos;
  readonly willRespondToIRR?: boolean;
  readonly uuiesRequested?: UuiesRequested;
  readonly serviceControl?: readonly ServiceControlSession[];
  readonly multipleCalls?: boolean;
  readonly featureSet?: FeatureSet;
}

export const admissionConfirm: Of<AdmissionConfirm> = sequence<AdmissionConfirm>(
  {
    requestSeqNum,
    bandWidth,
    callModel,
    destCallSignalAddress: transportAddress,
    irrFrequency: optional(integer(1, 65_535)),
    nonStandardData,
  },
  [
    ['destinationInfo', list(aliasAddress)],
    ['destExtraCallInfo', list(aliasAddress)],
    ['destinationType', endpointType],
    ['remoteExtensionAddress', list(aliasAddress)],
    'alternateEndpoints tokens cryptoTokens integrityCheckValue',
    ['transportQOS', transportQOS],
    ['willRespondToIRR', boolean],
    ['uuiesRequested', uuiesRequested],
    'language alternateTransportAddresses useSpecifiedTransport circuitInfo usageSpec supportedProtocols',
    ['serviceControl', serviceControl],
    ['multipleCalls', boolean],
    ['featureSet', featureSet],
    'genericData modifiedSrcInfo assignedGatekeeper',
  ],
);

export interface AdmissionReject extends RasMessageBase {
  readonly rejectReason: Reason;
  readonly callSignalAddress?: readonly TransportAddress[];
  readonly serviceControl?: readonly ServiceControlSession[];
}

export const admissionReject: Of<AdmissionReject> = sequence<AdmissionReject>(
  { requestSeqNum, rejectReason: admissionRejectReason, nonStandardData },
  [
    'altGKInfo tokens cryptoTokens',
    ['callSignalAddress', list(transportAddress)],
    'integrityCheckValue',
    ['serviceControl', serviceControl],
    'featureSet genericData assignedGatekeeper',
  ],
);

export interface BandwidthRequest extends CallRequest {
  readonly callType?: CallType;
  readonly bandWidth: number;
  readonly answeredCall?: boolean;
  readonly usageInformation?: RasUsageInformation;
}

export const bandwidthRequest: Of<BandwidthRequest> = sequence<BandwidthRequest>(
  {
    requestSeqNum,
    endpointIdentifier,
    conferenceID,
    callReferenceValue,
    callType: optional(callType),
    bandWidth,
    nonStandardData,
  },
  [
    ['callIdentifier', callIdentifier],
    ['gatekeeperIdentifier', gatekeeperIdentifier],
    'tokens cryptoTokens integrityCheckValue',
    ['answeredCall', boolean],
    'callLinkage capacity',
    ['usageInformation', usageInformation],
    'bandwidthDetails genericData transportQOS',
  ],
);

export interface BandwidthConfirm extends RasMessageBase {
  readonly bandWidth: number;
}

export const bandwidthConfirm: Of<BandwidthConfirm> = sequence<BandwidthConfirm>(
  { requestSeqNum, bandWidth, nonStandardData },
  ['tokens cryptoTokens integrityCheckValue capacity genericData transportQOS'],
);

export interface BandwidthReject extends RasMessageBase {
  readonly rejectReason: Reason;
  readonly allowedBandWidth: number;
}

export const bandwidthReject: Of<BandwidthReject> = sequence<BandwidthReject>(
  { requestSeqNum, rejectReason: bandwidthRejectReason, allowedBandWidth: bandWidth, nonStandardData },
  ['altGKInfo tokens cryptoTokens integrityCheckValue genericData'],
);

export interface DisengageRequest extends CallRequest {
  readonly disengageReason: string;
  readonly answeredCall?: boolean;
  readonly usageInformation?: RasUsageInformation;
  readonly terminationCause?: CallTerminationCause;
  readonly serviceControl?: readonly ServiceControlSession[];
}

export const disengageRequest: Of<DisengageRequest> = sequence<DisengageRequest>(
  { requestSeqNum, endpointIdentifier, conferenceID, callReferenceValue, disengageReason, nonStandardData },
  [
    ['callIdentifier', callIdentifier],
    ['gatekeeperIdentifier', gatekeeperIdentifier],
    'tokens cryptoTokens integrityCheckValue',
    ['answeredCall', boolean],
    'callLinkage capacity circuitInfo',
    ['usageInformation', usageInformation],
    ['terminationCause', terminationCause],
    ['serviceControl', serviceControl],
    'genericData',
  ],
);

export interface DisengageConfirm extends RasMessageBase {
  readonly usageInformation?: RasUsageInformation;
}

export const disengageConfirm: Of<DisengageConfirm> = sequence<DisengageConfirm>({ requestSeqNum, nonStandardData }, [
  'tokens cryptoTokens integrityCheckValue capacity circuitInfo',
  ['usageInformation', usageInformation],
  'genericData assignedGatekeeper',
]);

export interface DisengageReject extends RasMessageBase {
  readonly rejectReason: Reason;
}

export const disengageReject: Of<DisengageReject> = sequence<DisengageReject>(
  { requestSeqNum, rejectReason: disengageRejectReason, nonStandardData },
  ['altGKInfo tokens cryptoTokens integrityCheckValue genericData'],
);
