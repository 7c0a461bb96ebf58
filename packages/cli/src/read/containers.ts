/**
 * Which spans must not be counted because what they say is said once more below or above them. Structure decides: a span
 * with usage above another span with usage is a container (an agent, a chain, `ai.generateText` around `ai.generateText.
 * doGenerate`), and a model call of unknown usage with a known one above or below it is that call.
 */
import type { SpanEntry } from './span-entry.js';

/** Seqs of the spans that do not count. `pass` gives the same entries each time it is called. */
export function containersOf(pass: () => Iterable<SpanEntry>): ReadonlySet<number> {
  const speaking = new Map<string, number>();
  for (const { isCall, traceId } of pass()) if (isCall) speaking.set(traceId, (speaking.get(traceId) ?? 0) + 1);
  const traces = new Map<string, SpanEntry[]>();
  for (const [traceId, spans] of speaking) if (spans > 1) traces.set(traceId, []);
  if (traces.size > 0) for (const entry of pass()) traces.get(entry.traceId)?.push(entry);
  const containers = new Set<number>();
  for (const entries of traces.values()) for (const seq of containersOfTrace(entries)) containers.add(seq);
  return containers;
}

/** Whether an entry says how much was used, or what it cost. */
export function hasUsage({ tokens, charge }: SpanEntry): boolean {
  return tokens !== undefined || charge?.costPico !== undefined;
}

function* containersOfTrace(entries: readonly SpanEntry[]): Generator<number> {
  const bySpan = new Map<string, SpanEntry>();
  for (const entry of entries) if (!bySpan.has(entry.spanId)) bySpan.set(entry.spanId, entry);
  const aboveUsage = new Set<SpanEntry>();
  for (const entry of entries) {
    if (!hasUsage(entry)) continue;
    for (const above of ancestors(entry, bySpan)) {
      // What is above a marked one is marked already.
      if (aboveUsage.has(above)) break;
      aboveUsage.add(above);
    }
  }
  for (const entry of entries) {
    const repeats = hasUsage(entry)
      ? aboveUsage.has(entry)
      : entry.isUnknownCall && isAroundUsage(entry, bySpan, aboveUsage);
    // Spans that claim to be each other's ancestors are no containers: nothing below them says what they say.
    if (repeats && !isItsOwnAncestor(entry, bySpan)) yield entry.seq;
  }
}

function isAroundUsage(
  entry: SpanEntry,
  bySpan: ReadonlyMap<string, SpanEntry>,
  aboveUsage: ReadonlySet<SpanEntry>,
): boolean {
  if (aboveUsage.has(entry)) return true;
  for (const above of ancestors(entry, bySpan)) if (hasUsage(above)) return true;
  return false;
}

/** Parents, nearest first; a circle ends where it closes. */
function* ancestors(entry: SpanEntry, bySpan: ReadonlyMap<string, SpanEntry>): Generator<SpanEntry> {
  const passed = new Set([entry]);
  for (let next = parentOf(entry, bySpan); next !== undefined && !passed.has(next); next = parentOf(next, bySpan)) {
    passed.add(next);
    yield next;
  }
}

function isItsOwnAncestor(entry: SpanEntry, bySpan: ReadonlyMap<string, SpanEntry>): boolean {
  const above = [...ancestors(entry, bySpan)];
  return parentOf(above.at(-1) ?? entry, bySpan) === entry;
}

function parentOf({ parentSpanId }: SpanEntry, bySpan: ReadonlyMap<string, SpanEntry>): SpanEntry | undefined {
  return parentSpanId === undefined ? undefined : bySpan.get(parentSpanId);
}
