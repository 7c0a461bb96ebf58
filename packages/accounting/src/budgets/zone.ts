/**
 * Calendar days in an IANA time zone: when they begin, in Unix time. A day may have 23 or 25 hours, its midnight may come
 * twice or not at all, and a zone may leave a whole day out. `Intl` has the rules; nothing else is needed.
 */

/** A date of the proleptic Gregorian calendar. */
export interface CivilDate {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
}

const DAY_MS = 86_400_000;
/** No zone has ever been further from UTC. */
const FARTHEST_MS = 16 * 3_600_000;

const clocks = new Map<string, Intl.DateTimeFormat>();

/**
 * The zone's name as it is stored: in the spelling of the time zone database where that can be told.
 * @throws RangeError for what is no IANA zone, offsets such as `+02:00` included.
 */
export function parseZone(text: string): string {
  if (/^[A-Za-z]/.test(text) && text.length <= 64) {
    try {
      const { timeZone } = new Intl.DateTimeFormat('en-US', { timeZone: text }).resolvedOptions();
      // An alias is kept as it was given: Asia/Kolkata resolves to Asia/Calcutta.
      return timeZone.toLowerCase() === text.toLowerCase() ? timeZone : text;
    } catch {
      // Said below.
    }
  }
  throw new RangeError(`${JSON.stringify(text)} is not a time zone: write an IANA name such as UTC or Europe/Berlin`);
}

/** The first moment of a date in a zone, Unix milliseconds; of a date that the zone leaves out, of the next one. */
export function startOfDate(zone: string, date: CivilDate): number {
  const midnight = utcOf(date);
  if (zone === 'UTC') return midnight;
  const before = offsetMs(zone, midnight - FARTHEST_MS);
  const after = offsetMs(zone, midnight + FARTHEST_MS);
  const candidates = [midnight - before, midnight - after].filter((at) => offsetMs(zone, at) === midnight - at);
  // Where midnight comes twice, the first.
  if (candidates.length > 0) return Math.min(...candidates);
  // Where it does not come, the day begins when the clock is put forward.
  let low = midnight - FARTHEST_MS;
  let high = midnight + FARTHEST_MS;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (middle + offsetMs(zone, middle) >= midnight) high = middle;
    else low = middle;
  }
  return high;
}

/** The date whose day a moment is in. */
export function dateAt(zone: string, unixMs: number): CivilDate {
  const date = civil(unixMs + offsetMs(zone, unixMs));
  // A clock put back over midnight shows the old date once more, although the new day has begun.
  const next = addDays(date, 1);
  return startOfDate(zone, next) <= unixMs ? next : date;
}

/** The date so many days later, or earlier. */
export function addDays(date: CivilDate, days: number): CivilDate {
  return civil(utcOf(date) + days * DAY_MS);
}

/** 0 for Monday to 6 for Sunday. */
export function weekdayOf(date: CivilDate): number {
  return (new Date(utcOf(date)).getUTCDay() + 6) % 7;
}

function civil(ms: number): CivilDate {
  const date = new Date(ms);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

function utcOf({ year, month, day }: CivilDate): number {
  return Date.UTC(year, month - 1, day);
}

/** Local time minus UTC. */
function offsetMs(zone: string, unixMs: number): number {
  if (zone === 'UTC') return 0;
  let clock = clocks.get(zone);
  if (clock === undefined) {
    const number = 'numeric';
    clock = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: number,
      month: number,
      day: number,
      hour: number,
      minute: number,
      second: number,
    });
    clocks.set(zone, clock);
  }
  const part: Record<string, number> = {};
  for (const { type, value } of clock.formatToParts(unixMs)) part[type] = Number(value);
  const local = Date.UTC(part.year!, part.month! - 1, part.day, part.hour, part.minute, part.second);
  return local - Math.floor(unixMs / 1000) * 1000;
}
