/**
 * Ids that many entries share, as a sender makes them that is broken or hostile. To compare each span with each of those
 * entries would take quadratic time, inside the write transaction; here their contents are looked up by a digest. What is
 * found is only a candidate: whether it is the same span is decided by what was signed, see duplicates.ts.
 */
import { sha256Hex } from '@infrafabric/format';
import { type Connection, statement } from './database.js';
import type { PreparedSpan } from './prepare.js';

/** More entries than this are a crowd. */
export const CROWD = 16;
/** Contents that are remembered of one crowd, the newest: retries come soon. About 150 octets each. */
const MAX_OF_ONE = 65_536;
const MAX_OF_ALL = 131_072;

const NEWEST_REDACTION = `SELECT seq FROM entries INDEXED BY entries_control
WHERE type = 'redaction' AND type <> 'span' ORDER BY seq DESC LIMIT 1`;

interface Crowd {
  /** The earliest entry. */
  readonly first: number;
  /** Entries from here on are not taken in yet. */
  upTo: number;
  /** Digest of a payload → the entry that has it. */
  readonly contents: Map<string, number>;
  /** Entries whose payloads were erased. */
  readonly erased: number[];
}

/** Crowds by their ids. A cache: all of it is in the ledger. */
export class CrowdedIds {
  /** Those that were asked for last come last. */
  readonly #crowds = new Map<string, Crowd>();
  #contents = 0;
  #newestRedaction: number | undefined;

  has(ids: string): boolean {
    return this.#crowds.has(ids);
  }

  /** Starts anew where payloads were erased since, by whomever: what was left of them is compared in another way. */
  forgetErased(db: Connection): void {
    const newest = statement(db, NEWEST_REDACTION).pluck().get() as number | undefined;
    if (newest === this.#newestRedaction) return;
    this.#newestRedaction = newest;
    this.#crowds.clear();
    this.#contents = 0;
  }

  /** Takes in a crowd of which these are the entries, in order, below `size`. */
  add(db: Connection, ids: string, seqs: readonly number[], size: number): void {
    const crowd: Crowd = { first: seqs[0]!, upTo: size, contents: new Map(), erased: [] };
    this.#crowds.set(ids, crowd);
    this.#takeIn(db, crowd, seqs);
  }

  /**
   * Entries that may be the span, the earliest of all last. @param seqsFrom the entries that have these ids, from a seq on
   */
  candidates(
    db: Connection,
    ids: string,
    span: PreparedSpan,
    size: number,
    seqsFrom: (from: number) => number[],
  ): number[] {
    const crowd = this.#crowds.get(ids)!;
    this.#crowds.delete(ids);
    this.#crowds.set(ids, crowd);
    if (crowd.upTo < size) {
      this.#takeIn(db, crowd, seqsFrom(crowd.upTo));
      crowd.upTo = size;
    }
    const same = crowd.contents.get(sha256Hex(span.payload));
    return [...(same === undefined ? [] : [same]), ...crowd.erased.slice(-CROWD), crowd.first];
  }

  #takeIn(db: Connection, { contents, erased }: Crowd, seqs: readonly number[]): void {
    const stored = statement(db, 'SELECT payload FROM payloads WHERE seq = ?').pluck();
    const before = contents.size;
    for (const seq of seqs.slice(-MAX_OF_ONE)) {
      const payload = stored.get(seq) as Uint8Array | undefined;
      if (payload === undefined) erased.push(seq);
      else contents.set(sha256Hex(payload), seq);
    }
    for (const digest of contents.keys()) {
      if (contents.size <= MAX_OF_ONE) break;
      contents.delete(digest);
    }
    this.#contents += contents.size - before;
    for (const [ids, crowd] of this.#crowds) {
      if (this.#contents <= MAX_OF_ALL) break;
      this.#crowds.delete(ids);
      this.#contents -= crowd.contents.size;
    }
  }
}
