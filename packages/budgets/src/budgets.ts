/**
 * The budgets of one ledger. Whatever decides something (a reservation, an alert, which budget a change is about) is decided
 * inside the ledger's write transaction, so that it holds across processes.
 */
import { randomBytes } from 'node:crypto';
import {
  type Budget,
  type BudgetTerms,
  dueAlerts,
  encodeAlert,
  encodeSet,
  hasRoom,
  isInScope,
  isReservationId,
  type Reservation,
  type Scope,
  type SpentOf,
  type Standing,
  standingOf,
} from '@infrafabric/accounting/budgets';
import type { ControlDraft, Ledger } from '@infrafabric/ledger';
import type { LedgerView } from '@infrafabric/ledger/reader';
import { type BudgetAlert, budgetAlert } from './alert.js';
import { BookKeeper } from './book-keeper.js';
import { BudgetError } from './budget-error.js';
import { type BudgetChange, changedTerms } from './change.js';
import type { SpentSource } from './spent-source.js';

/** Which budgets a question is about: the one of that name, or those that hold for these texts. */
export type BudgetSelection = { readonly name: string } | { readonly scope: Scope };

/** What to set aside. */
export interface ReserveRequest {
  readonly amountPico: bigint;
  /** Without it: the only budget there is, or all that are for everything. */
  readonly budgets?: BudgetSelection | undefined;
  /** After so long it frees itself; default ten minutes. */
  readonly expiresAfterMs?: number | undefined;
  /** Id of the span that will say what the call cost, so that nothing counts twice. Default: a random one. */
  readonly spanId?: string | undefined;
}

/** The answer to {@link Budgets.reserve}. */
export type Reserved =
  | {
      readonly granted: true;
      readonly id: string;
      readonly expiresUnixNano: bigint;
      /** Budgets in which it was made. */
      readonly budgets: readonly string[];
    }
  /** Those that have no room for it, as they stand. */
  | { readonly granted: false; readonly refusedBy: readonly Standing[] };

const DEFAULT_EXPIRY_MS = 600_000;
const MAX_EXPIRY_MS = 30 * 86_400_000;

/** Budgets over an open ledger. It closes nothing. */
export class Budgets {
  readonly #ledger: Ledger;
  readonly #spent: SpentSource;
  readonly #keeper: BookKeeper;
  readonly #now: () => bigint;

  private constructor(ledger: Ledger, spent: SpentSource, keeper: BookKeeper, now: () => bigint) {
    this.#ledger = ledger;
    this.#spent = spent;
    this.#keeper = keeper;
    this.#now = now;
  }

  /** Reads what budgets there are. `now` is the clock, Unix nanoseconds. */
  static async over(ledger: Ledger, spent: SpentSource, now: () => bigint = systemNow): Promise<Budgets> {
    return new Budgets(ledger, spent, new BookKeeper(await ledger.view()), now);
  }

  /** Budgets that are set, as of now. */
  list(): readonly Budget[] {
    this.#keeper.catchUp();
    return this.#keeper.book.budgets;
  }

  /** Where budgets stand; without those whose scope was erased. */
  standings(selection?: BudgetSelection): Standing[] {
    this.#catchUp();
    return this.#standings(selection === undefined ? this.#keeper.book.budgets : this.#selected(selection));
  }

