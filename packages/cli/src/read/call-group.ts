/** What the events of one call say together: where its entries are, who took part, when it was opened, answered and closed. */
import type { CallDetails } from './call-details.js';
import { CALL_NAMES, type CallKind, LADDER } from './call-events.js';
import { type ErasedPayloads, erasedPayload, joinErased } from './erased-payloads.js';
import type { SpanEntry } from './span-entry.js';

const NANOS_PER_SECOND = 1e9;

/** Grows event by event, in order of seq. */
export class CallGroup {
  readonly kind: CallKind;
  readonly first: SpanEntry;
  last: SpanEntry;
  entries = 0;
  erased: ErasedPayloads | undefined;
  callId: string | undefined;
  from: string | undefined;
  /** Whose events they are, where none says who called. */
  endpoint: string | undefined;
  to: string | undefined;
  openedUnixNano: bigint | undefined;
  answeredUnixNano: bigint | undefined;
  closedUnixNano: bigint | undefined;
  /** As an event states it; undefined where the times of the events have to do. */
  durationNanos: bigint | undefined;
  /** Whether who recorded it sent the invitation. */
  isCaller: boolean | undefined;
  hangupParty: string | undefined;
  lastCode: string | undefined;
  endReason: string | undefined;

  constructor(kind: CallKind, first: SpanEntry) {
    this.kind = kind;
    this.first = first;
    this.last = first;
  }

  /** Takes in the next event. */
  add(entry: SpanEntry, details: CallDetails): void {
    this.entries++;
    this.erased = joinErased(this.erased, erasedPayload(details.erasedBy));
    this.last = entry;
    this.callId ??= callIdOf(this.kind, details);
    READERS[this.kind](this, entry, details);
    this.from ??= details.attribute(LADDER.from);
    this.to ??= details.attribute(LADDER.to);
  }

  /** Takes in another group of the same call. What is older counts for its beginning, what is newer for its end. */
  join(other: CallGroup): void {
    const [older, newer] = this.first.seq <= other.first.seq ? [this, other] : [other, this];
    const last = this.last.seq >= other.last.seq ? this.last : other.last;
    const entries = this.entries + other.entries;
    Object.assign(this, {
      first: older.first,
      last,
      entries,
      erased: joinErased(this.erased, other.erased),
      callId: older.callId ?? newer.callId,
      endpoint: older.endpoint ?? newer.endpoint,
      from: older.from ?? newer.from,
      to: older.to ?? newer.to,
      openedUnixNano: older.openedUnixNano ?? newer.openedUnixNano,
      answeredUnixNano: older.answeredUnixNano ?? newer.answeredUnixNano,
      closedUnixNano: newer.closedUnixNano ?? older.closedUnixNano,
      durationNanos: newer.durationNanos ?? older.durationNanos,
      isCaller: older.isCaller ?? newer.isCaller,
      hangupParty: newer.hangupParty ?? older.hangupParty,
      lastCode: newer.lastCode ?? older.lastCode,
      endReason: newer.endReason ?? older.endReason,
    });
  }
}

/** The id that tells a call from others of its flow; undefined where an event does not say it. */
export function callIdOf(kind: CallKind, details: CallDetails): string | undefined {
  return (
    details.attribute(...CALL_NAMES[kind].callId) ??
    details.member('call_id', ...(kind === 'webrtc' ? ['peer_id'] : []))
  );
}

type Reader = (call: CallGroup, entry: SpanEntry, details: CallDetails) => void;

const READERS: Readonly<Record<CallKind, Reader>> = { sip: readSip, h323: readH323, webrtc: readWebrtc };

function readSip(call: CallGroup, { event, startUnixNano }: SpanEntry, details: CallDetails): void {
  const named = /^sip_([1-6][0-9]{2})(?:_|$)/.exec(event)?.[1];
  const code = named ?? (details.member('method') === 'INVITE' ? details.member('status') : undefined);
  if (code !== undefined) call.lastCode = code;
  if (code?.startsWith('2')) call.answeredUnixNano ??= startUnixNano;
  const [local, remote] = [details.member('local_uri'), details.member('remote_uri')];
  switch (event) {
    case 'sip_invite_sent':
    case 'sip_invite_received': {
      const isCaller = event === 'sip_invite_sent';
      call.isCaller ??= isCaller;
      call.openedUnixNano ??= startUnixNano;
      call.from ??= isCaller ? local : remote;
      call.to ??= isCaller ? remote : local;
      break;
    }
    case 'sip_bye_sent':
    case 'sip_bye_received':
      call.closedUnixNano = startUnixNano;
      call.durationNanos = nanosOf(details.number('duration_seconds'), 1);
      // Who called did not say so: then who recorded it is taken for the caller, as the guide's scripts are.
      call.hangupParty = (event === 'sip_bye_sent') === (call.isCaller ?? true) ? 'caller' : 'callee';
      call.endReason = 'hangup';
      break;
  }
}

function readH323(call: CallGroup, { event, startUnixNano }: SpanEntry, details: CallDetails): void {
  call.endpoint ??= details.member('endpoint_id');
  switch (event) {
    case 'h323_arq_sent':
      call.openedUnixNano ??= startUnixNano;
      // The called side asks as well, and names itself.
      if (details.member('is_answering') === 'true') break;
      call.from ??= details.firstOf('source') ?? details.member('endpoint_id');
      call.to ??= details.firstOf('destination') ?? details.member('gatekeeper');
      break;
    case 'h323_acf_received':
      call.answeredUnixNano ??= startUnixNano;
      call.lastCode = 'ACF';
      break;
    case 'h323_arj_received':
      call.lastCode = details.member('reason') ?? 'ARJ';
      call.endReason = 'rejected';
      break;
    case 'h323_call_complete':
      call.closedUnixNano = startUnixNano;
      call.durationNanos = nanosOf(details.number('duration_minutes'), 60);
      call.endReason = 'completed';
      break;
  }
}

function readWebrtc(call: CallGroup, { event, startUnixNano }: SpanEntry, details: CallDetails): void {
  call.from ??= details.member('peer_id');
  call.to ??= details.member('remote_peer_id');
  switch (event) {
    case 'webrtc_connection_started':
      call.openedUnixNano ??= startUnixNano;
      break;
    case 'ice_connection_state_changed':
      call.lastCode = details.member('new_state');
      if (call.lastCode === 'connected' || call.lastCode === 'completed') call.answeredUnixNano ??= startUnixNano;
      break;
    case 'webrtc_error':
      call.endReason = 'failed';
      break;
    case 'webrtc_connection_closed':
      call.closedUnixNano = startUnixNano;
      call.durationNanos = nanosOf(details.number('duration_seconds'), 1);
      if (call.endReason !== undefined) break;
      call.endReason = 'hangup';
      call.hangupParty = 'local';
      break;
  }
}

function nanosOf(amount: number | undefined, secondsEach: number): bigint | undefined {
  const nanos = Math.round((amount ?? -1) * secondsEach * NANOS_PER_SECOND);
  return nanos >= 0 && nanos <= Number.MAX_SAFE_INTEGER ? BigInt(nanos) : undefined;
}
