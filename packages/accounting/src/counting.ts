/** Which spans count: calls, not the spans that tell of them. docs/conventions.md gives the rules and their reasons. */
import { type CallTree, callTree, type ParentOf } from './call-tree.js';
import { type CountableSpan, sameCallKeys } from './countable-span.js';
import { pairScopes, type Sighting } from './pair-scopes.js';

export type { ParentOf } from './call-tree.js';

/** Why a span does not count. */
export interface NotCounted {
  /**
   * `container`: what it says, spans below it say; `same-call`: another span tells of the same call; `known-call`: a call of
   * unknown usage above or below one of known usage.
   */
  readonly why: 'container' | 'same-call' | 'known-call';
  /** Seq of a span that counts in its place. */
  readonly by: number;
}

/** Which spans count. */
export interface Counting {
  /** By seq; spans that are not here count. */
  readonly notCounted: ReadonlyMap<number, NotCounted>;
  /** Seq of a counted span → seq of the merged member whose cost is this call's, where that is not its own. */
  readonly costFrom: ReadonlyMap<number, number>;
}

/**
 * Which of these spans count. `spans` are those with tokens, with a cost, and unknown calls, of the traces in question: all of
 * each trace, and all traces that `mayBeSameCall` reaches. The answer does not depend on the order of `spans`, nor on anything
 * outside of a set that is closed so. Nearly linear in the spans, and in those between them and their ancestors.
 */
export function countCalls(spans: readonly CountableSpan[], parentOf: ParentOf): Counting {
  return new Count(spans, parentOf).result();
}

/** Nothing below; or spans of more than one call. */
const NONE = -1;
const SEVERAL = -2;

const COST_RANKS = { none: 0, estimated: 1, computed: 2, reported: 3 } as const;
/** SDKs that trace themselves: they see every class the provider tells. */
const SELF_TRACING = 'com.anthropic.sdk.';

class Count {
  /** Distinct spans in the order of time; of a span that came several times, the best arrival. */
  readonly #spans: readonly CountableSpan[];
  /** The other arrivals, by place in `#spans`. */
  readonly #repeats: ReadonlyMap<number, readonly CountableSpan[]>;
  readonly #counts: readonly (string | undefined)[];
  readonly #tree: CallTree;
  readonly #calls: Calls;

  constructor(spans: readonly CountableSpan[], parentOf: ParentOf) {
    const { distinct, repeats } = arrivals(spans);
    this.#spans = distinct;
    this.#repeats = repeats;
    this.#counts = distinct.map((span) => sameCallKeys(span).counts);
    this.#tree = callTree(distinct, parentOf);
    this.#calls = new Calls(distinct, this.#counts);
  }

  result(): Counting {
    this.#joinIds();
    this.#joinLines();
    this.#joinScopes(this.#containers());
    // Two scopes that saw one call below a third are one call by now, and may be the third's.
    this.#joinLines();
    return this.#choose(this.#containers());
  }

