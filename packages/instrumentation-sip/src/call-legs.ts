/** The dialogs of one call: a To tag for each place that answered (RFC 3261 §12, §19.3). Bounded. */

import { detached } from './detached-text.js';

const MAX_LEGS = 32;

interface Leg {
  readonly tag: string;
  state: 'early' | 'accepted' | 'established' | 'over';
}

/** Forks of a call by To tag: nearly always one. */
export class CallLegs {
  readonly #legs: Leg[] = [];

  /** Places that answered. */
  get size(): number {
    return this.#legs.length;
  }

  /** A provisional answer. */
  ring(tag: string): void {
    this.#leg(tag);
  }

  /** A 2xx. */
  accept(tag: string): void {
    const leg = this.#leg(tag);
    if (leg?.state === 'early') leg.state = 'accepted';
  }

  /** An ACK of a 2xx. Returns whether it is the first one. */
  establish(tag: string): boolean {
    const leg = this.#legs.find((other) => other.tag === tag);
    if (leg?.state !== 'accepted') return false;
    leg.state = 'established';
    return true;
  }

  /** A BYE of either side. Returns whether no accepted leg is left. */
  hangUp(oneTag: string, otherTag: string): boolean {
    let isOver = true;
    for (const leg of this.#legs) {
      if (leg.tag === oneTag || leg.tag === otherTag) leg.state = 'over';
      if (leg.state === 'accepted' || leg.state === 'established') isOver = false;
    }
    return isOver;
  }

  #leg(tag: string): Leg | undefined {
    let leg = this.#legs.find((other) => other.tag === tag);
    if (leg === undefined && this.#legs.length < MAX_LEGS) {
      leg = { tag: detached(tag), state: 'early' };
      this.#legs.push(leg);
    }
    return leg;
  }
}
