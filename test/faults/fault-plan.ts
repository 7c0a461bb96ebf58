/** Which faults are put where. */
import type { Fault } from './faulty-writer.js';

/** Calls that ask the disk for room. */
const WRITING = /^(p?write(v|64)?|openat|mkdir|ftruncate|fallocate|fsync|fdatasync|rename|link)$/;

function kindsOf(call: string): string[] {
  return ['EIO', ...(WRITING.test(call) ? ['ENOSPC'] : []), ...(call === 'openat' ? ['EMFILE'] : []), 'KILL'];
}

/** Every kind of fault at every call. */
export function everyFault(counts: ReadonlyMap<string, number>): Fault[] {
  return [...counts].flatMap(([call, count]) =>
    kindsOf(call).flatMap((kind) => Array.from({ length: count }, (_, i) => ({ call, nth: i + 1, kind }))),
  );
}

/** An error and an end at the first, the middle and the last call of each name; disk full in the middle. */
export function someFaults(counts: ReadonlyMap<string, number>): Fault[] {
  return [...counts].flatMap(([call, count]) => {
    const places = [...new Set([1, Math.ceil(count / 2), count])];
    const middle = Math.ceil(count / 2);
    return kindsOf(call).flatMap((kind) =>
      (kind === 'EIO' || kind === 'KILL' ? places : [middle]).map((nth) => ({ call, nth, kind })),
    );
  });
}
