/** Sums of calls by what they have in common, and how the cost of each lies in time. */
import { dateAt } from '@infrafabric/accounting/budgets';
import { totalPico } from '@infrafabric/ledger/accounts';
import { Totals } from '../read/totals.js';
import type { ReportRow } from './report-rows.js';

/** What calls can be grouped by, and how each is read. */
export const GROUP_KEYS: Readonly<Record<string, (row: ReportRow, dayOf: DayOf) => string | undefined>> = {
  component: ({ component }) => component,
  model: ({ model }) => model,
  provider: ({ provider }) => provider,
  service: ({ service }) => service,
  trace: ({ trace }) => trace,
  session: ({ session }) => session,
  user: ({ user }) => user,
  day: ({ startUnixNano }, dayOf) => dayOf(startUnixNano),
};

type DayOf = (unixNano: bigint) => string;

/** Dates in a zone, `YYYY-MM-DD`. Every zone's day begins on a quarter of an hour, so each of those is looked up once. */
function daysIn(zone: string): DayOf {
  const known = new Map<bigint, string>();
  return (unixNano) => {
    const quarter = unixNano / QUARTER_NANO;
    let day = known.get(quarter);
    if (day === undefined) {
      const date = dateAt(zone, Number((quarter * QUARTER_NANO) / 1_000_000n));
      const digits = (n: number): string => String(n).padStart(2, '0');
      day = `${String(date.year).padStart(4, '0')}-${digits(date.month)}-${digits(date.day)}`;
      known.set(quarter, day);
    }
    return day;
  };
}

/** Keys that only single calls have; sums by quarter of an hour do for the others. */
export const KEYS_OF_SINGLE_CALLS: ReadonlySet<string> = new Set(['trace', 'session', 'user']);

/** Sums with their course in time. */
export class Course {
  readonly totals: Totals = new Totals();
  /** US dollars (pico-units) and calls by quarter of an hour. */
  readonly #points = new Map<number, { pico: bigint; calls: bigint }>();

  add({ startUnixNano, currency, sums }: ReportRow): void {
    this.totals.add(sums, currency);
    const at = Number(startUnixNano / QUARTER_NANO);
    const point = this.#points.get(at) ?? { pico: 0n, calls: 0n };
    this.#points.set(at, point);
    if (currency === 'USD') point.pico += totalPico(sums);
    point.calls += sums.calls + sums.callsUnknown;
  }

  /** First and last quarter of an hour, since the Unix epoch, that has something; the last is before the first where none has. */
  get extent(): { readonly first: number; readonly last: number } {
    let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const at of this.#points.keys()) [first, last] = [Math.min(first, at), Math.max(last, at)];
    return { first, last };
  }

  /** Sums in at most `cells` parts, each of as many quarters, from `first` to `last`; the last part may be cut off. */
  parts(first: number, last: number, cells: number): { pico: bigint; calls: bigint }[] {
    const quarters = last - first + 1;
    const width = Math.ceil(quarters / cells);
    const parts = Array.from({ length: Math.ceil(quarters / width) }, () => ({ pico: 0n, calls: 0n }));
    for (const [at, { pico, calls }] of this.#points) {
      const part = parts[Math.floor((at - first) / width)]!;
      part.pico += pico;
      part.calls += calls;
    }
    return parts;
  }
}

/** Length of a point in time: that of the accounts' sums. */
export const QUARTER_NANO = 900_000_000_000n;

/** One group. */
export interface Group {
  /** Value by key; undefined where the calls do not say. */
  readonly values: readonly (string | undefined)[];
  readonly course: Course;
}

/** Groups, their total, and what it rests on. */
export interface Grouped {
  readonly keys: readonly string[];
  readonly groups: readonly Group[];
  readonly total: Course;
  /** Rate cards that costs were computed from. */
  readonly cards: readonly string[];
  /** Calls whose model was found on its card only by a prefix or a guess. */
  readonly looselyMatched: bigint;
  /** Reported costs beside what rate cards give for the same calls; undefined where no row tells. */
  readonly compared: Compared | undefined;
}

/** US dollars, pico-units. */
export interface Compared {
  calls: bigint;
  reportedPico: bigint;
  byCardPico: bigint;
  readonly cards: Set<string>;
}

/** Groups and sums rows: days in order, anything else by cost, then by calls. */
export function groupRows(rows: Iterable<ReportRow>, keys: readonly string[], zone: string): Grouped {
  const total = new Course();
  const groups = new Map<string, Group>();
  const cards = new Set<string>();
  const dayOf = daysIn(zone);
  let looselyMatched = 0n;
  let compared: Compared | undefined;
  for (const row of rows) {
    total.add(row);
    if (row.card !== undefined) cards.add(row.card);
    if (row.match !== undefined && row.match !== 'exact') looselyMatched += row.sums.calls;
    if (row.compared !== undefined) {
      compared ??= { calls: 0n, reportedPico: 0n, byCardPico: 0n, cards: new Set() };
      compared.calls += row.sums.calls;
      compared.reportedPico += row.sums.reported;
      compared.byCardPico += row.compared.costPico;
      compared.cards.add(row.compared.card);
    }
    const values = keys.map((key) => GROUP_KEYS[key]!(row, dayOf));
    const id = JSON.stringify(values.map((value) => value ?? null));
    const group = groups.get(id) ?? { values, course: new Course() };
    groups.set(id, group);
    group.course.add(row);
  }
  const ordered = [...groups.values()].sort(keys[0] === 'day' ? byDay : byCost);
  return { keys, groups: ordered, total, cards: [...cards].sort(), looselyMatched, compared };
}

function byDay(a: Group, b: Group): number {
  const [first = '', second = ''] = [a.values[0], b.values[0]];
  return first < second ? -1 : first > second ? 1 : byCost(a, b);
}

function byCost({ course: { totals: a } }: Group, { course: { totals: b } }: Group): number {
  const difference = b.totalPico - a.totalPico || b.calls + b.callsUnknown - (a.calls + a.callsUnknown);
  return difference > 0n ? 1 : difference < 0n ? -1 : 0;
}
