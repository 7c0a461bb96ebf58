/** Where the sums come from: the ledger's accounts. */
import type { Scope, Spent } from '@infrafabric/accounting/budgets';
import { Accounts } from '@infrafabric/ledger/accounts';
import type { LedgerView } from '@infrafabric/ledger/reader';
import { SpentByScan } from './spent-by-scan.js';
import type { SpentSource } from './spent-source.js';

/** Sums that are open until closed. */
export interface OpenSpent extends SpentSource {
  close(): void;
}

/** Sums of a ledger as `view` shows it; kept in the witness home where that can be written. */
export function openSpent(view: LedgerView, home: string): OpenSpent {
  return new SpentByAccounts(view, Accounts.open(view, { home }));
}

class SpentByAccounts implements OpenSpent {
  readonly #view: LedgerView;
  readonly #accounts: Accounts;
  #scan: SpentByScan | undefined;

  constructor(view: LedgerView, accounts: Accounts) {
    this.#view = view;
    this.#accounts = accounts;
  }

  get size(): number {
    return this.#accounts.size;
  }

  catchUp(): void {
    this.#accounts.catchUp();
    this.#scan?.catchUp();
  }

  spent(scope: Scope, sinceUnixNano: bigint | undefined, untilUnixNano: bigint | undefined): Spent {
    if (scope.tenant === undefined) return this.#accounts.spent(scope, sinceUnixNano, untilUnixNano);
    // The accounts do not tell tenants apart: their spans are read one by one.
    this.#scan ??= new SpentByScan(this.#view);
    return this.#scan.spent(scope, sinceUnixNano, untilUnixNano);
  }

  close(): void {
    this.#accounts.close();
  }
}