  /** Sets a budget, or changes it. What was spent stays spent. @throws BudgetError */
  async set(change: BudgetChange): Promise<{ readonly budget: Budget; readonly before: Budget | undefined }> {
    let terms: BudgetTerms | undefined;
    let before: Budget | undefined;
    await this.#decide(() => {
      const { book } = this.#keeper;
      terms = changedTerms(change, book.budgets);
      before = book.budget(terms.name);
      return [{ type: 'budget', ...encodeSet(terms) }];
    });
    this.#keeper.catchUp();
    return { budget: this.#keeper.book.budget(terms!.name)!, before };
  }

  /** Removes a budget. @throws BudgetError `budget.unknown`. */
  async remove(name: string): Promise<void> {
    await this.#decide(() => {
      this.#require(name);
      return [{ type: 'budget', body: { action: 'remove', budget: name } }];
    });
  }

  /**
   * Sets money aside before a call, in every budget that holds for it, or in none. Of any number of processes that ask at
   * once, only as many are granted as there is room for. @throws BudgetError, RangeError
   */
  async reserve({ amountPico, budgets, expiresAfterMs, spanId }: ReserveRequest): Promise<Reserved> {
    const afterMs = expiresAfterMs ?? DEFAULT_EXPIRY_MS;
    if (!Number.isFinite(afterMs) || afterMs < 1 || afterMs > MAX_EXPIRY_MS)
      throw new RangeError(`a reservation expires after 1 to ${MAX_EXPIRY_MS} milliseconds, not ${afterMs}`);
    if (amountPico <= 0n) throw new RangeError('a reservation must be of more than 0 USD');
    const id = spanId ?? randomBytes(8).toString('hex');
    if (!isReservationId(id))
      throw new BudgetError('budget.invalid', `${JSON.stringify(id)} is not a span id: 16 hex digits`);
    let answer: Reserved | undefined;
    await this.#decide(() => {
      if (this.#keeper.book.reservations(id).length > 0)
        throw new BudgetError('reservation.unknown', `the reservation ${id} was made before`);
      const chosen = budgets === undefined ? this.#forAnything() : this.#selected(budgets);
      const erased = chosen.find(({ isErased }) => isErased);
      if (erased !== undefined) throw erasedError(erased.name);
      const standings = this.#standings(chosen);
      const refusedBy = standings.filter((standing) => !hasRoom(standing, amountPico));
      if (refusedBy.length > 0) {
        answer = { granted: false, refusedBy };
        return [];
      }
      const expiresUnixNano = this.#now() + BigInt(Math.round(afterMs)) * 1_000_000n;
      const names = chosen.map(({ name }) => name);
      answer = { granted: true, id, expiresUnixNano, budgets: names };
      const shared = {
        action: 'reserve',
        amount: String(amountPico),
        expires: String(expiresUnixNano),
        reservation: id,
      };
      return names.map((budget) => ({ type: 'budget', body: { ...shared, budget } }));
    });
    return answer!;
  }

  /**
   * Says what a call cost. The amount counts as spent until a span with the reservation's id says it; after that the span
   * does. It may come after the reservation has expired. @throws BudgetError `reservation.unknown`.
   */
  commit(id: string, amountPico: bigint): Promise<readonly Reservation[]> {
    return this.#end(id, (budget) => ({ action: 'commit', amount: String(amountPico), budget, reservation: id }));
  }

  /** Gives back what was set aside: nothing was spent, or a span has said it already. @throws BudgetError as `commit`. */
  release(id: string): Promise<readonly Reservation[]> {
    return this.#end(id, (budget) => ({ action: 'release', budget, reservation: id }));
  }

  /**
   * Appends the alerts that are due and not yet given, whoever else judges the same ledger at the same time, and answers
   * those that this call gave.
   */
  async judge(): Promise<BudgetAlert[]> {
    this.#catchUp();
    const { book } = this.#keeper;
    // The write lock is taken only where there is something to write.
    if (dueAlerts(book, this.#spentOf, this.#now(), this.#spent.size - 1).length === 0) return [];
    let due: ReturnType<typeof dueAlerts> = [];
    const nowUnixNano = this.#now();
    const appended = await this.#decide(() => {
      due = dueAlerts(book, this.#spentOf, nowUnixNano, this.#spent.size - 1);
      return due.map((alert) => ({ type: 'alert', body: encodeAlert(alert) }));
    });
    const view = await this.#ledger.view();
    return appended.map(({ seq, hashHex }, i) => {
      const atUnixNano = BigInt(view.entry(seq)?.entry.at ?? nowUnixNano);
      return budgetAlert(due[i]!, { seq, hashHex, atUnixNano }, book.budget(due[i]!.budget));
    });
  }

  async #end(id: string, body: (budget: string) => ControlDraft['body']): Promise<readonly Reservation[]> {
    let ended: Reservation[] = [];
    await this.#decide(() => {
      const all = this.#keeper.book.reservations(id);
      ended = all.filter(({ state }) => state === 'open' || state === 'settled');
      if (ended.length === 0) throw unknownReservation(id, all[0]);
      return ended.map(({ budget }) => ({ type: 'budget', body: body(budget) }));
    });
    return ended;
  }

  #decide(decide: (view: LedgerView) => readonly ControlDraft[]) {
    // Before the lock is taken as much as can be, inside it the rest.
    this.#catchUp();
    return this.#ledger.appendDecided((view) => {
      this.#catchUp();
      return decide(view);
    });
  }

  #catchUp(): void {
    this.#keeper.catchUp();
    if (this.#keeper.book.budgets.length > 0) this.#spent.catchUp();
  }

  #standings(budgets: readonly Budget[]): Standing[] {
    const now = this.#now();
    return budgets.flatMap((budget) => standingOf(this.#keeper.book, budget, this.#spentOf, now) ?? []);
  }

  /** The only budget there is, or all that are for everything. */
  #forAnything(): readonly Budget[] {
    const { budgets } = this.#keeper.book;
    const chosen =
      budgets.length === 1
        ? budgets
        : budgets.filter(({ scope, privateScopes }) => isFree(scope) && privateScopes.length === 0);
    if (chosen.length > 0) return chosen;
    if (budgets.length === 0) throw noBudget();
    throw new BudgetError('budget.ambiguous', `there are ${budgets.length} budgets: ${namesOf(budgets)}`, {
      hint: 'say which with --name, or what the call is with --component, --model …',
    });
  }

  #selected(selection: BudgetSelection): readonly Budget[] {
    if ('name' in selection) return [this.#require(selection.name)];
    const { budgets } = this.#keeper.book;
    const chosen = budgets.filter(({ scope, isErased }) => !isErased && isInScope(scope, selection.scope));
    if (chosen.length > 0) return chosen;
    if (budgets.length === 0) throw noBudget();
    throw new BudgetError('budget.unknown', `none of the budgets holds for that: ${namesOf(budgets)}`, {
      hint: 'if-optimise budget lists them',
    });
  }

  #require(name: string): Budget {
    const { book } = this.#keeper;
    const budget = book.budget(name);
    if (budget !== undefined) return budget;
    if (book.budgets.length === 0) throw noBudget();
    throw new BudgetError(
      'budget.unknown',
      `there is no budget ${JSON.stringify(name)}, only ${namesOf(book.budgets)}`,
    );
  }

  readonly #spentOf: SpentOf = (scope, since, until) => this.#spent.spent(scope, since, until);
}

