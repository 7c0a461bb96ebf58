/** The text of `trace`: a tree in a table, and a line of totals. */
import { formatUsd } from '@infrafabric/accounting';
import type { Paint } from '../color.js';
import { escapeText } from '../escape.js';
import { counted } from '../number-text.js';
import { type Column, renderTable } from '../table.js';
import { countedCalls, hasUsage } from './counted-calls.js';
import { aboutDuration } from './nano-text.js';
import { allEntries, type TraceSelection } from './select-trace.js';
import type { SpanCharge, SpanEntry } from './span-entry.js';
import { tokensIn, tokensOut } from './span-names.js';
import { Totals } from './totals.js';
import { treeLines } from './trace-tree.js';

/** How to render. */
export interface RenderTraceOptions {
  /** Cells of the terminal; undefined for no limit. */
  readonly width: number | undefined;
  readonly paint: Paint;
  /** Seq of the redaction entry that erased an entry's payload. */
  readonly erasedBy: (seq: number) => number | undefined;
}

const STATUS_ERROR = 2;
/** What a narrow terminal can do without is left out first; money and seq are never cut. */
const COLUMNS: readonly Column[] = [
  { title: 'START', align: 'right', dropOrder: 1 },
  { title: 'TOOK', align: 'right', dropOrder: 2 },
  { title: 'COMPONENT', shrinkTo: 10, dropOrder: 4 },
  { title: 'EVENT', shrinkTo: 16 },
  { title: 'MODEL', shrinkTo: 8, dropOrder: 6 },
  { title: 'IN', align: 'right', dropOrder: 5 },
  { title: 'OUT', align: 'right', dropOrder: 5 },
  { title: 'COST', align: 'right' },
  { title: 'SEQ', align: 'right' },
  { title: 'HASH', dropOrder: 3 },
];

/** Everything that was selected, as text. Text of spans is escaped. */
export function renderTrace(selection: TraceSelection, { width, paint, erasedBy }: RenderTraceOptions): string {
  const entries = allEntries(selection.root);
  const start = entries[0]?.startUnixNano ?? 0n;
  const lines = treeLines(selection.root);
  const rows = lines.map(({ prefix, entry, flowId }) =>
    entry === undefined ? headingCells(prefix, flowId!) : cellsOf(prefix, entry, start, erasedBy(entry.seq)),
  );
  const table = renderTable(COLUMNS, rows, {
    width,
    paintTitle: paint.faint,
    paintRow: (line, row) => {
      const { entry } = lines[row]!;
      return entry === undefined ? paint.strong(line) : entry.status === STATUS_ERROR ? paint.bad(line) : line;
    },
  });
  return `${[...table, '', totalsLine(entries, selection.otelTraceIds), ...importLines(entries)].join('\n')}\n`;
}

function headingCells(prefix: string, flowId: string): string[] {
  return ['', '', '', prefix + escapeText(flowId)];
}

function cellsOf(prefix: string, entry: SpanEntry, start: bigint, erasedBy: number | undefined): string[] {
  const conflict = entry.conflict === undefined ? '' : ` (conflicts with ${entry.conflict})`;
  const erased = erasedBy === undefined ? '' : ` (payload erased by entry ${erasedBy})`;
  return [
    `+${aboutDuration(entry.startUnixNano - start)}`,
    aboutDuration(entry.endUnixNano - entry.startUnixNano),
    escapeText(entry.component ?? entry.service ?? ''),
    prefix + escapeText(entry.event) + (entry.status === STATUS_ERROR ? ' [error]' : '') + conflict + erased,
    escapeText(entry.model ?? ''),
    countText(tokensIn(entry)),
    countText(tokensOut(entry)),
    entry.isUnknownCall || hasUsage(entry) ? costText(entry.charge) : '',
    String(entry.seq),
    entry.hashHex.slice(0, 8),
  ];
}

function costText(charge: SpanCharge | undefined): string {
  if (charge === undefined) return '';
  if (charge.costPico === undefined) return 'unpriced';
  const about = charge.source === 'estimated' ? '~' : '';
  if (charge.currency === 'USD') return about + formatUsd(charge.costPico);
  return `${about}${formatUsd(charge.costPico).slice(1)} ${escapeText(String(charge.currency))}`;
}

function countText(count: number | bigint | undefined): string {
  return count === undefined ? '' : count.toLocaleString('en');
}

function totalsLine(entries: readonly SpanEntry[], otelTraceIds: readonly string[]): string {
  const totals = new Totals();
  for (const { sums, currency } of countedCalls(entries)) totals.add(sums, currency);
  const first = entries[0]?.startUnixNano ?? 0n;
  let last = first;
  for (const entry of entries) {
    if (entry.endUnixNano > last) last = entry.endUnixNano;
  }
  const parts = [
    counted(entries.length, 'entry', 'entries'),
    counted(otelTraceIds.length, 'OpenTelemetry trace', 'OpenTelemetry traces'),
    aboutDuration(last - first),
    `${countText(totals.tokensIn)} tokens in, ${countText(totals.tokensOut)} out`,
    `${totals.totalPico === 0n && totals.unpriced > 0n ? 'no known cost' : formatUsd(totals.totalPico)} (${totals.unpriced} unpriced)`,
  ];
  for (const [currency, pico] of totals.otherCurrencies)
    parts.push(`${formatUsd(pico).slice(1)} ${escapeText(currency)}`);
  if (totals.callsUnknown > 0n) parts.push(`${counted(totals.callsUnknown, 'call', 'calls')} of unknown usage`);
  return parts.join(' · ');
}

/** One line for each ledger that entries were imported from. */
function importLines(entries: readonly SpanEntry[]): string[] {
  const ranges = new Map<string, { first: number; last: number; count: number }>();
  for (const { imported } of entries) {
    if (imported === undefined) continue;
    const { origin, seq } = imported;
    const range = ranges.get(origin) ?? { first: seq, last: seq, count: 0 };
    range.first = Math.min(range.first, seq);
    range.last = Math.max(range.last, seq);
    range.count++;
    ranges.set(origin, range);
  }
  return [...ranges].map(([origin, { first, last, count }]) => {
    const which = count === 1 ? `there entry ${first}` : `there entries ${first} to ${last}`;
    return `${counted(count, 'entry', 'entries')} imported from ${escapeText(origin)}, ${which}`;
  });
}
