/**
 * Attribute names of calls, whatever carries them: SIP, H.323, WebRTC, by hand. Call records and ladders are made from these
 * alone. There is no OpenTelemetry convention for calls; where a general one fits (`network.*`, `error.type`) it is used.
 */

/** SIP Call-ID, on the call and on each of its events. E.g. `a84b4c76e66710@pc33.example.com`. */
export const SIP_CALL_ID = 'sip.call_id';

/** URI of the caller (From), without display name, password and parameters. E.g. `sip:alice@example.com`. */
export const SIP_FROM = 'sip.from';

/** URI of the callee (To), likewise. E.g. `sip:bob@example.com`. */
export const SIP_TO = 'sip.to';

/** Messages seen again and not recorded again, integer. */
export const SIP_RETRANSMISSIONS = 'sip.retransmissions';

/** Challenges (401, 407) that the call met, integer. */
export const SIP_CHALLENGES = 'sip.challenges';

/** Answering places: distinct To tags of the responses, integer. More than one: the call was forked. */
export const SIP_FORKS = 'sip.forks';

/** Events of the call, integer: how many links its hash chain has. */
export const SIP_EVENTS = 'sip.events';

/** `event_hash` of the call's last event: an export that lacks the end of the chain does not arrive at it. 64 hex. */
export const SIP_LAST_EVENT_HASH = 'sip.last_event_hash';

/** Events that were counted and not recorded because the call had too many, integer; absent when none. */
export const SIP_EVENTS_DROPPED = 'sip.events_dropped';

/** How the observer saw the call: `outgoing`, `incoming`, or `passing` for who only watches the wire. */
export const CALL_DIRECTION = 'call.direction';

/** First invitation (challenged ones included) to the first acceptance, milliseconds. Absent: never accepted. */
export const CALL_SETUP_TIME_MS = 'call.setup_time_ms';

/** Acceptance to hanging up, milliseconds. Absent: never accepted, or nobody was seen to hang up. */
export const CALL_DURATION_MS = 'call.duration_ms';

/**
 * Who ended it: `caller` or `callee`, the same whoever observes; `local` or `remote` where a session has no caller (WebRTC).
 * Cancelling is the caller's, refusing the callee's or of who answers for it (a proxy's 404). Absent: nobody was seen to.
 */
export const CALL_HANGUP_PARTY = 'call.hangup_party';

/** Last final answer to the invitation, text: a SIP status (`200`, `486`), an H.323 reason. */
export const CALL_LAST_CODE = 'call.last_code';

/** Why it ended, one of {@link CALL_END_REASONS}. */
export const CALL_END_REASON = 'call.end_reason';

/**
 * Values of {@link CALL_END_REASON}. `hangup` after acceptance; `cancelled` by the caller before it; `busy` (486, 600);
 * `declined` (603); `redirected` (3xx); `failed` any other refusal; `timeout` nothing was heard for too long; `evicted`
 * too many calls were open; `shutdown` the observer was closed.
 */
export const CALL_END_REASONS = [
  'hangup',
  'cancelled',
  'busy',
  'declined',
  'redirected',
  'failed',
  'timeout',
  'evicted',
  'shutdown',
] as const;

/** One of {@link CALL_END_REASONS}. */
export type CallEndReason = (typeof CALL_END_REASONS)[number];

/**
 * On an event that is an arrow of the ladder: the column where it starts, `address:port` where known. E.g.
 * `10.0.0.1:5060`.
 */
export const CALL_LADDER_FROM = 'call.ladder.from';

/**
 * The column where the arrow ends. E.g. `10.0.0.2:5060`. Events without arrow (`sip_dialog_established`) have none of
 * the three.
 */
export const CALL_LADDER_TO = 'call.ladder.to';

/** What is written on the arrow. E.g. `INVITE`, `180 Ringing`. */
export const CALL_LADDER_LABEL = 'call.ladder.label';

/** Packets lost, percent of those expected, 0…100. */
export const CALL_QUALITY_LOSS_PERCENT = 'call.quality.loss_percent';

/** Interarrival jitter (RFC 3550 §6.4.1), milliseconds. */
export const CALL_QUALITY_JITTER_MS = 'call.quality.jitter_ms';

/** Round trip, milliseconds. */
export const CALL_QUALITY_RTT_MS = 'call.quality.rtt_ms';

/** Mean opinion score 1…4.5, estimated from the three above and never measured. */
export const CALL_QUALITY_MOS_ESTIMATED = 'call.quality.mos_estimated';
