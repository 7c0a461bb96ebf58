/** Names of what sessions record: spans of whole calls, their attributes, and what an event's name says about it. */

/** Protocols whose calls are told apart. */
export type CallKind = 'sip' | 'h323' | 'webrtc';

/** Spans that last as long as a call. */
export const SESSION_SPANS: ReadonlyMap<string, CallKind> = new Map([
  ['sip.call', 'sip'],
  ['h323.call', 'h323'],
  ['webrtc.peer_connection', 'webrtc'],
]);

/** Who sent an event, to whom, and how it is called in a ladder. */
export const LADDER = { from: 'call.ladder.from', to: 'call.ladder.to', label: 'call.ladder.label' } as const;

const PREFIXES: readonly (readonly [prefix: string, kind: CallKind])[] = [
  ['sip_', 'sip'],
  ['h323_', 'h323'],
  ['webrtc_', 'webrtc'],
  ['sdp_', 'webrtc'],
  ['ice_', 'webrtc'],
  ['media_', 'webrtc'],
  ['data_channel_', 'webrtc'],
];

/** The protocol that an event is of; undefined for any other event. */
export function callKindOf(event: string): CallKind | undefined {
  return PREFIXES.find(([prefix]) => event.startsWith(prefix))?.[1];
}

/** Registrations, discoveries and their like are events of their own, of no call. */
const OF_NO_CALL = /^(?:sip|h323)_(?:\w*regist\w*|gatekeeper_\w+)$/;

/** The kind of call that an event belongs to; undefined for an event of none. */
export function kindOfCallEvent(event: string): CallKind | undefined {
  return OF_NO_CALL.test(event) ? undefined : callKindOf(event);
}

/** Which way an event went, as seen by who recorded it. `answer`: against the direction of what opened the call. */
export type Direction = 'out' | 'in' | 'answer' | 'none';

const IN = /_(?:received|granted|rejected|registered)$/;
const OUT = /_(?:sent|requested|published)$|^sdp_(?:offer|answer)_created$/;

/** By the event's name alone. */
export function directionOf(event: string): Direction {
  if (/^sip_[1-6][0-9]{2}(?:_|$)/.test(event)) return 'answer';
  return IN.test(event) ? 'in' : OUT.test(event) ? 'out' : 'none';
}

const MESSAGES = new Set(
  [
    'invite',
    'ack',
    'bye',
    'cancel',
    'refer',
    'register',
    'update',
    'prack',
    'options',
    'info',
    'message',
    'notify',
  ].concat([
    'arq',
    'acf',
    'arj',
    'brq',
    'bcf',
    'brj',
    'drq',
    'dcf',
    'drj',
    'rrq',
    'rcf',
    'rrj',
    'urq',
    'ucf',
    'urj',
    'grq',
    'gcf',
  ]),
);
const ACRONYMS = new Set(['sdp', 'ice', 'ok', 'ndi', 'rtp']);

/** An event's name as people write it in a ladder: `INVITE`, `180 Ringing`, `SDP offer created`. */
export function labelOf(event: string): string {
  const words = event.replace(/^(?:sip|h323|webrtc|ndi)_(?=.)/, '').split('_');
  const isSentOrReceived = words.length === 2 && (words[1] === 'sent' || words[1] === 'received');
  if (isSentOrReceived && MESSAGES.has(words[0]!)) return words[0]!.toUpperCase();
  const isResponse = /^[1-6][0-9]{2}$/.test(words[0]!);
  return words.map((word) => (ACRONYMS.has(word) ? word.toUpperCase() : isResponse ? capital(word) : word)).join(' ');
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** Attributes of a whole call's span, whatever carries it; the first that is there counts. */
export const CALL = {
  setupMs: ['call.setup_time_ms'],
  durationMs: ['call.duration_ms'],
  hangupParty: ['call.hangup_party'],
  lastCode: ['call.last_code'],
  endReason: ['call.end_reason'],
  mosEstimated: ['call.mos_estimated', 'call.quality.mos_estimated'],
  lossPercent: ['call.quality.loss_percent'],
  jitterMs: ['call.quality.jitter_ms'],
  rttMs: ['call.quality.rtt_ms'],
} as const;

/** Who a call is of, by kind. */
export const CALL_NAMES: Readonly<
  Record<CallKind, { readonly callId: string[]; readonly from: string[]; readonly to: string[] }>
> = {
  sip: { callId: ['sip.call_id'], from: ['sip.from'], to: ['sip.to'] },
  h323: { callId: ['h323.call_id'], from: ['h323.from'], to: ['h323.to'] },
  webrtc: {
    callId: ['webrtc.connection_id', 'webrtc.peer_id'],
    from: ['webrtc.peer_id'],
    to: ['webrtc.remote_peer_id'],
  },
};
