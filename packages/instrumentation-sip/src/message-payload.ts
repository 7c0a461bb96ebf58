/**
 * Payload of a message's event, written at once in canonical form (RFC 8785): members in order, numbers whole, no lone
 * surrogates. It is what `canonicalPayload` would write of the same members, without making an object for it first; the
 * tests hold them together.
 */
import type { BodyDigest } from './body-digest.js';
import type { Hop } from './observation.js';
import type { ShownNames } from './shown-names.js';
import type { SipMessage } from './sip-message.js';

/** What all messages of a call have in common, as JSON text. */
export interface CallTexts {
  readonly callId: string;
  readonly localUri: string;
  readonly remoteUri: string;
}

/** What an event has beyond its message. */
export interface EventExtra {
  /** Of a BYE: since acceptance, whole seconds. */
  readonly durationSeconds?: number | undefined;
  /** Of a REFER: where to. */
  readonly referTo?: string | undefined;
  /** The event is a failure: its `error.type`. */
  readonly errorType?: string | undefined;
  /** What the peer said about the failure. */
  readonly message?: string | undefined;
}

/** Canonical JSON of it. All text of a message is well-formed: the parser sees to that. */
export function messagePayload(
  call: CallTexts,
  names: ShownNames,
  message: SipMessage,
  hop: Hop,
  digest: BodyDigest | undefined,
  extra: EventExtra | undefined,
): string {
  const { status } = message;
  const agent = names.freeText(message.agent);
  const reason = status === undefined ? undefined : names.freeText(message.reason);
  let text = '{';
  if (agent !== undefined) text += `"agent":${JSON.stringify(agent)},`;
  if (digest !== undefined) {
    text += `"body":{"length":${digest.length},"sha256":"${digest.sha256}","type":${JSON.stringify(digest.type)}},`;
  }
  text += `"call_id":${call.callId},"cseq":${message.cseq},"direction":"${hop.direction}"`;
  if (extra?.durationSeconds !== undefined) text += `,"duration_seconds":${extra.durationSeconds}`;
  if (message.from.tag !== undefined) text += `,"from_tag":${JSON.stringify(message.from.tag)}`;
  text += `,"local_uri":${call.localUri},"method":${JSON.stringify(message.method)}`;
  if (reason !== undefined) text += `,"reason":${JSON.stringify(reason)}`;
  if (extra?.referTo !== undefined) text += `,"refer_to":${JSON.stringify(extra.referTo)}`;
  text += `,"remote_uri":${call.remoteUri}`;
  if (digest?.isSdp === true) {
    text += `,"${status === undefined ? 'sdp_offer_hash' : 'sdp_answer_hash'}":"${digest.sha256}"`;
  }
  if (status !== undefined) text += `,"status":${status}`;
  text += `,"timestamp":"${isoTime(hop.timeMs)}"`;
  if (message.to.tag !== undefined) text += `,"to_tag":${JSON.stringify(message.to.tag)}`;
  if (hop.transport !== undefined) text += `,"transport":${JSON.stringify(hop.transport)}`;
  return `${text}}`;
}

let lastMs = Number.NaN;
let lastText = '';

/** A time as RFC 3339 text; messages that come together share it. */
export function isoTime(timeMs: number): string {
  if (timeMs !== lastMs) {
    lastText = new Date(timeMs).toISOString();
    lastMs = timeMs;
  }
  return lastText;
}
