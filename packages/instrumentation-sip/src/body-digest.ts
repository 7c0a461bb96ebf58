/**
 * What is recorded of a body: type, length, digest, and the name of the first audio codec. Never the body: SDP holds
 * keys.
 */
import { sha256Hex } from '@infrafabric/format';
import type { SipMessage } from './sip-message.js';

/** A body that was looked at. */
export interface BodyDigest {
  readonly type: string;
  /** Octets. */
  readonly length: number;
  /** SHA-256, hex. */
  readonly sha256: string;
  readonly isSdp: boolean;
  /** E.g. `PCMU`; of SDP only. */
  readonly audioCodec: string | undefined;
}

/** Digest of a message's body; undefined when it has none. */
export function digestBody(message: SipMessage): BodyDigest | undefined {
  const { body } = message;
  if (body === undefined) return undefined;
  const type = message.contentType ?? '';
  const isSdp = type.slice(0, 15).toLowerCase() === 'application/sdp';
  return {
    type,
    length: body.length,
    sha256: sha256Hex(body),
    isSdp,
    audioCodec: isSdp ? audioCodecOf(UTF8.decode(body)) : undefined,
  };
}

/** Static payload types that telephones use without naming them (RFC 3551 §6). */
const STATIC_CODECS: Readonly<Record<string, string>> = { 0: 'PCMU', 3: 'GSM', 8: 'PCMA', 9: 'G722', 18: 'G729' };
const UTF8 = new TextDecoder();
const MAX_SDP_LENGTH = 65_536;

/** Name of the first audio payload type of an SDP (RFC 8866 §5.14, §6.6). E.g. `opus`. */
export function audioCodecOf(sdp: string): string | undefined {
  if (sdp.length > MAX_SDP_LENGTH) return undefined;
  const media = /^m=audio \d{1,5}(?:\/\d{1,5})? [A-Z/]{1,24} (\d{1,3})/m.exec(sdp);
  const type = media?.[1];
  if (media === null || type === undefined) return undefined;
  const named = sdp.indexOf(`a=rtpmap:${type} `, media.index);
  if (named < 0) return STATIC_CODECS[type];
  return /^[A-Za-z0-9._-]{1,32}/.exec(sdp.slice(named + 10 + type.length, named + 48 + type.length))?.[0];
}
