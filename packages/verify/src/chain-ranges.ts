/** Sharing the judgement of a chain between threads: who takes which range, and what all of them found together. */
import { LOWEST_STORED_LEVEL } from '@infrafabric/format';
import type { ChainFindings, ChainRange } from './chain-findings.js';
import { mergeRedactions } from './judge-redactions.js';

/** Cuts a chain of `entries` into about `count` consecutive ranges of equal length; fewer when it is too short to cut. */
export function planRanges(entries: number, count: number): ChainRange[] {
  const width = 2 ** LOWEST_STORED_LEVEL;
  const ranges: ChainRange[] = [];
  for (let i = 1, from = 0; i <= count; i++) {
    const last = i === count;
    const to = last ? Number.POSITIVE_INFINITY : Math.floor((entries * i) / count / width) * width;
    if (to > from) ranges.push({ from, to, last });
    from = to;
  }
  return ranges;
}

/** Findings of consecutive ranges, the first one first, as those of the whole. */
export function mergeFindings(parts: readonly [ChainFindings, ...ChainFindings[]]): ChainFindings {
  const [first] = parts;
  const newest = parts.findLast((part) => part.newest !== undefined)?.newest;
  const notUnderstood: Record<string, number> = {};
  for (const part of parts) {
    for (const [type, count] of Object.entries(part.notUnderstood))
      notUnderstood[type] = (notUnderstood[type] ?? 0) + count;
  }
  const sum = (count: (part: ChainFindings) => number): number => parts.reduce((total, part) => total + count(part), 0);
  return {
    entries: sum((part) => part.entries),
    checkpoints: sum((part) => part.checkpoints),
    origin: first.origin,
    genesisVkey: first.genesisVkey,
    formatVersion: first.formatVersion,
    newest,
    sampled: parts.flatMap((part) => part.sampled),
    notUnderstood,
    criticalNotUnderstood: parts.some((part) => part.criticalNotUnderstood),
    spansKnownLost: sum((part) => part.spansKnownLost),
    restoredAt: parts.flatMap((part) => part.restoredAt),
    rotations: parts.flatMap((part) => part.rotations),
    payloadsExpected: sum((part) => part.payloadsExpected),
    redactions: mergeRedactions(parts.map((part) => part.redactions)),
    imports: importsOf(parts),
    indexes: parts.flatMap((part) => part.indexes),
  };
}

function importsOf(parts: readonly ChainFindings[]): ChainFindings['imports'] {
  const found = parts.flatMap(({ imports }) => (imports === undefined ? [] : [imports]));
  return found.length === 0 ? undefined : { first: found[0]!.first, last: found.at(-1)!.last };
}
