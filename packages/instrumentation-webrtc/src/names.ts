/**
 * Every name that this package writes: spans, attributes, values. Events are called what the integration guide calls them;
 * `call.*` is what a call ladder and a call record (CDR) read, the same in all instrumentations of calls.
 */

/** Instrumentation scope of every span. */
export const WEBRTC_SCOPE: { readonly name: string; readonly version: string } = {
  name: '@infrafabric/instrumentation-webrtc',
  version: '0.1.0',
};

/** `witness.component` of every span. */
export const WEBRTC_COMPONENT = 'IF.witness.webrtc';

/** Span of a peer connection, from its construction to its close; the events are its children. */
export const SPAN_PEER_CONNECTION = 'webrtc.peer_connection';

/** A peer connection was made. */
export const EVENT_STARTED = 'webrtc_connection_started';
/** A local offer was set. */
export const EVENT_OFFER_CREATED = 'sdp_offer_created';
/** A remote offer was set. */
export const EVENT_OFFER_RECEIVED = 'sdp_offer_received';
/** A local answer was set. */
export const EVENT_ANSWER_CREATED = 'sdp_answer_created';
/** A remote answer was set. */
export const EVENT_ANSWER_RECEIVED = 'sdp_answer_received';
/** Gathering is over: how many candidates of which type. */
export const EVENT_CANDIDATES_GATHERED = 'ice_candidates_gathered';
/** One candidate; only by option. */
export const EVENT_CANDIDATE_GATHERED = 'ice_candidate_gathered';
/** `iceConnectionState` changed. */
export const EVENT_ICE_STATE = 'ice_connection_state_changed';
/** The pair of candidates that carries the traffic, at first and whenever another one does. */
export const EVENT_PAIR_SELECTED = 'ice_candidate_pair_selected';
/** A remote track appeared. */
export const EVENT_TRACK_ADDED = 'media_track_added';
/** A remote track ended. */
export const EVENT_TRACK_ENDED = 'media_track_ended';
/** Connected, and media flows. */
export const EVENT_MEDIA_READY = 'media_stream_ready';
/** A data channel opened. */
export const EVENT_CHANNEL_OPENED = 'data_channel_opened';
/** A data channel closed, and not because the connection was closed here. */
export const EVENT_CHANNEL_CLOSED = 'data_channel_closed';
/** Quality: periodically while connected, and once more before the close. */
export const EVENT_STATS = 'webrtc_stats';
/** ICE or DTLS failed, or the application says so. */
export const EVENT_ERROR = 'webrtc_error';
/** The end. */
export const EVENT_CLOSED = 'webrtc_connection_closed';

/** Who this end is, on the session's span. */
export const ATTR_PEER_ID = 'webrtc.peer_id';
/** Who the other end is, where the application said so. */
export const ATTR_REMOTE_PEER_ID = 'webrtc.remote_peer_id';
/** Unique id of the connection; `connection_id` of the first event. E.g. `webrtc-alice-0123456789ab`. */
export const ATTR_CONNECTION_ID = 'webrtc.connection_id';
/** Octets of the whole connection. */
export const ATTR_BYTES_SENT = 'webrtc.bytes_sent';
/** Octets of the whole connection. */
export const ATTR_BYTES_RECEIVED = 'webrtc.bytes_received';
/** From the first offer to `connected`, milliseconds. */
export const ATTR_CALL_SETUP_TIME_MS = 'call.setup_time_ms';
/** From `connected` to the end, milliseconds. Absent: never connected. */
export const ATTR_CALL_DURATION_MS = 'call.duration_ms';
/** `local` or `remote`. Absent: nobody hung up, or nobody can tell. */
export const ATTR_CALL_HANGUP_PARTY = 'call.hangup_party';
/** Last connection state before the end: `connected`, `failed`, … */
export const ATTR_CALL_LAST_CODE = 'call.last_code';
/** One of `EndReason`. */
export const ATTR_CALL_END_REASON = 'call.end_reason';
/** Packets lost over the whole call, percent of those expected here, or sent where nothing was received, 0…100. */
export const ATTR_QUALITY_LOSS_PERCENT = 'call.quality.loss_percent';
/** Interarrival jitter as seen last, milliseconds. */
export const ATTR_QUALITY_JITTER_MS = 'call.quality.jitter_ms';
/** Round trip, milliseconds. */
export const ATTR_QUALITY_RTT_MS = 'call.quality.rtt_ms';
/** Mean opinion score 1…4.5, estimated from the three above and never measured. */
export const ATTR_QUALITY_MOS_ESTIMATED = 'call.quality.mos_estimated';
/** Who sent what an event tells of. */
export const ATTR_LADDER_FROM = 'call.ladder.from';
/** To whom. */
export const ATTR_LADDER_TO = 'call.ladder.to';
/** The text at the arrow, e.g. `SDP offer`. */
export const ATTR_LADDER_LABEL = 'call.ladder.label';

/**
 * Why a connection's span ended. `hangup`: one end closed it (`call.hangup_party`). `cancelled`: closed here before it ever
 * connected. `failed`: it had failed, `error.type` says how. `disconnected`: the other end was not heard any more when it was
 * closed. `pagehide`: the page was left. `timeout`: not connected for too long. `evicted`: too many connections are open.
 * `shutdown`: it is no longer watched.
 */
export type EndReason =
  | 'hangup'
  | 'cancelled'
  | 'failed'
  | 'disconnected'
  | 'pagehide'
  | 'timeout'
  | 'evicted'
  | 'shutdown';
