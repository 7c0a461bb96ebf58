/**
 * The rules of `index` entries: their ranges follow each other, and their trees are over what the spans of the range name. Only
 * for entries that are what was signed. docs/format.md §index.
 */
import {
  bytesOfHex,
  type CanonicalObject,
  type CanonicalValue,
  concatBytes,
  FormatError,
  MerkleFrontier,
  parseEntry,
  sha256Hex,
} from '@infrafabric/format';
import { type SpanColumns, viewEntry } from './entry-view.js';
import type { ProblemCode, Problems } from './report.js';
import type { ChainSource } from './source.js';

/** Judges the indexes at these seqs, which are all of a ledger, ascending. */
export function judgeIndexes(source: Pick<ChainSource, 'entries'>, seqs: readonly number[], problems: Problems): void {
  let from = 0;
  for (const seq of seqs) {
    const problem = (code: ProblemCode, what: string): void =>
      problems.add({ code, seq, message: `the index in entry ${seq} ${what}` });
    const [row] = [...source.entries(seq, seq + 1)].flat();
    const index = typeof row?.[1] === 'string' ? readIndex(row[1]) : undefined;
    if (index === undefined) {
      problem('index.malformed', 'lacks a member, or has one that is none');
      continue;
    }
    if (index.from !== from || index.to <= index.from || index.to > seq)
      problem('index.range', `is of entries ${index.from} to ${index.to}, where a range from ${from} on should follow`);
    else {
      for (const [name, tree] of treesOver(source, index.from, index.to)) {
        const said = index[name];
        if (said.leaves !== tree.size || said.root !== tree.rootHex())
          problem('index.root', `does not have the tree over the ${name} of its range`);
      }
    }
    from = index.to;
  }
}

const NAMES = ['business', 'business_parent', 'trace'] as const;
type Name = (typeof NAMES)[number];

interface Said {
  readonly leaves: number;
  readonly root: string;
}

type Index = Readonly<Record<Name, Said>> & { readonly from: number; readonly to: number };

function readIndex(text: string): Index | undefined {
  const { from, to, ...trees } = bodyOf(text);
  const isTree = (value: CanonicalValue | undefined): boolean => {
    const { leaves, root } = (typeof value === 'object' ? value : {}) as CanonicalObject;
    return isCount(leaves) && typeof root === 'string';
  };
  if (!isCount(from) || !isCount(to) || !NAMES.every((name) => isTree(trees[name]))) return undefined;
  return { ...(trees as unknown as Record<Name, Said>), from, to };
}

/** Empty where it is no JSON: the chain looks at an envelope, not at every body. */
function bodyOf(text: string): CanonicalObject {
  try {
    return parseEntry(text).body;
  } catch (error) {
    if (error instanceof FormatError) return {};
    throw error;
  }
}

function treesOver(source: Pick<ChainSource, 'entries'>, from: number, to: number): [Name, MerkleFrontier][] {
  const seqsOf = new Map<Name, Map<string, number[]>>(NAMES.map((name) => [name, new Map()]));
  for (const rows of source.entries(from, to)) {
    for (const [seq, text] of rows) {
      const view = typeof text === 'string' ? viewEntry(text) : undefined;
      if (view?.type !== 'span' || view.span === undefined) continue;
      for (const [name, key] of keysOf(view.span)) {
        const seqs = seqsOf.get(name)!.get(key);
        if (seqs === undefined) seqsOf.get(name)!.set(key, [seq]);
        else seqs.push(seq);
      }
    }
  }
  return [...seqsOf].map(([name, keys]) => [name, treeOf(keys)]);
}

function keysOf({ traceHex, business, businessParent }: SpanColumns): [Name, string][] {
  const keys: [Name, string][] = [['trace', traceHex]];
  if (business !== undefined) keys.push(['business', sha256Hex(business)]);
  if (businessParent !== undefined) keys.push(['business_parent', sha256Hex(businessParent)]);
  return keys;
}

/** Hex sorts as its octets do. */
function treeOf(keys: ReadonlyMap<string, readonly number[]>): MerkleFrontier {
  const tree = new MerkleFrontier();
  for (const key of [...keys.keys()].sort())
    tree.push(sha256Hex(concatBytes(Uint8Array.of(0), bytesOfHex(key), ...keys.get(key)!.map(octetsOf))));
  return tree;
}

function octetsOf(seq: number): Uint8Array {
  const octets = new Uint8Array(8);
  new DataView(octets.buffer).setBigUint64(0, BigInt(seq));
  return octets;
}

function isCount(value: CanonicalValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
