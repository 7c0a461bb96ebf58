import type { ChainSource, CheckpointRow } from './source.js';

/** Stored checkpoints in order of size, beside the entries. */
export class CheckpointCursor {
  readonly #rows: Iterator<CheckpointRow>;
  #ahead: CheckpointRow | undefined;
  #last: CheckpointRow | undefined;

  /** A checkpoint of size `from` belongs to the range before; here it is only what the first entry names. */
  constructor(source: ChainSource, from: number) {
    this.#rows = flatten(source.checkpoints(from));
    this.#ahead = this.#take();
    if (from > 0 && this.#ahead?.size === from) this.next(from);
  }

  /** The next row of at most `size`, once each. */
  next(size: number): CheckpointRow | undefined {
    if (this.#ahead === undefined || this.#ahead.size > size) return undefined;
    this.#last = this.#ahead;
    this.#ahead = this.#take();
    return this.#last;
  }

  /** The row that `next` gave last, if it has this size. */
  lastIfSize(size: number): CheckpointRow | undefined {
    return this.#last?.size === size ? this.#last : undefined;
  }

  /** The first row that `next` never reached. */
  get beyond(): CheckpointRow | undefined {
    return this.#ahead;
  }

  #take(): CheckpointRow | undefined {
    const { done, value } = this.#rows.next();
    return done === true ? undefined : value;
  }
}

function* flatten(chunks: Iterable<readonly CheckpointRow[]>): Generator<CheckpointRow> {
  for (const rows of chunks) yield* rows;
}
