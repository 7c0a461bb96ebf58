/** Every name that this package writes: scope, component, spans, attributes. One line each, with unit and example. */

/** Instrumentation scope. Rate cards know it: what it records is priced like what is logged by hand. */
export const SCOPE_NAME = '@infrafabric/instrumentation-h323';
export const SCOPE_VERSION = '0.1.0';

/** `witness.component` of every span. */
export const H323_COMPONENT = 'IF.witness.h323';

/** Span of a call, from its first admission request to its end. Its events are its children. */
export const H323_CALL = 'h323.call';

/** The events. The first seven are the guide's. */
export const H323_EVENTS = {
  /** ARQ: an endpoint asks to make or to answer a call. */
  admissionRequested: 'h323_arq_sent',
  /** ACF. */
  admissionConfirmed: 'h323_acf_received',
  /** ARJ, with the gatekeeper's reason. */
  admissionRejected: 'h323_arj_received',
  /** With an ARQ, and with each BRQ. */
  bandwidthRequested: 'h323_bandwidth_requested',
  /** With an ACF, and with each BCF. */
  bandwidthGranted: 'h323_bandwidth_granted',
  /** RCF to a full registration; keep-alives are not told. */
  endpointRegistered: 'h323_endpoint_registered',
  /** The call has ended; with its duration, bandwidth and cost. */
  callComplete: 'h323_call_complete',
  /** RRJ. */
  registrationRejected: 'h323_registration_rejected',
  /** BRJ. */
  bandwidthRejected: 'h323_bandwidth_rejected',
  /** DRQ: one side, or the gatekeeper, ends the call. */
  disengageRequested: 'h323_disengage_requested',
  /** DCF. */
  disengaged: 'h323_disengaged',
  /** DRJ. */
  disengageRejected: 'h323_disengage_rejected',
  /** UCF. */
  endpointUnregistered: 'h323_endpoint_unregistered',
  /** URJ. */
  unregistrationRejected: 'h323_unregistration_rejected',
  /** GCF. */
  gatekeeperConfirmed: 'h323_gatekeeper_confirmed',
  /** GRJ. */
  gatekeeperRejected: 'h323_gatekeeper_rejected',
  /** A request to which no answer came, or a call of which nothing was heard for too long. */
  timeout: 'h323_timeout',
} as const;

/** On `h323.call`: from the first request to the answer, milliseconds. Left out where nobody said when it was answered. */
export const CALL_SETUP_TIME_MS = 'call.setup_time_ms';
/** On `h323.call`: milliseconds from the answer to the end. */
export const CALL_DURATION_MS = 'call.duration_ms';
/** On `h323.call`: who hung up: `caller`, `callee`, `gatekeeper` or `unknown`. */
export const CALL_HANGUP_PARTY = 'call.hangup_party';
/** On `h323.call`: the last reason that was given. E.g. `normalDrop`, `calledPartyNotRegistered`. */
export const CALL_LAST_CODE = 'call.last_code';
/** On `h323.call`: `completed`, `unanswered`, `rejected`, `timeout`, `evicted` or `closed`. */
export const CALL_END_REASON = 'call.end_reason';

/** On events: who sent the message. E.g. `192.0.2.7:1719`. */
export const LADDER_FROM = 'call.ladder.from';
/** On events: who received it. */
export const LADDER_TO = 'call.ladder.to';
/** On events: what it was. E.g. `ARQ`. */
export const LADDER_LABEL = 'call.ladder.label';

/** On `h323.call`: 32 hex digits. */
export const H323_CALL_ID = 'h323.call_id';
/** On `h323.call`: cause of Q.850, where an endpoint gave one. E.g. 16. */
export const H323_Q850_CAUSE = 'h323.q850_cause';
/** On events and calls: what was concluded and not seen. E.g. `['duration_ms']`; `event` is the whole event. */
export const H323_INFERRED = 'h323.inferred';
