/** One call under way: its sides, the bandwidth that was granted over time, and what is known of its beginning and end. */
import type { Session } from '@infrafabric/events';

/** One endpoint's part in a call. */
export interface Side {
  readonly isAnswering: boolean | undefined;
  admittedMs: number | undefined;
  /** What was granted, from when on; empty when nobody said. */
  readonly grants: { readonly atMs: number; readonly bandwidthBps: number }[];
  endedMs: number | undefined;
}

/** Kept until the call has ended and what trails behind it has come. */
export class OpenCall {
  readonly callId: string;
  readonly session: Session;
  readonly startMs: number;
  readonly sides: Map<string, Side> = new Map();
  /** Address of the gatekeeper, as the first request shows it. */
  readonly gatekeeper: string | undefined;
  lastMs: number;
  /** When it was answered and when it ended, to the second and by the clock of who says so. */
  connectMs: number | undefined;
  endMs: number | undefined;
  /** When its end was seen, by ours. */
  stoppedMs: number | undefined;
  /** Somebody says when it was answered and when it ended, or that it was not answered. */
  hasTimes = false;
  hangupParty: 'caller' | 'callee' | 'gatekeeper' | 'unknown' = 'unknown';
  lastCode: string | undefined;
  q850Cause: number | undefined;
  /** Of what is recorded on the call's span. */
  readonly inferred: Set<string> = new Set();
  /** The gatekeeper's own record of it has come. */
  hasDetail = false;
  /** After that the call ends although a side has not said so; undefined while no side has ended. */
  closingMs: number | undefined;
  isComplete = false;

  constructor(callId: string, session: Session, startMs: number, gatekeeper: string | undefined) {
    this.callId = callId;
    this.session = session;
    this.startMs = startMs;
    this.lastMs = startMs;
    this.gatekeeper = gatekeeper;
  }

  /** The side of an endpoint, made when it is new. */
  side(endpointId: string, isAnswering: boolean | undefined): Side | undefined {
    const known = this.sides.get(endpointId);
    // An endpoint that calls itself has two sides under one name: the second is kept apart.
    if (known !== undefined && (isAnswering === undefined || known.isAnswering === isAnswering)) return known;
    const key = known === undefined ? endpointId : `${endpointId} (${isAnswering === true ? 'answering' : 'calling'})`;
    const other = this.sides.get(key);
    if (other !== undefined) return other;
    if (this.sides.size >= MAX_SIDES) return undefined;
    const side: Side = {
      isAnswering,
      admittedMs: undefined,
      grants: [],
      endedMs: undefined,
    };
    this.sides.set(key, side);
    return side;
  }

  /** The side whose bandwidth counts: the caller's, where it was seen; a call is not paid for twice. */
  get countedSide(): Side | undefined {
    const sides = [...this.sides.values()].filter(({ admittedMs }) => admittedMs !== undefined);
    return sides.find(({ isAnswering }) => isAnswering === false) ?? sides[0];
  }

  get isAdmitted(): boolean {
    return this.countedSide !== undefined;
  }

  /** Every side that was admitted has ended. */
  get haveAllEnded(): boolean {
    const sides = [...this.sides.values()].filter(({ admittedMs }) => admittedMs !== undefined);
    return sides.every(({ endedMs }) => endedMs !== undefined);
  }
}

/** More endpoints in one call are not followed one by one. */
const MAX_SIDES = 64;

/** More changes of bandwidth than these are not kept: the last is then taken for those that followed it. */
const MAX_GRANTS = 1_000;

/** A side has another bandwidth from then on. */
export function grantBandwidth({ grants }: Side, bandwidthBps: number, atMs: number): void {
  if (grants.length >= MAX_GRANTS) grants.pop();
  grants.push({ atMs, bandwidthBps: Math.round(bandwidthBps) });
}

/** bit/s × ms that a side had during the last `durationMs` before a time; undefined when nobody said what was granted. */
export function bitMillisecondsOf({ grants }: Side, durationMs: number, endMs: number): bigint | undefined {
  if (grants.length === 0) return undefined;
  let sum = 0n;
  let until = endMs;
  let left = durationMs;
  for (const [i, { atMs, bandwidthBps }] of [...grants.entries()].reverse()) {
    // The first grant is taken for what was before it, too: times of the endpoint and ours need not agree.
    const ms = i === 0 ? left : Math.min(left, Math.max(0, Math.round(until - atMs)));
    sum += BigInt(bandwidthBps) * BigInt(ms);
    left -= ms;
    until = Math.min(until, atMs);
  }
  return sum;
}
