/**
 * A SIP call told by hand, step by step: for stacks that nothing here watches, and for who wants to decide what is
 * recorded. The methods, payloads, tokens and costs are the guide's SIPWitnessIntegration's; each returns the event's
 * hash.
 */
import {
  businessIdsOf,
  EventRecorder,
  newFlowId,
  type Payload,
  type Session,
  withBusinessIds,
} from '@infrafabric/events';
import { sha256Hex, utf8Of } from '@infrafabric/format';
import { type Context, context, SpanKind, type TracerProvider } from '@opentelemetry/api';
import {
  CALL_DIRECTION,
  CALL_DURATION_MS,
  CALL_END_REASON,
  CALL_HANGUP_PARTY,
  CALL_LADDER_FROM,
  CALL_LADDER_LABEL,
  CALL_LADDER_TO,
  CALL_LAST_CODE,
  CALL_SETUP_TIME_MS,
  SIP_CALL_ID,
  SIP_EVENTS,
  SIP_FROM,
  SIP_LAST_EVENT_HASH,
  SIP_TO,
} from './call-attributes.js';
import { CallChain, verifyCallChain } from './call-chain.js';
import type { CallLedger } from './call-ledger.js';
import { canonicalPayload } from './canonical-payload.js';
import { GUIDE_USAGE } from './guide-usage.js';
import { plainUri } from './header-values.js';
import { SIP_COMPONENT, SIP_SCOPE } from './scope.js';

/** Who calls whom. */
export interface SipWitnessOptions {
  /** E.g. `sip:alice@example.com`. */
  readonly localUri: string;
  /** E.g. `sip:bob@example.com`. */
  readonly remoteUri: string;
  /** Business trace id. Default: of the active context, else `sip-call-` and twelve hex digits. */
  readonly traceId?: string | undefined;
  /** The call's Call-ID, if there is a real one. Default: `call-` and twelve hex digits. */
  readonly callId?: string | undefined;
  /** For `exportCallLog`, and asked by `verifyCallIntegrity`. */
  readonly ledger?: CallLedger | undefined;
  /** Makes pseudonyms of the URIs and the Call-ID, e.g. `pseudonymiser(key)`. */
  readonly pseudonym?: ((name: string) => string) | undefined;
  readonly tracerProvider?: TracerProvider | undefined;
}

type Step = keyof typeof GUIDE_USAGE;

/** One call, from the caller's side. Every method takes a business trace id for its own event; default: the call's. */
export class SipWitness {
  /** Business trace id of the call. */
  readonly traceId: string;
  /** Call-ID, as recorded. */
  readonly callId: string;
  readonly #localUri: string;
  readonly #remoteUri: string;
  readonly #ledger: CallLedger | undefined;
  readonly #recorder: EventRecorder;
  readonly #session: Session;
  readonly #chain = new CallChain();
  readonly #payloads: Payload[] = [];
  #invitedMs: number | undefined;
  #acceptedMs: number | undefined;

