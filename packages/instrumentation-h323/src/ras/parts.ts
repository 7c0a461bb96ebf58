/** What several RAS messages have in common. */
import {
  boolean,
  choice,
  enumeration,
  integer,
  list,
  nothing,
  type Of,
  objectIdentifier,
  octets,
  open,
  optional,
  sequence,
  text,
  unread,
  type WithAdditions,
} from '../per/types.js';
import { type NonStandardParameter, nonStandardParameter } from './addresses.js';

export const requestSeqNum: Of<number> = integer(1, 65_535);
/** Unit: 100 bit/s. */
export const bandWidth: Of<number> = integer(0, 4_294_967_295);
export const callReferenceValue: Of<number> = integer(0, 65_535);
/** Seconds. */
export const timeToLive: Of<number> = integer(1, 4_294_967_295);
/** Seconds since 1970. */
export const timeStamp: Of<number> = integer(1, 4_294_967_295);
export const endpointIdentifier: Of<string> = text('bmp', 1, 128);
export const gatekeeperIdentifier: Of<string> = text('bmp', 1, 128);
export const conferenceID: Of<Uint8Array> = octets(16, 16);
export const nonStandardData: { readonly optional: Of<NonStandardParameter> } = optional(nonStandardParameter);

/** The one name of a call in all messages about it. */
export interface CallIdentifier extends WithAdditions {
  readonly guid: Uint8Array;
}

export const callIdentifier: Of<CallIdentifier> = sequence<CallIdentifier>({ guid: octets(16, 16) });

/** Alternatives behind the extension marker that this version of H.225.0 does not know are `#` and their place. */
export type Unknown = `#${number}`;

export type CallType = 'pointToPoint' | 'oneToN' | 'nToOne' | 'nToN' | Unknown;
export const callType: Of<CallType> = enumeration<CallType>('pointToPoint oneToN nToOne nToN');

export type CallModel = 'direct' | 'gatekeeperRouted' | Unknown;
export const callModel: Of<CallModel> = enumeration<CallModel>('direct gatekeeperRouted');

export type TransportQos =
  | { readonly name: 'endpointControlled' | 'gatekeeperControlled' | 'noControl'; readonly value?: null }
  | { readonly name: 'qOSCapabilities' | Unknown; readonly value: Uint8Array };
export const transportQOS: Of<TransportQos> = choice(
  { endpointControlled: nothing, gatekeeperControlled: nothing, noControl: nothing },
  { qOSCapabilities: open },
);

/** Which Q.931 messages a gatekeeper wants to see. */
export interface UuiesRequested extends WithAdditions {
  readonly setup: boolean;
  readonly callProceeding: boolean;
  readonly connect: boolean;
  readonly alerting: boolean;
  readonly information: boolean;
  readonly releaseComplete: boolean;
  readonly facility: boolean;
  readonly progress: boolean;
  readonly empty: boolean;
  readonly status?: boolean;
  readonly statusInquiry?: boolean;
  readonly setupAcknowledge?: boolean;
  readonly notify?: boolean;
}

export const uuiesRequested: Of<UuiesRequested> = sequence<UuiesRequested>(
  {
    setup: boolean,
    callProceeding: boolean,
    connect: boolean,
    alerting: boolean,
    information: boolean,
    releaseComplete: boolean,
    facility: boolean,
    progress: boolean,
    empty: boolean,
  },
  [
    ['status', boolean],
    ['statusInquiry', boolean],
    ['setupAcknowledge', boolean],
    ['notify', boolean],
  ],
);

/** When a call rang, was answered and ended, as an endpoint saw it. Seconds since 1970. */
export interface RasUsageInformation extends WithAdditions {
  readonly nonStandardUsageFields: readonly NonStandardParameter[];
  readonly alertingTime?: number;
  readonly connectTime?: number;
  readonly endTime?: number;
}

export const usageInformation: Of<RasUsageInformation> = sequence<RasUsageInformation>({
  nonStandardUsageFields: list(nonStandardParameter),
  alertingTime: optional(timeStamp),
  connectTime: optional(timeStamp),
  endTime: optional(timeStamp),
});

/** Why a call ended: a release reason, kept as octets, or the Cause information element of Q.931. */
export type CallTerminationCause =
  | { readonly name: 'releaseCompleteCauseIE'; readonly value: Uint8Array }
  | { readonly name: Unknown; readonly value: Uint8Array }
  | { readonly name: 'releaseCompleteReason'; readonly value: ReleaseCompleteReason };

export interface ReleaseCompleteReason {
  readonly name: string;
  readonly value?: null | Uint8Array;
}

