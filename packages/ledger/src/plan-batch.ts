/** Which of the prepared entries get a place: spans that the ledger, or the batch itself, holds already do not. */
import type { Connection } from './database.js';
import type { Appended } from './draft.js';
import type { Duplicates } from './duplicates.js';
import { isSpan, type Prepared, type PreparedSpan } from './prepare.js';
import type { ToSeal } from './seal.js';

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
      toSeal.push({ index, prepared: item });
      continue;
    }
    if (!duplicates.meet(size + toSeal.length, item.ids)) {
      siblings?.add(item, toSeal.length, index);
      toSeal.push({ index, prepared: item });
      continue;
    }
    siblings ??= Siblings.of(toSeal);
    const twin = siblings.same(item, prepared);
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

/** A span of the batch that will be sealed. */
interface Sibling {
  /** Its place among those to seal. */
  readonly place: number;
  /** Its place in the batch as given. */
  readonly index: number;
}

/** Spans of the batch by their ids. */
class Siblings {
  readonly #byIds = new Map<string, Sibling[]>();

  static of(toSeal: readonly ToSeal[]): Siblings {
    const siblings = new Siblings();
    for (const [place, { index, prepared }] of toSeal.entries()) {
      if (isSpan(prepared)) siblings.add(prepared, place, index);
    }
    return siblings;
  }

  add(span: PreparedSpan, place: number, index: number): void {
    const key = keyOf(span);
    const others = this.#byIds.get(key);
    if (others === undefined) this.#byIds.set(key, [{ place, index }]);
    else others.push({ place, index });
  }

  /** Index of the same span, whole. */
  same(span: PreparedSpan, prepared: readonly Prepared[]): number | undefined {
    const others = this.#byIds.get(keyOf(span)) ?? [];
    return others.find(({ index }) => Buffer.compare((prepared[index] as PreparedSpan).payload, span.payload) === 0)
      ?.index;
  }

  /** Place of the first with the same ids. */
  first(span: PreparedSpan): number | undefined {
    return this.#byIds.get(keyOf(span))?.[0]?.place;
  }
}

function keyOf({ ids: { traceId, spanId } }: PreparedSpan): string {
  return Buffer.from(traceId).toString('latin1') + Buffer.from(spanId).toString('latin1');
}