  /** Begins the call's span. */
  constructor(options: SipWitnessOptions) {
    const shown = options.pseudonym ?? ((name: string) => name);
    this.#localUri = shown(plainUri(options.localUri));
    this.#remoteUri = shown(plainUri(options.remoteUri));
    this.callId = shown(options.callId ?? newFlowId('call'));
    this.#ledger = options.ledger;
    this.#recorder = new EventRecorder({
      scope: SIP_SCOPE,
      component: SIP_COMPONENT,
      tracerProvider: options.tracerProvider,
    });
    const { traceId, parent } = placeOf(options.traceId);
    this.traceId = traceId;
    this.#session = this.#recorder.startSession(
      {
        name: 'sip.call',
        kind: SpanKind.CLIENT,
        attributes: {
          [SIP_CALL_ID]: this.callId,
          [SIP_FROM]: this.#localUri,
          [SIP_TO]: this.#remoteUri,
          [CALL_DIRECTION]: 'outgoing',
          'network.protocol.name': 'sip',
        },
      },
      parent,
    );
  }

  /** The call's span is active in it: for spans that belong to the call. */
  get context(): Context {
    return this.#session.context;
  }

  /** INVITE sent. @param sdpOffer recorded as its SHA-256 */
  sendInvite(sdpOffer: string, traceId?: string): string {
    this.#invitedMs ??= Date.now();
    const payload = { local_uri: this.#localUri, cseq: 1, sdp_offer_hash: sha256Hex(utf8Of(sdpOffer)) };
    return this.#step('sip_invite_sent', payload, ['local', 'INVITE'], traceId);
  }

  /** 100 Trying received. */
  receive100Trying(traceId?: string): string {
    return this.#step('sip_100_trying', {}, ['remote', '100 Trying'], traceId);
  }

  /** 180 Ringing received. */
  receive180Ringing(traceId?: string): string {
    return this.#step('sip_180_ringing', {}, ['remote', '180 Ringing'], traceId);
  }

  /** 200 OK received: the call was accepted. @param sdpAnswer recorded as its SHA-256 */
  receive200Ok(sdpAnswer: string, traceId?: string): string {
    this.#acceptedMs ??= Date.now();
    const payload = { sdp_answer_hash: sha256Hex(utf8Of(sdpAnswer)) };
    return this.#step('sip_200_ok', payload, ['remote', '200 OK'], traceId);
  }

  /** ACK sent. */
  sendAck(traceId?: string): string {
    return this.#step('sip_ack_sent', {}, ['local', 'ACK'], traceId);
  }

  /** Media flows. @param audioCodec default: `G.711`, as the guide's */
  dialogEstablished(audioCodec = 'G.711', traceId?: string): string {
    const payload = { local_uri: this.#localUri, audio_codec: audioCodec, media_active: true };
    return this.#step('sip_dialog_established', payload, undefined, traceId);
  }

  /** BYE sent; ends the call's span. @param callDurationSeconds as the caller measured it */
  sendBye(callDurationSeconds: number, traceId?: string): string {
    const hash = this.#step('sip_bye_sent', { duration_seconds: callDurationSeconds }, ['local', 'BYE'], traceId);
    const durationMs = Math.round(callDurationSeconds * 1_000);
    this.#end({
      [CALL_END_REASON]: 'hangup',
      [CALL_HANGUP_PARTY]: 'caller',
      ...(Number.isFinite(durationMs) ? { [CALL_DURATION_MS]: durationMs } : {}),
    });
    return hash;
  }

  /**
   * Has the ledger write the entries of the call's trace into a file. Flush the SDK first.
   * @param outputPath default: `sip-call-` and the Call-ID, `.json`
   * @returns the path
   * @throws TypeError when the call was made without a ledger, and whatever the ledger throws
   */
  async exportCallLog(outputPath?: string, traceId: string = this.traceId): Promise<string> {
    if (this.#ledger === undefined) throw new TypeError('exportCallLog needs a ledger: give one to the constructor');
    const path = outputPath ?? `sip-call-${this.callId.replace(/[^\w.-]/g, '_')}.json`;
    await this.#ledger.exportTrace(traceId, path);
    return path;
  }

  /**
   * Recomputes the hash chain of the events so far, asks the ledger to verify itself if there is one, and records the
   * answer as `sip_hash_verified`. A ledger that cannot answer is a no.
   */
  async verifyCallIntegrity(traceId?: string): Promise<boolean> {
    const report = verifyCallChain(this.#payloads);
    const ledgerVerified = await this.#askLedger();
    const isVerified = report.isIntact && ledgerVerified !== false;
    const payload = { verified: isVerified, events: report.events, ledger_verified: ledgerVerified };
    this.#record('sip_hash_verified', payload, undefined, traceId);
    return isVerified;
  }

  /** Ends the call's span if no BYE did. */
  close(): void {
    this.#end({ [CALL_END_REASON]: 'shutdown' });
  }

  async #askLedger(): Promise<boolean | undefined> {
    try {
      return await this.#ledger?.verify();
    } catch {
      return false;
    }
  }

  #step(step: Step, payload: Payload, arrow: Arrow | undefined, traceId: string | undefined): string {
    return this.#record(step, payload, arrow, traceId);
  }

  #record(name: string, own: Payload, arrow: Arrow | undefined, traceId: string | undefined): string {
    const timeMs = Date.now();
    const payload = {
      remote_uri: this.#remoteUri,
      call_id: this.callId,
      ...own,
      timestamp: new Date(timeMs).toISOString(),
    };
    const links = this.#chain.append(canonicalPayload(payload));
    const linked = { ...payload, ...links };
    this.#payloads.push(linked);
    const { context: parent } = this.#session;
    const usage = Object.hasOwn(GUIDE_USAGE, name) ? GUIDE_USAGE[name as Step] : undefined;
    this.#recorder.record(
      {
        name,
        payload: linked,
        usage,
        startTime: timeMs,
        attributes: {
          [SIP_CALL_ID]: this.callId,
          ...(arrow === undefined ? {} : this.#arrowAttributes(arrow)),
        },
      },
      traceId === undefined ? parent : withBusinessIds({ traceId }, parent),
    );
    return links.event_hash;
  }

  #arrowAttributes([sender, label]: Arrow): Record<string, string> {
    const [from, to] = sender === 'local' ? [this.#localUri, this.#remoteUri] : [this.#remoteUri, this.#localUri];
    return { [CALL_LADDER_FROM]: from, [CALL_LADDER_TO]: to, [CALL_LADDER_LABEL]: label };
  }

  #end(attributes: Record<string, string | number>): void {
    const { lastEventHash, length } = this.#chain;
    const isAccepted = this.#acceptedMs !== undefined;
    this.#session.end({
      ...attributes,
      ...(isAccepted ? { [CALL_LAST_CODE]: '200' } : {}),
      ...(isAccepted && this.#invitedMs !== undefined
        ? { [CALL_SETUP_TIME_MS]: this.#acceptedMs! - this.#invitedMs }
        : {}),
      [SIP_EVENTS]: length,
      ...(lastEventHash === undefined ? {} : { [SIP_LAST_EVENT_HASH]: lastEventHash }),
    });
  }
}

/** Who sends, and what is written on the arrow. */
type Arrow = readonly [sender: 'local' | 'remote', label: string];

function placeOf(given: string | undefined): { readonly traceId: string; readonly parent: Context } {
  const active = context.active();
  const traceId = given ?? businessIdsOf(active).traceId ?? newFlowId('sip-call');
  return { traceId, parent: withBusinessIds({ traceId }, active) };
}
