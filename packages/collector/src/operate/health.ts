/**
 * Whether the collector lives, and whether it is ready for spans: it listens, is not being stopped, and the ledger took what it
 * was given last. The intake tries a ledger that did not again by itself, so a collector that nobody sends to because it is
 * not ready becomes ready all the same.
 */

/** How far the collector is. */
export type Phase = 'starting' | 'serving' | 'stopping';

/** What a page answers. */
export interface HealthAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** Why the ledger takes nothing. */
export interface Outage {
  /** A stable word, such as `locked`. */
  readonly code: string;
  readonly message: string;
}

/** Keeps the state, and renders it. */
export class Health {
  readonly #startedMs: number;
  #phase: Phase = 'starting';
  #outage: (Outage & { readonly sinceMs: number }) | undefined;

  constructor(startedMs: number = Date.now()) {
    this.#startedMs = startedMs;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** The next phase. */
  enter(phase: Phase): void {
    this.#phase = phase;
  }

  /** The ledger stopped taking spans, for another reason than before, or takes them again. */
  setOutage(outage: Outage | undefined, nowMs: number = Date.now()): void {
    this.#outage =
      outage === undefined
        ? undefined
        : { code: outage.code, message: outage.message, sinceMs: this.#outage?.sinceMs ?? nowMs };
  }

  /** Whether spans are welcome. */
  get isReady(): boolean {
    return this.#phase === 'serving' && this.#outage === undefined;
  }

  /** 200 as long as the process can answer at all. */
  alive(nowMs: number = Date.now()): HealthAnswer {
    return answer(200, { status: 'ok', phase: this.#phase, uptime_seconds: (nowMs - this.#startedMs) / 1000 });
  }

  /** 200 when spans are welcome, else 503 with the reason. */
  ready(): HealthAnswer {
    if (this.isReady) return answer(200, { status: 'ready' });
    if (this.#phase !== 'serving' || this.#outage === undefined) {
      return answer(503, { status: 'unavailable', reason: this.#phase });
    }
    const { code, message, sinceMs } = this.#outage;
    const since = new Date(sinceMs).toISOString();
    return answer(503, { status: 'unavailable', reason: `ledger.${code}`, message, since });
  }
}

function answer(status: number, body: object): HealthAnswer {
  return { status, contentType: 'application/json', body: `${JSON.stringify(body)}\n` };
}
