/**
 * Brings alerts to their destinations: again and again, with growing pauses, until each was taken or given up. Which alerts
 * there are is said by the ledger, what became of them by the files of the home; nothing else is remembered.
 */
import { BudgetBook, parseAlertBody } from '@infrafabric/accounting/budgets';
import { leafHashHex } from '@infrafabric/format';
import type { LedgerView } from '@infrafabric/ledger/reader';
import { type BudgetAlert, budgetAlert } from '../alert.js';
import { type Delivery, DeliveryFiles } from './delivery-files.js';
import { type Destination, readDestinations, textOf } from './destinations.js';
import { send } from './send.js';

/** What a courier needs. */
export interface CourierOptions {
  readonly home: string;
  /** Told of every attempt that failed, in one line. It may hold foreign text. */
  readonly warn: (message: string) => void;
  /** Pause after the first failure; each later one is about twice as long, up to an hour. Default 5,000. */
  readonly retryMs?: number;
  /** After so many attempts an alert is given up at a destination; default 16, which takes more than nine hours. */
  readonly maxAttempts?: number;
}

/** An alert at a destination. */
export interface Shipment {
  readonly alert: BudgetAlert;
  readonly destination: Destination;
  readonly delivery: Delivery;
}

const LONGEST_PAUSE_MS = 3_600_000;

/** Delivers for one ledger. Several couriers, in several processes, may be at work. */
export class Courier {
  readonly #options: CourierOptions;
  readonly #view: CourierLedger;
  readonly #files: DeliveryFiles | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(view: CourierLedger, options: CourierOptions) {
    this.#options = options;
    this.#view = view;
    const origin = view.genesis()?.entry.body.origin;
    this.#files = typeof origin === 'string' ? new DeliveryFiles(options.home, origin) : undefined;
  }

  /** All alerts with their destinations. @throws BudgetError `destination.invalid`. */
  shipments(): Shipment[] {
    const destinations = readDestinations(this.#options.home);
    if (destinations.length === 0 || this.#files === undefined) return [];
    const files = this.#files;
    return alertsOf(this.#view).flatMap((alert) =>
      destinations
        .filter(({ sinceUnixNano }) => alert.atUnixNano >= sinceUnixNano)
        .map((destination) => ({ alert, destination, delivery: files.read(alert.seq, destination.id) })),
    );
  }

  /** Tries whatever is due, and comes back by itself for what is to be tried again. Never throws. */
  kick(): Promise<void> {
    this.#again = this.#running !== undefined;
    this.#running ??= this.#round()
      .catch((error: unknown) => this.#options.warn(error instanceof Error ? error.message : String(error)))
      .finally(() => {
        this.#running = undefined;
        if (this.#again && !this.#closed) void this.kick();
      });
    return this.#running;
  }

  /** Tries until everything was taken or given up, or the time is over. */
  async deliverFor(patienceMs: number): Promise<void> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      await this.kick();
      const pending = this.shipments().filter(({ delivery }) => delivery.state === 'pending');
      const nextMs = Math.min(...pending.map(({ delivery }) => Math.max(delivery.nextMs, Date.now() + 50)));
      if (pending.length === 0 || nextMs > deadline) return;
      await new Promise((resolve) => setTimeout(resolve, nextMs - Date.now()));
    }
  }

  /** Waits for attempts under way, at most so long; the rest is for whoever comes next. */
  async close(patienceMs: number): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patienceMs);
    });
    await Promise.race([this.#running, over]);
    clearTimeout(timer);
  }

  async #round(): Promise<void> {
    const pending = this.shipments().filter(({ delivery }) => delivery.state === 'pending');
    const due = pending.filter(({ delivery }) => delivery.nextMs <= Date.now());
    // Side by side: a destination that does not answer must not keep the others waiting.
    const left = await Promise.all(due.map((shipment) => this.#attempt(shipment)));
    const next = [...pending.filter((shipment) => !due.includes(shipment)).map(({ delivery }) => delivery), ...left];
    const soonest = Math.min(...next.filter(({ state }) => state === 'pending').map(({ nextMs }) => nextMs));
    clearTimeout(this.#timer);
    if (this.#closed || !Number.isFinite(soonest)) return;
    this.#timer = setTimeout(() => void this.kick(), Math.max(soonest - Date.now(), 100)).unref();
  }

  async #attempt({ alert, destination }: Shipment): Promise<Delivery> {
    const files = this.#files!;
    const release = files.claim(alert.seq, destination.id);
    // Another process is at it. If it dies over it, its claim ends.
    if (release === undefined) return { state: 'pending', attempts: 0, nextMs: Date.now() + 5_000 };
    try {
      // It may have been delivered between the look and the claim.
      const before = files.read(alert.seq, destination.id);
      if (before.state !== 'pending' || before.nextMs > Date.now()) return before;
      const after = await this.#try(alert, destination, before.attempts + 1);
      // Dies here: it was taken, and will be offered once more, under the same id.
      files.write(alert.seq, destination.id, after);
      return after;
    } finally {
      release();
    }
  }

  async #try(alert: BudgetAlert, destination: Destination, attempts: number): Promise<Delivery> {
    const { retryMs = 5_000, maxAttempts = 16, warn } = this.#options;
    try {
      await send(destination, alert);
      return { state: 'delivered', attempts, nextMs: 0 };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const pauseMs = Math.min(retryMs * 2 ** (attempts - 1), LONGEST_PAUSE_MS) * (0.75 + Math.random() / 2);
      const state = attempts >= maxAttempts ? 'failed' : 'pending';
      const then = state === 'failed' ? 'given up' : `tried again in ${Math.ceil(pauseMs / 1000)} s`;
      warn(`the alert of budget ${alert.budget} did not reach ${textOf(destination)}: ${why}; ${then}`);
      return { state, attempts, nextMs: Date.now() + pauseMs, error: why };
    }
  }
}

/** What it reads of a ledger; `LedgerReader` is one. */
export type CourierLedger = Pick<LedgerView, 'genesis' | 'entriesOfType' | 'payload'>;

/** All alerts of a ledger, in order, each as the budget was when it was given. */
export function alertsOf(view: CourierLedger): BudgetAlert[] {
  const alerts = [...view.entriesOfType('alert')];
  if (alerts.length === 0) return [];
  const sets = new Map([...view.entriesOfType('budget')].map((stored) => [stored.seq, stored.entry]));
  return alerts.flatMap(({ seq, text, entry }) => {
    const facts = parseAlertBody(entry.body);
    if (facts === undefined) return [];
    const book = new BudgetBook();
    const set = sets.get(facts.entry);
    if (set !== undefined) book.apply({ seq: facts.entry, atUnixNano: BigInt(set.at), type: 'budget', body: set.body });
    const place = { seq, hashHex: leafHashHex(text), atUnixNano: BigInt(entry.at) };
    return [budgetAlert(facts, place, book.budget(facts.budget))];
  });
}