  /** Spans with the same response id, but not those above another with other counts, which add up several. */
  #joinIds(): void {
    const byId = new Map<string, number[]>();
    this.#spans.forEach(({ response }, place) => {
      if (response === undefined) return;
      const places = byId.get(response);
      if (places === undefined) byId.set(response, [place]);
      else places.push(place);
    });
    let extents: Extents | undefined;
    for (const places of byId.values()) {
      if (places.length < 2) continue;
      extents ??= new Extents(this.#tree);
      const [first, ...others] = places.filter(this.#isNoSum(places, extents));
      for (const other of others) this.#calls.join(first!, other);
    }
  }

  /** Tells the spans of one response that have no other one with other counts next below. */
  #isNoSum(places: readonly number[], extents: Extents): (place: number) => boolean {
    const sums = new Set<number>();
    const around: number[] = [];
    for (const place of [...places].sort((a, b) => extents.first[a]! - extents.first[b]!)) {
      while (around.length > 0 && extents.last[around.at(-1)!]! < extents.first[place]!) around.pop();
      const outer = around.at(-1);
      if (outer !== undefined && this.#bothKnownAndUnequal(outer, place)) sums.add(outer);
      around.push(place);
    }
    return (place) => !sums.has(place);
  }

  #bothKnownAndUnequal(a: number, b: number): boolean {
    const [left, right] = [this.#counts[a], this.#counts[b]];
    return left !== undefined && right !== undefined && left !== right;
  }

  /** A span with the same counts as the only call below it is that call. */
  #joinLines(): void {
    const below = this.#callsBelow((place) => this.#counts[place] !== undefined, true);
    for (const place of this.#tree.upwards) {
      const call = below[place]!;
      const counts = this.#counts[place];
      if (call >= 0 && counts !== undefined && this.#calls.hasCounts(call, counts)) this.#calls.join(call, place);
    }
  }

  /** Of each place: the one call below it, NONE, or SEVERAL. `joining` calls that have equal counts makes them one. */
  #callsBelow(speaks: (place: number) => boolean, joining = false): Int32Array {
    const below = new Int32Array(this.#spans.length).fill(NONE);
    const add = (place: number, call: number): void => {
      const known = below[place]!;
      if (call === NONE || known === SEVERAL) return;
      if (known === NONE || call === SEVERAL) below[place] = call;
      else if (this.#calls.of(known) !== this.#calls.of(call)) below[place] = SEVERAL;
    };
    for (const place of this.#tree.upwards) {
      const parent = this.#tree.above[place]!;
      const counts = this.#counts[place];
      const call = below[place]!;
      if (joining && call >= 0 && counts !== undefined && this.#calls.hasCounts(call, counts))
        this.#calls.join(call, place);
      if (parent < 0) continue;
      add(parent, call);
      if (speaks(place)) add(parent, place);
    }
    return below;
  }

  /** Spans above spans of other calls. A cost for units is no sum; a cost alone makes no container of the tokens above it. */
  #containers(): readonly boolean[] {
    const tokensBelow = this.#callsBelow((place) => this.#counts[place] !== undefined);
    const anyBelow = this.#callsBelow((place) => this.#isKnown(place));
    return this.#spans.map((span, place) => {
      if (this.#isKnown(place) && this.#counts[place] === undefined && span.hasUnits) return false;
      if (!this.#isKnown(place)) return false;
      const call = this.#counts[place] === undefined ? anyBelow[place]! : tokensBelow[place]!;
      return call === SEVERAL || (call !== NONE && this.#calls.of(call) !== this.#calls.of(place));
    });
  }

  /** It has tokens or a cost, and is no call of unknown usage. */
  #isKnown(place: number): boolean {
    const span = this.#spans[place]!;
    return span.tokens !== undefined || (span.cost !== 'none' && !span.isUnknownCall);
  }

  /** Equal counts of different scopes, paired one to one. */
  #joinScopes(isContainer: readonly boolean[]): void {
    const byCounts = new Map<string, number[]>();
    this.#counts.forEach((counts, place) => {
      if (counts === undefined || isContainer[place]) return;
      const places = byCounts.get(counts);
      if (places === undefined) byCounts.set(counts, [place]);
      else places.push(place);
    });
    for (const counts of [...byCounts.keys()].sort()) {
      const places = byCounts.get(counts)!;
      const scope = this.#spans[places[0]!]!.scope;
      if (places.every((place) => this.#spans[place]!.scope === scope)) continue;
      pairScopes(this.#sightings(places), (kept, merged) => this.#calls.join(kept.place, merged.place));
    }
  }

  /** One for each call among these places, in the order of time. */
  #sightings(places: readonly number[]): (Sighting & { readonly place: number })[] {
    const sightings = new Map<number, Sighting & { readonly place: number }>();
    for (const place of places) {
      const { traceId, startUnixNano, endUnixNano } = this.#spans[place]!;
      const [start, end] = [Number(startUnixNano), Number(endUnixNano)];
      const call = this.#calls.of(place);
      // The earliest span stands for all.
      if (!sightings.has(call)) sightings.set(call, { place, ...this.#calls.seenBy(place), traceId, start, end });
    }
    return [...sightings.values()];
  }

  #choose(isContainer: readonly boolean[]): Counting {
    const notCounted = new Map<number, NotCounted>();
    const costFrom = new Map<number, number>();
    const winners = this.#winners(isContainer);
    const below = new WinnersBelow(this.#tree, this.#spans, winners, isContainer);
    const replaced = this.#replacedUnknown(winners, below);
    this.#spans.forEach((span, place) => {
      const winner = winners[place]!;
      const container = isContainer[place] ? below.of(place, span.tokens === undefined ? 'known' : 'tokens') : NONE;
      const unknown = replaced.get(winner);
      let reason: { readonly why: NotCounted['why']; readonly at: number } | undefined;
      if (container !== NONE) reason = { why: 'container', at: container };
      else if (unknown !== undefined) reason = unknown;
      else if (winner !== place) reason = { why: 'same-call', at: winner };
      if (reason !== undefined) notCounted.set(span.seq, { why: reason.why, by: this.#spans[reason.at]!.seq });
      const by = this.#spans[reason?.at ?? place]!.seq;
      for (const repeat of this.#repeats.get(place) ?? []) notCounted.set(repeat.seq, { why: 'same-call', by });
    });
    for (const [winner, payer] of this.#payers(isContainer, winners)) {
      const { seq } = this.#spans[winner]!;
      if (!notCounted.has(seq) && seq !== payer) costFrom.set(seq, payer);
    }
    return { notCounted, costFrom };
  }

  /** Winner of an unknown call → what counts in its place: a known call around it, or an unknown call below it. */
  #replacedUnknown(
    winners: Int32Array,
    below: WinnersBelow,
  ): ReadonlyMap<number, { readonly why: 'known-call' | 'container'; readonly at: number }> {
    const replaced = new Map<number, { readonly why: 'known-call' | 'container'; readonly at: number }>();
    const unknown = [...this.#spans.keys()].filter((place) => {
      const winner = winners[place]!;
      return !this.#isKnown(place) && !this.#isKnown(winner);
    });
    for (const place of unknown) {
      const at = below.of(place, 'tokens');
      const known = at === NONE ? below.knownAbove(place) : at;
      if (known !== NONE && !replaced.has(winners[place]!))
        replaced.set(winners[place]!, { why: 'known-call', at: known });
    }
    for (const place of unknown) {
      const winner = winners[place]!;
      const lower = below.of(place, 'unknown');
      if (lower === NONE || replaced.has(winner)) continue;
      let at = lower;
      // To what counts in the end. Calls that stand above each other in different traces do not replace each other.
      for (let next = replaced.get(at); next !== undefined; next = replaced.get(at)) at = next.at;
      if (at !== lower) replaced.set(lower, { ...replaced.get(lower)!, at });
      if (at !== winner) replaced.set(winner, { why: 'container', at });
    }
    return replaced;
  }

  /** Of each place, the place of the span that stands for its call; its own for a container of several. */
  #winners(isContainer: readonly boolean[]): Int32Array {
    const byCall = new Map<number, number>();
    this.#spans.forEach((span, place) => {
      if (isContainer[place]) return;
      const call = this.#calls.of(place);
      const best = byCall.get(call);
      if (best === undefined || isBetter(span, this.#spans[best]!)) byCall.set(call, place);
    });
    return Int32Array.from(this.#spans, (_, place) => byCall.get(this.#calls.of(place)) ?? place);
  }

  /** Winner → seq of the member with the surest cost; its own where none is surer. */
  #payers(isContainer: readonly boolean[], winners: Int32Array): Map<number, number> {
    const payers = new Map<number, { readonly seq: number; readonly rank: number }>();
    const offer = (winner: number, { seq, cost }: CountableSpan): void => {
      const rank = COST_RANKS[cost];
      if (rank > (payers.get(winner)?.rank ?? 0)) payers.set(winner, { seq, rank });
    };
    this.#spans.forEach((span, place) => {
      if (winners[place] === place) offer(place, span);
    });
    this.#spans.forEach((span, place) => {
      if (isContainer[place]) return;
      for (const member of [span, ...(this.#repeats.get(place) ?? [])]) offer(winners[place]!, member);
    });
    return new Map(Array.from(payers, ([winner, { seq }]) => [winner, seq]));
  }
}

