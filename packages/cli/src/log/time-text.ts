/** Points in time as people and scripts write them. */

const RFC_3339 = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d{2}:\d{2})$/;
const UNIX = /^(\d{1,20})(?:\.(\d{1,9}))?$/;
const MAX_UNIX_NANO = 2n ** 64n - 1n;

/**
 * Nanoseconds since the Unix epoch of an RFC 3339 time with its offset (`2025-11-11T10:00:00.5Z`), or of a Unix time: up to
 * 11 digits are seconds and may have decimals, 12 to 14 milliseconds, 15 to 17 microseconds, 18 to 20 nanoseconds.
 * Undefined for anything else, and for times before 1970 or after 2554.
 */
export function parseUnixNano(text: string): bigint | undefined {
  const nanos = UNIX.test(text) ? fromUnix(text) : fromRfc3339(text);
  return nanos !== undefined && nanos >= 0n && nanos <= MAX_UNIX_NANO ? nanos : undefined;
}

function fromUnix(text: string): bigint | undefined {
  const [, whole = '', fraction] = UNIX.exec(text)!;
  if (fraction !== undefined) return whole.length > 11 ? undefined : BigInt(whole + fraction.padEnd(9, '0'));
  const digits = whole.length;
  return BigInt(whole) * (digits <= 11 ? 1_000_000_000n : digits <= 14 ? 1_000_000n : digits <= 17 ? 1_000n : 1n);
}

function fromRfc3339(text: string): bigint | undefined {
  const match = RFC_3339.exec(text);
  if (match === null) return undefined;
  const [, date = '', time = '', fraction = '', offset = ''] = match;
  const millis = Date.parse(`${date}T${time}${offset.toUpperCase()}`);
  // Date.parse turns the 31st of February into March.
  if (Number.isNaN(millis) || !isCalendarDay(date)) return undefined;
  return BigInt(millis) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}

function isCalendarDay(date: string): boolean {
  const midnight = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(date);
}
