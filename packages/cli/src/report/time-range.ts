/** The part of time that a report is about: `--since`, `--until`, `--last`, `--tz`. */
import { startOfDate } from '@infrafabric/accounting/budgets';
import type { TimeRange } from '@infrafabric/ledger/accounts';
import type { Command } from 'commander';
import { zoneOf } from '../budget/flag-values.js';
import { usageError } from '../cli-error.js';
import { parseUnixNano } from '../log/time-text.js';

/** Flags of every command that looks at a part of time. */
export interface TimeFlags {
  readonly since?: string;
  readonly until?: string;
  readonly last?: string;
  readonly tz?: string;
}

/** What was asked for. */
export interface AskedTime extends TimeRange {
  /** IANA zone of dates and days. */
  readonly zone: string;
}

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Adds the flags to a command. */
export function addTimeFlags(command: Command): void {
  command
    .option('--since <time>', 'from this time on: RFC 3339, Unix time, or a date')
    .option('--until <time>', 'before this time')
    .option('--last <duration>', 'the last 30m, 24h, 7d, 4w')
    .option('--tz <zone>', 'IANA time zone of dates and days (default: UTC)');
}

/** @throws CliError `usage`. */
export function askedTime(flags: TimeFlags, nowMs: number = Date.now()): AskedTime {
  const zone = zoneOf(flags.tz ?? 'UTC');
  if (flags.last !== undefined) {
    if (flags.since !== undefined || flags.until !== undefined)
      throw usageError('--last goes with neither --since nor --until');
    const [, count, unit] = /^([1-9]\d{0,5})([mhdw])$/.exec(flags.last) ?? [];
    if (count === undefined || unit === undefined)
      throw usageError(`--last is a number and m, h, d or w, such as 7d; not ${JSON.stringify(flags.last)}`);
    return { zone, sinceUnixNano: nanoOf(nowMs - Number(count) * UNIT_MS[unit]!), untilUnixNano: undefined };
  }
  const since = timeOf('--since', flags.since, zone);
  const until = timeOf('--until', flags.until, zone);
  if (since !== undefined && until !== undefined && since >= until)
    throw usageError('--since is not before --until: there is nothing between them');
  return { zone, sinceUnixNano: since, untilUnixNano: until };
}

function timeOf(flag: string, text: string | undefined, zone: string): bigint | undefined {
  if (text === undefined) return undefined;
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text) ?? [];
  if (year !== undefined) {
    const isDay = new Date(`${text}T00:00:00Z`).toJSON()?.startsWith(text) === true;
    if (isDay) return nanoOf(startOfDate(zone, { year: Number(year), month: Number(month), day: Number(day) }));
  }
  const nano = parseUnixNano(text);
  if (nano === undefined) {
    const example = '2026-11-01, 2026-11-01T08:00:00Z or 1793520000';
    throw usageError(`${flag} is a date or a time such as ${example}; not ${JSON.stringify(text)}`);
  }
  return nano;
}

function nanoOf(epochMs: number): bigint {
  return BigInt(Math.max(0, epochMs)) * 1_000_000n;
}