/** Whether the first of two members of a call tells more of it. `b` began earlier, and is mostly the outer one. */
function isBetter(a: CountableSpan, b: CountableSpan): boolean {
  return compareMerit(a, b) >= 0;
}

/** What matters most first; positive when `a` tells more. */
function compareMerit(a: CountableSpan, b: CountableSpan): number {
  return (
    Number(a.tokens !== undefined) - Number(b.tokens !== undefined) ||
    Number(b.isUnknownCall) - Number(a.isUnknownCall) ||
    Number(b.isEstimated) - Number(a.isEstimated) ||
    classesOf(a) - classesOf(b) ||
    Number(a.scope.startsWith(SELF_TRACING)) - Number(b.scope.startsWith(SELF_TRACING)) ||
    Number(a.response !== undefined) - Number(b.response !== undefined)
  );
}

function classesOf({ tokens }: CountableSpan): number {
  return tokens === undefined ? 0 : Object.keys(tokens).length;
}

/** Sorts by time, then by ids, and sets apart what arrived more than once. */
function arrivals(spans: readonly CountableSpan[]): {
  readonly distinct: CountableSpan[];
  readonly repeats: Map<number, CountableSpan[]>;
} {
  const bySpan = new Map<string, CountableSpan[]>();
  for (const span of spans) {
    const key = `${span.traceId}/${span.spanId}`;
    const others = bySpan.get(key);
    if (others === undefined) bySpan.set(key, [span]);
    else others.push(span);
  }
  const sorted = [...bySpan.values()]
    .map((same) => (same.length === 1 ? same : same.sort((a, b) => compareMerit(b, a) || a.seq - b.seq)))
    .sort(([a], [b]) => compareSpans(a!, b!));
  const repeats = new Map<number, CountableSpan[]>();
  sorted.forEach((same, place) => {
    if (same.length > 1) repeats.set(place, same.slice(1));
  });
  return { distinct: sorted.map(([best]) => best!), repeats };
}

