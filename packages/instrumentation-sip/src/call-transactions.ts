/**
 * The INVITE transactions of a call (RFC 3261 §17): which answer belongs to which invitation, and whether a refusal is
 * the end or only one fork's. The first invitation seen is the one nearest to the caller; copies that a proxy forwards
 * have other senders.
 */
import { detached } from './detached-text.js';
import type { Hop } from './observation.js';
import type { SipMessage } from './sip-message.js';

/** An INVITE on one hop. */
export interface InviteTransaction {
  readonly cseq: number;
  readonly branch: string;
  readonly isReinvite: boolean;
  /** Who sent it: a column of the ladder. */
  readonly sender: string;
  /** A final answer other than 2xx came. */
  hasFailed: boolean;
}

const MAX_TRANSACTIONS = 32;

/** Bounded: the oldest goes. */
export class CallTransactions {
  readonly #invites: InviteTransaction[] = [];
  #rootSender = '';
  #lastCseq = -1;

  /** An INVITE that opens the dialog (again, after a challenge or a redirection). */
  open(message: SipMessage, hop: Hop): InviteTransaction {
    if (message.cseq > this.#lastCseq) {
      this.#lastCseq = message.cseq;
      this.#rootSender = hop.from;
    }
    return this.#add(message, hop, false);
  }

  /** Whether an INVITE is a later attempt than all that were seen. */
  isNewer(message: SipMessage): boolean {
    return message.cseq > this.#lastCseq;
  }

  /** An INVITE within the dialog. */
  openReinvite(message: SipMessage, hop: Hop): void {
    this.#add(message, hop, true);
  }

  /**
   * The INVITE that a response, a CANCEL or the ACK of a refusal belongs to: all have its branch and number (§9.1,
   * §17.1.1.3).
   */
  of({ cseq, branch }: SipMessage): InviteTransaction | undefined {
    return this.#invites.find((invite) => invite.cseq === cseq && invite.branch === branch);
  }

  /** Whether it came from the caller, or from what is nearest to the caller. */
  isRoot(invite: InviteTransaction): boolean {
    return !invite.isReinvite && invite.sender === this.#rootSender;
  }

  /** Whether an invitation of the caller still waits for its final answer. */
  get hasOpenRoot(): boolean {
    return this.#invites.some((invite) => this.isRoot(invite) && !invite.hasFailed);
  }

  #add({ cseq, branch }: SipMessage, hop: Hop, isReinvite: boolean): InviteTransaction {
    const invite = { cseq, branch: detached(branch), isReinvite, sender: hop.from, hasFailed: false };
    if (this.#invites.push(invite) > MAX_TRANSACTIONS) this.#invites.shift();
    return invite;
  }
}
