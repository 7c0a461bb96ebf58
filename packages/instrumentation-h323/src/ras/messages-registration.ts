/** Finding a gatekeeper, registering with it and leaving it: GRQ, RRQ, URQ and their answers (H.225.0 §7.7 to 7.9). */
import {
  boolean,
  list,
  nothing,
  type Of,
  objectIdentifier,
  optional,
  sequence,
  type WithAdditions,
} from '../per/types.js';
import {
  type AliasAddress,
  aliasAddress,
  type EndpointType,
  endpointType,
  type NonStandardParameter,
  type TransportAddress,
  transportAddress,
  type VendorIdentifier,
  vendorIdentifier,
} from './addresses.js';
import { type QseriesOptions, qseriesOptions } from './call-services.js';
import {
  type CallCreditCapability,
  callCreditCapability,
  endpointIdentifier,
  type FeatureSet,
  featureSet,
  gatekeeperIdentifier,
  nonStandardData,
  type RasUsageInfoTypes,
  requestSeqNum,
  type ServiceControlSession,
  serviceControl,
  timeToLive,
  usageInfoTypes,
} from './parts.js';
import {
  gatekeeperRejectReason,
  type Reason,
  registrationRejectReason,
  unregistrationReason,
  unregistrationRejectReason,
} from './reasons.js';

/** What every message has. */
export interface RasMessageBase extends WithAdditions {
  /** Pairs an answer with its request; 1 to 65535. */
  readonly requestSeqNum: number;
  readonly nonStandardData?: NonStandardParameter;
}

export interface GatekeeperRequest extends RasMessageBase {
  readonly protocolIdentifier: string;
  readonly rasAddress: TransportAddress;
  readonly endpointType: EndpointType;
  readonly gatekeeperIdentifier?: string;
  readonly callServices?: QseriesOptions;
  readonly endpointAlias?: readonly AliasAddress[];
  readonly supportsAltGK?: null;
  readonly featureSet?: FeatureSet;
  readonly supportsAssignedGK?: boolean;
}

export const gatekeeperRequest: Of<GatekeeperRequest> = sequence<GatekeeperRequest>(
  {
    requestSeqNum,
    protocolIdentifier: objectIdentifier,
    nonStandardData,
    rasAddress: transportAddress,
    endpointType,
    gatekeeperIdentifier: optional(gatekeeperIdentifier),
    callServices: optional(qseriesOptions),
    endpointAlias: optional(list(aliasAddress)),
  },
  [
    'alternateEndpoints tokens cryptoTokens authenticationCapability algorithmOIDs integrity integrityCheckValue',
    ['supportsAltGK', nothing],
    ['featureSet', featureSet],
    'genericData',
    ['supportsAssignedGK', boolean],
    'assignedGatekeeper',
  ],
);

export interface GatekeeperConfirm extends RasMessageBase {
  readonly protocolIdentifier: string;
  readonly gatekeeperIdentifier?: string;
  readonly rasAddress: TransportAddress;
  readonly featureSet?: FeatureSet;
}

export const gatekeeperConfirm: Of<GatekeeperConfirm> = sequence<GatekeeperConfirm>(
  {
    requestSeqNum,
    protocolIdentifier: objectIdentifier,
    nonStandardData,
    gatekeeperIdentifier: optional(gatekeeperIdentifier),
    rasAddress: transportAddress,
  },
  [
    'alternateGatekeeper authenticationMode tokens cryptoTokens algorithmOID integrity integrityCheckValue',
    ['featureSet', featureSet],
    'genericData assignedGatekeeper rehomingModel',
  ],
);

export interface GatekeeperReject extends RasMessageBase {
  readonly protocolIdentifier: string;
  readonly gatekeeperIdentifier?: string;
  readonly rejectReason: Reason;
}

export const gatekeeperReject: Of<GatekeeperReject> = sequence<GatekeeperReject>(
  {
    requestSeqNum,
    protocolIdentifier: objectIdentifier,
    nonStandardData,
    gatekeeperIdentifier: optional(gatekeeperIdentifier),
    rejectReason: gatekeeperRejectReason,
  },
  ['altGKInfo tokens cryptoTokens integrityCheckValue featureSet genericData'],
);

export interface RegistrationRequest extends RasMessageBase {
  readonly protocolIdentifier: string;
  readonly discoveryComplete: boolean;
  readonly callSignalAddress: readonly TransportAddress[];
  readonly rasAddress: readonly TransportAddress[];
  readonly terminalType: EndpointType;
  readonly terminalAlias?: readonly AliasAddress[];
  readonly gatekeeperIdentifier?: string;
  readonly endpointVendor: VendorIdentifier;
  /** Seconds. */
  readonly timeToLive?: number;
  /** The registration is known and is only to go on. */
  readonly keepAlive?: boolean;
  readonly endpointIdentifier?: string;
  readonly willSupplyUUIEs?: boolean;
  readonly maintainConnection?: boolean;
  readonly additiveRegistration?: null;
  readonly supportsAltGK?: null;
  readonly usageReportingCapability?: RasUsageInfoTypes;
  readonly multipleCalls?: boolean;
  readonly callCreditCapability?: CallCreditCapability;
  readonly featureSet?: FeatureSet;
  readonly restart?: null;
  readonly supportsACFSequences?: null;
  readonly supportsAssignedGK?: boolean;
}

