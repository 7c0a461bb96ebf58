/**
 * H.323 calls logged by hand: the guide's class, method by method. Tokens and costs are the guide's constants, recorded as
 * estimates; what a call costs by its rates is in the units beside them.
 */
import {
  businessIdsOf,
  EventRecorder,
  type EventUsage,
  newFlowId,
  type Payload,
  type Session,
  withBusinessIds,
} from '@infrafabric/events';
import { context, type TracerProvider } from '@opentelemetry/api';
import { type AdmissionDecision, type AdmissionPolicy, admitAll } from './admission-policy.js';
import {
  type CallUnits,
  type MonthlyCost,
  monthlyCostOf,
  type SessionCost,
  sessionCostOf,
  unitsOfCall,
} from './cost-model.js';
import {
  CALL_DURATION_MS,
  CALL_END_REASON,
  CALL_LAST_CODE,
  H323_CALL,
  H323_CALL_ID,
  H323_COMPONENT,
  H323_EVENTS,
  LADDER_FROM,
  LADDER_LABEL,
  LADDER_TO,
  SCOPE_NAME,
  SCOPE_VERSION,
} from './names.js';

/** Whose calls are logged. */
export interface H323WitnessOptions {
  readonly endpointId: string;
  /** Address of the gatekeeper, e.g. `gatekeeper.example:1719`. */
  readonly gatekeeper: string;
  /** Default: every call is admitted. */
  readonly admissionPolicy?: AdmissionPolicy;
  /** Business trace id of calls that are logged without one. Default: the active context's, else one that is made. */
  readonly traceId?: string;
  /** Makes pseudonyms of the endpoint's id and the gatekeeper's address before they are recorded. */
  readonly pseudonymise?: (name: string) => string;
  /** Default: the global one. */
  readonly tracerProvider?: TracerProvider;
}

/** Constants of the guide: what it says that the work on an event costs. */
const ARQ: EventUsage = usage(500, 250, '0.0003');
const ANSWER: EventUsage = usage(300, 150, '0.0002');
const COMPLETE: EventUsage = usage(200, 100, '0.0002');
/** Calls that are neither rejected nor closed and are kept in mind. */
const MAX_OPEN_CALLS = 10_000;

/** One event. */
interface Step {
  readonly name: string;
  readonly label: string;
  readonly payload: Payload;
  readonly usage?: EventUsage;
  readonly errorType?: string;
}

interface OpenCall {
  readonly session: Session;
  bandwidthBps: number;
}

/** Logs the calls of one endpoint. */
export class H323Witness {
  /** Business trace id of what is logged without one: the one that was given, or `h323-<endpoint>-<12 hex digits>`. */
  readonly traceId: string;
  readonly #options: H323WitnessOptions;
  readonly #endpointId: string;
  readonly #gatekeeper: string;
  readonly #recorder: EventRecorder;
  readonly #calls = new Map<string, OpenCall>();

  constructor(options: H323WitnessOptions) {
    this.#options = options;
    const { pseudonymise = (name: string) => name } = options;
    this.#endpointId = pseudonymise(options.endpointId);
    this.#gatekeeper = pseudonymise(options.gatekeeper);
    this.traceId = options.traceId ?? newFlowId(`h323-${this.#endpointId}`);
    const { tracerProvider } = options;
    const scope = { name: SCOPE_NAME, version: SCOPE_VERSION };
    this.#recorder = new EventRecorder({ scope, component: H323_COMPONENT, tracerProvider });
  }

