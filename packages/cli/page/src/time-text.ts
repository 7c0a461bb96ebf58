/** Points in time as text, in UTC: the same page must say the same everywhere. */

/** `2026-11-26 17:44:44.873` of Unix nanoseconds as decimal text. */
export function timeText(nanos: string): string {
  if (!/^\d{1,20}$/.test(nanos)) return nanos;
  return new Date(Number(BigInt(nanos) / 1_000_000n)).toISOString().slice(0, 23).replace('T', ' ');
}
