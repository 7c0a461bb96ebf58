/** A duration as the collector's settings spell it: `10s`, `500ms`, `1h`. */
import { usageError } from '../cli-error.js';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds. @throws CliError `usage`. */
export function durationOfFlag(flag: string, text: string, leastMs: number, mostMs: number): number {
  const [, digits, unit] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const ms = Math.round(Number(digits) * (UNIT_MS[unit ?? ''] ?? Number.NaN));
  if (!(ms >= leastMs && ms <= mostMs))
    throw usageError(
      `${flag} ${JSON.stringify(text.slice(0, 40))} is not a time that can be used`,
      'write 10s, 15m or 1h',
    );
  return ms;
}
