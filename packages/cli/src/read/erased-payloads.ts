/** What a call detail record says of payloads that are gone: how many, and which redaction entries say why. */

/** Payloads that redaction entries erased, and the seqs of the first and the last of those entries. */
export interface ErasedPayloads {
  readonly count: number;
  readonly firstBy: number;
  readonly lastBy: number;
}

/** Of one entry; undefined where its payload was not erased. @param erasedBy seq of the redaction entry */
export function erasedPayload(erasedBy: number | undefined): ErasedPayloads | undefined {
  return erasedBy === undefined ? undefined : { count: 1, firstBy: erasedBy, lastBy: erasedBy };
}

/** Both together. */
export function joinErased(a: ErasedPayloads | undefined, b: ErasedPayloads | undefined): ErasedPayloads | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return {
    count: a.count + b.count,
    firstBy: Math.min(a.firstBy, b.firstBy),
    lastBy: Math.max(a.lastBy, b.lastBy),
  };
}
