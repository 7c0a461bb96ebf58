/**
 * ICE candidates of this end, summed up when gathering is over. Stacks tell the end as a state, as a `null` candidate, as an
 * undefined one, or not at all, and some tell it before the last candidate: what the local description lists is counted too.
 */
import type { Payload } from '@infrafabric/events';
import { CandidateTally, parseCandidate } from './candidates.js';
import type { ConnectionEvents } from './connection-events.js';
import { sdpFacts } from './description.js';
import { EVENT_CANDIDATE_GATHERED, EVENT_CANDIDATES_GATHERED } from './names.js';
import { member, numberMember, type PeerConnectionLike, textMember } from './peer-connection.js';

/** How candidates are recorded. */
export interface GatheringOptions {
  /** Also record each candidate. */
  readonly eachCandidate: boolean;
  readonly pseudonym: (name: string) => string;
}

/** Candidates recorded one by one, per connection. */
const MAX_RECORDED = 256;

/** Follows the gathering of one connection. */
export class Gathering {
  readonly #events: ConnectionEvents;
  readonly #options: GatheringOptions;
  #tally = new CandidateTally();
  #isOpen = false;
  /** Candidates of this round that a summary has counted. */
  #said = 0;
  #errors = 0;
  #lastErrorCode: number | undefined;
  // The description may have listed a candidate before its event came.
  readonly #recorded = new CandidateTally();

  constructor(events: ConnectionEvents, options: GatheringOptions) {
    this.#events = events;
    this.#options = options;
  }

  /** `icegatheringstatechange`. */
  onState(pc: PeerConnectionLike): void {
    if (pc.iceGatheringState === 'gathering') this.#open();
    if (pc.iceGatheringState === 'complete') this.#complete(pc);
  }

  /** `icecandidate`. */
  onCandidate(event: unknown, pc: PeerConnectionLike): void {
    const text = textMember(member(event, 'candidate'), 'candidate', 2_048);
    const candidate = text === undefined ? undefined : parseCandidate(text);
    if (candidate === undefined) {
      // An end that comes while the state still says `gathering` may be one component's: the state's own end follows.
      if (pc.iceGatheringState === 'complete') this.#complete(pc);
      return;
    }
    if (pc.iceGatheringState === 'gathering') this.#open();
    this.#tally.add(candidate);
    if (!this.#options.eachCandidate || this.#recorded.total >= MAX_RECORDED || !this.#recorded.add(candidate)) return;
    this.#events.record(EVENT_CANDIDATE_GATHERED, {
      candidate_type: candidate.type,
      protocol: candidate.protocol,
      address: this.#options.pseudonym(candidate.address),
      port: candidate.port,
      priority: candidate.priority,
    });
  }

  /** `icecandidateerror`: mostly a STUN server that did not answer, which need not matter. */
  onError(event: unknown): void {
    this.#errors += 1;
    this.#lastErrorCode = numberMember(event, 'errorCode') ?? this.#lastErrorCode;
  }

  /** The connection ends: what was gathered so far is said, as not complete. */
  end(atMs: number): void {
    if (this.#isOpen && this.#tally.total > 0) this.#record({ gathering_complete: false }, atMs);
  }

  #open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    // An ICE restart gathers anew.
    if (this.#said > 0) this.#tally = new CandidateTally();
    this.#said = 0;
  }

  #complete(pc: PeerConnectionLike): void {
    const sdp = textMember(pc.localDescription, 'sdp', 1 << 20);
    if (sdp !== undefined) this.#tally.addFromSdp(sdp);
    if (!this.#isOpen && this.#tally.total <= this.#said) return;
    this.#record(sdp ? { description_hash: sdpFacts(sdp).hash } : {}, this.#events.nowMs);
  }

  #record(more: Payload, atMs: number): void {
    this.#events.record(
      EVENT_CANDIDATES_GATHERED,
      {
        total_candidates: this.#tally.total,
        candidate_types: this.#tally.byType(),
        gathering_time_ms: Math.round(atMs - this.#events.startMs),
        ...(this.#errors > 0 ? { candidate_errors: this.#errors, last_error_code: this.#lastErrorCode } : {}),
        ...more,
      },
      { atMs },
    );
    this.#isOpen = false;
    this.#said = this.#tally.total;
    this.#errors = 0;
  }
}