function compareSpans(a: CountableSpan, b: CountableSpan): number {
  return (
    compare(a.startUnixNano, b.startUnixNano) ||
    // Of spans that begin together, the longer is the outer one.
    compare(b.endUnixNano, a.endUnixNano) ||
    compare(a.traceId, b.traceId) ||
    compare(a.spanId, b.spanId)
  );
}

function compare<T extends bigint | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Sets of places that are one call each. */
class Calls {
  readonly #parent: Int32Array;
  readonly #seen: (CallSeen | undefined)[];
  readonly #spans: readonly CountableSpan[];
  readonly #counts: readonly (string | undefined)[];

  constructor(spans: readonly CountableSpan[], counts: readonly (string | undefined)[]) {
    this.#spans = spans;
    this.#counts = counts;
    this.#parent = Int32Array.from(spans, (_, place) => place);
    this.#seen = new Array<CallSeen | undefined>(spans.length);
  }

  /** The place that names a call: its earliest. */
  of(place: number): number {
    let root = place;
    while (this.#parent[root] !== root) root = this.#parent[root]!;
    for (let at = place; at !== root; ) {
      const next = this.#parent[at]!;
      this.#parent[at] = root;
      at = next;
    }
    return root;
  }

  join(a: number, b: number): void {
    const [left, right] = [this.of(a), this.of(b)];
    if (left === right) return;
    const [root, other] = left < right ? [left, right] : [right, left];
    const [kept, merged] = [this.#seenOf(root), this.#seenOf(other)];
    this.#seen[root] = {
      scopes: union(kept.scopes, merged.scopes),
      counts: union(kept.counts, merged.counts),
      hasId: kept.hasId || merged.hasId,
    };
    this.#seen[other] = undefined;
    this.#parent[other] = root;
  }

  seenBy(place: number): { readonly scopes: readonly string[]; readonly hasId: boolean } {
    const root = this.of(place);
    const seen = this.#seen[root];
    if (seen !== undefined) return { scopes: [...seen.scopes], hasId: seen.hasId };
    const { scope, response } = this.#spans[root]!;
    return { scopes: [scope], hasId: response !== undefined };
  }

  /** Whether a member of the call has these counts. */
  hasCounts(place: number, counts: string): boolean {
    const root = this.of(place);
    return this.#seen[root]?.counts.has(counts) ?? this.#counts[root] === counts;
  }

  #seenOf(root: number): CallSeen {
    const known = this.#seen[root];
    if (known !== undefined) return known;
    const { scope, response } = this.#spans[root]!;
    const counts = this.#counts[root];
    return {
      scopes: new Set([scope]),
      counts: new Set(counts === undefined ? [] : [counts]),
      hasId: response !== undefined,
    };
  }
}

