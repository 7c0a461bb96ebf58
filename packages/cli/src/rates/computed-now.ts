/** The price of an entry by the cards of today, as of the time when its span started. */
import type { Pricing, RatedCost } from '@infrafabric/accounting';
import type { SpanBody } from '@infrafabric/format';

/** Undefined when no card has one. @param hasCost whether the entry states a cost, beside which fewer cards are asked. */
export function computedNow(pricing: Pricing, { usage, charge, start }: SpanBody): RatedCost | undefined {
  if (usage === undefined) return undefined;
  try {
    return pricing.rate({
      usage,
      scopeName: usage.scope ?? '',
      startUnixNano: BigInt(start),
      hasCost: charge?.key !== undefined,
    });
  } catch {
    // An entry of a foreign writer may hold anything.
    return undefined;
  }
}
