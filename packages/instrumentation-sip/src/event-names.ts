/**
 * What a message's event is called. The names of the guide: `sip_invite_sent`, `sip_invite_received`, `sip_100_trying`,
 * `sip_180_ringing`, `sip_200_ok`, `sip_ack_sent`, `sip_bye_sent`, `sip_dialog_established`, `sip_hash_verified`. The
 * rest is named in their manner. Of a message that passes by, the sender's name is used. Never made of what the wire
 * says: methods are listed.
 */
import type { Hop } from './observation.js';
import type { SipMessage } from './sip-message.js';

interface BothWays {
  readonly sent: string;
  readonly received: string;
}

const bothWays = (what: string): BothWays => ({ sent: `sip_${what}_sent`, received: `sip_${what}_received` });

const INVITATION = bothWays('invite');
const UNKNOWN = bothWays('request');
const WITHIN_DIALOG: ReadonlyMap<string, BothWays> = new Map(
  [
    ['INVITE', 'reinvite'],
    ...['ACK', 'BYE', 'CANCEL', 'REFER', 'UPDATE', 'PRACK', 'INFO', 'NOTIFY', 'SUBSCRIBE', 'MESSAGE', 'OPTIONS'].map(
      (method) => [method, method.toLowerCase()],
    ),
  ].map(([method, what]) => [method!, bothWays(what!)]),
);

/** E.g. `sip_invite_sent`, `sip_reinvite_received`; `sip_request_sent` for a method that nobody knows. */
export function eventNameOfRequest(message: SipMessage, hop: Hop, isWithinDialog: boolean): string {
  const names = isWithinDialog ? (WITHIN_DIALOG.get(message.method) ?? UNKNOWN) : INVITATION;
  return hop.direction === 'received' ? names.received : names.sent;
}

/** 100…199 of the first INVITE. */
export function eventNameOfProvisional(status: number): string {
  return status === 100 ? 'sip_100_trying' : status === 180 ? 'sip_180_ringing' : 'sip_progress';
}

/** 300…699 of the first INVITE. */
export function eventNameOfFinal(status: number): string {
  if (status < 400) return 'sip_redirected';
  return status === 401 || status === 407 ? 'sip_challenged' : 'sip_failed';
}
