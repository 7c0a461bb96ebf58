/** What RAS messages say, as events: one function for requests, one for answers, one for those that never came. */
import type { Payload } from '@infrafabric/events';
import { type CallWatch, CLOSING_MS, endReasonOf } from '../calls/call-watch.js';
import { addressText, boundedText, callIdText, namesOf, type Occurrence } from '../calls/observation.js';
import { grantBandwidth, type OpenCall } from '../calls/open-call.js';
import { H323_EVENTS } from '../names.js';
import type { RasMessage } from './codec.js';
import { labelOf } from './message-kinds.js';
import type { AdmissionConfirm, AdmissionRequest, DisengageRequest } from './messages-call.js';
import type { InfoRequestResponse } from './messages-information.js';
import type { CallTerminationCause, RasUsageInformation } from './parts.js';
import type { PendingRequest } from './pending-requests.js';
import type { Reason } from './reasons.js';

/** H.225.0 counts bandwidth in 100 bit/s. */
export const BPS_PER_UNIT = 100;

/** Records a request that is seen for the first time. */
export function recordRequest(watch: CallWatch, { message, at, side }: PendingRequest): void {
  if (side === undefined) return;
  const call = message.name === 'admissionRequest' ? watch.open(side, at) : watch.find(side.callId);
  const about = { endpoint_id: side.endpointId, call_id: side.callId };
  if (message.name === 'admissionRequest') {
    call?.side(side.endpointId, side.isAnswering);
    watch.record(
      { name: H323_EVENTS.admissionRequested, at, payload: admissionPayload(watch, message.value, about, at) },
      call,
    );
    const bandwidth_bps = message.value.bandWidth * BPS_PER_UNIT;
    watch.record({ name: H323_EVENTS.bandwidthRequested, at, payload: { ...about, bandwidth_bps } }, call);
  } else if (message.name === 'bandwidthRequest') {
    const bandwidth_bps = message.value.bandWidth * BPS_PER_UNIT;
    watch.record({ name: H323_EVENTS.bandwidthRequested, at, payload: { ...about, bandwidth_bps } }, call);
  } else if (message.name === 'disengageRequest') {
    if (call !== undefined) noteEnd(call, message.value, side.isAnswering, at);
    const reason = message.value.disengageReason;
    watch.record({ name: H323_EVENTS.disengageRequested, at, payload: { ...about, reason } }, call);
  }
}

function admissionPayload(watch: CallWatch, request: AdmissionRequest, about: Payload, at: Occurrence): Payload {
  const bandwidth_bps = request.bandWidth * BPS_PER_UNIT;
  return {
    ...about,
    bandwidth_bps,
    bandwidth_kbps: bandwidth_bps / 1000,
    gatekeeper: watch.name(at.to),
    is_answering: request.answerCall,
    source: watch.names(namesOf(request.srcInfo)),
    destination: watch.names(namesOf(request.destinationInfo)),
    destination_address: watch.name(addressText(request.destCallSignalAddress)),
    call_reference: request.callReferenceValue,
    conference_id: callIdText(request.conferenceID),
  };
}

/** Who ends the call, why, and what the endpoint says of its times. */
function noteEnd(call: OpenCall, request: DisengageRequest, isAnswering: boolean | undefined, at: Occurrence): void {
  const { disengageReason, terminationCause, usageInformation } = request;
  if (call.stoppedMs === undefined) {
    call.stoppedMs = at.atMs;
    const known = isAnswering ?? call.sides.get(request.endpointIdentifier)?.isAnswering;
    // The gatekeeper is where the call's first request went.
    const isGatekeeper = call.gatekeeper !== undefined && at.from === call.gatekeeper;
    call.hangupParty = isGatekeeper ? 'gatekeeper' : known === undefined ? 'unknown' : known ? 'callee' : 'caller';
    call.lastCode = disengageReason;
  }
  call.q850Cause ??= q850CauseOf(terminationCause);
  noteTimes(call, usageInformation, isAnswering, true);
}

/**
 * Times of the calling side are preferred; those of the other are better than none. Only at its end does an endpoint that
 * gives no time of the answer say that there was none.
 */
function noteTimes(
  call: OpenCall,
  usage: RasUsageInformation | undefined,
  isAnswering: boolean | undefined,
  isAtEnd: boolean,
): void {
  if (usage === undefined) return;
  const { connectTime, endTime } = usage;
  const isBetter = call.connectMs === undefined || isAnswering === false;
  if (connectTime !== undefined && isBetter) call.connectMs = connectTime * 1000;
  if (endTime !== undefined && (isBetter || call.endMs === undefined)) call.endMs = endTime * 1000;
  if (isAtEnd || connectTime !== undefined) call.hasTimes = true;
}

