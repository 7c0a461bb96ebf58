/** Which message asks and which answers, and what H.225.0 calls them for short. */

/** Short names, for ladders. */
const LABELS: Readonly<Record<string, string>> = {
  gatekeeperRequest: 'GRQ',
  gatekeeperConfirm: 'GCF',
  gatekeeperReject: 'GRJ',
  registrationRequest: 'RRQ',
  registrationConfirm: 'RCF',
  registrationReject: 'RRJ',
  unregistrationRequest: 'URQ',
  unregistrationConfirm: 'UCF',
  unregistrationReject: 'URJ',
  admissionRequest: 'ARQ',
  admissionConfirm: 'ACF',
  admissionReject: 'ARJ',
  bandwidthRequest: 'BRQ',
  bandwidthConfirm: 'BCF',
  bandwidthReject: 'BRJ',
  disengageRequest: 'DRQ',
  disengageConfirm: 'DCF',
  disengageReject: 'DRJ',
  locationRequest: 'LRQ',
  locationConfirm: 'LCF',
  locationReject: 'LRJ',
  infoRequest: 'IRQ',
  infoRequestResponse: 'IRR',
  nonStandardMessage: 'NSM',
  unknownMessageResponse: 'XRS',
  requestInProgress: 'RIP',
  resourcesAvailableIndicate: 'RAI',
  resourcesAvailableConfirm: 'RAC',
  infoRequestAck: 'IACK',
  infoRequestNak: 'INAK',
  serviceControlIndication: 'SCI',
  serviceControlResponse: 'SCR',
};

/** `ARQ` of `admissionRequest`; the name itself where there is none. */
export function labelOf(name: string): string {
  return LABELS[name] ?? name;
}

/** Whether a message asks or answers, and in which exchange; undefined for what is neither. */
export function roleOf(name: string): { readonly exchange: string; readonly isRequest: boolean } | undefined {
  const match = /^(gatekeeper|registration|unregistration|admission|bandwidth|disengage)(Request|Confirm|Reject)$/.exec(
    name,
  );
  return match === null ? undefined : { exchange: match[1]!, isRequest: match[2] === 'Request' };
}

/** The exchanges that {@link roleOf} names. */
export const EXCHANGES: readonly string[] = [
  'gatekeeper',
  'registration',
  'unregistration',
  'admission',
  'bandwidth',
  'disengage',
];
