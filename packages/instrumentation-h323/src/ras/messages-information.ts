/** Reports, locations and what else passes between endpoint and gatekeeper (H.225.0 §7.10, 7.14 to 7.16). */
import {
  boolean,
  integer,
  list,
  nothing,
  type Of,
  octets,
  optional,
  sequence,
  text,
  type WithAdditions,
} from '../per/types.js';
import {
  type AliasAddress,
  aliasAddress,
  type EndpointType,
  endpointType,
  type NonStandardParameter,
  nonStandardParameter,
  type TransportAddress,
  transportAddress,
} from './addresses.js';
import type { RasMessageBase } from './messages-registration.js';
import {
  bandWidth,
  type CallIdentifier,
  type CallModel,
  type CallType,
  callIdentifier,
  callModel,
  callReferenceValue,
  callType,
  conferenceID,
  endpointIdentifier,
  gatekeeperIdentifier,
  nonStandardData,
  type RasUsageInformation,
  requestSeqNum,
  type UuiesRequested,
  usageInformation,
  uuiesRequested,
} from './parts.js';
import { infoRequestNakReason, locationRejectReason, type Reason } from './reasons.js';

export interface LocationRequest extends RasMessageBase {
  readonly endpointIdentifier?: string;
  readonly destinationInfo: readonly AliasAddress[];
  readonly replyAddress: TransportAddress;
  readonly sourceInfo?: readonly AliasAddress[];
  readonly canMapAlias?: boolean;
  readonly gatekeeperIdentifier?: string;
}

export const locationRequest: Of<LocationRequest> = sequence<LocationRequest>(
  {
    requestSeqNum,
    endpointIdentifier: optional(endpointIdentifier),
    destinationInfo: list(aliasAddress),
    nonStandardData,
    replyAddress: transportAddress,
  },
  [
    ['sourceInfo', list(aliasAddress)],
    ['canMapAlias', boolean],
    ['gatekeeperIdentifier', gatekeeperIdentifier],
    'tokens cryptoTokens integrityCheckValue desiredProtocols desiredTunnelledProtocol featureSet genericData hopCount',
    'circuitInfo callIdentifier bandWidth sourceEndpointInfo canMapSrcAlias language',
  ],
);

export interface LocationConfirm extends RasMessageBase {
  readonly callSignalAddress: TransportAddress;
  readonly rasAddress: TransportAddress;
  readonly destinationInfo?: readonly AliasAddress[];
}

export const locationConfirm: Of<LocationConfirm> = sequence<LocationConfirm>(
  { requestSeqNum, callSignalAddress: transportAddress, rasAddress: transportAddress, nonStandardData },
  [
    ['destinationInfo', list(aliasAddress)],
    'destExtraCallInfo destinationType remoteExtensionAddress alternateEndpoints tokens cryptoTokens',
    'integrityCheckValue alternateTransportAddresses supportedProtocols multipleCalls featureSet genericData circuitInfo',
    'serviceControl modifiedSrcInfo bandWidth language',
  ],
);

export interface LocationReject extends RasMessageBase {
  readonly rejectReason: Reason;
}

export const locationReject: Of<LocationReject> = sequence<LocationReject>(
  { requestSeqNum, rejectReason: locationRejectReason, nonStandardData },
  ['altGKInfo tokens cryptoTokens integrityCheckValue featureSet genericData serviceControl'],
);

export interface InfoRequest extends RasMessageBase {
  /** 0: about all calls. */
  readonly callReferenceValue: number;
  readonly replyAddress?: TransportAddress;
  readonly callIdentifier?: CallIdentifier;
  readonly uuiesRequested?: UuiesRequested;
}

export const infoRequest: Of<InfoRequest> = sequence<InfoRequest>(
  { requestSeqNum, callReferenceValue, nonStandardData, replyAddress: optional(transportAddress) },
  [
    ['callIdentifier', callIdentifier],
    'tokens cryptoTokens integrityCheckValue',
    ['uuiesRequested', uuiesRequested],
    'callLinkage usageInfoRequested segmentedResponseSupported nextSegmentRequested capacityInfoRequested genericData',
    'assignedGatekeeper',
  ],
);

/** Addresses of one channel. */
export interface TransportChannelInfo extends WithAdditions {
  readonly sendAddress?: TransportAddress;
  readonly recvAddress?: TransportAddress;
}

const transportChannelInfo: Of<TransportChannelInfo> = sequence<TransportChannelInfo>({
  sendAddress: optional(transportAddress),
  recvAddress: optional(transportAddress),
});

export interface RtpSession extends WithAdditions {
  readonly rtpAddress: TransportChannelInfo;
  readonly rtcpAddress: TransportChannelInfo;
  readonly cname: string;
  readonly ssrc: number;
  readonly sessionId: number;
  readonly associatedSessionIds: readonly number[];
  readonly multicast?: null;
  readonly bandwidth?: number;
}

