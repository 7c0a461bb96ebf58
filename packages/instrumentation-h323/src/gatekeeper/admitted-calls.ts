/** Calls that the small gatekeeper has admitted, and their bandwidth. */
import type { AdmissionRequest } from '../ras/messages-call.js';

/** One endpoint's part in a call. */
export interface AdmittedSide {
  readonly endpointId: string;
  readonly request: AdmissionRequest;
  readonly bandwidthBps: number;
}

const MAX_CALLS = 10_000;

/** The table. */
export class AdmittedCalls {
  readonly #calls = new Map<string, Map<string, AdmittedSide>>();

  get size(): number {
    return this.#calls.size;
  }

  /** Admits a side, or changes its bandwidth. @returns whether there is room */
  admit(callId: string, endpointId: string, request: AdmissionRequest, bandwidthBps: number): boolean {
    const sides = this.#calls.get(callId) ?? new Map<string, AdmittedSide>();
    if (sides.size === 0 && this.#calls.size >= MAX_CALLS) return false;
    sides.set(keyOf(endpointId, request.answerCall), { endpointId, request, bandwidthBps });
    this.#calls.set(callId, sides);
    return true;
  }

  sidesOf(callId: string): readonly AdmittedSide[] {
    return [...(this.#calls.get(callId)?.values() ?? [])];
  }

  /** A side has left; without saying which, all sides of that endpoint have. */
  leave(callId: string, endpointId: string, isAnswering: boolean | undefined): void {
    const sides = this.#calls.get(callId);
    if (sides === undefined) return;
    for (const side of isAnswering === undefined ? [false, true] : [isAnswering]) sides.delete(keyOf(endpointId, side));
    if (sides.size === 0) this.#calls.delete(callId);
  }

  /** Bandwidth of the other calls, bit/s; of a call the larger of its sides counts, since both name the same media. */
  bandwidthWithout(callId: string): number {
    let sum = 0;
    for (const [id, sides] of this.#calls) {
      if (id !== callId) sum += Math.max(...[...sides.values()].map(({ bandwidthBps }) => bandwidthBps));
    }
    return sum;
  }
}

function keyOf(endpointId: string, isAnswering: boolean): string {
  return `${endpointId}|${isAnswering}`;
}
