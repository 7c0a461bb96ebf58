/**
 * Each entry's link to the one before. One broken link means that the predecessor's bytes changed; two in a row mean that the
 * entry between them did, its `prev` included.
 */
import { leafHashHex, MerkleFrontier, textOfUtf8 } from '@infrafabric/format';
import { type EntryView, viewEntry } from '../entry-view.js';
import type { Problems } from '../report.js';
import type { ChainSource } from '../source.js';
import type { ChainState } from './chain-state.js';

/** Judges the links of one chain. */
export class Links {
  readonly #source: ChainSource;
  readonly #problems: Problems;
  readonly #state: ChainState;
  /** Seq whose link to its predecessor failed and is not yet attributed to one of the two. */
  #openBreak: number | undefined;
  /** The previous link failed and is attributed to the entry that starts this one. */
  #isExplained = false;

  constructor(source: ChainSource, problems: Problems, state: ChainState) {
    this.#source = source;
    this.#problems = problems;
    this.#state = state;
  }

  /** A link failed, and the next one will say which of its two entries changed. */
  get isBreakOpen(): boolean {
    return this.#openBreak !== undefined;
  }

  /** Binds an entry to its predecessor. */
  judge(seq: number, view: EntryView): void {
    const { prevHex, isShifted } = this.#state;
    const holds = view.prev === prevHex;
    if (holds) {
      if (this.#openBreak !== undefined) this.#broken(this.#openBreak - 1);
      this.#openBreak = undefined;
      this.#isExplained = false;
    } else if (this.#openBreak !== undefined) {
      this.#broken(this.#openBreak);
      this.#openBreak = undefined;
      this.#isExplained = true;
    } else if (this.#isExplained) this.#isExplained = false;
    // An entry that says that it belongs elsewhere is itself what is wrong here.
    else if (seq === 0 || isShifted || prevHex === '' || view.seq !== seq) this.#broken(seq);
    else this.#openBreak = seq;
  }

  /** Nothing follows. @param signed newest checkpoint that was read */
  end(signed: { readonly size: number; readonly rootHex: string } | undefined): void {
    if (this.#openBreak !== undefined) this.#broken(this.#culpritAtTheEnd(this.#openBreak, signed));
  }

  #broken(seq: number): void {
    this.#state.named.push([seq, seq]);
    this.#problems.add({
      code: 'entry.prev',
      seq,
      message: `Hash chain broken at entry ${seq}: its bytes are not those that its neighbours are bound to`,
    });
  }

  /** The last link broke: the predecessor changed if its committed hash, put in its place, gives the signed root. */
  #culpritAtTheEnd(seq: number, signed: { readonly size: number; readonly rootHex: string } | undefined): number {
    if (signed === undefined || signed.size !== seq + 1) return seq - 1;
    const frontier = new MerkleFrontier();
    for (const rows of this.#source.entries(0, Number.POSITIVE_INFINITY)) {
      for (const [at, entry] of rows) {
        const text = typeof entry === 'string' ? entry : '';
        if (at === seq) {
          frontier.push(leafHashHex(text));
          return frontier.rootHex() === signed.rootHex ? seq - 1 : seq;
        }
        frontier.push(at === seq - 1 ? this.#claimOf(seq) : leafHashHex(text));
      }
    }
    return seq - 1;
  }

  #claimOf(seq: number): string {
    return viewEntry(textOfUtf8(this.#source.entryOctets(seq).entry)).prev;
  }
}
