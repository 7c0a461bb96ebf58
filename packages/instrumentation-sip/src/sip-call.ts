/**
 * A call as its messages show it: invitation, forks, challenges, answer, hanging up. It decides what each message is
 * called and when the call is over; it never writes a span itself, and never waits: its deadline says until when it
 * makes sense to.
 */
import type { Payload } from '@infrafabric/events';
import type { Attributes } from '@opentelemetry/api';
import {
  CALL_DURATION_MS,
  CALL_END_REASON,
  CALL_HANGUP_PARTY,
  CALL_LAST_CODE,
  CALL_QUALITY_MOS_ESTIMATED,
  CALL_SETUP_TIME_MS,
  type CallEndReason,
  SIP_CHALLENGES,
  SIP_FORKS,
  SIP_RETRANSMISSIONS,
} from './call-attributes.js';
import { CallLegs } from './call-legs.js';
import type { CallRecorder } from './call-recorder.js';
import { CallTransactions, type InviteTransaction } from './call-transactions.js';
import { detached } from './detached-text.js';
import { eventNameOfFinal, eventNameOfProvisional, eventNameOfRequest } from './event-names.js';
import type { Hop } from './observation.js';
import { RecentMessages } from './recent-messages.js';
import type { SipMessage } from './sip-message.js';

/** `challenged` and `closing` wait for one message more; `over` is remembered so that stragglers open no new call. */
export type CallState = 'inviting' | 'challenged' | 'accepted' | 'closing' | 'over';

/** One call. */
export class SipCall {
  readonly recorder: CallRecorder;
  readonly callerTag: string;
  readonly #seen = new RecentMessages();
  readonly #invites = new CallTransactions();
  readonly #legs = new CallLegs();
  readonly #startMs: number;
  #state: CallState = 'inviting';
  #lastMs: number;
  #acceptedMs: number | undefined;
  #endedMs: number | undefined;
  #endReason: CallEndReason | undefined;
  #hangupParty: 'caller' | 'callee' | undefined;
  #lastCode: string | undefined;
  #byeBranch: string | undefined;
  #isCancelled = false;
  #challenges = 0;
  #retransmissions = 0;
  #worstQuality: Attributes = {};

  constructor(recorder: CallRecorder, invite: SipMessage, hop: Hop) {
    this.recorder = recorder;
    this.callerTag = detached(invite.from.tag ?? '');
    this.#startMs = hop.timeMs;
    this.#lastMs = hop.timeMs;
  }

  get state(): CallState {
    return this.#state;
  }

  /** Takes a message of the call. Returns false for a retransmission. */
  take(message: SipMessage, hop: Hop): boolean {
    this.#lastMs = hop.timeMs;
    if (this.#seen.hasSeen(message, hop)) {
      this.#retransmissions++;
      return false;
    }
    if (message.status === undefined) this.#onRequest(message, hop);
    else if (message.method === 'INVITE') this.#onInviteResponse(message, message.status, hop);
    else this.#onOtherResponse(message, message.status, hop);
    return true;
  }

