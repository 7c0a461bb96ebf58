/** A ladder as text: a column for each party, a line for each event. Where that is too wide for the terminal, a list. */
import type { Paint } from '../color.js';
import { displayWidth, fitWidth } from '../display-width.js';
import { escapeText } from '../escape.js';
import { counted } from '../number-text.js';
import { type Column, renderTable } from '../table.js';
import type { Ladder, LadderEvent } from './ladder.js';
import { drawArrow, drawBars, drawNote, drawTitles } from './ladder-lines.js';
import { aboutDuration } from './nano-text.js';

/** How to render. */
export interface RenderLadderOptions {
  /** Cells of the terminal; undefined for no limit. */
  readonly width: number | undefined;
  readonly paint: Paint;
}

/** Events that follow each other and look alike, as one line. */
interface Row {
  readonly from: string;
  readonly to: string;
  readonly label: string;
  readonly isError: boolean;
  readonly time: string;
  count: number;
  seq: string;
  hash: string;
}

const STATUS_ERROR = 2;
/** Cells from one party to the next. */
const NARROWEST = 12;
const WIDEST = 44;
/** Past this many parties nobody follows columns, whatever the width. */
const MOST_COLUMNS = 12;
const GAP = '  ';
const HASH_DIGITS = 8;

/** The whole ladder. Text of spans is escaped. */
export function renderLadder(ladder: Ladder, { width, paint }: RenderLadderOptions): string {
  const parties = ladder.parties.map(escapeText);
  const rows = rowsOf(ladder.events);
  const lines = columnLines(parties, rows, width, paint) ?? listLines(rows, width, paint);
  return `${[...lines, '', summary(ladder, width)].join('\n')}\n`;
}

function rowsOf(events: readonly LadderEvent[]): Row[] {
  const start = events[0]?.entry.startUnixNano ?? 0n;
  const rows: Row[] = [];
  let first = 0;
  for (const { entry, ...event } of events) {
    const [from, to] = [escapeText(event.from), escapeText(event.to)];
    const isError = entry.status === STATUS_ERROR;
    const erased = event.erasedBy === undefined ? '' : ` (payload erased by entry ${event.erasedBy})`;
    const label = escapeText(event.label) + (isError ? ' [error]' : '') + erased;
    const hash = entry.hashHex.slice(0, HASH_DIGITS);
    const last = rows.at(-1);
    if (last !== undefined && last.from === from && last.to === to && last.label === label) {
      last.count++;
      last.seq = `${first}…${entry.seq}`;
      last.hash = hash;
    } else {
      first = entry.seq;
      const time = `+${aboutDuration(entry.startUnixNano - start)}`;
      rows.push({ from, to, label, isError, time, count: 1, seq: String(entry.seq), hash });
    }
  }
  return rows;
}

function labelText({ label, count }: Row): string {
  return count === 1 ? label : `${label} ×${count.toLocaleString('en')}`;
}

/** Lines with columns; undefined where they do not fit. */
function columnLines(
  parties: readonly string[],
  rows: readonly Row[],
  width: number | undefined,
  paint: Paint,
): string[] | undefined {
  const columnOf = new Map(parties.map((party, i) => [party, i]));
  if (parties.length === 0 || parties.length > MOST_COLUMNS || columnOf.size < parties.length) return undefined;
  const timeWidth = widest(rows.map(({ time }) => time));
  const seqWidth = widest(rows.map(({ seq }) => seq).concat('SEQ'));
  const natural = naturalStep(parties, rows, columnOf);
  const room = (width ?? Number.POSITIVE_INFINITY) - timeWidth - seqWidth - 2 * GAP.length;
  const withHash = Math.floor((room - HASH_DIGITS - GAP.length) / parties.length);
  const hasHash = withHash >= Math.min(natural, 2 * NARROWEST);
  const step = Math.min(natural, hasHash ? withHash : Math.floor(room / parties.length));
  if (step < NARROWEST) return undefined;

  const line = (time: string, middle: string, seq: string, hash: string): string =>
    [time.padStart(timeWidth), middle, seq.padStart(seqWidth), ...(hasHash ? [hash] : [])].join(GAP).trimEnd();
  const drawn = rows.map((row) => {
    const [a, b] = [columnOf.get(row.from)!, columnOf.get(row.to)!];
    const label = labelText(row);
    const middle = a === b ? drawNote(parties.length, step, a, label) : drawArrow(parties.length, step, a, b, label);
    const text = line(row.time, middle, row.seq, row.hash);
    return row.isError ? paint.bad(text) : text;
  });
  return [
    paint.strong(line('', drawTitles(parties, step), 'SEQ', 'HASH')),
    line('', drawBars(parties.length, step), '', ''),
    ...drawn,
  ];
}

/** Cells from bar to bar with which nothing needs to be cut, within reason. */
function naturalStep(parties: readonly string[], rows: readonly Row[], columnOf: ReadonlyMap<string, number>): number {
  let step = widest(parties) + 2;
  for (const row of rows) {
    const [a, b] = [columnOf.get(row.from)!, columnOf.get(row.to)!];
    const across = a === b ? Math.max(a, parties.length - 1 - a) + 0.5 : Math.abs(a - b);
    step = Math.max(step, Math.ceil((displayWidth(labelText(row)) + 8) / across));
  }
  return Math.min(Math.max(step, NARROWEST), WIDEST);
}

function widest(texts: readonly string[]): number {
  return texts.reduce((most, text) => Math.max(most, displayWidth(text)), 0);
}

const LIST: readonly Column[] = [
  { title: 'TIME', align: 'right', dropOrder: 3 },
  { title: 'FROM', shrinkTo: 8 },
  { title: 'TO', shrinkTo: 8 },
  { title: 'EVENT', shrinkTo: 10 },
  { title: 'SEQ', align: 'right', dropOrder: 1 },
  { title: 'HASH', dropOrder: 4 },
];

function listLines(rows: readonly Row[], width: number | undefined, paint: Paint): string[] {
  const cells = rows.map((row) => {
    const to = row.from === row.to ? '' : `→ ${row.to}`;
    return [row.time, row.from, to, labelText(row), row.seq, row.hash];
  });
  const paintRow = (line: string, row: number): string => (rows[row]!.isError ? paint.bad(line) : line);
  return renderTable(LIST, cells, { width, paintTitle: paint.strong, paintRow });
}

function summary({ events, parties, notDrawn }: Ladder, width: number | undefined): string {
  const derived = events.filter(({ isDerived }) => isDerived).length;
  const parts = [counted(events.length, 'event', 'events'), counted(parties.length, 'party', 'parties')];
  if (derived > 0) parts.push(`parties of ${derived.toLocaleString('en')} from names and payloads`);
  const erased = events.filter(({ erasedBy }) => erasedBy !== undefined).length;
  if (erased > 0) parts.push(`${counted(erased, 'payload', 'payloads')} erased`);
  if (notDrawn > 0) parts.push(`${counted(notDrawn, 'other entry', 'other entries')} not drawn`);
  const text = parts.join(' · ');
  return width === undefined ? text : fitWidth(text, width);
}
