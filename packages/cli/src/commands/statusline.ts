/** `if-optimise statusline`: one line for a shell prompt or a status bar. */
import { formatUsd } from '@infrafabric/accounting';
import { boundsAt } from '@infrafabric/accounting/budgets';
import { witnessPaths } from '@infrafabric/ledger';
import { Accounts } from '@infrafabric/ledger/accounts';
import { LedgerReader } from '@infrafabric/ledger/reader';
import type { Command } from 'commander';
import { act, type Invocation } from '../act.js';
import { zoneOf } from '../budget/flag-values.js';
import { escapeText } from '../escape.js';
import type { ExitCode } from '../exit-code.js';
import { renderJson } from '../json-text.js';
import { printOut } from '../output.js';
import { addHelp } from '../program.js';
import { Totals } from '../read/totals.js';

interface StatuslineFlags {
  readonly tz?: string;
}

export function define(command: Command): void {
  command.option('--tz <zone>', 'IANA time zone in which today and the month begin (default: UTC)');
  addHelp(
    command,
    'Prints what was spent today and this month, and the budget that is nearest to its limit, in one line.',
    ['if-optimise statusline', 'if-optimise statusline --tz Europe/Berlin', 'if-optimise statusline --json'],
    ['Fast whatever the size of the ledger: it continues from sums that it keeps in the witness home.'],
  );
  command.action(act<StatuslineFlags>(statusline));
}

async function statusline({ flags, common }: Invocation<StatuslineFlags>): Promise<ExitCode> {
  const zone = zoneOf(flags.tz ?? 'UTC');
  const now = BigInt(Date.now()) * 1_000_000n;
  const { home, ledger } = witnessPaths(common);
  const reader = LedgerReader.open(ledger);
  try {
    const accounts = Accounts.open(reader, { home });
    const sumOf = (kind: 'day' | 'month'): Totals => {
      const { sinceUnixNano, untilUnixNano } = boundsAt({ kind }, zone, now);
      const totals = new Totals();
      for (const { sums, currency } of accounts.rollups({ sinceUnixNano, untilUnixNano })) totals.add(sums, currency);
      return totals;
    };
    const [today, month] = [sumOf('day'), sumOf('month')];
    accounts.close();
    const fullest = await fullestBudget(reader, home, now);
    if (common.json) {
      const budget = fullest === undefined ? null : { name: fullest.name, percent: fullest.percent };
      printOut(`${renderJson({ time_zone: zone, today: today.toJson(), month: month.toJson(), budget })}\n`);
    } else printOut(`${lineOf(today, month, fullest)}\n`);
  } finally {
    reader.close();
  }
  return 0;
}

interface Fullest {
  readonly name: string;
  /** Rounded down, so that 100 is reached only when the limit is. */
  readonly percent: number;
}

/** The budget that is nearest to its limit, or furthest beyond it. */
async function fullestBudget(reader: LedgerReader, home: string, now: bigint): Promise<Fullest | undefined> {
  if (!reader.has('budget')) return undefined;
  const { budgetsIn } = await import('../budget/open-budgets.js');
  const percents = budgetsIn(reader, home, now).standings.map(({ budget, spentPico }): Fullest => {
    const { limitPico, name } = budget;
    return { name, percent: limitPico === 0n ? 100 : Number((spentPico * 100n) / limitPico) };
  });
  return percents.sort((a, b) => b.percent - a.percent)[0];
}

function lineOf(today: Totals, month: Totals, fullest: Fullest | undefined): string {
  const parts = [`${formatUsd(today.totalPico)} today`, `${formatUsd(month.totalPico)} this month`];
  if (fullest !== undefined) parts.push(`${fullest.percent} % of budget ${escapeText(fullest.name)}`);
  const missing = month.unpriced;
  if (missing > 0n) parts.push(`${missing.toLocaleString('en')} unpriced`);
  return parts.join(' · ');
}
