import {
  type Bounds,
  boundsAt,
  dateAt,
  forecastPico,
  parsePeriod,
  parseZone,
  periodText,
  roundedEstimate,
  startOfDate,
} from '@infrafabric/accounting/budgets';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const nano = (iso: string): bigint => BigInt(Date.parse(iso)) * 1_000_000n;
const iso = (unixNano: bigint | undefined): string | undefined =>
  unixNano === undefined ? undefined : new Date(Number(unixNano / 1_000_000n)).toISOString().replace('.000Z', 'Z');

function bounds(period: string, zone: string, at: string): [since: string | undefined, until: string | undefined] {
  const { sinceUnixNano, untilUnixNano } = boundsAt(parsePeriod(period), zone, nano(at));
  return [iso(sinceUnixNano), iso(untilUnixNano)];
}

const hours = ({ sinceUnixNano, untilUnixNano }: Bounds): number =>
  Number((untilUnixNano! - sinceUnixNano!) / 3_600_000_000_000n);

describe('a period', () => {
  test.each([
    ['day', 'UTC', '2026-11-23T12:00:00Z', '2026-11-23T00:00:00Z', '2026-11-24T00:00:00Z'],
    ['day', 'Asia/Kolkata', '2026-11-23T18:30:00Z', '2026-11-23T18:30:00Z', '2026-11-24T18:30:00Z'],
    ['week', 'UTC', '2026-11-22T23:59:59Z', '2026-11-16T00:00:00Z', '2026-11-23T00:00:00Z'],
    ['week', 'UTC', '2026-11-23T00:00:00Z', '2026-11-23T00:00:00Z', '2026-11-30T00:00:00Z'],
    ['month', 'UTC', '2026-12-31T23:59:59Z', '2026-12-01T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['month', 'Europe/Berlin', '2026-10-31T23:30:00Z', '2026-10-31T23:00:00Z', '2026-11-30T23:00:00Z'],
    ['month', 'UTC', '2028-02-29T00:00:00Z', '2028-02-01T00:00:00Z', '2028-03-01T00:00:00Z'],
    ['rolling:24h', 'Europe/Berlin', '2026-10-25T12:00:00Z', '2026-10-24T12:00:00Z', '2026-10-25T12:00:00Z'],
  ])('%s in %s at %s begins and ends where it should', (period, zone, at, since, until) => {
    expect(bounds(period, zone, at)).toEqual([since, until]);
  });

  test('of all time has no bounds', () => {
    expect(bounds('total', 'UTC', '2026-11-23T12:00:00Z')).toEqual([undefined, undefined]);
  });

  test.each([
    ['Europe/Berlin', '2026-03-29T12:00:00Z', 23],
    ['Europe/Berlin', '2026-10-25T12:00:00Z', 25],
    ['Europe/Berlin', '2026-10-26T12:00:00Z', 24],
    // Half an hour is Lord Howe's change.
    ['Australia/Lord_Howe', '2026-10-03T16:00:00Z', 23],
  ])('is a day in %s at %s of about %i hours', (zone, at, length) => {
    expect(hours(boundsAt({ kind: 'day' }, zone, nano(at)))).toBe(length);
  });

  test('begins when the clock is put forward, where that leaves no midnight', () => {
    // America/Santiago goes from 24:00 on the 5th to 01:00 on the 6th.
    expect(bounds('day', 'America/Santiago', '2026-09-06T12:00:00Z')).toEqual([
      '2026-09-06T04:00:00Z',
      '2026-09-07T03:00:00Z',
    ]);
    expect(hours(boundsAt({ kind: 'day' }, 'America/Santiago', nano('2026-09-06T12:00:00Z')))).toBe(23);
    expect(bounds('day', 'America/Santiago', '2026-09-06T03:59:59Z')[1]).toBe('2026-09-06T04:00:00Z');
  });

  test('begins at the first midnight where there are two', () => {
    // Havana puts its clock back from 01:00 to 00:00 on 2026-11-01.
    expect(bounds('month', 'America/Havana', '2026-11-15T00:00:00Z')[0]).toBe('2026-11-01T04:00:00Z');
    expect(hours(boundsAt({ kind: 'day' }, 'America/Havana', nano('2026-11-01T12:00:00Z')))).toBe(25);
    // St. John's did so a minute after midnight: the day that had begun went on.
    const early = nano('2010-11-07T02:31:30Z');
    const { sinceUnixNano, untilUnixNano } = boundsAt({ kind: 'day' }, 'America/St_Johns', early);
    expect([iso(sinceUnixNano), iso(untilUnixNano)]).toEqual(['2010-11-07T02:30:00Z', '2010-11-08T03:30:00Z']);
  });

  test('is nothing for a date that a zone leaves out', () => {
    // Samoa went from the 29th to the 31st of December 2011.
    const skipped = startOfDate('Pacific/Apia', { year: 2011, month: 12, day: 30 });
    expect(skipped).toBe(startOfDate('Pacific/Apia', { year: 2011, month: 12, day: 31 }));
    expect(dateAt('Pacific/Apia', skipped)).toEqual({ year: 2011, month: 12, day: 31 });
  });

  test('holds every moment, and meets the next without gap or overlap', () => {
    const zones = [
      'UTC',
      'Europe/Berlin',
      'America/Santiago',
      'America/St_Johns',
      'Pacific/Apia',
      'Asia/Beirut',
      'Africa/Casablanca',
      'Antarctica/Troll',
    ];
    const moment = fc.bigInt({ min: nano('1990-01-01T00:00:00Z'), max: nano('2040-01-01T00:00:00Z') });
    const period = fc.constantFrom('day', 'week', 'month');
    fc.assert(
      fc.property(fc.constantFrom(...zones), period, moment, (zone, text, at) => {
        const kind = parsePeriod(text);
        const { sinceUnixNano, untilUnixNano } = boundsAt(kind, zone, at);
        expect(sinceUnixNano! <= at && at < untilUnixNano!).toBe(true);
        expect(boundsAt(kind, zone, sinceUnixNano!)).toEqual({ sinceUnixNano, untilUnixNano });
        expect(boundsAt(kind, zone, untilUnixNano! - 1n)).toEqual({ sinceUnixNano, untilUnixNano });
        expect(boundsAt(kind, zone, untilUnixNano!).sinceUnixNano).toBe(untilUnixNano);
      }),
      { numRuns: 500 },
    );
  });

  test.each(['day', 'week', 'month', 'total', 'rolling:1h', 'rolling:24h'])('%s is written as it is read', (text) => {
    expect(periodText(parsePeriod(text))).toBe(text);
  });

  test.each([
    '',
    'Month',
    'year',
    'rolling',
    'rolling:',
    'rolling:0h',
    'rolling:24',
    'rolling:-1h',
    'rolling:99999h',
    'day ',
  ])('%j is none', (text) => {
    expect(() => parsePeriod(text)).toThrow('is not a period: write day, week, month');
  });
});

describe('a zone', () => {
  test.each([
    ['UTC', 'UTC'],
    ['utc', 'UTC'],
    ['europe/berlin', 'Europe/Berlin'],
    ['Asia/Kolkata', 'Asia/Kolkata'],
  ])('%s is %s', (text, zone) => {
    expect(parseZone(text)).toBe(zone);
  });

  test.each(['', 'Mars/Olympus', '+02:00', 'Europe', '../etc', 'x'.repeat(100), 'Europe/Berlin\n'])(
    '%j is none',
    (text) => {
      expect(() => parseZone(text)).toThrow(RangeError);
      expect(() => parseZone(text)).toThrow('is not a time zone: write an IANA name such as UTC or Europe/Berlin');
    },
  );
});

describe('a forecast', () => {
  const month = boundsAt({ kind: 'month' }, 'UTC', nano('2026-11-15T00:00:00Z'));

  test('is what the period comes to if it goes on as it began', () => {
    expect(forecastPico(100n, month, nano('2026-11-16T00:00:00Z'))).toBe(200n);
    expect(forecastPico(100n, month, nano('2026-11-04T00:00:00Z'))).toBe(1000n);
  });

  test('is not made before a tenth has passed, after the end, or without one', () => {
    expect(forecastPico(100n, month, nano('2026-11-03T23:59:59Z'))).toBeUndefined();
    expect(forecastPico(100n, month, nano('2026-12-01T00:00:00Z'))).toBeUndefined();
    expect(forecastPico(100n, { sinceUnixNano: undefined, untilUnixNano: undefined }, 0n)).toBeUndefined();
  });

  test.each([
    [123_456_789_012_345n, 123_460_000_000_000n],
    [946_625_511n, 947_000_000n],
    [12n, 12n],
    [0n, 0n],
    [999_999_999_999n, 1_000_000_000_000n],
  ])('of %i is shown as %i', (pico, shown) => {
    expect(roundedEstimate(pico)).toBe(shown);
  });
});
