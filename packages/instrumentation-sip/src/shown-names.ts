/** Names on their way into a record: as they are, or as pseudonyms. What the wire may write freely is then left out. */
import { endpointText, type Hop, type SipObservation, timeOrNow } from './observation.js';
import type { SipEndpoint, SipMessage } from './sip-message.js';

/** Decides how names appear in every span of an observer. */
export class ShownNames {
  readonly #pseudonym: ((name: string) => string) | undefined;
  /** Most sources have the same two ends for every message. */
  readonly #columns = new WeakMap<SipEndpoint, string>();

  /** @param pseudonym see `pseudonymiser` of `@infrafabric/events`; absent: names are recorded as they are */
  constructor(pseudonym: ((name: string) => string) | undefined) {
    this.#pseudonym = pseudonym;
  }

  /** A URI, a Call-ID, a tag. */
  name(name: string): string {
    return this.#pseudonym === undefined || name === '' ? name : this.#pseudonym(name);
  }

  /** Free text of the peer (reason phrase, product name): it may hold a name, so pseudonymous records have none. */
  freeText(text: string | undefined): string | undefined {
    return this.#pseudonym === undefined ? text : undefined;
  }

  /** E.g. `INVITE`, `180 Ringing`; a status alone in pseudonymous records. */
  label(message: SipMessage): string {
    if (message.status === undefined) return message.method;
    const reason = this.freeText(message.reason);
    return reason === undefined || reason === '' ? String(message.status) : `${message.status} ${reason}`;
  }

  /** An observation with its names and its time settled. */
  hop(observation: SipObservation): Hop {
    const { direction, transport, peer } = observation;
    const here = this.#endpoint(observation.local, 'local');
    const there = this.#endpoint(peer, 'remote');
    return {
      direction,
      transport,
      from: direction === 'received' ? there : here,
      to: direction === 'received' ? here : there,
      peer: peer === undefined || this.#pseudonym === undefined ? peer : { address: this.#pseudonym(peer.address) },
      timeMs: timeOrNow(observation.time),
    };
  }

  #endpoint(endpoint: SipEndpoint | undefined, fallback: string): string {
    if (endpoint === undefined) return fallback;
    let text = this.#columns.get(endpoint);
    if (text === undefined) {
      text = this.name(endpointText(endpoint));
      this.#columns.set(endpoint, text);
    }
    return text;
  }
}
