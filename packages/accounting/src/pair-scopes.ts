/**
 * Calls that several instrumentations saw without either knowing the response id of the other: one to one, in time order.
 * Every step costs a logarithm, because equal counts are cheap to make in any number.
 */

/** One call as one or more instrumentations saw it. */
export interface Sighting {
  /** Scopes that saw it; not empty. */
  scopes: readonly string[];
  /** Some scope saw its response id, so it is no other call with an id. */
  hasId: boolean;
  readonly traceId: string;
  /**
   * Unix nanoseconds, rounded to a double: of one span that saw it. Not from the first to the last of several, because
   * what overlaps only the time between them has nothing to do with any.
   */
  readonly start: number;
  readonly end: number;
}

/** Scopes of one set of equal counts that are compared; no process has as many instrumentations of one client. */
const MAX_SCOPES = 16;
/** Candidates that are looked at and refused because of a scope that both have. */
const MAX_REFUSED = 8;

/**
 * Joins sightings of equal counts that are one call: of different scopes, not both with an id, in one trace or overlapping
 * in time; those that overlap in one trace first. Calls `join` for each pair. `sightings` come in time order, and both the
 * pairs and their order depend on nothing else.
 */
export function pairScopes<S extends Sighting>(sightings: readonly S[], join: (kept: S, merged: S) => void): void {
  const byScope = new Map<string, S[]>();
  for (const sighting of sightings) {
    const scope = sighting.scopes.length === 1 ? sighting.scopes[0]! : [...sighting.scopes].sort()[0]!;
    const others = byScope.get(scope);
    if (others === undefined) byScope.set(scope, [sighting]);
    else others.push(sighting);
  }
  if (byScope.size < 2) return;
  let known: S[] = [];
  for (const scope of [...byScope.keys()].sort().slice(0, MAX_SCOPES)) {
    const rest = new Set(byScope.get(scope));
    const open = new Set(known.filter(({ scopes }) => !scopes.includes(scope)));
    const take = (kept: S, merged: S): void => {
      rest.delete(merged);
      open.delete(kept);
      kept.scopes = kept.scopes.concat(merged.scopes);
      kept.hasId ||= merged.hasId;
      join(kept, merged);
    };
    const inTraces = byTrace(open);
    for (const [traceId, newcomers] of byTrace(rest)) {
      const candidates = inTraces.get(traceId);
      if (candidates === undefined) continue;
      const matcher = new Matcher(candidates);
      const apart = newcomers.filter((newcomer) => !matcher.match(newcomer, true, take));
      for (const newcomer of apart) matcher.match(newcomer, false, take);
    }
    if (rest.size > 0 && open.size > 0) {
      const matcher = new Matcher([...open]);
      for (const newcomer of [...rest]) matcher.match(newcomer, true, take);
    }
    known = inTimeOrder([...known, ...rest]);
  }
}

function byTrace<S extends Sighting>(sightings: Iterable<S>): Map<string, S[]> {
  const traces = new Map<string, S[]>();
  for (const sighting of sightings) {
    const others = traces.get(sighting.traceId);
    if (others === undefined) traces.set(sighting.traceId, [sighting]);
    else others.push(sighting);
  }
  return traces;
}

/** Stable, so that ties keep the order given. */
function inTimeOrder<S extends Sighting>(sightings: S[]): S[] {
  return sightings.sort((a, b) => a.start - b.start);
}

/** Finds the earliest candidate that fits, each at most once. */
class Matcher<S extends Sighting> {
  readonly #candidates: readonly S[];
  readonly #withId: LatestEnds;
  readonly #withoutId: LatestEnds;

  constructor(candidates: S[]) {
    this.#candidates = inTimeOrder(candidates);
    this.#withId = new LatestEnds(this.#candidates.map(({ hasId, end }) => (hasId ? end : Number.NEGATIVE_INFINITY)));
    this.#withoutId = new LatestEnds(
      this.#candidates.map(({ hasId, end }) => (hasId ? Number.NEGATIVE_INFINITY : end)),
    );
  }

  match(newcomer: S, mustOverlap: boolean, take: (kept: S, merged: S) => void): boolean {
    const since = mustOverlap ? newcomer.start : -Number.MAX_VALUE;
    let from = 0;
    for (let refused = 0; refused <= MAX_REFUSED; refused++) {
      const at = Math.min(
        this.#withoutId.firstAtLeast(since, from),
        newcomer.hasId ? Number.POSITIVE_INFINITY : this.#withId.firstAtLeast(since, from),
      );
      const candidate = this.#candidates[at];
      if (candidate === undefined || (mustOverlap && candidate.start > newcomer.end)) return false;
      if (isDisjoint(candidate.scopes, newcomer.scopes)) {
        this.#withId.remove(at);
        this.#withoutId.remove(at);
        take(candidate, newcomer);
        return true;
      }
      from = at + 1;
    }
    return false;
  }
}

function isDisjoint(a: readonly string[], b: readonly string[]): boolean {
  return !a.some((scope) => b.includes(scope));
}

/** Ends in a fixed order; which is the first that is late enough. A tree of maxima. */
class LatestEnds {
  readonly #size: number;
  readonly #maxima: Float64Array;

  constructor(ends: readonly number[]) {
    let size = 1;
    while (size < ends.length) size *= 2;
    this.#size = size;
    this.#maxima = new Float64Array(2 * size).fill(Number.NEGATIVE_INFINITY);
    ends.forEach((end, i) => {
      this.#maxima[size + i] = end;
    });
    for (let node = size - 1; node > 0; node--) this.#update(node);
  }

  /** The lowest place, `from` or later, whose end is at least `end`; infinity when there is none. */
  firstAtLeast(end: number, from: number): number {
    let node = this.#size + from;
    if (from >= this.#size) return Number.POSITIVE_INFINITY;
    while (this.#maxima[node]! < end) {
      // To the next subtree on the right: up while on a right edge.
      while (node % 2 === 1) node = (node - 1) / 2;
      if (node === 0) return Number.POSITIVE_INFINITY;
      node++;
    }
    while (node < this.#size) node = this.#maxima[2 * node]! >= end ? 2 * node : 2 * node + 1;
    return node - this.#size;
  }

  remove(place: number): void {
    let node = this.#size + place;
    this.#maxima[node] = Number.NEGATIVE_INFINITY;
    for (node = Math.floor(node / 2); node > 0; node = Math.floor(node / 2)) this.#update(node);
  }

  #update(node: number): void {
    this.#maxima[node] = Math.max(this.#maxima[2 * node]!, this.#maxima[2 * node + 1]!);
  }
}
