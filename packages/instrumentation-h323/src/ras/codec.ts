/**
 * RAS datagrams (ITU-T H.225.0 RasMessage, aligned PER). Decoding keeps the octets of what it does not decode, so that
 * encoding what was decoded gives the same datagram, if its sender's encoding was minimal; a few stacks write longer lists of
 * absent extensions than they need. So: witness the octets that came, never an encoding made again.
 */
import { decodePer } from '../per/decode.js';
import { encodePer } from '../per/encode.js';
import { PerError } from '../per/per-error.js';
import { choice, type Of, open } from '../per/types.js';
import * as call from './messages-call.js';
import * as information from './messages-information.js';
import * as registration from './messages-registration.js';

/** The messages, by the names of H.225.0. Those behind the extension marker stay octets when they carry security tokens. */
export interface RasMessages {
  readonly gatekeeperRequest: registration.GatekeeperRequest;
  readonly gatekeeperConfirm: registration.GatekeeperConfirm;
  readonly gatekeeperReject: registration.GatekeeperReject;
  readonly registrationRequest: registration.RegistrationRequest;
  readonly registrationConfirm: registration.RegistrationConfirm;
  readonly registrationReject: registration.RegistrationReject;
  readonly unregistrationRequest: registration.UnregistrationRequest;
  readonly unregistrationConfirm: registration.RasMessageBase;
  readonly unregistrationReject: registration.UnregistrationReject;
  readonly admissionRequest: call.AdmissionRequest;
  readonly admissionConfirm: call.AdmissionConfirm;
  readonly admissionReject: call.AdmissionReject;
  readonly bandwidthRequest: call.BandwidthRequest;
  readonly bandwidthConfirm: call.BandwidthConfirm;
  readonly bandwidthReject: call.BandwidthReject;
  readonly disengageRequest: call.DisengageRequest;
  readonly disengageConfirm: call.DisengageConfirm;
  readonly disengageReject: call.DisengageReject;
  readonly locationRequest: information.LocationRequest;
  readonly locationConfirm: information.LocationConfirm;
  readonly locationReject: information.LocationReject;
  readonly infoRequest: information.InfoRequest;
  readonly infoRequestResponse: information.InfoRequestResponse;
  readonly nonStandardMessage: information.NonStandardMessage;
  readonly unknownMessageResponse: information.UnknownMessageResponse;
  readonly requestInProgress: information.RequestInProgress | Uint8Array;
  readonly infoRequestAck: information.InfoRequestAck | Uint8Array;
  readonly infoRequestNak: information.InfoRequestNak | Uint8Array;
}

/** A message that this codec knows by name alone. */
export interface UndecodedRasMessage {
  readonly name:
    | 'resourcesAvailableIndicate'
    | 'resourcesAvailableConfirm'
    | 'serviceControlIndication'
    | 'serviceControlResponse'
    | 'admissionConfirmSequence'
    | `#${number}`;
  readonly value: Uint8Array;
}

/** A message by its name: `{ name: 'admissionRequest', value: {…} }`. */
export type RasMessage =
  | { [Name in keyof RasMessages]: { readonly name: Name; readonly value: RasMessages[Name] } }[keyof RasMessages]
  | UndecodedRasMessage;

/** Larger datagrams are refused; those of real stacks have some hundred octets. */
export const MAX_DATAGRAM_OCTETS = 16_384;

/** RasMessage of H.225.0. */
export const rasMessage: Of<RasMessage> = choice(
  {
    gatekeeperRequest: registration.gatekeeperRequest,
    gatekeeperConfirm: registration.gatekeeperConfirm,
    gatekeeperReject: registration.gatekeeperReject,
    registrationRequest: registration.registrationRequest,
    registrationConfirm: registration.registrationConfirm,
    registrationReject: registration.registrationReject,
    unregistrationRequest: registration.unregistrationRequest,
    unregistrationConfirm: registration.unregistrationConfirm,
    unregistrationReject: registration.unregistrationReject,
    admissionRequest: call.admissionRequest,
    admissionConfirm: call.admissionConfirm,
    admissionReject: call.admissionReject,
    bandwidthRequest: call.bandwidthRequest,
    bandwidthConfirm: call.bandwidthConfirm,
    bandwidthReject: call.bandwidthReject,
    disengageRequest: call.disengageRequest,
    disengageConfirm: call.disengageConfirm,
    disengageReject: call.disengageReject,
    locationRequest: information.locationRequest,
    locationConfirm: information.locationConfirm,
    locationReject: information.locationReject,
    infoRequest: information.infoRequest,
    infoRequestResponse: information.infoRequestResponse,
    nonStandardMessage: information.nonStandardMessage,
    unknownMessageResponse: information.unknownMessageResponse,
  },
  {
    requestInProgress: information.requestInProgress,
    resourcesAvailableIndicate: open,
    resourcesAvailableConfirm: open,
    infoRequestAck: information.infoRequestAck,
    infoRequestNak: information.infoRequestNak,
    serviceControlIndication: open,
    serviceControlResponse: open,
    admissionConfirmSequence: open,
  },
);

/** The message in a datagram. Octets behind it are not looked at. @throws PerError for what is none */
export function decodeRas(datagram: Uint8Array): RasMessage {
  if (datagram.length > MAX_DATAGRAM_OCTETS) throw new PerError('limit', `a datagram of ${datagram.length} octets`);
  return decodePer(rasMessage, datagram);
}

/** The minimal encoding of a message. @throws TypeError, RangeError for a value that is not of its type */
export function encodeRas(message: RasMessage): Uint8Array {
  return encodePer(rasMessage, message);
}
