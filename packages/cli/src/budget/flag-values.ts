/** Values of the budget flags, each with one clear line for what cannot be used. */
import {
  type Levels,
  type Period,
  parseAmount,
  parseLevels,
  parsePeriod,
  parseZone,
} from '@infrafabric/accounting/budgets';
import { usageError } from '../cli-error.js';

/** Exact pico-dollars. @throws CliError `usage` */
export function amountOf(flag: string, text: string): bigint {
  return parsed(flag, () => parseAmount(text));
}

/** @throws CliError `usage` */
export function periodOf(text: string): Period {
  return parsed('--period', () => parsePeriod(text));
}

/** @throws CliError `usage` */
export function zoneOf(text: string): string {
  return parsed('--tz', () => parseZone(text));
}

/** @throws CliError `usage` */
export function levelsOf(text: string): Levels {
  return parsed('--levels', () => parseLevels(text));
}

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };
const MAX_MS = 30 * 86_400_000;

/** Milliseconds of `90s`, `10m`, `1h`. @throws CliError `usage` */
export function durationMsOf(flag: string, text: string): number {
  const [, digits, unit] = /^(\d{1,7})([smh])$/.exec(text) ?? [];
  const ms = Number(digits) * (UNITS_MS[unit ?? ''] ?? Number.NaN);
  if (!(ms > 0 && ms <= MAX_MS)) {
    throw usageError(`${flag}: ${JSON.stringify(text)} is not a time: write 90s, 10m or 1h, at most 720h`);
  }
  return ms;
}

function parsed<T>(flag: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) throw usageError(`${flag}: ${error.message}`);
    throw error;
  }
}