const releaseCompleteReason: Of<ReleaseCompleteReason> = choice(
  {
    noBandwidth: nothing,
    gatekeeperResources: nothing,
    unreachableDestination: nothing,
    destinationRejection: nothing,
    invalidRevision: nothing,
    noPermission: nothing,
    unreachableGatekeeper: nothing,
    gatewayResources: nothing,
    badFormatAddress: nothing,
    adaptiveBusy: nothing,
    inConf: nothing,
    undefinedReason: nothing,
  },
  {
    facilityCallDeflection: nothing,
    securityDenied: nothing,
    calledPartyNotRegistered: nothing,
    callerNotRegistered: nothing,
    newConnectionNeeded: nothing,
  },
);

export const terminationCause: Of<CallTerminationCause> = choice(
  { releaseCompleteReason, releaseCompleteCauseIE: octets(2, 32) },
  {},
);

/** A feature by number, object identifier or GUID; with parameters it stays undecoded. */
export interface FeatureDescriptor extends WithAdditions {
  readonly id:
    | { readonly name: 'standard'; readonly value: number }
    | { readonly name: 'oid'; readonly value: string }
    | { readonly name: 'nonStandard' | Unknown; readonly value: Uint8Array };
}

export interface FeatureSet extends WithAdditions {
  readonly replacementFeatureSet: boolean;
  readonly neededFeatures?: readonly FeatureDescriptor[];
  readonly desiredFeatures?: readonly FeatureDescriptor[];
  readonly supportedFeatures?: readonly FeatureDescriptor[];
}

const feature: Of<FeatureDescriptor> = sequence<FeatureDescriptor & { readonly parameters?: never }>({
  id: choice({ standard: integer(0, 16_383, true), oid: objectIdentifier, nonStandard: octets(16, 16) }, {}),
  parameters: optional(unread),
});

export const featureSet: Of<FeatureSet> = sequence<FeatureSet>({
  replacementFeatureSet: boolean,
  neededFeatures: optional(list(feature)),
  desiredFeatures: optional(list(feature)),
  supportedFeatures: optional(list(feature)),
});

/** A gatekeeper's service, such as prepaid credit. */
export interface ServiceControlSession extends WithAdditions {
  readonly sessionId: number;
  readonly contents?:
    | { readonly name: 'url'; readonly value: string }
    | { readonly name: 'signal' | Unknown; readonly value: Uint8Array }
    | { readonly name: 'nonStandard'; readonly value: NonStandardParameter }
    | { readonly name: 'callCreditServiceControl'; readonly value: CallCreditServiceControl };
  readonly reason: 'open' | 'refresh' | 'close' | Unknown;
}

export interface CallCreditServiceControl extends WithAdditions {
  readonly amountString?: string;
  readonly billingMode?: 'credit' | 'debit' | Unknown;
  /** Seconds. */
  readonly callDurationLimit?: number;
  readonly enforceCallDurationLimit?: boolean;
  readonly callStartingPoint?: 'alerting' | 'connect' | Unknown;
}

const callCreditServiceControl: Of<CallCreditServiceControl> = sequence<CallCreditServiceControl>({
  amountString: optional(text('bmp', 1, 512)),
  billingMode: optional(enumeration('credit debit')),
  callDurationLimit: optional(integer(1, 4_294_967_295)),
  enforceCallDurationLimit: optional(boolean),
  callStartingPoint: optional(enumeration('alerting connect')),
});

export const serviceControl: Of<readonly ServiceControlSession[]> = list(
  sequence<ServiceControlSession>({
    sessionId: integer(0, 255),
    contents: optional(
      choice(
        { url: text('ia5', 0, 512), signal: octets(), nonStandard: nonStandardParameter, callCreditServiceControl },
        {},
      ),
    ),
    reason: enumeration('open refresh close'),
  }),
);

/** What an endpoint can tell about usage. */
export interface RasUsageInfoTypes extends WithAdditions {
  readonly nonStandardUsageTypes: readonly NonStandardParameter[];
  readonly startTime?: null;
  readonly endTime?: null;
  readonly terminationCause?: null;
}

export const usageInfoTypes: Of<RasUsageInfoTypes> = sequence<RasUsageInfoTypes>({
  nonStandardUsageTypes: list(nonStandardParameter),
  startTime: optional(nothing),
  endTime: optional(nothing),
  terminationCause: optional(nothing),
});

export interface CallCreditCapability extends WithAdditions {
  readonly canDisplayAmountString?: boolean;
  readonly canEnforceDurationLimit?: boolean;
}

export const callCreditCapability: Of<CallCreditCapability> = sequence<CallCreditCapability>({
  canDisplayAmountString: optional(boolean),
  canEnforceDurationLimit: optional(boolean),
});
