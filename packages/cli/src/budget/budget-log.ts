/** `budget log`: what happened to budgets, from the signed entries. */
import { existsSync } from 'node:fs';
import { decimalUsd, formatUsd } from '@infrafabric/accounting';
import { type BudgetEvent, parseAlertBody, parseBudgetBody, periodText } from '@infrafabric/accounting/budgets';
import { alertsOf, alertText } from '@infrafabric/budgets';
import { witnessPaths } from '@infrafabric/ledger';
import { LedgerReader, type StoredEntry } from '@infrafabric/ledger/reader';
import type { Command } from 'commander';
import { act, type Invocation } from '../act.js';
import { paintIf, wantsColor } from '../color.js';
import { escapeText } from '../escape.js';
import type { ExitCode } from '../exit-code.js';
import { type JsonOut, RawJson, renderJson } from '../json-text.js';
import { printOut } from '../output.js';
import { addHelp } from '../program.js';
import { isoOfUnixNano } from '../read/nano-text.js';
import { renderTable } from '../table.js';
import { terminalWidth } from '../terminal-width.js';

interface LogFlags {
  readonly name?: string;
}

interface Line {
  readonly seq: number;
  readonly at: string;
  readonly budget: string;
  readonly what: string;
  readonly entry: StoredEntry;
}

/** Adds `log` to `budget`. */
export function addBudgetLogCommand(command: Command): void {
  const log = command
    .command('log')
    .summary('List what happened to budgets.')
    .option('--name <name>', 'only of this budget');
  addHelp(log, 'Lists what happened to budgets: limits set, reservations, alerts; from the signed entries.', [
    'if-optimise budget log',
    'if-optimise budget log --name month --json',
  ]);
  log.action(act<LogFlags>(listHistory));
}

function listHistory({ flags, common }: Invocation<LogFlags>): ExitCode {
  const { ledger } = witnessPaths(common);
  const lines = existsSync(ledger) ? readLines(ledger) : [];
  const chosen = lines.filter(({ budget }) => flags.name === undefined || budget === flags.name);
  if (common.json) {
    const entries = chosen.map(({ seq, at, entry }): { readonly [key: string]: JsonOut } => ({
      seq,
      at,
      type: entry.entry.type,
      body: new RawJson(JSON.stringify(entry.entry.body)),
    }));
    printOut(`${renderJson({ entries })}\n`);
    return 0;
  }
  const columns = [{ title: 'SEQ', align: 'right' as const }, { title: 'TIME' }, { title: 'WHAT', shrinkTo: 30 }];
  const rows = chosen.map(({ seq, at, what }) => [String(seq), `${at.slice(0, 19)}Z`, what]);
  const paint = paintIf(wantsColor(1, common.color));
  printOut(`${renderTable(columns, rows, { width: terminalWidth(), paintTitle: paint.faint }).join('\n')}\n`);
  return 0;
}

function readLines(ledger: string): Line[] {
  const reader = LedgerReader.open(ledger);
  try {
    const alerts = new Map(alertsOf(reader).map((alert) => [alert.seq, alertText(alert)]));
    const entries = [...reader.entriesOfType('budget'), ...reader.entriesOfType('alert')];
    return entries
      .sort((a, b) => a.seq - b.seq)
      .map((entry) => ({
        seq: entry.seq,
        at: isoOfUnixNano(BigInt(entry.entry.at)),
        budget: String(entry.entry.body.budget),
        what: alerts.get(entry.seq) ?? textOf(entry),
        entry,
      }));
  } finally {
    reader.close();
  }
}

function textOf({ entry }: StoredEntry): string {
  const event = entry.type === 'budget' ? parseBudgetBody(entry.body) : undefined;
  if (event !== undefined) return eventText(event);
  return parseAlertBody(entry.body) === undefined ? `(not understood: ${escapeText(entry.type)})` : 'an alert';
}

function eventText(event: BudgetEvent): string {
  switch (event.action) {
    case 'set': {
      const { name, limitPico, period, zone, scope } = event.terms;
      const texts = Object.entries(scope).map(([key, text]) => `${key}=${escapeText(text)}`);
      const all = [...texts, ...event.privateScopes.map((key) => `${key}=(erasable)`)];
      const whom = all.length === 0 ? '' : ` for ${all.join(', ')}`;
      return `set ${name}: ${formatUsd(limitPico)}, ${periodText(period)}, ${escapeText(zone)}${whom}`;
    }
    case 'remove':
      return `removed ${event.budget}`;
    case 'reserve':
      return `reserved $${decimalUsd(event.amountPico)} of ${event.budget}, ${event.reservation}`;
    case 'commit':
      return `committed $${decimalUsd(event.amountPico)} of ${event.budget}, ${event.reservation}`;
    case 'release':
      return `released of ${event.budget}, ${event.reservation}`;
  }
}