interface CallSeen {
  readonly scopes: Set<string>;
  readonly counts: Set<string>;
  readonly hasId: boolean;
}

/** Adds the smaller to the larger. */
function union(a: Set<string>, b: Set<string>): Set<string> {
  const [large, small] = a.size >= b.size ? [a, b] : [b, a];
  for (const member of small) large.add(member);
  return large;
}

/** First and last number of each subtree, in an order in which what is below a span follows it. */
class Extents {
  readonly first: Int32Array;
  readonly last: Int32Array;

  constructor({ above, upwards }: CallTree) {
    const sizes = new Int32Array(above.length).fill(1);
    for (const place of upwards) if (above[place]! >= 0) sizes[above[place]!]! += sizes[place]!;
    this.first = new Int32Array(above.length);
    this.last = new Int32Array(above.length);
    /** Where the next subtree below each place begins. */
    const next = new Int32Array(above.length);
    let roots = 0;
    for (let i = upwards.length - 1; i >= 0; i--) {
      const place = upwards[i]!;
      const parent = above[place]!;
      const first = parent < 0 ? roots : next[parent]!;
      if (parent < 0) roots += sizes[place]!;
      else next[parent]! += sizes[place]!;
      this.first[place] = first;
      this.last[place] = first + sizes[place]! - 1;
      next[place] = first + 1;
    }
  }
}

/** Kinds of spans below: with tokens; with tokens or a cost; of unknown usage. */
type Kind = 'tokens' | 'known' | 'unknown';
const KINDS: readonly Kind[] = ['tokens', 'known', 'unknown'];

/** The earliest span below or above each that stands for a call. */
class WinnersBelow {
  readonly #below: Readonly<Record<Kind, Int32Array>>;
  readonly #knownAbove: Int32Array;

  constructor(
    { above, upwards }: CallTree,
    spans: readonly CountableSpan[],
    winners: Int32Array,
    isContainer: readonly boolean[],
  ) {
    const none = (): Int32Array => new Int32Array(spans.length).fill(NONE);
    this.#below = { tokens: none(), known: none(), unknown: none() };
    for (const place of upwards) {
      const parent = above[place]!;
      if (parent < 0) continue;
      const winner = isContainer[place] ? undefined : spans[winners[place]!]!;
      for (const kind of KINDS) {
        const below = this.#below[kind];
        // Of unknown calls above each other, the lowest.
        const isHidden = kind === 'unknown' && below[place] !== NONE;
        const own = winner !== undefined && !isHidden && isOfKind(winner, kind) ? winners[place]! : NONE;
        below[parent] = earliest(below[parent]!, earliest(below[place]!, own));
      }
    }
    this.#knownAbove = none();
    for (let i = upwards.length - 1; i >= 0; i--) {
      const place = upwards[i]!;
      const parent = above[place]!;
      if (parent < 0) continue;
      const counts = !isContainer[parent] && spans[winners[parent]!]!.tokens !== undefined;
      this.#knownAbove[place] = counts ? winners[parent]! : this.#knownAbove[parent]!;
    }
  }

  /** NONE where there is none. */
  of(place: number, kind: Kind): number {
    return this.#below[kind][place]!;
  }

  /** The nearest with tokens that counts. */
  knownAbove(place: number): number {
    return this.#knownAbove[place]!;
  }
}

function isOfKind(span: CountableSpan, kind: Kind): boolean {
  if (kind === 'tokens') return span.tokens !== undefined;
  const isUnknown = span.isUnknownCall && span.tokens === undefined;
  return kind === 'unknown' ? isUnknown : !isUnknown;
}

function earliest(a: number, b: number): number {
  if (a === NONE || b === NONE) return Math.max(a, b);
  return Math.min(a, b);
}