  /** Ends it for a reason that no message tells. What messages told before stays. */
  giveUp(reason: 'timeout' | 'evicted' | 'shutdown', timeMs: number): void {
    if (this.#state === 'over') return;
    if (this.#endReason === undefined && this.#isCancelled && this.#acceptedMs === undefined) {
      this.#conclude('cancelled', 'caller', this.#lastMs);
    }
    if (this.#endReason === undefined) {
      this.#endReason = reason;
      if (reason === 'timeout') this.recorder.session.fail('timeout', 'nothing more was heard of the call');
    }
    this.#finish(Math.max(timeMs, this.#lastMs));
  }

  /** A measurement of its media: an event; the worst one is said again when the call ends. */
  takeQuality(timeMs: number, payload: Payload, attributes: Attributes): void {
    this.recorder.conclusion('sip_media_quality', timeMs, payload, attributes);
    const worst = Number(this.#worstQuality[CALL_QUALITY_MOS_ESTIMATED] ?? Number.POSITIVE_INFINITY);
    if (Number(attributes[CALL_QUALITY_MOS_ESTIMATED]) < worst) this.#worstQuality = attributes;
  }

  /** Whether an invitation that comes when the call is over is a new call with the same ids, and no straggler. */
  isNew(invite: SipMessage, hop: Hop): boolean {
    return !this.#seen.knows(invite, hop) && this.#invites.isNewer(invite);
  }

  #onRequest(message: SipMessage, hop: Hop): void {
    if (message.method === 'INVITE' && message.to.tag === undefined) {
      this.#invites.open(message, hop);
      // Another attempt, after a challenge or a refusal that did not end it.
      if (this.#state === 'challenged' || (this.#state === 'closing' && this.#acceptedMs === undefined)) this.#reopen();
      this.recorder.message(eventNameOfRequest(message, hop, false), message, hop);
      return;
    }
    if (message.method === 'ACK') this.#onAck(message, hop);
    else if (message.method === 'BYE') this.#onBye(message, hop);
    else this.#onOtherRequest(message, hop);
  }

  #onOtherRequest(message: SipMessage, hop: Hop): void {
    if (message.method === 'INVITE') this.#invites.openReinvite(message, hop);
    if (message.method === 'CANCEL') this.#onCancel(message);
    const extra = message.referTo === undefined ? undefined : { referTo: this.recorder.names.name(message.referTo) };
    this.recorder.message(eventNameOfRequest(message, hop, true), message, hop, extra);
  }

  /** A proxy cancels the forks that it gave up (§16.7); only the caller's own CANCEL cancels the call. */
  #onCancel(message: SipMessage): void {
    const invite = this.#invites.of(message);
    if (invite === undefined || this.#invites.isRoot(invite)) this.#isCancelled = true;
  }

  #onAck(message: SipMessage, hop: Hop): void {
    const invite = this.#invites.of(message);
    if (invite?.hasFailed === true) {
      this.recorder.message('sip_failure_acked', message, hop);
      if (this.#state === 'closing' && this.#invites.isRoot(invite)) this.#finish(hop.timeMs);
      return;
    }
    this.recorder.message(eventNameOfRequest(message, hop, true), message, hop);
    if (!this.#legs.establish(message.to.tag ?? '')) return;
    const { audioCodec } = this.recorder;
    this.recorder.conclusion('sip_dialog_established', hop.timeMs, {
      audio_codec: audioCodec,
      media_active: audioCodec !== undefined,
      to_tag: message.to.tag,
    });
  }

  #onBye(message: SipMessage, hop: Hop): void {
    const isLast = this.#legs.hangUp(message.to.tag ?? '', message.from.tag ?? '');
    const seconds = this.#acceptedMs === undefined ? undefined : Math.floor((hop.timeMs - this.#acceptedMs) / 1000);
    const extra = seconds === undefined ? undefined : { durationSeconds: Math.max(0, seconds) };
    this.recorder.message(eventNameOfRequest(message, hop, true), message, hop, extra);
    if (!isLast) return;
    this.#byeBranch ??= detached(message.branch);
    if (this.#endReason !== undefined) return;
    this.#conclude('hangup', (message.from.tag ?? '') === this.callerTag ? 'caller' : 'callee', hop.timeMs);
    this.#state = 'closing';
  }

  #onInviteResponse(message: SipMessage, status: number, hop: Hop): void {
    const invite = this.#invites.of(message);
    const isWithinDialog = invite === undefined ? this.#acceptedMs !== undefined : invite.isReinvite;
    if (invite !== undefined && status >= 300) invite.hasFailed = true;
    // A refused re-INVITE changes nothing: the call goes on as it was (RFC 3261 §14.1).
    if (isWithinDialog) this.recorder.message('sip_response', message, hop);
    else if (status >= 300) this.#onRefused(message, status, hop, invite);
    else if (status >= 200) this.#onAccepted(message, status, hop);
    else {
      if (status > 100 && message.to.tag !== undefined) this.#legs.ring(message.to.tag);
      this.recorder.message(eventNameOfProvisional(status), message, hop);
    }
  }

  #onRefused(message: SipMessage, status: number, hop: Hop, invite: InviteTransaction | undefined): void {
    const isChallenge = status === 401 || status === 407;
    const isError = status >= 400 && status !== 487 && !isChallenge;
    this.recorder.message(
      eventNameOfFinal(status),
      message,
      hop,
      isError ? { errorType: String(status), message: this.recorder.names.freeText(message.reason) } : undefined,
    );
    if (this.#acceptedMs !== undefined || this.#state === 'over') return;
    const isRoot = invite === undefined || this.#invites.isRoot(invite);
    if (!isRoot) return;
    this.#lastCode = String(status);
    if (isChallenge) this.#challenges++;
    if (!this.#invites.hasOpenRoot) this.#refuse(status, isChallenge, hop.timeMs);
  }

  #onAccepted(message: SipMessage, status: number, hop: Hop): void {
    this.#legs.accept(message.to.tag ?? '');
    if (this.#acceptedMs === undefined) {
      this.#acceptedMs = hop.timeMs;
      this.#lastCode = String(status);
      if (this.#state !== 'over') this.#reopen('accepted');
    }
    this.recorder.message('sip_200_ok', message, hop);
  }

  #onOtherResponse(message: SipMessage, status: number, hop: Hop): void {
    const isBye = message.method === 'BYE';
    this.recorder.message('sip_response', message, hop);
    if (!isBye || status < 200 || message.branch !== this.#byeBranch || this.#state !== 'closing') return;
    // A challenged BYE is sent again; whatever else is said to it, the sender has left (§15.1.1).
    if (status === 401 || status === 407) this.#byeBranch = undefined;
    else this.#finish(hop.timeMs);
  }

  #refuse(status: number, isChallenge: boolean, timeMs: number): void {
    if (status === 487 || this.#isCancelled) this.#conclude('cancelled', 'caller', timeMs);
    else this.#conclude(endReasonOf(status), 'callee', timeMs);
    this.#state = isChallenge ? 'challenged' : 'closing';
  }

  #conclude(reason: CallEndReason, party: 'caller' | 'callee', timeMs: number): void {
    this.#endReason = reason;
    this.#hangupParty = party;
    this.#endedMs = timeMs;
  }

  #reopen(state: 'inviting' | 'accepted' = 'inviting'): void {
    this.#state = state;
    this.#endReason = undefined;
    this.#hangupParty = undefined;
    this.#endedMs = undefined;
  }

