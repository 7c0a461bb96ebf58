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
import type { ProblemCode, ProblemSink } from './report.js';
import type { ChainSource } from './source.js';

/** Judges the indexes at these seqs, which are all of a ledger, ascending. */
export function judgeIndexes(
  source: Pick<ChainSource, 'entries'>,
  seqs: readonly number[],
  problems: ProblemSink,
): void {
  let from = 0;
  for (const seq of seqs) {
    const problem = (code: ProblemCode, what: string): void =>
      problems.add({ code, seq, message: `the index in entry ${seq} ${what}` });
    const [row] = [...source.entries(seq, seq + 1)].flat();
    const index = typeof row?.[1] === 'string' ? readIndex(bodyOf(row[1])) : undefined;
    if (index === undefined) {
      problem('index.malformed', 'lacks a member, or has one that is none');
      continue;
    }
    if (index.from !== from || index.to <= index.from || index.to > seq)
      problem('index.range', `is of entries ${index.from} to ${index.to}, where a range from ${from} on should follow`);
    else for (const name of wrongTrees(index, spansIn(source, index))) problem('index.root', notOf(name));
    from = index.to;
  }
}

const NAMES = ['business', 'business_parent', 'trace'] as const;
/** What there is a tree of. */
export type Name = (typeof NAMES)[number];

/** What an index says of a span. */
export interface IndexedSpan extends Pick<SpanColumns, 'traceHex' | 'business' | 'businessParent'> {
  readonly seq: number;
}

interface Said {
  readonly leaves: number;
  readonly root: string;
}

/** An index as it says. */
export type Index = Readonly<Record<Name, Said>> & { readonly from: number; readonly to: number };

/** Reads the body of an `index` entry; undefined for what is none. */
export function readIndex({ from, to, ...trees }: CanonicalObject): Index | undefined {
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

/** The trees of an index that are not those over the spans of its range. */
export function wrongTrees(index: Index, spans: Iterable<IndexedSpan>): Name[] {
  const seqsOf = new Map<Name, Map<string, number[]>>(NAMES.map((name) => [name, new Map()]));
  for (const span of spans) {
    for (const [name, key] of keysOf(span)) {
      const seqs = seqsOf.get(name)!.get(key);
      if (seqs === undefined) seqsOf.get(name)!.set(key, [span.seq]);
      else seqs.push(span.seq);
    }
  }
  return NAMES.filter((name) => {
    const tree = treeOf(seqsOf.get(name)!);
    return index[name].leaves !== tree.size || index[name].root !== tree.rootHex();
  });
}

/** What is wrong with an index that has such a tree. */
export function notOf(name: Name): string {
  return `does not have the tree over the ${name} of its range`;
}

function* spansIn(
  source: Pick<ChainSource, 'entries'>,
  { from, to }: Pick<Index, 'from' | 'to'>,
): Generator<IndexedSpan> {
  for (const rows of source.entries(from, to)) {
    for (const [seq, text] of rows) {
      const view = typeof text === 'string' ? viewEntry(text) : undefined;
      if (view?.type === 'span' && view.span !== undefined) yield { ...view.span, seq };
    }
  }
}

function keysOf({ traceHex, business, businessParent }: IndexedSpan): [Name, string][] {
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
