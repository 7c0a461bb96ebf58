/**
 * The calls that are under way: found by Call-ID and tags, bounded in number, and ended when nothing is heard of them.
 * One timer for all, which never keeps a process alive.
 */
import { diag } from '@opentelemetry/api';
import { SIP_SCOPE } from './scope.js';
import type { CallState, SipCall } from './sip-call.js';

/** How many, and how long. */
export interface CallLimits {
  /**
   * Calls open at once; default 10,000. One more ends the oldest that nobody accepted yet, else the oldest; ended ones
   * that are still remembered go first.
   */
  readonly maxCalls?: number | undefined;
  /** Nothing heard of an invitation for so long ends the call, milliseconds; default 180,000 (RFC 3261 timer C). */
  readonly setupTimeoutMs?: number | undefined;
  /** Nothing heard of an accepted call for so long ends it, milliseconds; default 14,400,000 (four hours). */
  readonly idleTimeoutMs?: number | undefined;
  /** How long the last message of a call is waited for, and an ended call remembered; default 32,000 (64 · T1). */
  readonly closingTimeoutMs?: number | undefined;
}

/** No more often than this, milliseconds, however short the timeouts are. */
const MIN_SWEEP_MS = 20;
/** What a timer can wait, milliseconds. */
const MAX_SWEEP_MS = 2 ** 31 - 1;

/** A call in its place. */
export interface Place {
  readonly callId: string;
  readonly call: SipCall;
  /** Another call with the same Call-ID: rare. */
  next: Place | undefined;
  /** Which of the sets it is in. */
  set: Set<Place>;
  deadlineMs: number;
}

/** Calls with one Call-ID, which nobody makes but to do harm; more of them end the oldest of all. */
const MAX_WITH_ONE_CALL_ID = 16;

/** Calls by Call-ID and caller's tag. */
export class CallTable {
  readonly #byCallId = new Map<string, Place>();
  /** Calls that are over, oldest first: the first to go. */
  readonly #over = new Set<Place>();
  /** Calls that nobody accepted, oldest first: a flood of invitations must not end conversations. */
  readonly #pending = new Set<Place>();
  readonly #accepted = new Set<Place>();
  readonly #maxCalls: number;
  readonly #waitMs: Readonly<Record<CallState, number>>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;
  #timedOut = 0;
  #evicted = 0;

  /** @throws RangeError for a limit that is no number above 0 */
  constructor(limits: CallLimits) {
    this.#maxCalls = positive('maxCalls', limits.maxCalls ?? 10_000);
    const setup = positive('setupTimeoutMs', limits.setupTimeoutMs ?? 180_000);
    const idle = positive('idleTimeoutMs', limits.idleTimeoutMs ?? 14_400_000);
    const closing = positive('closingTimeoutMs', limits.closingTimeoutMs ?? 32_000);
    this.#waitMs = { inviting: setup, challenged: closing, accepted: idle, closing, over: closing };
  }

  get timedOut(): number {
    return this.#timedOut;
  }

  get evicted(): number {
    return this.#evicted;
  }

  /** The call of a message: the caller's tag is in From of what the caller sends, in To of what the callee does. */
  find(callId: string, fromTag: string | undefined, toTag: string | undefined): Place | undefined {
    const first = this.#byCallId.get(callId);
    return placeOf(first, fromTag ?? '') ?? (toTag === undefined ? undefined : placeOf(first, toTag));
  }

  /** All calls with a Call-ID. */
  withCallId(callId: string): SipCall[] {
    return this.#placesOf(callId).map(({ call }) => call);
  }

