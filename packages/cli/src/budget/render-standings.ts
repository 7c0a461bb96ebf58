/** The table of `budget`, and the same for programs. */
import { decimalUsd, formatUsd } from '@infrafabric/accounting';
import {
  type Budget,
  type Level,
  percentText,
  periodText,
  roundedEstimate,
  type Standing,
} from '@infrafabric/accounting/budgets';
import type { Paint } from '../color.js';
import { escapeText } from '../escape.js';
import type { JsonOut } from '../json-text.js';
import { aboutDuration, isoOfUnixNano } from '../read/nano-text.js';
import { type Column, renderTable } from '../table.js';

const COLUMNS: readonly Column[] = [
  { title: 'BUDGET', shrinkTo: 12 },
  { title: 'PERIOD' },
  { title: 'SPENT', align: 'right' },
  { title: 'LIMIT', align: 'right' },
  { title: 'USED', align: 'right' },
  { title: 'RESERVED', align: 'right', dropOrder: 2 },
  { title: 'FORECAST', align: 'right', dropOrder: 3 },
  { title: 'LEFT', align: 'right', dropOrder: 4 },
  { title: 'UNPRICED', align: 'right', dropOrder: 5 },
  { title: 'UNKNOWN', align: 'right', dropOrder: 5 },
  { title: 'LEVEL' },
];

const DAY_NANO = 86_400_000_000_000n;

/** A line for each budget, then what the figures leave out. */
export function renderStandings(
  budgets: readonly Budget[],
  standings: readonly Standing[],
  nowUnixNano: bigint,
  width: number | undefined,
  paint: Paint,
): string {
  const byName = new Map(standings.map((standing) => [standing.budget.name, standing]));
  const levels: (Level | 'erased' | undefined)[] = [];
  const rows = budgets.map((budget) => {
    const standing = byName.get(budget.name);
    levels.push(standing === undefined ? 'erased' : standing.level);
    return standing === undefined ? erasedRow(budget) : row(standing, nowUnixNano);
  });
  const table = renderTable(COLUMNS, rows, {
    width,
    paintTitle: paint.faint,
    paintRow: (line, at) => paintFor(levels[at], paint)(line),
  });
  return `${[...table, ...remarks(standings)].join('\n')}\n`;
}

function row({ budget, bounds, spans, ...standing }: Standing, nowUnixNano: bigint): string[] {
  const { spentPico, reservedPico, forecastPico, level } = standing;
  const used = percentText(spentPico, budget.limitPico);
  return [
    nameCell(budget),
    periodCell(budget),
    formatUsd(spentPico),
    formatUsd(budget.limitPico),
    used === undefined ? '-' : `${used} %`,
    formatUsd(reservedPico),
    forecastPico === undefined ? '-' : `~${formatUsd(roundedEstimate(forecastPico))}`,
    bounds.untilUnixNano === undefined || budget.period.kind === 'rolling'
      ? '-'
      : aboutDuration(bounds.untilUnixNano - nowUnixNano),
    spans.unpriced.toLocaleString('en'),
    spans.unknown.toLocaleString('en'),
    level ?? 'ok',
  ];
}

function erasedRow(budget: Budget): string[] {
  return [nameCell(budget), 'what it is for was erased: set it again, or remove it'];
}

function nameCell({ name, scope, privateScopes }: Budget): string {
  const parts = Object.entries(scope).map(([key, text]) => `${key}=${escapeText(text)}`);
  const missing = privateScopes.filter((key) => scope[key] === undefined).map((key) => `${key}=(erased)`);
  const all = [...parts, ...missing];
  return all.length === 0 ? name : `${name} (${all.join(', ')})`;
}

function periodCell({ period, zone }: Budget): string {
  const isCalendar = period.kind !== 'total' && period.kind !== 'rolling';
  return isCalendar ? `${periodText(period)}, ${escapeText(zone)}` : periodText(period);
}

function remarks(standings: readonly Standing[]): string[] {
  const lines: string[] = [];
  if (standings.some(({ forecastPico }) => forecastPico !== undefined))
    lines.push('a forecast is an estimate: what the period comes to if it goes on as it began');
  if (standings.some(({ committedPico }) => committedPico > 0n))
    lines.push('spent includes amounts that were committed and that no span has said yet');
  const estimated = standings.filter(({ spans }) => spans.estimatedPico > 0n);
  for (const { budget, spans } of estimated)
    lines.push(`${budget.name}: ${formatUsd(spans.estimatedPico)} of it rests on estimates`);
  if (standings.some(({ spans }) => spans.unpriced > 0 || spans.unknown > 0))
    lines.push('calls that are unpriced, or of unknown usage, are in no amount');
  return lines.length === 0 ? [] : ['', ...lines];
}

function paintFor(level: Level | 'erased' | undefined, paint: Paint): (text: string) => string {
  if (level === 'error') return paint.bad;
  return level === undefined ? (text) => text : paint.unsure;
}

/** A budget as `--json` has it everywhere. */
export function standingJson(standing: Standing, nowUnixNano: bigint): { readonly [key: string]: JsonOut } {
  const { budget, bounds, spans, spentPico, committedPico, reservedPico, forecastPico, level } = standing;
  const left = budget.limitPico - spentPico - reservedPico;
  const { untilUnixNano } = bounds;
  const leftNano =
    untilUnixNano === undefined || budget.period.kind === 'rolling' ? undefined : untilUnixNano - nowUnixNano;
  return {
    ...budgetJson(budget),
    since: bounds.sinceUnixNano === undefined ? null : isoOfUnixNano(bounds.sinceUnixNano),
    until: untilUnixNano === undefined ? null : isoOfUnixNano(untilUnixNano),
    days_left: leftNano === undefined ? null : Number((leftNano * 10n) / DAY_NANO) / 10,
    spent_usd: decimalUsd(spentPico),
    spent_by_spans_usd: decimalUsd(spans.pico),
    spent_estimated_usd: decimalUsd(spans.estimatedPico),
    committed_usd: decimalUsd(committedPico),
    reserved_usd: decimalUsd(reservedPico),
    remaining_usd: decimalUsd(left < 0n ? 0n : left),
    percent: percentText(spentPico, budget.limitPico) ?? null,
    level: level ?? null,
    forecast_usd: forecastPico === undefined ? null : decimalUsd(forecastPico),
    forecast_is_estimate: true,
    unpriced: spans.unpriced,
    unknown: spans.unknown,
  };
}

/** What is set, without where it stands. */
export function budgetJson(budget: Budget): { readonly [key: string]: JsonOut } {
  return {
    name: budget.name,
    limit_usd: decimalUsd(budget.limitPico),
    period: periodText(budget.period),
    time_zone: budget.zone,
    scope: { ...budget.scope },
    scope_erased: budget.isErased,
    levels: { ...budget.levels },
    entry: budget.entry,
    set_at: isoOfUnixNano(budget.setUnixNano),
  };
}
