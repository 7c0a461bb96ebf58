/**
 * Call detail records: one row for each call of some entries. A call is a session's span with the events under it; where that
 * span is missing (events logged by hand, a process that was killed) the events of one flow and one call id are the call.
 */
import { CallDetails } from './call-details.js';
import { CALL, CALL_NAMES, type CallKind, kindOfCallEvent, SESSION_SPANS } from './call-events.js';
import { CallGroup, callIdOf } from './call-group.js';
import { type ErasedPayloads, erasedPayload, joinErased } from './erased-payloads.js';
import { exactMs } from './nano-text.js';
import type { SpanEntry } from './span-entry.js';
import type { SpanPayloads } from './span-payloads.js';

/** Of a whole call, decimal text each, where the session said so. */
export interface CallQuality {
  /** Mean opinion score, 1 to 4.5, estimated from the others. */
  readonly mosEstimated?: string | undefined;
  readonly lossPercent?: string | undefined;
  readonly jitterMs?: string | undefined;
  readonly rttMs?: string | undefined;
}

/** One call. Texts are foreign; times in milliseconds are decimal text. */
export interface CallRecord {
  readonly kind: CallKind;
  readonly callId: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly startUnixNano: bigint;
  /** From the call's opening to its being answered. */
  readonly setupMs: string | undefined;
  readonly durationMs: string | undefined;
  readonly hangupParty: string | undefined;
  readonly lastCode: string | undefined;
  readonly endReason: string | undefined;
  readonly quality: CallQuality;
  /** Business trace id, or the OpenTelemetry trace id. */
  readonly traceId: string;
  readonly component: string | undefined;
  readonly service: string | undefined;
  /** `session`: from the span of the whole call; `events`: put together from its events. */
  readonly source: 'session' | 'events';
  readonly entries: number;
  /** Payloads that could have said more; undefined where none was erased. */
  readonly erased: ErasedPayloads | undefined;
  /** Of lowest and highest seq. */
  readonly first: SpanEntry;
  readonly last: SpanEntry;
}

interface Session {
  readonly kind: CallKind;
  readonly entry: SpanEntry;
  readonly facts: SessionFacts;
  readonly erased: ErasedPayloads | undefined;
}

type SessionFacts = Readonly<Record<keyof typeof CALL | 'callId' | 'from' | 'to', string | undefined>>;

/** Takes entries in order of seq, keeps what calls need of them, and no more memory than calls take. */
export class CallRecords {
  readonly #payloads: SpanPayloads;
  readonly #sessions = new Map<string, Session>();
  /** Events by kind, parent span, flow and call id. */
  readonly #groups = new Map<string, CallGroup>();

  constructor(payloads: SpanPayloads) {
    this.#payloads = payloads;
  }