  /** A new call; it takes the place of an ended one with the same ids. */
  add(callId: string, call: SipCall): void {
    this.#remove(this.find(callId, call.callerTag, undefined));
    const others = this.#placesOf(callId);
    if (others.length >= MAX_WITH_ONE_CALL_ID) this.#evict((set) => others.findLast((place) => place.set === set));
    else if (this.size >= this.#maxCalls) this.#evict(firstOf);
    const place: Place = { callId, call, next: this.#byCallId.get(callId), set: this.#pending, deadlineMs: 0 };
    this.#byCallId.set(callId, place);
    this.#pending.add(place);
    this.#extend(place);
  }

  /** Something was heard of a call. */
  touch(place: Place): void {
    const set = this.#setOf(place.call.state);
    if (set !== place.set) this.#move(place, set);
    this.#extend(place);
  }

  /** Ends all. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timerDueMs = Number.POSITIVE_INFINITY;
    for (const set of this.#sets) {
      for (const { call } of set) giveUp(call, 'shutdown');
      set.clear();
    }
    this.#byCallId.clear();
  }

  /** Ended ones that are still remembered included. */
  get size(): number {
    return this.#over.size + this.#pending.size + this.#accepted.size;
  }

  get #sets(): readonly Set<Place>[] {
    return [this.#over, this.#pending, this.#accepted];
  }

  #setOf(state: CallState): Set<Place> {
    if (state === 'over') return this.#over;
    return state === 'inviting' || state === 'challenged' ? this.#pending : this.#accepted;
  }

  #move(place: Place, set: Set<Place>): void {
    place.set.delete(place);
    place.set = set;
    set.add(place);
  }

  #extend(place: Place): void {
    place.deadlineMs = Date.now() + this.#waitMs[place.call.state];
    this.#wakeAt(place.deadlineMs);
  }

  /** Makes room for one: ended calls go first, then those that nobody accepted. */
  #evict(oldestIn: (set: Set<Place>) => Place | undefined): void {
    const place = oldestIn(this.#over) ?? oldestIn(this.#pending) ?? oldestIn(this.#accepted);
    if (place === undefined) return;
    if (place.call.state !== 'over') this.#evicted++;
    giveUp(place.call, 'evicted');
    this.#remove(place);
  }

  /** Newest first. */
  #placesOf(callId: string): Place[] {
    const places: Place[] = [];
    for (let place = this.#byCallId.get(callId); place !== undefined; place = place.next) places.push(place);
    return places;
  }

  #remove(place: Place | undefined): void {
    if (place === undefined) return;
    place.set.delete(place);
    const first = this.#byCallId.get(place.callId);
    if (first === place) {
      if (place.next === undefined) this.#byCallId.delete(place.callId);
      else this.#byCallId.set(place.callId, place.next);
      return;
    }
    for (let other = first; other !== undefined; other = other.next) {
      if (other.next === place) other.next = place.next;
    }
  }

  #wakeAt(deadlineMs: number): void {
    if (deadlineMs >= this.#timerDueMs) return;
    clearTimeout(this.#timer);
    this.#timerDueMs = deadlineMs;
    const waitMs = Math.min(MAX_SWEEP_MS, Math.max(MIN_SWEEP_MS, deadlineMs - Date.now()));
    this.#timer = setTimeout(() => this.#sweep(), waitMs);
    // Browsers number their timers.
    if (typeof this.#timer === 'object') this.#timer.unref();
  }

  #sweep(): void {
    const nowMs = Date.now();
    let nextMs = Number.POSITIVE_INFINITY;
    this.#timerDueMs = nextMs;
    for (const place of this.#sets.flatMap((set) => [...set])) {
      if (place.deadlineMs <= nowMs && place.call.state === 'over') {
        this.#remove(place);
        continue;
      }
      if (place.deadlineMs <= nowMs) {
        this.#timedOut++;
        giveUp(place.call, 'timeout');
        place.deadlineMs = nowMs + this.#waitMs.over;
        this.#move(place, this.#over);
      }
      nextMs = Math.min(nextMs, place.deadlineMs);
    }
    if (nextMs !== Number.POSITIVE_INFINITY) this.#wakeAt(nextMs);
  }
}

/** Also from a timer, where what an SDK throws would end the process. */
function giveUp(call: SipCall, reason: 'timeout' | 'evicted' | 'shutdown'): void {
  try {
    call.giveUp(reason, Date.now());
  } catch (error) {
    diag.error(`${SIP_SCOPE.name}: the end of a call was not recorded`, error);
  }
}

function firstOf(set: Set<Place>): Place | undefined {
  for (const place of set) return place;
  return undefined;
}

function placeOf(first: Place | undefined, tag: string): Place | undefined {
  let place = first;
  while (place !== undefined && place.call.callerTag !== tag) place = place.next;
  return place;
}

function positive(name: string, value: number): number {
  if (!(value > 0)) throw new RangeError(`${name} must be above 0`);
  return value;
}
