/** After something was appended: judges the budgets, says what is due, and sets its delivery going. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { alertText, type BudgetAlert, destinationsFile, judgeAndAlert, openSpent } from '@infrafabric/budgets';
import type { Ledger, WitnessPaths } from '@infrafabric/ledger';
import type { Messages } from '../messages.js';

/** Judges all budgets of a ledger that was just appended to. Never throws: what was recorded is recorded. */
export async function judgeAfter(ledger: Ledger, messages: Messages): Promise<void> {
  try {
    const spent = openSpent(await ledger.view(), ledger.paths.home);
    try {
      tellAndDeliver(await judgeAndAlert(ledger, spent), ledger.paths, messages);
    } finally {
      spent.close();
    }
  } catch (error) {
    messages.warn(`budgets were not judged: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Says alerts on stderr. Programs and webhooks are left to a process of its own, which nobody waits for. */
export function tellAndDeliver(alerts: readonly BudgetAlert[], paths: WitnessPaths, messages: Messages): void {
  for (const alert of alerts) messages.note(alertText(alert));
  if (alerts.length === 0 || !existsSync(destinationsFile(paths.home))) return;
  const program = fileURLToPath(new URL('../../bin/if-optimise.js', import.meta.url));
  const args = ['budget', 'alerts', '--deliver', '--quiet', '--home', paths.home, '--ledger', paths.ledger];
  const child = spawn(process.execPath, [program, ...args], { detached: true, stdio: 'ignore' });
  // Where no process can be started the next one delivers.
  child.on('error', () => undefined);
  child.unref();
}
