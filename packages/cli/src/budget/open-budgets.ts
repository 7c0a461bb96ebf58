/** Budgets for a command: opened to look, or to change something. */
import { existsSync } from 'node:fs';
import {
  type Budget,
  hasRoom,
  isExhausted,
  isInScope,
  type Standing,
  standingOf,
} from '@infrafabric/accounting/budgets';
import { BookKeeper, BudgetError, type BudgetSelection, Budgets, openSpent } from '@infrafabric/budgets';
import { headFile, Ledger, witnessPaths } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { CliError } from '../cli-error.js';
import type { CommonOptions } from '../common-options.js';
import type { Messages } from '../messages.js';
import { tellAndDeliver } from './judge-after.js';

/** What is to be seen of the budgets. */
export interface BudgetsView {
  readonly nowUnixNano: bigint;
  readonly budgets: readonly Budget[];
  /** Without the budgets whose scope was erased. */
  readonly standings: readonly Standing[];
}

/** Reads where budgets stand; none where there is no ledger yet. Writes nothing into the ledger. */
export function readBudgets(common: CommonOptions): BudgetsView {
  const { home, ledger } = witnessPaths(common);
  const nowUnixNano = BigInt(Date.now()) * 1_000_000n;
  if (!existsSync(ledger) && !existsSync(headFile(ledger))) return { nowUnixNano, budgets: [], standings: [] };
  const reader = LedgerReader.open(ledger);
  try {
    return budgetsIn(reader, home, nowUnixNano);
  } finally {
    reader.close();
  }
}

/** Where the budgets of an open ledger stand. */
export function budgetsIn(reader: LedgerReader, home: string, nowUnixNano: bigint): BudgetsView {
  const { book } = new BookKeeper(reader);
  if (book.budgets.length === 0) return { nowUnixNano, budgets: [], standings: [] };
  const spent = openSpent(reader, home);
  try {
    const standings = book.budgets.flatMap(
      (budget) => standingOf(book, budget, (...asked) => spent.spent(...asked), nowUnixNano) ?? [],
    );
    return { nowUnixNano, budgets: book.budgets, standings };
  } finally {
    spent.close();
  }
}

/** The standings that a question is about. @throws CliError `not-found`, `usage`. */
export function selectStandings(view: BudgetsView, selection: BudgetSelection | undefined): readonly Standing[] {
  if (view.budgets.length === 0)
    throw budgetError(new BudgetError('budget.none', 'no budget is set', { hint: SET_ONE }));
  const chosen = view.standings.filter(
    ({ budget }) =>
      selection === undefined ||
      ('name' in selection ? budget.name === selection.name : isInScope(budget.scope, selection.scope)),
  );
  if (chosen.length > 0) return chosen;
  const names = view.budgets.map(({ name }) => name).join(', ');
  throw new CliError('not-found', `no budget holds for that; there are: ${names}`, {
    hint: 'if-optimise budget shows them',
    exitCode: 1,
  });
}

const SET_ONE = 'if-optimise budget --set 500 --period month';

/** Those of the standings that have no room for an estimate, or, without one, no room for anything. */
export function withoutRoom(standings: readonly Standing[], estimatePico: bigint | undefined): readonly Standing[] {
  return standings.filter(
    (standing) => isExhausted(standing) || (estimatePico !== undefined && !hasRoom(standing, estimatePico)),
  );
}

/** Opens the ledger, does something to its budgets, judges them and tells what is due. */
export async function changeBudgets<T>(
  common: CommonOptions,
  messages: Messages,
  work: (budgets: Budgets) => Promise<T>,
): Promise<T> {
  const ledger = await Ledger.open(witnessPaths(common));
  try {
    const spent = openSpent(await ledger.view(), ledger.paths.home);
    try {
      const budgets = await Budgets.over(ledger, spent);
      const result = await work(budgets);
      tellAndDeliver(await budgets.judge(), ledger.paths, messages);
      return result;
    } catch (error) {
      throw error instanceof BudgetError ? budgetError(error) : error;
    } finally {
      spent.close();
    }
  } finally {
    await ledger.close();
  }
}

/** What is not there is the answer no; the rest could not be done. */
function budgetError(error: BudgetError): CliError {
  const { code, message, hint } = error;
  if (code === 'budget.unknown' || code === 'reservation.unknown')
    return new CliError('not-found', message, { hint, exitCode: 1, cause: error });
  return new CliError('usage', message, { hint, cause: error });
}
