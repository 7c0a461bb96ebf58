/** Requests that wait for their answers. Bounded; an answered one is kept for a while, so that a second answer is known. */
import type { CallSide, Occurrence } from '../calls/observation.js';
import type { RasMessage } from './codec.js';

/** One request. */
export interface PendingRequest {
  readonly key: string;
  readonly message: RasMessage;
  readonly at: Occurrence;
  readonly side: CallSide | undefined;
  /** The octets or their hash, to tell a retransmission from another request of the same number. */
  readonly fingerprint: string;
  retransmissions: number;
  /** Until then an answer is waited for. */
  deadlineMs: number;
  isAnswered: boolean;
}

const MAX_PENDING = 10_000;

/** The table. */
export class PendingRequests {
  readonly #requests = new Map<string, PendingRequest>();

  get(key: string): PendingRequest | undefined {
    return this.#requests.get(key);
  }

  /** @returns the requests that make room, unanswered ones only */
  add(request: PendingRequest): readonly PendingRequest[] {
    const removed: PendingRequest[] = [];
    const before = this.#requests.get(request.key);
    if (before !== undefined) {
      this.#requests.delete(request.key);
      removed.push(before);
    }
    this.#requests.set(request.key, request);
    const [oldest] = this.#requests.values();
    if (this.#requests.size > MAX_PENDING && oldest !== undefined) {
      this.#requests.delete(oldest.key);
      removed.push(oldest);
    }
    return removed.filter(({ isAnswered }) => !isAnswered);
  }

  /** Removes what is past its deadline. @returns the unanswered ones */
  expired(nowMs: number): readonly PendingRequest[] {
    const expired: PendingRequest[] = [];
    for (const request of this.#requests.values()) {
      if (nowMs <= request.deadlineMs) continue;
      this.#requests.delete(request.key);
      if (!request.isAnswered) expired.push(request);
    }
    return expired;
  }

  /** How many wait. */
  get waiting(): number {
    let count = 0;
    for (const { isAnswered } of this.#requests.values()) if (!isAnswered) count++;
    return count;
  }
}
