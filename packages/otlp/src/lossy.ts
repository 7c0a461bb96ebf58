/** The names a record's `lossy` may hold, collected as bits while a span is read. */

/** One bit per name of `SpanRecord.lossy`. */
export const Lossy = {
  attributes: 1 << 0,
  end_time_unix_nano: 1 << 1,
  events: 1 << 2,
  links: 1 << 3,
  name: 1 << 4,
  resource: 1 << 5,
  scope: 1 << 6,
  start_time_unix_nano: 1 << 7,
  status: 1 << 8,
  trace_state: 1 << 9,
  unknown_fields: 1 << 10,
} as const;

const names: readonly string[] = Object.keys(Lossy).sort();
const known = new Map<number, readonly string[]>();

/** The sorted names of a set of bits; the same array for the same bits. */
export function lossyNames(bits: number): readonly string[] {
  let list = known.get(bits);
  if (list === undefined) {
    list = Object.freeze(names.filter((name) => (bits & Lossy[name as keyof typeof Lossy]) !== 0));
    known.set(bits, list);
  }
  return list;
}
