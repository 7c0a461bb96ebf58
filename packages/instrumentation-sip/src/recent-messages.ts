/** Which messages of a call were seen lately, to know a retransmission (RFC 3261 §17) from a message. Bounded. */
import type { Hop } from './observation.js';
import type { SipMessage } from './sip-message.js';

const MAX_REMEMBERED = 64;
const MAX_COLUMNS = 16;

/** The last {@link MAX_REMEMBERED} messages. */
export class RecentMessages {
  readonly #seen = new Set<string>();
  /** Columns of the ladder by number: shorter than their names in every key. */
  readonly #columns: string[] = [];

  /** Whether the same message took the same hop before; remembers it. */
  hasSeen(message: SipMessage, hop: Hop): boolean {
    const key = this.#identityOf(message, hop);
    if (this.#seen.has(key)) return true;
    this.#seen.add(key);
    if (this.#seen.size > MAX_REMEMBERED) {
      for (const oldest of this.#seen) {
        this.#seen.delete(oldest);
        break;
      }
    }
    return false;
  }

  /** Whether it was seen; does not remember it. */
  knows(message: SipMessage, hop: Hop): boolean {
    return this.#seen.has(this.#identityOf(message, hop));
  }

  /**
   * Branch, method and status name a message within its transaction, the To tag the fork that answers, CSeq the
   * transaction where there is no branch. The hop keeps a copy that a proxy forwards apart: it is another arrow. Both
   * ends in one process are two sights.
   */
  #identityOf(message: SipMessage, hop: Hop): string {
    const { status, method, cseq, branch, to } = message;
    const way =
      hop.direction === 'passing'
        ? `${this.#column(hop.from)} ${this.#column(hop.to)}`
        : hop.direction === 'sent'
          ? '>'
          : '<';
    return status === undefined
      ? `${method} ${cseq} ${branch} ${way}`
      : `${status} ${method} ${cseq} ${branch} ${to.tag} ${way}`;
  }

  #column(name: string): number | string {
    const known = this.#columns.indexOf(name);
    if (known >= 0) return known;
    return this.#columns.length < MAX_COLUMNS ? this.#columns.push(name) - 1 : name;
  }
}