/** Cause value of a Q.931 Cause information element: the second octet of its content (Q.850 §2). */
function q850CauseOf(cause: CallTerminationCause | undefined): number | undefined {
  if (cause?.name !== 'releaseCompleteCauseIE') return undefined;
  const [location = 0, value = 0] = cause.value;
  // Some stacks put text there: both octets of a real one have their first bit set.
  return cause.value.length === 2 && location >= 0x80 && value >= 0x80 ? value & 0x7f : undefined;
}

/** Records the answer to a request. */
export function recordAnswer(watch: CallWatch, request: PendingRequest, answer: RasMessage, at: Occurrence): void {
  const asked = request.message;
  const { side } = request;
  const call = side && watch.find(side.callId);
  const common: Payload = {
    ...(side === undefined ? {} : { endpoint_id: side.endpointId, call_id: side.callId }),
    response_time_ms: Math.max(0, Math.round((at.atMs - request.at.atMs) * 1000) / 1000),
    ...(request.retransmissions === 0 ? {} : { retransmissions: request.retransmissions }),
  };
  switch (answer.name) {
    case 'admissionConfirm':
      confirmAdmission(watch, request, call, answer.value, common, at);
      return;
    case 'admissionReject': {
      const reason = reasonText(answer.value.rejectReason);
      watch.record(
        { name: H323_EVENTS.admissionRejected, at, payload: { ...common, reason }, errorType: reason },
        call,
      );
      if (call === undefined || call.isAdmitted) return;
      call.lastCode = reason;
      watch.end(call, 'rejected', at);
      return;
    }
    case 'bandwidthConfirm': {
      const bandwidth_granted_bps = answer.value.bandWidth * BPS_PER_UNIT;
      watch.record({ name: H323_EVENTS.bandwidthGranted, at, payload: { ...common, bandwidth_granted_bps } }, call);
      const granted = side && call?.side(side.endpointId, side.isAnswering);
      if (granted?.admittedMs !== undefined) grantBandwidth(granted, bandwidth_granted_bps, at.atMs);
      return;
    }
    case 'bandwidthReject': {
      const reason = reasonText(answer.value.rejectReason);
      const payload = { ...common, reason, available_bandwidth_bps: answer.value.allowedBandWidth * BPS_PER_UNIT };
      watch.record({ name: H323_EVENTS.bandwidthRejected, at, payload, errorType: reason }, call);
      return;
    }
    case 'disengageConfirm':
      watch.record({ name: H323_EVENTS.disengaged, at, payload: common }, call);
      endSide(watch, request, call, at);
      return;
    case 'disengageReject': {
      const reason = reasonText(answer.value.rejectReason);
      watch.record(
        { name: H323_EVENTS.disengageRejected, at, payload: { ...common, reason }, errorType: reason },
        call,
      );
      return;
    }
    case 'registrationConfirm':
    case 'registrationReject':
    case 'unregistrationConfirm':
    case 'unregistrationReject':
    case 'gatekeeperConfirm':
    case 'gatekeeperReject':
      recordEndpoint(watch, asked, answer, common, at);
      return;
  }
}

function confirmAdmission(
  watch: CallWatch,
  { side }: PendingRequest,
  call: OpenCall | undefined,
  answer: AdmissionConfirm,
  common: Payload,
  at: Occurrence,
): void {
  const bandwidth_granted_bps = answer.bandWidth * BPS_PER_UNIT;
  const granted = { ...common, bandwidth_granted_bps };
  const destination_address = watch.name(addressText(answer.destCallSignalAddress));
  const payload = { ...granted, destination_address, call_model: answer.callModel };
  watch.record({ name: H323_EVENTS.admissionConfirmed, at, payload }, call);
  watch.record({ name: H323_EVENTS.bandwidthGranted, at, payload: granted }, call);
  const admitted = side && call?.side(side.endpointId, side.isAnswering);
  if (admitted === undefined) return;
  admitted.admittedMs = at.atMs;
  grantBandwidth(admitted, bandwidth_granted_bps, at.atMs);
}

