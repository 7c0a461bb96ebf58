/** Sums of span entries by what they have in common. */
import type { SpanEntry } from '../read/span-entry.js';
import { Totals } from '../read/totals.js';

/** What entries can be grouped by, and how each is read. */
export const GROUP_KEYS: Readonly<Record<string, (entry: SpanEntry) => string | undefined>> = {
  component: ({ component }) => component,
  model: ({ model }) => model,
  provider: ({ provider }) => provider,
  service: ({ service }) => service,
  trace: ({ businessId, traceId }) => businessId ?? traceId,
};

/** One group. */
export interface SpanGroup {
  /** Value by key; undefined where the entries do not say. */
  readonly values: readonly (string | undefined)[];
  readonly totals: Totals;
}

/** Groups and sums entries; the most expensive group first, then the one with most entries. */
export function groupSpans(
  entries: Iterable<SpanEntry>,
  keys: readonly string[],
  containers: ReadonlySet<number>,
): { totals: Totals; groups: SpanGroup[] } {
  const totals = new Totals(containers);
  const groups = new Map<string, SpanGroup>();
  for (const entry of entries) {
    totals.add(entry);
    const values = keys.map((key) => GROUP_KEYS[key]!(entry));
    const id = JSON.stringify(values.map((value) => value ?? null));
    const group = groups.get(id) ?? { values, totals: new Totals(containers) };
    groups.set(id, group);
    group.totals.add(entry);
  }
  return { totals, groups: [...groups.values()].sort(byCost) };
}

function byCost(a: SpanGroup, b: SpanGroup): number {
  const difference = b.totals.totalPico - a.totals.totalPico;
  if (difference !== 0n) return difference > 0n ? 1 : -1;
  return b.totals.entries - a.totals.entries;
}
