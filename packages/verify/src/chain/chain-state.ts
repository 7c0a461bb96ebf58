/** How far the judgement of a chain has come: what its parts know of each other. */
import { MerkleFrontier, ZERO_HASH_HEX } from '@infrafabric/format';

/** Grows by an entry at a time. */
export class ChainState {
  /** The tree over the entries so far. */
  frontier: MerkleFrontier = new MerkleFrontier();
  /** Seq of the entry that should come next. */
  seq = 0;
  /** Leaf hash of the entry before; empty where it could not be read. */
  prevHex: string = ZERO_HASH_HEX;
  /** When the entry before was received, as it says. */
  lastAt = '0';
  /** Name of the ledger, as genesis says it. */
  origin: string | undefined;
  /** Rows are missing or doubled, so roots say nothing any more. */
  isShifted = false;
  /** Entries, from and to, whose bytes were said to have changed: the tree over them differs for that reason alone. */
  readonly named: [from: number, to: number][] = [];
}