/** A side has left; the call is over with the last one, or when the others have had their time. */
function endSide(watch: CallWatch, { side }: PendingRequest, call: OpenCall | undefined, at: Occurrence): void {
  if (call === undefined || side === undefined || call.isComplete) return;
  const left = call.side(side.endpointId, side.isAnswering);
  if (left !== undefined) left.endedMs = at.atMs;
  if (call.haveAllEnded) watch.end(call, endReasonOf(call), at);
  else call.closingMs ??= at.atMs + CLOSING_MS;
}

/** Discovery, registration and leaving: events of endpoints, of no call. */
function recordEndpoint(
  watch: CallWatch,
  asked: RasMessage,
  answer: RasMessage,
  common: Payload,
  at: Occurrence,
): void {
  if (asked.name === 'registrationRequest') {
    // A keep-alive that is confirmed says nothing new.
    if (answer.name === 'registrationConfirm' && asked.value.keepAlive === true) return;
    const about = {
      ...common,
      aliases: watch.names(namesOf(asked.value.terminalAlias)),
      signal_address: watch.name(addressText(asked.value.callSignalAddress[0])),
    };
    if (answer.name === 'registrationConfirm') {
      const { endpointIdentifier, timeToLive } = answer.value;
      const gatekeeper_id = answer.value.gatekeeperIdentifier?.toWellFormed();
      const payload = {
        endpoint_id: endpointIdentifier.toWellFormed(),
        ...about,
        gatekeeper_id,
        time_to_live_s: timeToLive,
      };
      watch.record({ name: H323_EVENTS.endpointRegistered, at, payload });
    } else if (answer.name === 'registrationReject')
      reject(H323_EVENTS.registrationRejected, answer.value.rejectReason, about);
  } else if (asked.name === 'unregistrationRequest') {
    const about = {
      endpoint_id: asked.value.endpointIdentifier?.toWellFormed(),
      ...common,
      aliases: watch.names(namesOf(asked.value.endpointAlias)),
      requested_reason: asked.value.reason?.name,
    };
    if (answer.name === 'unregistrationConfirm')
      watch.record({ name: H323_EVENTS.endpointUnregistered, at, payload: about });
    else if (answer.name === 'unregistrationReject') {
      reject(H323_EVENTS.unregistrationRejected, answer.value.rejectReason, about);
    }
  } else if (asked.name === 'gatekeeperRequest') {
    const about = { ...common, aliases: watch.names(namesOf(asked.value.endpointAlias)) };
    if (answer.name === 'gatekeeperConfirm') {
      const gatekeeper_id = answer.value.gatekeeperIdentifier?.toWellFormed();
      watch.record({ name: H323_EVENTS.gatekeeperConfirmed, at, payload: { ...about, gatekeeper_id } });
    } else if (answer.name === 'gatekeeperReject') {
      reject(H323_EVENTS.gatekeeperRejected, answer.value.rejectReason, about);
    }
  }

  function reject(name: string, rejectReason: Reason, about: Payload): void {
    const reason = reasonText(rejectReason);
    watch.record({ name, at, payload: { ...about, reason }, errorType: reason });
  }
}

/** A report (IRR): the call is alive, and perhaps its times are known. */
export function recordReport(watch: CallWatch, { perCallInfo = [] }: InfoRequestResponse, at: Occurrence): void {
  for (const { callIdentifier, usageInformation, originator } of perCallInfo) {
    const call = callIdentifier && watch.find(callIdText(callIdentifier.guid));
    if (call === undefined || call.isComplete) continue;
    call.lastMs = at.atMs;
    noteTimes(call, usageInformation, originator === undefined ? undefined : !originator, false);
  }
}

/** A request without an answer. A call that nobody admitted is over with it; a side that asked to leave has left. */
export function recordTimeout(watch: CallWatch, request: PendingRequest, nowMs: number): void {
  const { message, side, retransmissions } = request;
  const call = side && watch.find(side.callId);
  const at: Occurrence = { ...request.at, atMs: nowMs, inferred: ['event'] };
  const payload = {
    ...(side === undefined ? {} : { endpoint_id: side.endpointId, call_id: side.callId }),
    waited_for: `answer to ${labelOf(message.name)}`,
    waited_ms: Math.max(0, Math.round(nowMs - request.at.atMs)),
    retransmissions,
  };
  watch.record({ name: H323_EVENTS.timeout, at, payload, errorType: 'timeout' }, call);
  if (call === undefined || call.isComplete) return;
  if (message.name === 'admissionRequest' && !call.isAdmitted) watch.end(call, 'timeout', at);
  else if (message.name === 'disengageRequest') endSide(watch, request, call, { ...at, inferred: ['end'] });
}

function reasonText({ name }: Reason): string {
  return boundedText(name);
}
