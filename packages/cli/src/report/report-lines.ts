/** Reports for other programs: CSV, and columns between tabs. */
import { decimalUsd } from '@infrafabric/accounting';
import { escapeText } from '../escape.js';
import { type Cell, csvLine } from '../read/csv.js';
import type { Totals } from '../read/totals.js';
import type { Grouped } from './group-rows.js';

const NUMBERS: readonly (readonly [title: string, of: (totals: Totals) => string])[] = [
  ['calls', ({ calls }) => String(calls)],
  ['calls_unknown', ({ callsUnknown }) => String(callsUnknown)],
  ['tokens_in', ({ tokensIn }) => String(tokensIn)],
  ['tokens_out', ({ tokensOut }) => String(tokensOut)],
  ['cost_usd', ({ totalPico }) => decimalUsd(totalPico)],
  ['cost_reported_usd', ({ costPico }) => decimalUsd(costPico.reported)],
  ['cost_computed_usd', ({ costPico }) => decimalUsd(costPico.computed)],
  ['cost_estimated_usd', ({ costPico }) => decimalUsd(costPico.estimated)],
  ['unpriced', ({ unpriced }) => String(unpriced)],
];

/** RFC 4180, one record a group; no line of totals, so that a sum over a column is right. */
export function reportCsv({ keys, groups }: Grouped): string {
  const lines = groups.map(({ values, course }): readonly Cell[] => [
    ...values.map((foreign) => ({ foreign })),
    ...NUMBERS.map(([, of]) => of(course.totals)),
  ]);
  return [[...keys, ...NUMBERS.map(([title]) => title)], ...lines].map(csvLine).join('');
}

/** The same between tabs, without titles, for `cut` and `awk`; an unknown value is empty. */
export function reportPlain({ groups }: Grouped): string {
  return groups
    .map(({ values, course }) => [
      ...values.map((value) => escapeText(value ?? '')),
      ...NUMBERS.map(([, of]) => of(course.totals)),
    ])
    .map((cells) => `${cells.join('\t')}\n`)
    .join('');
}
