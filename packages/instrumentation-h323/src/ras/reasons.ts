/** Why a gatekeeper or an endpoint says no, or leaves (H.225.0 §7). */
import { choice, enumeration, list, type Of, open } from '../per/types.js';
import { type AliasAddress, aliasAddress, nulls } from './addresses.js';

/** A reason by its name in H.225.0; some come with more. */
export interface Reason {
  readonly name: string;
  readonly value?: null | Uint8Array | readonly AliasAddress[];
}

export const gatekeeperRejectReason: Of<Reason> = choice(
  nulls('resourceUnavailable terminalExcluded invalidRevision undefinedReason'),
  { ...nulls('securityDenial genericDataReason neededFeatureNotSupported'), securityError: open },
);

export const registrationRejectReason: Of<Reason> = choice(
  {
    ...nulls('discoveryRequired invalidRevision invalidCallSignalAddress invalidRASAddress'),
    duplicateAlias: list(aliasAddress),
    ...nulls('invalidTerminalType undefinedReason transportNotSupported'),
  },
  {
    ...nulls('transportQOSNotSupported resourceUnavailable invalidAlias securityDenial fullRegistrationRequired'),
    ...nulls('additiveRegistrationNotSupported'),
    invalidTerminalAliases: open,
    ...nulls('genericDataReason neededFeatureNotSupported'),
    securityError: open,
    ...nulls('registerWithAssignedGK'),
  },
);

export const admissionRejectReason: Of<Reason> = choice(
  {
    ...nulls('calledPartyNotRegistered invalidPermission requestDenied undefinedReason callerNotRegistered'),
    ...nulls('routeCallToGatekeeper invalidEndpointIdentifier resourceUnavailable'),
  },
  {
    ...nulls('securityDenial qosControlNotSupported incompleteAddress aliasesInconsistent'),
    routeCallToSCN: open,
    ...nulls('exceedsCallCapacity collectDestination collectPIN genericDataReason neededFeatureNotSupported'),
    securityError: open,
    ...nulls('securityDHmismatch noRouteToDestination unallocatedNumber registerWithAssignedGK'),
  },
);

export const bandwidthRejectReason: Of<Reason> = choice(
  nulls('notBound invalidConferenceID invalidPermission insufficientResources invalidRevision undefinedReason'),
  { ...nulls('securityDenial'), securityError: open },
);

export const disengageReason: Of<string> = enumeration('forcedDrop normalDrop undefinedReason');

export const disengageRejectReason: Of<Reason> = choice(nulls('notRegistered requestToDropOther'), {
  ...nulls('securityDenial'),
  securityError: open,
});

export const unregistrationReason: Of<Reason> = choice(
  nulls('reregistrationRequired ttlExpired securityDenial undefinedReason'),
  { ...nulls('maintenance'), securityError: open, ...nulls('registerWithAssignedGK') },
);

export const unregistrationRejectReason: Of<Reason> = choice(
  nulls('notCurrentlyRegistered callInProgress undefinedReason'),
  { ...nulls('permissionDenied securityDenial'), securityError: open },
);

export const locationRejectReason: Of<Reason> = choice(
  nulls('notRegistered invalidPermission requestDenied undefinedReason'),
  {
    ...nulls('securityDenial aliasesInconsistent'),
    routeCalltoSCN: open,
    ...nulls('resourceUnavailable genericDataReason neededFeatureNotSupported hopCountExceeded incompleteAddress'),
    securityError: open,
    ...nulls('securityDHmismatch noRouteToDestination unallocatedNumber'),
  },
);

export const infoRequestNakReason: Of<Reason> = choice(nulls('notRegistered securityDenial undefinedReason'), {
  securityError: open,
});
