/**
 * What the status port says, as events. It shows answers and never requests: a request that must have been is recorded with
 * `inferred`, and so is the call that an answer without call id is attached to. Bandwidth is told only when it changes.
 */
import { type CallWatch, CLOSING_MS, endReasonOf } from '../calls/call-watch.js';
import { boundedText, type CallSide, type Occurrence } from '../calls/observation.js';
import { grantBandwidth } from '../calls/open-call.js';
import { H323_EVENTS } from '../names.js';
import { BPS_PER_UNIT } from '../ras/ras-events.js';
import type { CallDetail, StatusLine } from './status-line.js';

/** What is recorded as the gatekeeper's address, since the lines do not say it. */
export interface StatusContext {
  readonly gatekeeper: string;
  /** Taken for the bandwidth of calls of which the lines say none, bit/s, and marked as inferred. */
  readonly assumedBandwidthBps: number | undefined;
  /** The line was replayed, and nothing told how the gatekeeper's clock relates to ours. */
  readonly isTimeGuessed: boolean;
}

/** Records one line. @param atMs milliseconds since 1970 */
export function recordStatusLine(watch: CallWatch, line: StatusLine, atMs: number, of: StatusContext): void {
  if (line.kind === 'other') return;
  if (line.kind === 'CDR') {
    recordDetail(watch, line, atMs, of);
    return;
  }
  const endpoint = 'address' in line ? line.address : line.ip;
  const at: Occurrence = {
    atMs,
    from: of.gatekeeper,
    to: endpoint === '' ? undefined : boundedText(endpoint),
    label: line.kind,
    ...(of.isTimeGuessed ? { inferred: ['time'] } : {}),
  };
  switch (line.kind) {
    case 'GCF':
      watch.record({ name: H323_EVENTS.gatekeeperConfirmed, at, payload: registration(watch, line) });
      return;
    case 'RCF': {
      const payload = { endpoint_id: boundedText(line.endpointId), ...registration(watch, line) };
      watch.record({ name: H323_EVENTS.endpointRegistered, at, payload });
      return;
    }
    case 'GRJ':
    case 'RRJ': {
      const name = line.kind === 'GRJ' ? H323_EVENTS.gatekeeperRejected : H323_EVENTS.registrationRejected;
      const reason = boundedText(line.reason);
      watch.record({ name, at, payload: { ...registration(watch, line), reason }, errorType: reason });
      return;
    }
    case 'ACF':
      confirmAdmission(watch, line, at, of);
      return;
    case 'ARJ':
      rejectAdmission(watch, line, at);
      return;
    case 'BCF':
    case 'BRJ':
      recordBandwidth(watch, line, at);
      return;
    case 'DCF':
      endSide(watch, line, at);
      return;
    case 'DRJ': {
      const payload = {
        endpoint_id: boundedText(line.endpointId),
        call_id: line.callId,
        reason: boundedText(line.reason),
      };
      const event = { name: H323_EVENTS.disengageRejected, at, payload, errorType: payload.reason };
      watch.record(event, watch.find(line.callId));
      return;
    }
    case 'UCF': {
      const payload = { endpoint_id: boundedText(line.endpointId) };
      watch.record({ name: H323_EVENTS.endpointUnregistered, at, payload });
      return;
    }
    case 'URJ': {
      const payload = { endpoint_id: boundedText(line.endpointId), reason: boundedText(line.reason) };
      watch.record({ name: H323_EVENTS.unregistrationRejected, at, payload, errorType: payload.reason });
      return;
    }
  }
}

type Line<Kind> = Extract<StatusLine, { readonly kind: Kind }>;

function registration(
  watch: CallWatch,
  { aliases, endpointType }: { readonly aliases: readonly string[]; readonly endpointType: string },
): { readonly aliases: readonly string[] | undefined; readonly endpoint_type: string } {
  return { aliases: watch.names(aliases.map(boundedText)), endpoint_type: boundedText(endpointType) };
}

/** The request that was answered: from the other side, and not seen. */
function requestOf(at: Occurrence, label: string): Occurrence {
  return { ...at, from: at.to, to: at.from, label, inferred: ['event'] };
}

function confirmAdmission(watch: CallWatch, line: Line<'ACF'>, at: Occurrence, of: StatusContext): void {
  const endpointId = boundedText(line.endpointId);
  const { callId, callReference, isAnswering } = line;
  const side: CallSide = { callId, callReference, endpointId, isAnswering };
  const call = watch.open(side, requestOf(at, 'ARQ'));
  const about = { endpoint_id: endpointId, call_id: callId };
  const request = {
    ...about,
    gatekeeper: watch.name(at.from),
    is_answering: isAnswering,
    source: watch.names(line.source.map(boundedText)),
    destination: watch.names(line.destination.map(boundedText)),
    call_reference: callReference,
  };
  watch.record({ name: H323_EVENTS.admissionRequested, at: requestOf(at, 'ARQ'), payload: request }, call);
  const confirmed = { ...about, media_route: line.mediaRoute === '' ? undefined : boundedText(line.mediaRoute) };
  watch.record({ name: H323_EVENTS.admissionConfirmed, at, payload: confirmed }, call);
  const admitted = call.side(endpointId, isAnswering);
  if (admitted === undefined) return;
  admitted.admittedMs = at.atMs;
  if (of.assumedBandwidthBps !== undefined) {
    call.inferred.add('bandwidth_bps');
    grantBandwidth(admitted, of.assumedBandwidthBps, at.atMs);
  }
}

