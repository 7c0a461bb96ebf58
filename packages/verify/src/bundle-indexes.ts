/** `index` entries in a bundle: as far as what they are about is here. docs/format.md §index, §Bundle. */
import type { Entry } from '@infrafabric/format';
import { type IndexedSpan, notOf, readIndex, wrongTrees } from './judge-indexes.js';
import type { ProblemCode, ProblemSink } from './report.js';

/** Entries of a range whose trees are compared. More would let a file choose how much memory its judge takes. */
const WINDOW = 131_072;

/** How many there are, and of how many not all entries are here. */
export interface IndexFindings {
  readonly found: number;
  readonly notCompared: number;
}

/** Judges them as entries come by in order. */
export class BundleIndexes {
  readonly #problems: ProblemSink;
  /** Spans of the last entries without a hole between them, and for a while some before those. */
  #spans: IndexedSpan[] = [];
  /** Seq of the first entry of those. */
  #since = 0;
  /** Where the next range begins; undefined where an index may have been left out. */
  #from: number | undefined = 0;
  #found = 0;
  #notCompared = 0;

  constructor(problems: ProblemSink) {
    this.#problems = problems;
  }

  get findings(): IndexFindings {
    return { found: this.#found, notCompared: this.#notCompared };
  }

  /** Entries before this seq are not here. */
  gap(to: number): void {
    this.#spans = [];
    this.#since = to;
    this.#from = undefined;
  }

  take(seq: number, { type, body }: Entry): void {
    if (type === 'span') this.#span(seq, body);
    if (seq - this.#since >= WINDOW) this.#since = seq - WINDOW + 1;
    if (type === 'index') this.#index(seq, body);
  }

  #span(seq: number, { trace, business, business_parent: businessParent }: Entry['body']): void {
    if (typeof trace !== 'string') return;
    if (this.#spans.length >= 2 * WINDOW) this.#spans = this.#spans.slice(WINDOW);
    this.#spans.push({
      seq,
      traceHex: trace,
      business: textOrNone(business),
      businessParent: textOrNone(businessParent),
    });
  }

  #index(seq: number, body: Entry['body']): void {
    this.#found++;
    const index = readIndex(body);
    if (index === undefined) {
      this.#problem('index.malformed', seq, 'lacks a member, or has one that is none');
      return;
    }
    const { from, to } = index;
    const follows = this.#from === undefined || from === this.#from;
    if (!follows || to <= from || to > seq) {
      const after = this.#from === undefined ? '' : `, where a range from ${this.#from} on should follow`;
      this.#problem('index.range', seq, `is of entries ${from} to ${to}${after}`);
    } else if (from < this.#since) this.#notCompared++;
    else for (const name of wrongTrees(index, this.#spansIn(from, to))) this.#problem('index.root', seq, notOf(name));
    this.#from = to;
  }

  *#spansIn(from: number, to: number): Generator<IndexedSpan> {
    for (const span of this.#spans)
      if (span.seq >= from && span.seq < to && /^[0-9a-f]{32}$/.test(span.traceHex)) yield span;
  }

  #problem(code: ProblemCode, seq: number, what: string): void {
    this.#problems.add({ code, seq, message: `the index in entry ${seq} ${what}` });
  }
}

function textOrNone(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
