/** The table of `report`. */
import { formatUsd } from '@infrafabric/accounting';
import type { Paint } from '../color.js';
import { escapeText } from '../escape.js';
import type { Totals } from '../read/totals.js';
import { type Column, renderTable } from '../table.js';
import type { SpanGroup } from './group-spans.js';

/** What to render. */
export interface GroupsView {
  readonly keys: readonly string[];
  readonly groups: readonly SpanGroup[];
  readonly totals: Totals;
}

const NUMBERS: readonly Column[] = [
  { title: 'ENTRIES', align: 'right', dropOrder: 1 },
  { title: 'CALLS', align: 'right', dropOrder: 2 },
  { title: 'TOKENS IN', align: 'right', dropOrder: 3 },
  { title: 'TOKENS OUT', align: 'right', dropOrder: 3 },
  { title: 'COST', align: 'right' },
  { title: 'UNPRICED', align: 'right' },
];

/** Groups, a line of totals, and what the sum is made of. */
export function renderGroups({ keys, groups, totals }: GroupsView, width: number | undefined, paint: Paint): string {
  const columns = [...keys.map((key): Column => ({ title: key.toUpperCase(), shrinkTo: 12 })), ...NUMBERS];
  const rows = groups.map(({ values, totals: sums }) => [
    ...values.map((value) => escapeText(value ?? '(none)')),
    ...cells(sums),
  ]);
  const totalRow = ['TOTAL', ...keys.slice(1).map(() => ''), ...cells(totals)];
  const table = renderTable(columns, [...rows, totalRow], {
    width,
    paintTitle: paint.faint,
    paintRow: (line, row) => (row === rows.length ? paint.strong(line) : line),
  });
  return `${[...table, '', ...remarks(totals)].join('\n')}\n`;
}

function cells(totals: Totals): string[] {
  return [
    number(totals.entries),
    number(totals.calls + totals.callsUnknown),
    number(totals.tokensIn),
    number(totals.tokens.output),
    formatUsd(totals.totalPico),
    number(totals.unpriced),
  ];
}

function remarks({ costPico, unpriced, callsUnknown, otherCurrencies }: Totals): string[] {
  const { reported, computed, estimated } = costPico;
  const lines = [
    `cost: ${formatUsd(reported)} reported, ${formatUsd(computed)} computed, ${formatUsd(estimated)} estimated; ${number(unpriced)} unpriced`,
  ];
  for (const [currency, pico] of otherCurrencies)
    lines.push(`besides: ${formatUsd(pico).slice(1)} ${escapeText(currency)}, not converted`);
  if (callsUnknown > 0) lines.push(`${number(callsUnknown)} calls of unknown usage`);
  return lines;
}

function number(n: number | bigint): string {
  return n.toLocaleString('en');
}