  #finish(timeMs: number): void {
    this.#state = 'over';
    if (this.#endReason === 'busy' || this.#endReason === 'declined' || this.#endReason === 'failed') {
      this.recorder.session.fail(this.#lastCode ?? 'failed');
    }
    const setup = this.#acceptedMs === undefined ? undefined : this.#acceptedMs - this.#startMs;
    const isHungUp = this.#acceptedMs !== undefined && this.#endedMs !== undefined;
    const duration = isHungUp ? this.#endedMs! - this.#acceptedMs! : undefined;
    this.recorder.end(
      {
        ...this.#worstQuality,
        ...(this.#endReason === undefined ? {} : { [CALL_END_REASON]: this.#endReason }),
        ...(this.#hangupParty === undefined ? {} : { [CALL_HANGUP_PARTY]: this.#hangupParty }),
        ...(this.#lastCode === undefined ? {} : { [CALL_LAST_CODE]: this.#lastCode }),
        ...(setup === undefined ? {} : { [CALL_SETUP_TIME_MS]: Math.max(0, setup) }),
        ...(duration === undefined ? {} : { [CALL_DURATION_MS]: Math.max(0, duration) }),
        [SIP_RETRANSMISSIONS]: this.#retransmissions,
        [SIP_CHALLENGES]: this.#challenges,
        [SIP_FORKS]: this.#legs.size,
      },
      // Captures of several processes do not agree to the microsecond.
      Math.max(timeMs, this.#startMs),
    );
  }
}

function endReasonOf(status: number): CallEndReason {
  if (status < 400) return 'redirected';
  if (status === 486 || status === 600) return 'busy';
  return status === 603 ? 'declined' : 'failed';
}
