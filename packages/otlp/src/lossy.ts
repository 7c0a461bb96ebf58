/** The names a record's `lossy` may hold, collected as bits while a span is read. */

/** The names, sorted: fields of `Span` by their proto names, what encloses the span, and fields nobody here knows. */
const lossyFields = [
  'attributes',
  'end_time_unix_nano',
  'events',
  'links',
  'name',
  'resource',
  'scope',
  'start_time_unix_nano',
  'status',
  'trace_state',
  'unknown_fields',
] as const;

type LossyField = (typeof lossyFields)[number];

/** One bit per name. */
export const Lossy: Readonly<Record<LossyField, number>> = Object.fromEntries(
  lossyFields.map((name, i) => [name, 1 << i]),
) as Record<LossyField, number>;

const known = new Map<number, readonly string[]>();

/** The sorted names of a set of bits; the same frozen array for the same bits. */
export function lossyNames(bits: number): readonly string[] {
  let list = known.get(bits);
  if (list === undefined) {
    list = Object.freeze(lossyFields.filter((name) => (bits & Lossy[name]) !== 0));
    known.set(bits, list);
  }
  return list;
}
