/** The lines of a ladder, cell by cell: bars, arrows from bar to bar, notes beside a bar. Text is escaped already. */
import { displayWidth, fitWidth } from '../display-width.js';

const BAR = '│';

/** Names over their bars. @param step cells from bar to bar */
export function drawTitles(parties: readonly string[], step: number): string {
  const cells = blank(parties.length, step);
  for (const [i, party] of parties.entries()) {
    const title = fitWidth(party, step - 1);
    const left = barAt(i, step) - Math.floor(displayWidth(title) / 2);
    put(cells, Math.max(left, i * step), title);
  }
  return cells.join('');
}

/** The bars alone. */
export function drawBars(columns: number, step: number): string {
  return withBars(columns, step).join('');
}

/** `│── INVITE ──────>│`, from one bar to another, either way. */
export function drawArrow(columns: number, step: number, from: number, to: number, label: string): string {
  const cells = withBars(columns, step);
  const [left, right] = [barAt(Math.min(from, to), step) + 1, barAt(Math.max(from, to), step) - 1];
  for (let at = left; at <= right; at++) cells[at] = '─';
  cells[from < to ? right : left] = from < to ? '>' : '<';
  const inner = right - left + 1;
  const text = ` ${fitWidth(label, inner - 5)} `;
  put(cells, left + Math.max(1, Math.floor((inner - displayWidth(text)) / 2)), text);
  return cells.join('');
}

/** Something that happened at one party, written on the side that has more room. */
export function drawNote(columns: number, step: number, at: number, label: string): string {
  const cells = withBars(columns, step);
  const bar = barAt(at, step);
  const [roomLeft, roomRight] = [bar, cells.length - bar - 1];
  if (roomRight >= roomLeft || displayWidth(label) + 2 <= roomRight) {
    put(cells, bar + 1, ` ${fitWidth(label, roomRight - 2)} `);
  } else {
    const text = ` ${fitWidth(label, roomLeft - 2)} `;
    put(cells, bar - displayWidth(text), text);
  }
  cells[bar] = '●';
  return cells.join('');
}

function barAt(column: number, step: number): number {
  return column * step + Math.floor(step / 2);
}

function blank(columns: number, step: number): string[] {
  return Array.from({ length: columns * step }, () => ' ');
}

function withBars(columns: number, step: number): string[] {
  const cells = blank(columns, step);
  for (let i = 0; i < columns; i++) cells[barAt(i, step)] = BAR;
  return cells;
}

/** Text over cells: it stands in the first of those that it takes, wide characters and combining marks included. */
function put(cells: string[], at: number, text: string): void {
  const width = displayWidth(text);
  if (width === 0) return;
  cells[at] = text;
  for (let i = at + 1; i < at + width; i++) cells[i] = '';
}
