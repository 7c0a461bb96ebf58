/**
 * For the ledger's thread: judges budgets after commits, away from the event loop of the application. The thread loads this
 * module when there is a budget.
 */
import type { Ledger } from '@infrafabric/ledger';
import { judgeAndAlert } from './budgets.js';
import { Courier } from './deliver/courier.js';
import { type OpenSpent, openSpent } from './open-spent.js';

const CLOSE_PATIENCE_MS = 2_000;

let work: { readonly ledger: Ledger; readonly spent: OpenSpent; readonly courier: Courier } | undefined;

/** Judges, and answers what the application should be told. Delivers in the background. Never throws. */
export async function afterCommit(ledger: Ledger, tell: (notice: unknown) => void): Promise<void> {
  try {
    if (work?.ledger !== ledger) {
      await close();
      const view = await ledger.view();
      const { home } = ledger.paths;
      const warn = (message: string): void => tell({ type: 'warning', message });
      work = { ledger, spent: openSpent(view, home), courier: new Courier(view, { home, warn }) };
      // What an earlier process could not deliver.
      void work.courier.kick();
    }
    const alerts = await judgeAndAlert(ledger, work.spent);
    for (const alert of alerts) tell({ type: 'alert', alert });
    if (alerts.length > 0) void work.courier.kick();
  } catch (error) {
    tell({
      type: 'warning',
      message: `budgets were not judged: ${error instanceof Error ? error.message : String(error)}`,
    });
  }
}

/** Gives deliveries under way a moment; call before the ledger is closed. */
export async function close(): Promise<void> {
  const closing = work;
  work = undefined;
  await closing?.courier.close(CLOSE_PATIENCE_MS);
  closing?.spent.close();
}
