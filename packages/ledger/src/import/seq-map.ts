/** Where the entries of another ledger are here: mostly all shifted by the same number, so only the changes are kept. */

/** Seqs of the other ledger, ascending, and the seqs of the imports that hold them. */
export class SeqMap {
  readonly #from: number[] = [];
  readonly #to: number[] = [];

  /** One that does not come after those before is not kept: where it is could not be told. */
  add(foreign: number, here: number): void {
    const last = this.#from.length - 1;
    if (last >= 0 && foreign <= this.#from[last]!) return;
    if (last >= 0 && here - foreign === this.#to[last]! - this.#from[last]!) return;
    this.#from.push(foreign);
    this.#to.push(here);
  }

  /** Where an entry is, if it is here at all; undefined where it surely is not. */
  placeOf(foreign: number): number | undefined {
    let [low, high] = [0, this.#from.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#from[middle]! <= foreign) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? undefined : this.#to[low - 1]! + foreign - this.#from[low - 1]!;
  }
}