const known = new WeakMap<
  Ledger,
  { readonly spent: SpentSource; readonly budgets: Budgets; now: bigint | undefined }
>();

/**
 * Judges all budgets of a ledger and appends the alerts that are due: the one function for every door through which spans
 * come. Calls for one ledger share what they have read. @returns the alerts that this call gave.
 */
export async function judgeAndAlert(
  ledger: Ledger,
  spent: SpentSource,
  nowUnixNano?: bigint,
): Promise<readonly BudgetAlert[]> {
  if (!ledger.has('budget')) return [];
  let entry = known.get(ledger);
  if (entry?.spent !== spent) {
    const made: { now: bigint | undefined } = { now: nowUnixNano };
    entry = Object.assign(made, { spent, budgets: await Budgets.over(ledger, spent, () => made.now ?? systemNow()) });
    known.set(ledger, entry);
  }
  entry.now = nowUnixNano;
  return entry.budgets.judge();
}

function isFree(scope: Scope): boolean {
  return Object.keys(scope).length === 0;
}

function namesOf(budgets: readonly Budget[]): string {
  return budgets.map(({ name }) => name).join(', ');
}

function noBudget(): BudgetError {
  return new BudgetError('budget.none', 'no budget is set', { hint: 'if-optimise budget --set 500 --period month' });
}

function erasedError(name: string): BudgetError {
  return new BudgetError('budget.erased', `what the budget ${name} is for was erased`, {
    hint: 'set it again, or remove it',
  });
}

function unknownReservation(id: string, found: Reservation | undefined): BudgetError {
  const what =
    found === undefined
      ? `there is no reservation ${JSON.stringify(id)}`
      : `the reservation ${id} is ${found.state} already`;
  return new BudgetError('reservation.unknown', what);
}

function systemNow(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}
