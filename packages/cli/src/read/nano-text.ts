/** Points in time and lengths of time as text. */

/** RFC 3339 in UTC with nine decimals. */
export function isoOfUnixNano(nanos: bigint): string {
  const seconds = new Date(Number(nanos / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${seconds}.${String(nanos % 1_000_000_000n).padStart(9, '0')}Z`;
}

/** RFC 3339 in UTC, whole seconds. For seconds that somebody else says: what is no year that a date has is told as it is. */
export function isoOfUnixS(unixS: number): string {
  return unixS > 8.64e12 ? `Unix time ${unixS}` : new Date(unixS * 1000).toISOString().replace('.000Z', 'Z');
}

/** Exact milliseconds as decimal text: `1.234567`, `-0.5`, `12`. */
export function exactMs(nanos: bigint): string {
  const digits = String(nanos < 0n ? -nanos : nanos).padStart(7, '0');
  const fraction = digits.slice(-6).replace(/0+$/, '');
  return `${nanos < 0n ? '-' : ''}${digits.slice(0, -6)}${fraction === '' ? '' : `.${fraction}`}`;
}

/** About how long, for people: `0 ms`, `350 µs`, `12.3 ms`, `1.23 s`, `2m 05s`, `3h 07m`, `2d 04h`. */
export function aboutDuration(nanos: bigint): string {
  if (nanos < 0n) return `-${aboutDuration(-nanos)}`;
  if (nanos === 0n) return '0 ms';
  if (nanos < 1_000n) return `${nanos} ns`;
  const ms = Number(nanos) / 1e6;
  if (ms < 1) return `${Math.floor(ms * 1000)} µs`;
  if (ms < 1_000) return `${significant(ms)} ms`;
  if (ms < 60_000) return `${significant(ms / 1000)} s`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)}h ${two(minutes % 60)}m`;
  const hours = Math.floor(minutes / 60);
  return `${Math.floor(hours / 24)}d ${two(hours % 24)}h`;
}

/** Three digits that count, never rounded up into the next unit. */
function significant(value: number): string {
  const decimals = value < 10 ? 2 : value < 100 ? 1 : 0;
  const factor = 10 ** decimals;
  return String(Math.floor(value * factor) / factor);
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
