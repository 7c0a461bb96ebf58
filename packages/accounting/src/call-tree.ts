/** Which span stands above which, of spans that count, however long and however twisted the way between them is. */

/** Span id of the parent of any span of the trace, also one without usage; undefined for a root or an unknown span. */
export type ParentOf = (traceId: string, spanId: string) => string | undefined;

/** Spans by their places in a list, and their nearest ancestors in it. */
export interface CallTree {
  /** Place of the nearest ancestor of each; −1 where there is none. */
  readonly above: Int32Array;
  /** All places, descendants before ancestors. */
  readonly upwards: Int32Array;
}

interface Placed {
  readonly traceId: string;
  readonly spanId: string;
}

/**
 * The tree of `spans`, which are distinct. Spans that claim to be each other's ancestors have none, because nothing says
 * which of them is the outer one. Looks at each span of a trace once.
 */
export function callTree(spans: readonly Placed[], parentOf: ParentOf): CallTree {
  const above = nearestAbove(spans, parentOf);
  const waiting = new Int32Array(spans.length);
  for (const place of above) if (place >= 0) waiting[place]!++;
  const upwards = new Int32Array(spans.length);
  let known = 0;
  for (let place = 0; place < spans.length; place++) if (waiting[place] === 0) upwards[known++] = place;
  for (let next = 0; next < known; next++) {
    const parent = above[upwards[next]!]!;
    if (parent >= 0 && --waiting[parent]! === 0) upwards[known++] = parent;
  }
  // What still waits stands in a circle.
  for (let place = 0; place < spans.length; place++) {
    if (waiting[place]! <= 0) continue;
    above[place] = -1;
    upwards[known++] = place;
  }
  return { above, upwards };
}

function nearestAbove(spans: readonly Placed[], parentOf: ParentOf): Int32Array {
  const keyOf = (traceId: string, spanId: string): string => `${traceId}/${spanId}`;
  const places = new Map(spans.map(({ traceId, spanId }, place) => [keyOf(traceId, spanId), place]));
  /** Of spans between; −1 also while their way up is walked, which ends circles. */
  const known = new Map<string, number>();
  const above = new Int32Array(spans.length).fill(-1);
  spans.forEach(({ traceId, spanId }, place) => {
    const passed: string[] = [];
    let found = -1;
    for (let id = parentOf(traceId, spanId); id !== undefined; id = parentOf(traceId, id)) {
      const key = keyOf(traceId, id);
      const next = places.get(key) ?? known.get(key);
      if (next !== undefined) {
        found = next;
        break;
      }
      known.set(key, -1);
      passed.push(key);
    }
    for (const key of passed) known.set(key, found);
    above[place] = found;
  });
  return above;
}
