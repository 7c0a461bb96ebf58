/** Periods of a budget: half-open stretches of time, in Unix nanoseconds, that a limit is for. */
import { addDays, type CivilDate, dateAt, startOfDate, weekdayOf } from './zone.js';

/** Calendar days, weeks from Monday and months in a zone; all time; or the hours before now. */
export type Period =
  | { readonly kind: 'day' | 'week' | 'month' | 'total' }
  | { readonly kind: 'rolling'; readonly hours: number };

/** From `since` until before `until`; `total` has neither. */
export interface Bounds {
  readonly sinceUnixNano: bigint | undefined;
  readonly untilUnixNano: bigint | undefined;
}

const MS = 1_000_000n;
const HOUR_NANO = 3_600_000_000_000n;
/** Ten years. */
const MAX_HOURS = 87_600;

/** The period that a text names. @throws RangeError with what can be written. */
export function parsePeriod(text: string): Period {
  if (text === 'day' || text === 'week' || text === 'month' || text === 'total') return { kind: text };
  const hours = /^rolling:([1-9]\d{0,4})h$/.exec(text)?.[1];
  if (hours !== undefined && Number(hours) <= MAX_HOURS) return { kind: 'rolling', hours: Number(hours) };
  throw new RangeError(
    `${JSON.stringify(text)} is not a period: write day, week, month, total, or rolling: and hours such as rolling:24h`,
  );
}

/** Inverse of {@link parsePeriod}. */
export function periodText(period: Period): string {
  return period.kind === 'rolling' ? `rolling:${period.hours}h` : period.kind;
}

/** The period that a moment is in. Every moment is in exactly one day, week and month of a zone. */
export function boundsAt(period: Period, zone: string, unixNano: bigint): Bounds {
  switch (period.kind) {
    case 'total':
      return { sinceUnixNano: undefined, untilUnixNano: undefined };
    case 'rolling':
      return { sinceUnixNano: unixNano - BigInt(period.hours) * HOUR_NANO, untilUnixNano: unixNano };
    case 'day':
    case 'week':
    case 'month': {
      const [first, next] = datesOf(period.kind, dateAt(zone, Number(unixNano / MS)));
      return { sinceUnixNano: nanoOf(zone, first), untilUnixNano: nanoOf(zone, next) };
    }
  }
}

/** The first date of the day, week or month that a date is in, and the first of the next. */
function datesOf(kind: 'day' | 'week' | 'month', date: CivilDate): [first: CivilDate, next: CivilDate] {
  if (kind === 'day') return [date, addDays(date, 1)];
  if (kind === 'week') {
    const monday = addDays(date, -weekdayOf(date));
    return [monday, addDays(monday, 7)];
  }
  const { year, month } = date;
  return [
    { year, month, day: 1 },
    month === 12 ? { year: year + 1, month: 1, day: 1 } : { year, month: month + 1, day: 1 },
  ];
}

function nanoOf(zone: string, date: CivilDate): bigint {
  return BigInt(startOfDate(zone, date)) * MS;
}

/**
 * What the period comes to if it goes on as it began: an estimate, never more. Undefined where the period has no end of its
 * own, before a tenth of it has passed, and after it.
 */
export function forecastPico(
  spentPico: bigint,
  { sinceUnixNano, untilUnixNano }: Bounds,
  nowUnixNano: bigint,
): bigint | undefined {
  if (sinceUnixNano === undefined || untilUnixNano === undefined) return undefined;
  const length = untilUnixNano - sinceUnixNano;
  const elapsed = nowUnixNano - sinceUnixNano;
  if (elapsed * 10n < length || elapsed >= length) return undefined;
  return (spentPico * length) / elapsed;
}

/** An estimate with no more digits than it means: cents from a dollar on, three digits that count below. */
export function roundedEstimate(pico: bigint): bigint {
  const unit = pico >= 1_000_000_000_000n ? 10_000_000_000n : 10n ** BigInt(Math.max(String(pico).length - 3, 0));
  return ((pico + unit / 2n) / unit) * unit;
}
