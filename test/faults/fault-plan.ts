/** Which faults are put where. */
import type { Fault } from './faulty-writer.js';

/** Calls that change what is on the disk, or ask it for room. */
const CHANGES = /^(p?write(v|64)?|openat|mkdir|ftruncate|fallocate|fsync|fdatasync|rename|unlink|link)$/;

function kindsOf(call: string): string[] {
  const full = CHANGES.test(call) && call !== 'unlink' ? ['ENOSPC'] : [];
  return ['EIO', 'KILL', ...full, ...(call === 'openat' ? ['EMFILE'] : [])];
}

/** Every kind of fault at every call. */
export function everyFault(counts: ReadonlyMap<string, number>): Fault[] {
  return [...counts].flatMap(([call, count]) =>
    kindsOf(call).flatMap((kind) => Array.from({ length: count }, (_, i) => ({ call, nth: i + 1, kind }))),
  );
}

/** Errors and ends at the first, the middle and the last call of each name that changes something, else in the middle. */
export function someFaults(counts: ReadonlyMap<string, number>): Fault[] {
  return [...counts].flatMap(([call, count]) => {
    const middle = Math.ceil(count / 2);
    const places = CHANGES.test(call) ? [...new Set([1, middle, count])] : [middle];
    return kindsOf(call).flatMap((kind) =>
      (kind === 'EIO' || kind === 'KILL' ? places : [middle]).map((nth) => ({ call, nth, kind })),
    );
  });
}