  /**
   * Logs that a call is asked for, and what the policy answers. @returns whether it is admitted
   * @param traceId business trace id; default: the constructor's, the active context's, else {@link traceId}
   * @throws RangeError for a bandwidth or duration that is negative or no number
   */
  requestAdmission(callId: string, bandwidthBps: number, durationMinutes: number, traceId?: string): boolean {
    unitsOfCall(bandwidthBps, durationMinutes);
    const call = this.#open(callId, traceId);
    const about = { endpoint_id: this.#endpointId, call_id: callId };
    const record = (step: Step): void => this.#record(call, step, traceId);
    record({
      name: H323_EVENTS.admissionRequested,
      label: 'ARQ',
      usage: ARQ,
      payload: {
        ...about,
        bandwidth_bps: bandwidthBps,
        bandwidth_kbps: bandwidthBps / 1000,
        requested_duration_minutes: durationMinutes,
        gatekeeper: this.#gatekeeper,
      },
    });
    const requested = { ...about, bandwidth_bps: bandwidthBps };
    record({ name: H323_EVENTS.bandwidthRequested, label: 'ARQ', payload: requested });
    const decision = this.#decide(callId, bandwidthBps);
    if (!decision.isAdmitted) {
      const { reason, availableBandwidthBps } = decision;
      const payload = { ...about, reason, available_bandwidth_bps: availableBandwidthBps };
      record({ name: H323_EVENTS.admissionRejected, label: 'ARJ', usage: ANSWER, payload, errorType: reason });
      call.session.fail(reason);
      this.#end(callId, call, { [CALL_END_REASON]: 'rejected', [CALL_LAST_CODE]: reason, [CALL_DURATION_MS]: 0 });
      return false;
    }
    call.bandwidthBps = decision.bandwidthBps ?? bandwidthBps;
    const granted = { ...about, bandwidth_granted_bps: call.bandwidthBps };
    const confirmed = { ...granted, duration_minutes: durationMinutes };
    record({ name: H323_EVENTS.admissionConfirmed, label: 'ACF', usage: ANSWER, payload: confirmed });
    record({ name: H323_EVENTS.bandwidthGranted, label: 'ACF', payload: granted });
    return true;
  }

  /** What a call costs by the guide's rates, exactly; nothing is logged. @throws RangeError */
  calculateSessionCost(bandwidthBps: number, durationMinutes: number): SessionCost {
    return sessionCostOf(bandwidthBps, durationMinutes);
  }

  /** The guide's estimate of a month: calls of half an hour, thirty days. Nothing is logged. @throws RangeError */
  estimateMonthlyCost(averageBandwidthBps: number, dailyMinutes: number): MonthlyCost {
    return monthlyCostOf(averageBandwidthBps, dailyMinutes);
  }

  /**
   * Logs that a call is over, with its units (call, megabit_minute, minute). A call that nobody asked for is logged as well.
   * @param traceId business trace id of this event; default: the call's
   * @throws RangeError for a duration or bandwidth that is negative, no number, or too large for a price
   */
  closeCall(callId: string, durationMinutes: number, bandwidthBps: number, traceId?: string): void {
    const { totalCost } = sessionCostOf(bandwidthBps, durationMinutes);
    const units: CallUnits = unitsOfCall(bandwidthBps, durationMinutes);
    const call = this.#calls.get(callId) ?? this.#open(callId, traceId);
    const payload = {
      endpoint_id: this.#endpointId,
      call_id: callId,
      duration_minutes: durationMinutes,
      bandwidth_bps: bandwidthBps,
      total_cost: totalCost,
    };
    const step = { name: H323_EVENTS.callComplete, label: 'DRQ', usage: { ...COMPLETE, units }, payload };
    this.#record(call, step, traceId);
    const durationMs = Math.round(durationMinutes * 60_000);
    this.#end(callId, call, { [CALL_END_REASON]: 'completed', [CALL_DURATION_MS]: durationMs });
  }

  #open(callId: string, traceId: string | undefined): OpenCall {
    const known = this.#calls.get(callId);
    if (known !== undefined) return known;
    const active = businessIdsOf(context.active()).traceId;
    const ids = { traceId: traceId ?? this.#options.traceId ?? active ?? this.traceId };
    const attributes = { [H323_CALL_ID]: callId };
    const session = this.#recorder.startSession({ name: H323_CALL, attributes }, withBusinessIds(ids));
    const call = { session, bandwidthBps: 0 };
    this.#calls.set(callId, call);
    const [oldest] = this.#calls;
    if (this.#calls.size > MAX_OPEN_CALLS && oldest !== undefined) {
      this.#end(oldest[0], oldest[1], { [CALL_END_REASON]: 'evicted' });
    }
    return call;
  }

  #decide(callId: string, bandwidthBps: number): AdmissionDecision {
    const { endpointId, admissionPolicy = admitAll } = this.#options;
    let usedBandwidthBps = 0;
    for (const [other, call] of this.#calls) if (other !== callId) usedBandwidthBps += call.bandwidthBps;
    try {
      return admissionPolicy({ callId, endpointId, bandwidthBps, isAnswering: false, usedBandwidthBps });
    } catch (error) {
      return { isAdmitted: false, reason: error instanceof Error ? error.name : 'undefinedReason' };
    }
  }

  #record({ session }: OpenCall, step: Step, traceId: string | undefined): void {
    const { name, label, payload, usage: used, errorType } = step;
    const isAnswer = label === 'ACF' || label === 'ARJ';
    const event = {
      name,
      payload: { ...payload, timestamp: new Date().toISOString() },
      usage: used,
      attributes: {
        [LADDER_FROM]: isAnswer ? this.#gatekeeper : this.#endpointId,
        [LADDER_TO]: isAnswer ? this.#endpointId : this.#gatekeeper,
        [LADDER_LABEL]: label,
      },
      ...(errorType === undefined ? {} : { error: { type: errorType } }),
    };
    const parent = session.context;
    this.#recorder.record(event, traceId === undefined ? parent : withBusinessIds({ traceId }, parent));
  }

  #end(callId: string, call: OpenCall, attributes: Readonly<Record<string, string | number>>): void {
    this.#calls.delete(callId);
    call.session.end(attributes);
  }
}

function usage(tokensIn: number, tokensOut: number, costUsd: string): EventUsage {
  return { tokensIn, tokensOut, costUsd, model: 'claude-haiku-4.5', isEstimated: true };
}
