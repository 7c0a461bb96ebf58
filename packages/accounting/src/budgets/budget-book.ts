/**
 * The budgets of a ledger, as its `budget` and `alert` entries say in order of seq: what is set, what is reserved, which
 * alerts were given. It holds no clock and no sums; both are asked for when a budget is judged.
 */
import type { CanonicalObject } from '@infrafabric/format';
import { type AlertFacts, type BudgetTerms, parseAlertBody, parseBudgetBody } from './budget-entry.js';
import type { Bounds } from './period.js';
import { type ScopeName, scopeKey } from './scope.js';

/** A control entry as the book takes it in. */
export interface BookEntry {
  readonly seq: number;
  readonly atUnixNano: bigint;
  readonly type: string;
  readonly body: CanonicalObject;
  /** The entry's payload, parsed; undefined when it has none or it was erased. */
  readonly payload?: CanonicalObject | undefined;
}

/** A budget that is set. */
export interface Budget extends BudgetTerms {
  /** Seq of the `set` entry that applies. */
  readonly entry: number;
  /** When that was. */
  readonly setUnixNano: bigint;
  /** Dimensions whose values are erasable. */
  readonly privateScopes: readonly ScopeName[];
  /** Their values were erased: what the budget is for cannot be told any more. */
  readonly isErased: boolean;
}

/** Money set aside for one call. Its id is that of the span which will say what the call cost. */
export interface Reservation {
  readonly budget: string;
  readonly id: string;
  /** Seq of the `reserve` entry. */
  readonly entry: number;
  readonly atUnixNano: bigint;
  readonly amountPico: bigint;
  readonly expiresUnixNano: bigint;
  /** `settled`: the span is in the ledger, and it is the span that counts. */
  readonly state: 'open' | 'committed' | 'released' | 'settled';
  /** What the caller said it cost. */
  readonly committedPico: bigint | undefined;
}

/** What reservations add to what spans say. */
export interface Holdings {
  /** Committed, and no span has said it yet. */
  readonly committedPico: bigint;
  /** Set aside and neither used nor expired. */
  readonly reservedPico: bigint;
  readonly openReservations: number;
}

/** Takes entries in, in order of seq. */
export class BudgetBook {
  readonly #budgets = new Map<string, Budget>();
  /** Scopes of all `set` entries, so that an alert can be told from one for another scope under the same name. */
  readonly #scopeOfSet = new Map<number, string>();
  readonly #reservations = new Map<string, Map<string, Reservation>>();
  readonly #alerts = new Map<string, AlertFacts[]>();
  /** Ids of reservations that a span may still settle, and the seq from which to look for it. */
  readonly #awaited = new Map<string, number>();

  /** Budgets that are set, by name. */
  get budgets(): readonly Budget[] {
    return [...this.#budgets.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** A budget that is set. */
  budget(name: string): Budget | undefined {
    return this.#budgets.get(name);
  }

  /** Ids of spans that would settle a reservation, with the seq after which they can be. */
  get awaited(): ReadonlyMap<string, number> {
    return this.#awaited;
  }

  /** Takes in the next entry; what is no budget or alert, or cannot be read, says nothing. */
  apply(entry: BookEntry): void {
    if (entry.type === 'alert') {
      const alert = parseAlertBody(entry.body);
      if (alert !== undefined) append(this.#alerts, alert.budget, alert);
    } else if (entry.type === 'budget') this.#applyBudget(entry);
  }

  /** Takes in that the span with a reservation's id is in the ledger with a charge. */
  settle(spanIdHex: string): void {
    this.#awaited.delete(spanIdHex);
    for (const reservation of this.reservations(spanIdHex)) {
      if (reservation.state !== 'released') this.#put({ ...reservation, state: 'settled' });
    }
  }

  /** The reservations of one id, one for each budget in which it was made. */
  reservations(id: string): Reservation[] {
    return [...this.#reservations.values()].flatMap((byId) => byId.get(id) ?? []);
  }

  /** What the reservations of a budget come to. A commit belongs to the period in which its reservation was made. */
  holdings(name: string, { sinceUnixNano, untilUnixNano }: Bounds, isRolling: boolean, nowUnixNano: bigint): Holdings {
    let committedPico = 0n;
    let reservedPico = 0n;
    let openReservations = 0;
    for (const { state, atUnixNano, ...reservation } of this.#reservations.get(name)?.values() ?? []) {
      if (state === 'open' && reservation.expiresUnixNano > nowUnixNano) {
        reservedPico += reservation.amountPico;
        openReservations++;
      }
      const isWithin =
        (sinceUnixNano === undefined || atUnixNano >= sinceUnixNano) &&
        (untilUnixNano === undefined || isRolling || atUnixNano < untilUnixNano);
      if (state === 'committed' && isWithin) committedPico += reservation.committedPico!;
    }
    return { committedPico, reservedPico, openReservations };
  }

  /** Alerts that were given for a budget as it is set: its limit, and the same scope. */
  alertsFor(budget: Budget): AlertFacts[] {
    const scope = this.#scopeOfSet.get(budget.entry);
    return (this.#alerts.get(budget.name) ?? []).filter(
      ({ limitPico, entry }) => limitPico === budget.limitPico && this.#scopeOfSet.get(entry) === scope,
    );
  }

  #applyBudget({ seq, atUnixNano, body, payload }: BookEntry): void {
    const event = parseBudgetBody(body, payload);
    if (event === undefined) return;
    switch (event.action) {
      case 'set': {
        const { terms, privateScopes } = event;
        const isErased = privateScopes.some((name) => terms.scope[name] === undefined);
        this.#budgets.set(terms.name, { ...terms, entry: seq, setUnixNano: atUnixNano, privateScopes, isErased });
        this.#scopeOfSet.set(seq, scopeKey(terms.scope));
        return;
      }
      case 'remove':
        // What was reserved and committed under its name stays: a budget that is set again must not start anew.
        this.#budgets.delete(event.budget);
        return;
      case 'reserve':
        if (this.#reservation(event.budget, event.reservation) !== undefined) return;
        this.#put({
          budget: event.budget,
          id: event.reservation,
          entry: seq,
          atUnixNano,
          amountPico: event.amountPico,
          expiresUnixNano: event.expiresUnixNano,
          state: 'open',
          committedPico: undefined,
        });
        this.#awaited.set(event.reservation, Math.min(seq, this.#awaited.get(event.reservation) ?? seq));
        return;
      case 'commit': {
        const reservation = this.#reservation(event.budget, event.reservation);
        if (reservation?.state === 'open')
          this.#put({ ...reservation, state: 'committed', committedPico: event.amountPico });
        return;
      }
      case 'release': {
        const reservation = this.#reservation(event.budget, event.reservation);
        if (reservation?.state !== 'open') return;
        this.#put({ ...reservation, state: 'released' });
        if (this.reservations(reservation.id).every(({ state }) => state === 'released'))
          this.#awaited.delete(reservation.id);
        return;
      }
    }
  }

  #reservation(budget: string, id: string): Reservation | undefined {
    return this.#reservations.get(budget)?.get(id);
  }

  #put(reservation: Reservation): void {
    const byId = this.#reservations.get(reservation.budget);
    if (byId === undefined) this.#reservations.set(reservation.budget, new Map([[reservation.id, reservation]]));
    else byId.set(reservation.id, reservation);
  }
}

function append<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
