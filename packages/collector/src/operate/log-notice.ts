/** What budgets have to say, in the log. They are judged in the ledger's thread; only finished alerts and warnings come here. */
import { alertText, type BudgetAlert } from '@infrafabric/budgets';
import type { Log } from './log.js';

/** Logs a notice of the ledger's thread; an unknown one is left alone. */
export function logNotice(log: Log, notice: unknown): void {
  const { type, alert, message } = notice as { type?: unknown; alert?: BudgetAlert; message?: unknown };
  if (type === 'warning') log.warn('budget.warning', String(message), { code: String(message) });
  if (type !== 'alert' || alert === undefined) return;
  const { id, seq, budget, kind, level, percent } = alert;
  const logLevel = level === 'notice' ? 'info' : level === 'error' && kind === 'spent' ? 'error' : 'warn';
  // Every alert is given once by the ledger, so each is a line.
  log.tell(logLevel, 'budget.alert', alertText(alert), { alert: id, seq, budget, kind, budget_level: level, percent });
}