function rejectAdmission(watch: CallWatch, line: Line<'ARJ'>, at: Occurrence): void {
  const { callId, isAnswering } = line;
  const reason = boundedText(line.reason);
  const side: CallSide = { callId, callReference: undefined, endpointId: '', isAnswering };
  const call = watch.find(callId) ?? watch.open(side, requestOf(at, 'ARQ'));
  const payload = {
    call_id: callId,
    is_answering: isAnswering,
    source: watch.names(line.source.map(boundedText)),
    destination: watch.names(line.destination.map(boundedText)),
  };
  watch.record({ name: H323_EVENTS.admissionRequested, at: requestOf(at, 'ARQ'), payload }, call);
  watch.record({ name: H323_EVENTS.admissionRejected, at, payload: { ...payload, reason }, errorType: reason }, call);
  if (call.isAdmitted) return;
  call.lastCode = reason;
  watch.end(call, 'rejected', at);
}

/** Without a call id: of the endpoint's call, if it is in exactly one. */
function recordBandwidth(
  watch: CallWatch,
  line: Extract<StatusLine, { readonly kind: 'BCF' | 'BRJ' }>,
  at: Occurrence,
): void {
  const endpointId = boundedText(line.endpointId);
  const call = watch.onlyCallOf(endpointId);
  const about = { endpoint_id: endpointId, call_id: call?.callId };
  const attached = call === undefined ? at : { ...at, inferred: ['call_id'] };
  watch.record({ name: H323_EVENTS.bandwidthRequested, at: requestOf(at, 'BRQ'), payload: about }, call);
  const bps = line.bandwidth * BPS_PER_UNIT;
  if (line.kind === 'BRJ') {
    const payload = { ...about, available_bandwidth_bps: bps, reason: boundedText(line.reason) };
    watch.record({ name: H323_EVENTS.bandwidthRejected, at: attached, payload, errorType: payload.reason }, call);
    return;
  }
  watch.record(
    { name: H323_EVENTS.bandwidthGranted, at: attached, payload: { ...about, bandwidth_granted_bps: bps } },
    call,
  );
  const side = call?.sides.get(endpointId);
  if (call === undefined || side === undefined) return;
  // What was granted before the first of these lines is not told.
  call.inferred.add('bandwidth_bps');
  grantBandwidth(side, bps, at.atMs);
}

/** The gatekeeper's own record of the call. It comes before the sides' ends. */
function recordDetail(watch: CallWatch, line: CallDetail, atMs: number, of: StatusContext): void {
  const at: Occurrence = { atMs, from: of.gatekeeper, to: undefined, label: 'CDR' };
  const side: CallSide = {
    callId: line.callId,
    callReference: undefined,
    endpointId: boundedText(line.callerId),
    isAnswering: false,
  };
  const known = watch.find(line.callId);
  if (known?.isComplete === true) return;
  // Its beginning was not seen: the tail came later.
  const call = known ?? watch.open(side, { ...at, atMs: line.startMs ?? atMs });
  const calling = call.side(side.endpointId, false);
  if (known === undefined) {
    call.inferred.add('start');
    if (calling !== undefined) calling.admittedMs = call.startMs;
  }
  call.hasTimes = true;
  call.connectMs = line.startMs;
  call.endMs = line.startMs === undefined ? line.endMs : line.startMs + line.durationS * 1000;
  call.stoppedMs = atMs;
  call.lastMs = atMs;
  call.hasDetail = true;
  // The reason is in the lines that follow at once; should they not come, the call ends without it.
  call.closingMs = atMs + CLOSING_MS;
}

/** A side has left. Without a CDR before it, it is also how the end of a call is known. */
function endSide(watch: CallWatch, line: StatusLine & { kind: 'DCF' | 'DRJ' }, at: Occurrence): void {
  const { callId, callReference } = line;
  const endpointId = boundedText(line.endpointId);
  const reason = boundedText(line.reason);
  const call = watch.find(callId);
  const about = { endpoint_id: endpointId, call_id: callId };
  const request = { ...about, reason, call_reference: callReference };
  watch.record({ name: H323_EVENTS.disengageRequested, at: requestOf(at, 'DRQ'), payload: request }, call);
  watch.record({ name: H323_EVENTS.disengaged, at, payload: { ...about, reason } }, call);
  if (call === undefined || call.isComplete) return;
  // Which side left first is not told: both lines come within the same moment, in an order of the gatekeeper's own.
  call.lastCode ??= reason;
  call.stoppedMs ??= at.atMs;
  const side = call.sides.get(endpointId);
  if (side !== undefined) side.endedMs = at.atMs;
  if (call.haveAllEnded)
    watch.end(call, endReasonOf(call), call.hasDetail ? { ...at, to: undefined, label: 'CDR' } : at);
  else call.closingMs ??= at.atMs + CLOSING_MS;
}
