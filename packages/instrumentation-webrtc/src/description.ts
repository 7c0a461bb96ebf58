/**
 * What is recorded of a session description. Never the description itself: it holds ICE passwords and keys. Its type, its
 * length, its lines, its SHA-256, and which kinds of media it has.
 */

import type { Payload } from '@infrafabric/events';
import { sha256Hex } from '@infrafabric/format';
import { textMember } from './peer-connection.js';

/** A description, told without its content. */
export interface Description {
  readonly type: string;
  /** Of the text as it is now. */
  facts(): SdpFacts;
  /** The same for a description that only gathered candidates since. */
  readonly identity: string;
}

/** Facts of an SDP text. */
export interface SdpFacts {
  /** SHA-256 of its UTF-8, hex. */
  readonly hash: string;
  /** Parts between line feeds, as the guide counts: one more than there are line feeds. */
  readonly lines: number;
  /** UTF-16 units. */
  readonly length: number;
  /** Which media sections there are. */
  readonly media: { readonly audio: boolean; readonly video: boolean; readonly data: boolean };
}

/** No real description is longer. */
const MAX_SDP_LENGTH = 1 << 20;

/** The facts of an SDP text. */
export function sdpFacts(sdp: string): SdpFacts {
  const has = (kind: string): boolean => sdp.startsWith(`m=${kind} `) || sdp.includes(`\nm=${kind} `);
  return {
    hash: sha256Hex(sdp),
    lines: sdp.split('\n').length,
    length: sdp.length,
    media: { audio: has('audio'), video: has('video'), data: has('application') },
  };
}

/** Reads an RTCSessionDescription; undefined for none, and for one without text. */
export function describe(description: unknown): Description | undefined {
  const type = textMember(description, 'type');
  const sdp = textMember(description, 'sdp', MAX_SDP_LENGTH);
  if (type === undefined || type === '' || sdp === undefined || sdp === '') return undefined;
  return { type, facts: () => sdpFacts(sdp), identity: `${type} ${originOf(sdp)}` };
}

/** Payload fields of an offer or an answer: `offer_hash`, `offer_lines`, … */
export function descriptionPayload(kind: 'offer' | 'answer', { hash, lines, length, media }: SdpFacts): Payload {
  return {
    [`${kind}_hash`]: hash,
    [`${kind}_lines`]: lines,
    [`${kind}_length`]: length,
    ...(kind === 'offer' ? { constraints: media } : { media }),
  };
}

/** The `o=` line names a description and its version (RFC 8866 §5.2); trickling leaves it alone. */
function originOf(sdp: string): string {
  const start = sdp.indexOf('\no=') + 1;
  const end = sdp.indexOf('\n', start);
  return sdp.slice(start, Math.min(end < 0 ? sdp.length : end, start + 256));
}
