/** Which of some spans count, and what each comes to, without the accounts of the whole ledger: for one trace. */
import { countCalls } from '@infrafabric/accounting';
import { addCall, type CallFacts, noSums, type Sums } from '@infrafabric/ledger/accounts';
import type { SpanEntry } from './span-entry.js';

/** A call that counts. */
export interface CountedEntry {
  readonly entry: SpanEntry;
  readonly currency: string;
  readonly sums: Sums;
}

/** The calls among entries of whole traces. */
export function countedCalls(entries: readonly SpanEntry[]): CountedEntry[] {
  const speaking = entries.filter(({ countable }) => countable !== undefined);
  const { notCounted, costFrom } = countCalls(
    speaking.map(({ countable }) => countable!),
    parentsIn(entries),
  );
  const bySeq = new Map(speaking.map((entry) => [entry.seq, entry]));
  return speaking
    .filter(({ seq }) => !notCounted.has(seq))
    .map((entry) => {
      const facts = factsOf(entry, bySeq.get(costFrom.get(entry.seq) ?? entry.seq) ?? entry);
      const sums = noSums();
      addCall(sums, facts, 1n);
      return { entry, currency: facts.currency, sums };
    });
}

function parentsIn(entries: readonly SpanEntry[]): (traceId: string, spanId: string) => string | undefined {
  const parents = new Map<string, string>();
  for (const { traceId, spanId, parentSpanId } of entries) {
    const key = traceId + spanId;
    if (parentSpanId !== undefined && !parents.has(key)) parents.set(key, parentSpanId);
  }
  return (traceId, spanId) => parents.get(traceId + spanId);
}

function factsOf({ tokens, isUnknownCall }: SpanEntry, { charge }: SpanEntry): CallFacts {
  return {
    tokens,
    isUnknownCall,
    source: charge?.source,
    pico: charge?.costPico,
    currency: charge?.currency ?? 'USD',
  };
}

/** Whether an entry says how much was used, or what it cost. */
export function hasUsage({ tokens, charge }: SpanEntry): boolean {
  return tokens !== undefined || charge?.costPico !== undefined;
}
