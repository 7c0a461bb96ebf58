/** Which of the prepared entries get a place: spans that the ledger, or the batch itself, holds already do not. */
import { sha256Hex } from '@infrafabric/format';
import { CROWD } from './crowded-ids.js';
import type { Connection } from './database.js';
import type { Appended } from './draft.js';
import type { Duplicates } from './duplicates.js';
import { idsOf, isSpan, type Prepared, type PreparedSpan } from './prepare.js';
import type { ToSeal } from './seal.js';
import { textOfIds } from './seen-spans.js';

/** What will be sealed, and what is known of the rest. */
export interface BatchPlan {
  readonly toSeal: readonly ToSeal[];
  /** By index: a duplicate's entry, or the index of the same span earlier in the batch. Empty where it will be sealed. */
  readonly results: readonly (Appended | number | undefined)[];
}

/** Plans a batch on top of `size` entries. Call inside the write transaction. */
export function planBatch(
  db: Connection,
  prepared: readonly Prepared[],
  size: number,
  duplicates: Duplicates,
): BatchPlan {
  const results: (Appended | number | undefined)[] = new Array(prepared.length);
  const toSeal: ToSeal[] = [];
  // Made when the first span asks for it: where filters are kept, most batches never do.
  let siblings: Siblings | undefined;
  for (const [index, item] of prepared.entries()) {
    if (!isSpan(item)) {
      // An import is what it is, twice or not; a later retry of the span that it holds is known by it.
      const held = idsOf(item);
      if (held !== undefined) duplicates.meet(size + toSeal.length, held.ids);
      toSeal.push({ index, prepared: item });
      continue;
    }
    if (!duplicates.meet(size + toSeal.length, item.ids)) {
      siblings?.add(item, toSeal.length, index);
      toSeal.push({ index, prepared: item });
      continue;
    }
    siblings ??= new Siblings(prepared, toSeal);
    const twin = siblings.same(item);
    const earlier = twin === undefined ? duplicates.find(db, size, item) : undefined;
    if (twin !== undefined) results[index] = twin;
    else if (earlier?.same === true) {
      results[index] = { outcome: 'duplicate', seq: earlier.seq, hashHex: earlier.hashHex };
    } else {
      const first = siblings.first(item);
      const conflict = earlier?.seq ?? (first === undefined ? undefined : size + first);
      siblings.add(item, toSeal.length, index);
      toSeal.push({ index, prepared: item, ...(conflict === undefined ? {} : { conflict }) });
    }
  }
  return { toSeal, results };
}

/** Spans of the batch that have the same ids and will be sealed. */
interface Group {
  /** Place of the first among those to seal. */
  readonly first: number;
  /** Places in the batch as given. */
  readonly indexes: number[];
  /** Digest of a payload → the index that has it. Only where there are many: a request may hold as many as it likes. */
  contents: Map<string, number> | undefined;
}

/** Spans of the batch by their ids. */
class Siblings {
  readonly #prepared: readonly Prepared[];
  readonly #byIds = new Map<string, Group>();

  constructor(prepared: readonly Prepared[], toSeal: readonly ToSeal[]) {
    this.#prepared = prepared;
    for (const [place, { index, prepared: item }] of toSeal.entries()) if (isSpan(item)) this.add(item, place, index);
  }

  add(span: PreparedSpan, place: number, index: number): void {
    const key = textOfIds(span.ids);
    const group = this.#byIds.get(key);
    if (group === undefined) {
      this.#byIds.set(key, { first: place, indexes: [index], contents: undefined });
      return;
    }
    group.indexes.push(index);
    if (group.contents !== undefined) group.contents.set(sha256Hex(span.payload), index);
    else if (group.indexes.length > CROWD) {
      group.contents = new Map(group.indexes.map((i) => [sha256Hex(this.#payload(i)), i]));
    }
  }

  /** Index of the same span, whole. */
  same(span: PreparedSpan): number | undefined {
    const group = this.#byIds.get(textOfIds(span.ids));
    if (group?.contents !== undefined) return group.contents.get(sha256Hex(span.payload));
    return group?.indexes.find((index) => Buffer.compare(this.#payload(index), span.payload) === 0);
  }

  /** Place of the first with the same ids. */
  first(span: PreparedSpan): number | undefined {
    return this.#byIds.get(textOfIds(span.ids))?.first;
  }

  #payload(index: number): Uint8Array {
    return (this.#prepared[index] as PreparedSpan).payload;
  }
}
