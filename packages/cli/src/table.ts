/** Columns of text, lined up and within the width of the terminal. Cells are escaped, and painted only after they are cut. */
import { displayWidth, fitWidth } from './display-width.js';

/** One column. */
export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** It may be cut down to this many cells when the terminal is narrow; without it the column keeps its width. */
  readonly shrinkTo?: number;
  /** In a terminal that is too narrow even so, columns with the highest number are left out first. */
  readonly dropOrder?: number;
}

/** How to lay out a table. */
export interface TableOptions {
  /** Cells of the terminal; undefined where there is none and nothing is cut. */
  readonly width?: number | undefined;
  readonly paintTitle?: (line: string) => string;
  /** Paints a finished line; `row` counts from 0. */
  readonly paintRow?: (line: string, row: number) => string;
}

const GAP = '  ';

/** Lines of a table: titles, then rows. The last cell of a row with fewer cells than columns runs across those that it lacks. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  options: TableOptions = {},
): string[] {
  const natural = columns.map(({ title }, i) =>
    rows.reduce(
      (most, row) => Math.max(most, i < ownCells(row, columns) ? displayWidth(row[i]!) : 0),
      displayWidth(title),
    ),
  );
  const widths = fitColumns(columns, natural, options.width);
  const line = (cells: readonly string[]): string => {
    const own = ownCells(cells, columns);
    const parts = columns
      .slice(0, own)
      .flatMap((column, i) => (widths[i] === undefined ? [] : [pad(cells[i]!, widths[i], column) + GAP]));
    const text = (parts.join('') + (cells[own] ?? '')).trimEnd();
    return options.width === undefined ? text : fitWidth(text, options.width);
  };
  const { paintTitle = (text) => text, paintRow = (text) => text } = options;
  const titles = paintTitle(line(columns.map(({ title }) => title)));
  return [titles, ...rows.map((row, i) => paintRow(line(row), i))];
}

/** How many cells of a row stay in their column. */
function ownCells(row: readonly string[], columns: readonly Column[]): number {
  return row.length < columns.length ? row.length - 1 : columns.length;
}

/** Widths to give; undefined for columns that are left out. */
function fitColumns(
  columns: readonly Column[],
  natural: readonly number[],
  width: number | undefined,
): readonly (number | undefined)[] {
  const widths: (number | undefined)[] = [...natural];
  if (width === undefined) return widths;
  const total = (): number =>
    widths.reduce<number>((sum, cells) => sum + (cells === undefined ? 0 : cells + GAP.length), -GAP.length);
  const least = columns.map(({ shrinkTo }, i) => Math.min(shrinkTo ?? Number.POSITIVE_INFINITY, natural[i]!));
  const leastTotal = (): number =>
    widths.reduce<number>((sum, cells, i) => sum + (cells === undefined ? 0 : least[i]! + GAP.length), -GAP.length);
  const droppable = columns
    .map(({ dropOrder }, i) => ({ i, dropOrder }))
    .filter(({ dropOrder }) => dropOrder !== undefined);
  droppable.sort((a, b) => b.dropOrder! - a.dropOrder!);
  for (const { i } of droppable) {
    if (leastTotal() <= width) break;
    widths[i] = undefined;
  }
  while (total() > width) {
    // The widest of those that may still give.
    let widest = -1;
    for (const [i, cells] of widths.entries()) {
      if (cells !== undefined && cells > least[i]! && (widest < 0 || cells > widths[widest]!)) widest = i;
    }
    if (widest < 0) break;
    widths[widest] = widths[widest]! - 1;
  }
  return widths;
}

function pad(text: string, cells: number, { align }: Column): string {
  const fitted = fitWidth(text, cells);
  const space = ' '.repeat(Math.max(0, cells - displayWidth(fitted)));
  return align === 'right' ? space + fitted : fitted + space;
}