const rtpSession: Of<RtpSession> = sequence<RtpSession>(
  {
    rtpAddress: transportChannelInfo,
    rtcpAddress: transportChannelInfo,
    cname: text('ia5', 0, Number.POSITIVE_INFINITY),
    ssrc: integer(1, 4_294_967_295),
    sessionId: integer(1, 255),
    associatedSessionIds: list(integer(1, 255)),
  },
  [
    ['multicast', nothing],
    ['bandwidth', bandWidth],
  ],
);

/** What an endpoint says of one of its calls. */
export interface PerCallInfo extends WithAdditions {
  readonly nonStandardData?: NonStandardParameter;
  readonly callReferenceValue: number;
  readonly conferenceID: Uint8Array;
  readonly originator?: boolean;
  readonly audio?: readonly RtpSession[];
  readonly video?: readonly RtpSession[];
  readonly data?: readonly TransportChannelInfo[];
  readonly h245: TransportChannelInfo;
  readonly callSignaling: TransportChannelInfo;
  readonly callType: CallType;
  readonly bandWidth: number;
  readonly callModel: CallModel;
  readonly callIdentifier?: CallIdentifier;
  readonly usageInformation?: RasUsageInformation;
}

const perCallInfo: Of<PerCallInfo> = sequence<PerCallInfo>(
  {
    nonStandardData,
    callReferenceValue,
    conferenceID,
    originator: optional(boolean),
    audio: optional(list(rtpSession)),
    video: optional(list(rtpSession)),
    data: optional(list(transportChannelInfo)),
    h245: transportChannelInfo,
    callSignaling: transportChannelInfo,
    callType,
    bandWidth,
    callModel,
  },
  [
    ['callIdentifier', callIdentifier],
    'tokens cryptoTokens substituteConfIDs pdu callLinkage',
    ['usageInformation', usageInformation],
    'circuitInfo',
  ],
);

export interface InfoRequestResponse extends RasMessageBase {
  readonly endpointType: EndpointType;
  readonly endpointIdentifier: string;
  readonly rasAddress: TransportAddress;
  readonly callSignalAddress: readonly TransportAddress[];
  readonly endpointAlias?: readonly AliasAddress[];
  readonly perCallInfo?: readonly PerCallInfo[];
  /** The endpoint waits for an IACK. */
  readonly needResponse?: boolean;
  readonly unsolicited?: boolean;
}

export const infoRequestResponse: Of<InfoRequestResponse> = sequence<InfoRequestResponse>(
  {
    nonStandardData,
    requestSeqNum,
    endpointType,
    endpointIdentifier,
    rasAddress: transportAddress,
    callSignalAddress: list(transportAddress),
    endpointAlias: optional(list(aliasAddress)),
    perCallInfo: optional(list(perCallInfo)),
  },
  [
    'tokens cryptoTokens integrityCheckValue',
    ['needResponse', boolean],
    'capacity irrStatus',
    ['unsolicited', boolean],
    'genericData',
  ],
);

export interface NonStandardMessage extends RasMessageBase {
  readonly nonStandardData: NonStandardParameter;
}

export const nonStandardMessage: Of<NonStandardMessage> = sequence<NonStandardMessage>(
  { requestSeqNum, nonStandardData: nonStandardParameter },
  ['tokens cryptoTokens integrityCheckValue featureSet genericData'],
);

export interface UnknownMessageResponse extends RasMessageBase {
  readonly messageNotUnderstood?: Uint8Array;
}

export const unknownMessageResponse: Of<UnknownMessageResponse> = sequence<UnknownMessageResponse>({ requestSeqNum }, [
  'tokens cryptoTokens integrityCheckValue',
  ['messageNotUnderstood', octets()],
]);

/** Security members of a message's root are not decoded: such a message stays octets as a whole. */
interface Secured {
  readonly tokens?: never;
  readonly cryptoTokens?: never;
  readonly integrityCheckValue?: never;
}

const secured: {
  readonly tokens: { readonly optional: Of<never> };
  readonly cryptoTokens: { readonly optional: Of<never> };
  readonly integrityCheckValue: { readonly optional: Of<never> };
} = {
  tokens: optional({ kind: 'unread' }),
  cryptoTokens: optional({ kind: 'unread' }),
  integrityCheckValue: optional({ kind: 'unread' }),
};

export interface RequestInProgress extends RasMessageBase, Secured {
  /** Milliseconds. */
  readonly delay: number;
}

export const requestInProgress: Of<RequestInProgress> = sequence<RequestInProgress>({
  requestSeqNum,
  nonStandardData,
  ...secured,
  delay: integer(1, 65_535),
});

export interface InfoRequestAck extends RasMessageBase, Secured {}

export const infoRequestAck: Of<InfoRequestAck> = sequence<InfoRequestAck>({
  requestSeqNum,
  nonStandardData,
  ...secured,
});

export interface InfoRequestNak extends RasMessageBase {
  readonly nakReason: Reason;
}

export const infoRequestNak: Of<InfoRequestNak> = sequence<InfoRequestNak & { readonly altGKInfo?: never } & Secured>({
  requestSeqNum,
  nonStandardData,
  nakReason: infoRequestNakReason,
  altGKInfo: optional({ kind: 'unread' }),
  ...secured,
});