  add(entry: SpanEntry): void {
    const session = SESSION_SPANS.get(entry.event);
    if (session !== undefined) {
      const details = CallDetails.of(this.#payloads, entry.seq);
      const key = spanKey(entry.traceId, entry.spanId);
      const erased = erasedPayload(details.erasedBy);
      if (!this.#sessions.has(key))
        this.#sessions.set(key, { kind: session, entry, facts: factsOf(session, details), erased });
      return;
    }
    const kind = kindOfCallEvent(entry.event);
    if (kind === undefined) return;
    const details = CallDetails.of(this.#payloads, entry.seq);
    const parts = [kind, entry.traceId, entry.parentSpanId, entry.businessId, callIdOf(kind, details)];
    const key = JSON.stringify(parts);
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = new CallGroup(kind, entry);
      this.#groups.set(key, group);
    }
    group.add(entry, details);
  }

  /** The calls, in order of start. */
  records(): CallRecord[] {
    const ofSession = new Map<Session, CallGroup>();
    const byHand = new ByHandCalls();
    for (const group of this.#groups.values()) {
      const { traceId, parentSpanId } = group.first;
      const session = this.#sessions.get(spanKey(traceId, parentSpanId ?? ''));
      if (session === undefined) byHand.add(group);
      else if (ofSession.has(session)) ofSession.get(session)!.join(group);
      else ofSession.set(session, group);
    }
    const records = [
      ...[...this.#sessions.values()].map((session) => recordOfSession(session, ofSession.get(session))),
      ...byHand.calls().map(recordOfEvents),
    ];
    return records.sort((a, b) =>
      a.startUnixNano < b.startUnixNano ? -1 : a.startUnixNano > b.startUnixNano ? 1 : a.first.seq - b.first.seq,
    );
  }
}

/** Puts groups together that are one call: same kind, same flow, same call id, or none. */
class ByHandCalls {
  readonly #byFlow = new Map<string, CallGroup[]>();

  add(group: CallGroup): void {
    const { businessId, traceId } = group.first;
    const key = `${group.kind}\0${businessId ?? traceId}`;
    const calls = this.#byFlow.get(key) ?? [];
    this.#byFlow.set(key, calls);
    // Scripts name the call in some events only: those without an id belong to the call that was there, or that comes.
    const same =
      calls.find(({ callId }) => callId === group.callId) ??
      (group.callId === undefined ? calls.at(-1) : calls.find(({ callId }) => callId === undefined));
    if (same === undefined) calls.push(group);
    else same.join(group);
  }

  calls(): CallGroup[] {
    return [...this.#byFlow.values()].flat();
  }
}

function factsOf(kind: CallKind, details: CallDetails): SessionFacts {
  const names = Object.entries({ ...CALL_NAMES[kind], ...CALL });
  return Object.fromEntries(names.map(([fact, from]) => [fact, details.attribute(...from)])) as SessionFacts;
}

function recordOfSession({ kind, entry, facts, erased }: Session, events: CallGroup | undefined): CallRecord {
  return {
    kind,
    callId: facts.callId ?? events?.callId,
    from: facts.from ?? events?.from ?? events?.endpoint,
    to: facts.to ?? events?.to,
    startUnixNano: entry.startUnixNano,
    setupMs: facts.setupMs ?? (events && setupMsOf(events)),
    durationMs: facts.durationMs ?? (events && durationMsOf(events)),
    hangupParty: facts.hangupParty ?? events?.hangupParty,
    lastCode: facts.lastCode ?? events?.lastCode,
    endReason: facts.endReason ?? events?.endReason,
    quality: facts,
    ...placeOf(entry),
    source: 'session',
    entries: 1 + (events?.entries ?? 0),
    erased: joinErased(erased, events?.erased),
    first: events !== undefined && events.first.seq < entry.seq ? events.first : entry,
    last: events !== undefined && events.last.seq > entry.seq ? events.last : entry,
  };
}

function recordOfEvents(call: CallGroup): CallRecord {
  const {
    kind,
    callId,
    from = call.endpoint,
    to,
    hangupParty,
    lastCode,
    endReason,
    entries,
    erased,
    first,
    last,
  } = call;
  return {
    ...{ kind, callId, from, to, hangupParty, lastCode, endReason, entries, erased, first, last },
    startUnixNano: call.openedUnixNano ?? first.startUnixNano,
    setupMs: setupMsOf(call),
    durationMs: durationMsOf(call),
    quality: {},
    ...placeOf(first),
    source: 'events',
  };
}

function placeOf({ businessId, traceId, component, service }: SpanEntry): {
  readonly traceId: string;
  readonly component: string | undefined;
  readonly service: string | undefined;
} {
  return { traceId: businessId ?? traceId, component, service };
}

function setupMsOf({ openedUnixNano, answeredUnixNano }: CallGroup): string | undefined {
  if (openedUnixNano === undefined || answeredUnixNano === undefined) return undefined;
  return exactMs(answeredUnixNano - openedUnixNano);
}

function durationMsOf({ answeredUnixNano, closedUnixNano, durationNanos }: CallGroup): string | undefined {
  if (durationNanos !== undefined) return exactMs(durationNanos);
  if (answeredUnixNano === undefined || closedUnixNano === undefined) return undefined;
  return exactMs(closedUnixNano - answeredUnixNano);
}

function spanKey(traceId: string, spanId: string): string {
  return `${traceId}-${spanId}`;
}
