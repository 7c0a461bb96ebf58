/** Roots that somebody outside vouches for, held against the tree as it grows past their sizes. */
import type { VouchedRoot } from '../chain-findings.js';
import type { Problems } from '../report.js';
import type { ChainState } from './chain-state.js';

/** Finds forks and rollbacks. */
export class Vouched {
  readonly #roots: readonly VouchedRoot[];
  readonly #problems: Problems;
  /** The evidence against a fork is the newest note, which is not known before the end. */
  readonly #forked: VouchedRoot[] = [];

  constructor(roots: readonly VouchedRoot[], problems: Problems) {
    this.#roots = roots;
    this.#problems = problems;
  }

  /** The tree has grown by an entry. */
  judgeAt({ seq, frontier }: ChainState): void {
    for (const vouched of this.#roots) {
      if (vouched.size === seq && frontier.rootHex() !== vouched.rootHex) this.#forked.push(vouched);
    }
  }

  /** Nothing follows: what was rewritten. @param newest note of the ledger itself, as text */
  endForks(newest: string | undefined): void {
    for (const { size, what, note } of this.#forked) {
      this.#problems.add({
        code: 'fork',
        message: `the first ${size} entries are not those that ${what} vouches for: history was rewritten`,
        evidence: newest === undefined ? [note] : [note, newest],
      });
    }
  }

  /** Nothing follows: what is not there. @param size entries there are */
  endRollbacks(size: number, newest: string | undefined): void {
    for (const { size: vouched, what, note } of this.#roots) {
      if (vouched <= size) continue;
      this.#problems.add({
        code: 'rollback',
        seq: size,
        message: `${what} vouches for ${vouched} entries, but only ${size} are there: the end was cut off, or this is an older copy`,
        evidence: newest === undefined ? [note] : [note, newest],
      });
    }
  }
}
