/** Which entries a bundle must have so that those that were asked for can be judged. docs/format.md §Bundle. */
import type { LedgerReader } from '../reader.js';

/** 0, 1, 2 … */
export function* everySeq(size: number): Generator<number> {
  for (let seq = 0; seq < size; seq++) yield seq;
}

/**
 * Those asked for, and with them: `genesis`, every rotation, what was redacted or adjusted of them since, and of imported
 * entries their heads and their other parts. In order. Reads control entries only, which an index gives.
 */
export function seqsToWrite(
  reader: LedgerReader,
  asked: ReadonlySet<number>,
  rotations: ReadonlySet<number>,
  size: number,
): number[] {
  const seqs = new Set([0, ...rotations]);
  for (const seq of asked) seqs.add(seq);
  for (const { seq, entry } of reader.entriesOfType('import'))
    if (asked.has(seq)) for (const needed of importNeeds(seq, entry.body)) seqs.add(needed);
  for (const type of ['redaction', 'adjustment'] as const) {
    for (const { seq, entry } of reader.entriesOfType(type))
      if (typeof entry.body.target === 'number' && seqs.has(entry.body.target)) seqs.add(seq);
  }
  return [...seqs].filter((seq) => seq < size).sort((a, b) => a - b);
}

function* importNeeds(seq: number, { head, part, parts }: { readonly [member: string]: unknown }): Generator<number> {
  if (typeof head === 'number' && head < seq) yield head;
  if (typeof part !== 'number' || typeof parts !== 'number') return;
  // An entry has few parts; what says otherwise is damaged.
  for (let i = 0; i < Math.min(parts, 16); i++) yield Math.max(0, seq - part + i);
}
