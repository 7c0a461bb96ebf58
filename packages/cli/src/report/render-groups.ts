/** The table of `report` and `cost`. */
import { formatUsd } from '@infrafabric/accounting';
import type { Paint } from '../color.js';
import { escapeText } from '../escape.js';
import { type Column, renderTable } from '../table.js';
import { figuresOf, numberText } from './figures.js';
import type { Course, Grouped } from './group-rows.js';
import { sparkline } from './sparkline.js';

const TREND_CELLS = 12;

const NUMBERS: readonly Column[] = [
  { title: 'CALLS', align: 'right', dropOrder: 2 },
  { title: 'TOKENS IN', align: 'right', dropOrder: 3 },
  { title: 'TOKENS OUT', align: 'right', dropOrder: 3 },
  { title: 'COST', align: 'right' },
  { title: 'UNPRICED', align: 'right' },
];
const TREND: Column = { title: 'TREND', dropOrder: 4 };

/** Groups, a line of totals, and what the sum is made of. */
export function renderGroups(grouped: Grouped, width: number | undefined, paint: Paint): string {
  const { keys, groups, total } = grouped;
  const trend = trendOf(total);
  const columns = [
    ...keys.map((key): Column => ({ title: key.toUpperCase(), shrinkTo: 12 })),
    ...NUMBERS,
    ...(trend === undefined ? [] : [TREND]),
  ];
  const cellsOf = (course: Course): string[] => [
    ...figuresOf(course.totals),
    ...(trend === undefined ? [] : [trend(course)]),
  ];
  const rows = groups.map(({ values, course }) => [
    ...values.map((value) => escapeText(value ?? '(none)')),
    ...cellsOf(course),
  ]);
  const totalRow = ['TOTAL', ...keys.slice(1).map(() => ''), ...cellsOf(total)];
  const table = renderTable(columns, [...rows, totalRow], {
    width,
    paintTitle: paint.faint,
    paintRow: (line, row) => (row === rows.length ? paint.strong(line) : line),
  });
  return `${[...table, '', ...remarks(grouped)].join('\n')}\n`;
}

/** Bars of cost, or of calls where nothing has a cost; undefined where all lies in one quarter of an hour. */
function trendOf(total: Course): ((course: Course) => string) | undefined {
  const { first, last } = total.extent;
  if (!(last > first)) return undefined;
  const byCost = total.totals.totalPico > 0n;
  return (course) =>
    sparkline(course.parts(first, last, TREND_CELLS).map(({ pico, calls }) => (byCost ? pico : calls)));
}

/** What stands below every table: what the total rests on, and what it does not know. */
export function remarks({ total: { totals }, cards, looselyMatched, compared }: Grouped): string[] {
  const { reported, computed, estimated } = totals.costPico;
  const lines = [
    `cost: ${formatUsd(reported)} reported, ${formatUsd(computed)} computed, ${formatUsd(estimated)} estimated; ${numberText(totals.unpriced)} unpriced`,
  ];
  for (const [currency, pico] of totals.otherCurrencies)
    lines.push(`besides: ${formatUsd(pico).slice(1)} ${escapeText(currency)}, not converted`);
  if (compared !== undefined)
    lines.push(
      `compared: ${formatUsd(compared.reportedPico)} reported is ${formatUsd(compared.byCardPico)} by ${[...compared.cards].sort().map(escapeText).join(', ')}; ${numberText(compared.calls)} calls`,
    );
  if (totals.callsUnknown > 0n) lines.push(`${numberText(totals.callsUnknown)} calls of unknown usage`);
  if (cards.length > 0) lines.push(`rate cards: ${cards.map((card) => escapeText(card)).join(', ')}`);
  if (looselyMatched > 0n)
    lines.push(
      `${numberText(looselyMatched)} calls of models that are on a card only by a similar name: see if-optimise rates explain`,
    );
  return lines;
}
