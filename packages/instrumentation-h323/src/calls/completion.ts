/** A call's end: how long it lasted, with how much bandwidth, what it cost, who hung up. */
import { decimalUsd } from '@infrafabric/accounting';
import type { EventUsage, Payload } from '@infrafabric/events';
import type { Attributes } from '@opentelemetry/api';
import { type CallUnits, priceOfUnits, unitsOfMeasuredCall } from '../cost-model.js';
import {
  CALL_DURATION_MS,
  CALL_HANGUP_PARTY,
  CALL_LAST_CODE,
  CALL_SETUP_TIME_MS,
  H323_INFERRED,
  H323_Q850_CAUSE,
} from '../names.js';
import { bitMillisecondsOf, type OpenCall } from './open-call.js';

/** Why a call's span ends. `unanswered`: it was admitted, and somebody says that it was never connected. */
export type EndReason = 'completed' | 'unanswered' | 'rejected' | 'timeout' | 'evicted' | 'closed';

/** What is recorded at the end. */
export interface Completion {
  readonly payload: Payload;
  /** Units, where bandwidth and duration are known. */
  readonly usage: EventUsage | undefined;
  readonly attributes: Attributes;
  readonly inferred: readonly string[];
}

/**
 * The summary of a call that ends at a time. The duration is what an endpoint or the gatekeeper says; without that it is
 * the time from admission to the end, marked as inferred. Without a known bandwidth there are no units: a part of a price is
 * not passed off as the price.
 */
export function completionOf(call: OpenCall, reason: EndReason, atMs: number): Completion {
  const inferred = new Set(call.inferred);
  const stoppedMs = call.stoppedMs ?? atMs;
  const side = call.countedSide;
  const hasEnded = reason === 'completed' || reason === 'unanswered';
  const durationMs = hasEnded ? durationOf(call, stoppedMs, inferred) : undefined;
  const attributes: Attributes = { [CALL_HANGUP_PARTY]: call.hangupParty };
  if (call.hangupParty === 'caller' || call.hangupParty === 'callee') inferred.add('hangup_party');
  const setupMs = setupTimeOf(call);
  if (setupMs !== undefined) {
    attributes[CALL_SETUP_TIME_MS] = setupMs;
    inferred.add('setup_time_ms');
  }
  if (durationMs !== undefined) attributes[CALL_DURATION_MS] = durationMs;
  if (call.lastCode !== undefined) attributes[CALL_LAST_CODE] = call.lastCode;
  if (call.q850Cause !== undefined) attributes[H323_Q850_CAUSE] = call.q850Cause;
  if (inferred.size > 0) attributes[H323_INFERRED] = [...inferred];

  const bits =
    side === undefined || durationMs === undefined ? undefined : bitMillisecondsOf(side, durationMs, stoppedMs);
  const units = bits === undefined || durationMs === undefined ? undefined : unitsOfMeasuredCall(durationMs, bits);
  const payload = {
    endpoint_id: side === undefined ? undefined : [...call.sides].find(([, other]) => other === side)?.[0],
    call_id: call.callId,
    duration_minutes: durationMs === undefined ? undefined : durationMs / 60_000,
    duration_ms: durationMs,
    setup_time_ms: setupMs,
    bandwidth_bps: side?.grants.at(-1)?.bandwidthBps,
    total_cost: units === undefined ? undefined : costText(units),
    end_reason: reason,
    hangup_party: call.hangupParty,
    last_code: call.lastCode,
    q850_cause: call.q850Cause,
  };
  const isEstimated = inferred.has('bandwidth_bps');
  return {
    payload,
    usage: units && { units, ...(isEstimated ? { isEstimated } : {}) },
    attributes,
    inferred: [...inferred],
  };
}

function durationOf(call: OpenCall, stoppedMs: number, inferred: Set<string>): number {
  const { hasTimes, connectMs, endMs = stoppedMs } = call;
  if (hasTimes) return connectMs === undefined ? 0 : Math.max(0, Math.round(endMs - connectMs));
  inferred.add('duration_ms');
  return Math.max(0, Math.round(stoppedMs - (call.countedSide?.admittedMs ?? call.startMs)));
}

/** The answer is told to the second, and by another clock: what cannot be is left out. */
function setupTimeOf({ connectMs, startMs, endMs, lastMs }: OpenCall): number | undefined {
  if (connectMs === undefined || connectMs < startMs - 1000 || connectMs > (endMs ?? lastMs) + 1000) return undefined;
  return Math.max(0, Math.round(connectMs - startMs));
}

function costText(units: CallUnits): string | undefined {
  try {
    return decimalUsd(priceOfUnits(units).total);
  } catch {
    // A bandwidth from the wire may be beyond every price.
    return undefined;
  }
}