export const registrationRequest: Of<RegistrationRequest> = sequence<RegistrationRequest>(
  {
    requestSeqNum,
    protocolIdentifier: objectIdentifier,
    nonStandardData,
    discoveryComplete: boolean,
    callSignalAddress: list(transportAddress),
    rasAddress: list(transportAddress),
    terminalType: endpointType,
    terminalAlias: optional(list(aliasAddress)),
    gatekeeperIdentifier: optional(gatekeeperIdentifier),
    endpointVendor: vendorIdentifier,
  },
  [
    'alternateEndpoints',
    ['timeToLive', timeToLive],
    'tokens cryptoTokens integrityCheckValue',
    ['keepAlive', boolean],
    ['endpointIdentifier', endpointIdentifier],
    ['willSupplyUUIEs', boolean],
    ['maintainConnection', boolean],
    'alternateTransportAddresses',
    ['additiveRegistration', nothing],
    'terminalAliasPattern',
    ['supportsAltGK', nothing],
    ['usageReportingCapability', usageInfoTypes],
    ['multipleCalls', boolean],
    'supportedH248Packages',
    ['callCreditCapability', callCreditCapability],
    'capacityReportingCapability capacity',
    ['featureSet', featureSet],
    'genericData',
    ['restart', nothing],
    ['supportsACFSequences', nothing],
    ['supportsAssignedGK', boolean],
    'assignedGatekeeper transportQOS language',
  ],
);

export interface RegistrationConfirm extends RasMessageBase {
  readonly protocolIdentifier: string;
  readonly callSignalAddress: readonly TransportAddress[];
  readonly terminalAlias?: readonly AliasAddress[];
  readonly gatekeeperIdentifier?: string;
  readonly endpointIdentifier: string;
  /** Seconds. */
  readonly timeToLive?: number;
  readonly willRespondToIRR?: boolean;
  readonly maintainConnection?: boolean;
  readonly serviceControl?: readonly ServiceControlSession[];
  readonly supportsAdditiveRegistration?: null;
  readonly featureSet?: FeatureSet;
}

export const registrationConfirm: Of<RegistrationConfirm> = sequence<RegistrationConfirm>(
  {
    requestSeqNum,
    protocolIdentifier: objectIdentifier,
    nonStandardData,
    callSignalAddress: list(transportAddress),
    terminalAlias: optional(list(aliasAddress)),
    gatekeeperIdentifier: optional(gatekeeperIdentifier),
    endpointIdentifier,
  },
  [
    'alternateGatekeeper',
    ['timeToLive', timeToLive],
    'tokens cryptoTokens integrityCheckValue',
    ['willRespondToIRR', boolean],
    'preGrantedARQ',
    ['maintainConnection', boolean],
    ['serviceControl', serviceControl],
    ['supportsAdditiveRegistration', nothing],
    'terminalAliasPattern supportedPrefixes usageSpec featureServerAlias capacityReportingSpec',
    ['featureSet', featureSet],
    'genericData assignedGatekeeper rehomingModel transportQOS language',
  ],
);

export interface RegistrationReject extends RasMessageBase {
  readonly protocolIdentifier: string;
  readonly rejectReason: Reason;
  readonly gatekeeperIdentifier?: string;
}

export const registrationReject: Of<RegistrationReject> = sequence<RegistrationReject>(
  {
    requestSeqNum,
    protocolIdentifier: objectIdentifier,
    nonStandardData,
    rejectReason: registrationRejectReason,
    gatekeeperIdentifier: optional(gatekeeperIdentifier),
  },
  ['altGKInfo tokens cryptoTokens integrityCheckValue featureSet genericData assignedGatekeeper'],
);

export interface UnregistrationRequest extends RasMessageBase {
  readonly callSignalAddress: readonly TransportAddress[];
  readonly endpointAlias?: readonly AliasAddress[];
  readonly endpointIdentifier?: string;
  readonly gatekeeperIdentifier?: string;
  readonly reason?: Reason;
}

export const unregistrationRequest: Of<UnregistrationRequest> = sequence<UnregistrationRequest>(
  {
    requestSeqNum,
    callSignalAddress: list(transportAddress),
    endpointAlias: optional(list(aliasAddress)),
    nonStandardData,
    endpointIdentifier: optional(endpointIdentifier),
  },
  [
    'alternateEndpoints',
    ['gatekeeperIdentifier', gatekeeperIdentifier],
    'tokens cryptoTokens integrityCheckValue',
    ['reason', unregistrationReason],
    'endpointAliasPattern supportedPrefixes alternateGatekeeper genericData assignedGatekeeper',
  ],
);

export const unregistrationConfirm: Of<RasMessageBase> = sequence<RasMessageBase>({ requestSeqNum, nonStandardData }, [
  'tokens cryptoTokens integrityCheckValue genericData assignedGatekeeper',
]);

export interface UnregistrationReject extends RasMessageBase {
  readonly rejectReason: Reason;
}

export const unregistrationReject: Of<UnregistrationReject> = sequence<UnregistrationReject>(
  { requestSeqNum, rejectReason: unregistrationRejectReason, nonStandardData },
  ['altGKInfo tokens cryptoTokens integrityCheckValue genericData'],
);
