/**
 * Offers and answers, found by looking at the two descriptions whenever something happened. Stacks tell of a change late, twice
 * or after the next one, so states are a hint and the descriptions are what counts (RFC 9429 §3.5, §4.1).
 */
import type { ConnectionEvents } from './connection-events.js';
import { type Description, describe, descriptionPayload } from './description.js';
import { EVENT_ANSWER_CREATED, EVENT_ANSWER_RECEIVED, EVENT_OFFER_CREATED, EVENT_OFFER_RECEIVED } from './names.js';
import type { PeerConnectionLike } from './peer-connection.js';

type Side = 'local' | 'remote';

const OFFER_EVENTS: Readonly<Record<Side, string>> = { local: EVENT_OFFER_CREATED, remote: EVENT_OFFER_RECEIVED };
const ANSWER_EVENTS: Readonly<Record<Side, string>> = { local: EVENT_ANSWER_CREATED, remote: EVENT_ANSWER_RECEIVED };

/** Follows the negotiation of one connection. */
export class Negotiation {
  readonly #events: ConnectionEvents;
  readonly #lastOffers: Partial<Record<Side, string>> = {};
  /** The offers that were answered: one that is rolled back makes room for them again. */
  readonly #answered: Partial<Record<Side, string>> = {};
  #pending: { readonly side: Side; readonly identity: string } | undefined;
  #state = '';
  /** When the first offer was seen, in `elapsedMs`. */
  firstOfferMs: number | undefined;

  constructor(events: ConnectionEvents) {
    this.#events = events;
  }

  /** No offer was seen yet, or one without an answer: something may have been missed. */
  get isOpen(): boolean {
    return this.firstOfferMs === undefined || this.#pending !== undefined;
  }

  /** Looks at the descriptions and records what is new. */
  look(pc: PeerConnectionLike): void {
    const state = pc.signalingState;
    if (state === 'closed') return;
    const before = this.#state;
    this.#state = state;
    const descriptions = { local: describe(pc.localDescription), remote: describe(pc.remoteDescription) };
    for (const side of ['local', 'remote'] as const) {
      const offer = descriptions[side];
      if (offer?.type !== 'offer') continue;
      const isRepeated = state === `have-${side}-offer` && before !== state;
      const isKnown = offer.identity === this.#lastOffers[side] || offer.identity === this.#answered[side];
      if (!isKnown || isRepeated) this.#offer(side, offer);
    }
    if (state === 'stable' && this.#pending !== undefined) this.#settle(this.#pending, descriptions);
  }

  #offer(side: Side, { facts, identity }: Description): void {
    this.#lastOffers[side] = identity;
    this.#pending = { side, identity };
    this.firstOfferMs ??= this.#events.elapsedMs;
    this.#events.record(OFFER_EVENTS[side], descriptionPayload('offer', facts()), {
      arrow: { from: side, label: 'SDP offer' },
    });
  }

  /** Stable again: the offer was answered, or it was rolled back and is gone. */
  #settle(
    offer: { readonly side: Side; readonly identity: string },
    descriptions: Readonly<Record<Side, Description | undefined>>,
  ): void {
    const answering = offer.side === 'local' ? 'remote' : 'local';
    const answer = descriptions[answering];
    const isRolledBack = descriptions[offer.side]?.identity !== offer.identity;
    // Stable, and no answer yet: it is looked for again.
    if (!isRolledBack && answer?.type !== 'answer') return;
    this.#pending = undefined;
    if (isRolledBack || answer === undefined) return;
    this.#answered[offer.side] = offer.identity;
    this.#events.record(ANSWER_EVENTS[answering], descriptionPayload('answer', answer.facts()), {
      arrow: { from: answering, label: 'SDP answer' },
    });
  }
}
