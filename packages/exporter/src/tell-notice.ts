/**
 * What the budgets have to say in the service that spends: alerts go to its stderr, and to its OpenTelemetry logs where it has
 * any. Budgets are judged in the ledger's thread; only the finished alert comes here.
 */
import type { alertLogRecord, BudgetAlert } from '@infrafabric/budgets';
import { findModule, loadModule } from './application-modules.js';
import type { SayOnce } from './say-once.js';

/** As much of `@opentelemetry/api-logs` as is used. */
interface LogsApi {
  readonly logs: {
    getLogger(name: string): { emit(record: ReturnType<typeof alertLogRecord>): void };
  };
}

/** Tells the application. Never throws or rejects. */
export async function tellNotice(notice: unknown, say: SayOnce): Promise<void> {
  const { type, alert, message } = notice as { type?: string; alert?: BudgetAlert; message?: string };
  try {
    if (type === 'warning') say(`budgets.${message}`, String(message));
    if (type !== 'alert' || alert === undefined) return;
    const { alertLogRecord, alertText } = await import('@infrafabric/budgets');
    process.stderr.write(`if-witness: ${alertText(alert)}\n`);
    // A provider is global, whichever copy of the API it was set with.
    const api = loadModule<LogsApi>('@opentelemetry/api-logs', [findModule('@opentelemetry/sdk-node')]);
    api?.logs.getLogger('@infrafabric/budgets').emit(alertLogRecord(alert));
  } catch (error) {
    say('budgets.tell', `an alert could not be told: ${error instanceof Error ? error.message : String(error)}`);
  }
}
