/** What one span cost, and who said so. This is the main room of the package: usage and charge of a span together. */
import type { Charge, Usage } from '@infrafabric/format';
import type { Fitting } from './attribute-value.js';
import type { Pricing } from './rates/rate-cards.js';
import { type ReportedCost, reportedCostOf } from './reported-cost.js';
import { type AccountedSpan, findingsOf, hasFailed, isEstimated, type SpanFindings } from './span-findings.js';
import { usageFrom } from './usage.js';

/** What a span says about usage and what it cost, for the `usage` and `charge` of its entry. */
export interface Account {
  readonly usage?: Usage;
  readonly charge?: Charge;
  /** A text of the usage did not fit, or was no Unicode; said where it is so. */
  readonly fitting?: Fitting;
}

/** What prices a span, and as of when. */
export interface PricedAt {
  readonly pricing: Pricing;
  readonly startUnixNano: bigint;
}

/**
 * Usage and charge of a span. Empty when the span is not about a model, units or money. Never throws, whatever the
 * attributes hold; a value that cannot be used is marked `impossible` on the usage and leaves the charge unpriced.
 * Without `priced` no price is computed.
 */
export function accountFor(span: AccountedSpan, priced?: PricedAt): Account {
  const found = findingsOf(span);
  if (found === undefined) return {};
  const reported = reportedCostOf(found);
  const fitting: Fitting = { cut: false, lossy: false };
  const usage = usageFrom(span, found, reported, fitting);
  if (usage === undefined) return {};
  const charge = chargeFrom(span, found, reported, usage, priced);
  const account: { usage: Usage; charge?: Charge; fitting?: Fitting } = { usage };
  if (charge !== undefined) account.charge = charge;
  if (fitting.cut || fitting.lossy) account.fitting = fitting;
  return account;
}

/**
 * The charge of a span with the usage that `usageOf` read from it: a cost that the span states (`reported`, or `estimated`
 * when `witness.cost.estimated` says so), beside which a price of the same currency is kept; else a price (`computed`, or
 * `estimated` for counts that are); else `unpriced`. Undefined without usage, which every stated cost comes with, and for
 * what failed before anything was used.
 *
 * A 0 beside tokens, beside unknown usage or on a failed span is what instrumentations without a price list write: it is no
 * report. A 0 in `witness.cost.usd` is one.
 */
export function chargeOf(span: AccountedSpan, usage: Usage | undefined, priced?: PricedAt): Charge | undefined {
  if (usage === undefined) return undefined;
  const found = findingsOf(span);
  return found === undefined ? { source: 'unpriced' } : chargeFrom(span, found, reportedCostOf(found), usage, priced);
}

function chargeFrom(
  span: AccountedSpan,
  found: SpanFindings,
  reported: ReportedCost | undefined,
  usage: Usage,
  priced: PricedAt | undefined,
): Charge | undefined {
  const hasNoUse = usage.tokens === undefined && usage.units === undefined;
  const believed = reported && believedCost(span, found, reported, usage);
  if (hasNoUse && believed === undefined && reported?.impossible !== true && hasFailed(span, found)) return undefined;
  const price = priced && priceOf(span, usage, priced, believed !== undefined);
  if (believed !== undefined) {
    const charge: { -readonly [Member in keyof Charge]: Charge[Member] } = {
      cost: String(believed.value),
      currency: reported!.currency,
      key: believed.key,
      source: isEstimated(found) ? 'estimated' : 'reported',
    };
    if (price !== undefined && price.currency === charge.currency) charge.rated = price.rated;
    return charge;
  }
  if (price === undefined) return { source: 'unpriced' };
  const { rated, currency } = price;
  const source = usage.marks?.includes('estimated') === true ? 'estimated' : 'computed';
  return { cost: rated.cost, currency, rated, source };
}

function believedCost(
  span: AccountedSpan,
  found: SpanFindings,
  { stated, zero }: ReportedCost,
  usage: Usage,
): ReportedCost['stated'] {
  if (stated !== undefined || zero === undefined) return stated;
  const isSilence = usage.tokens !== undefined || usage.marks?.includes('unknown') || hasFailed(span, found);
  return isSilence ? undefined : zero;
}

function priceOf(
  { scopeName }: AccountedSpan,
  usage: Usage,
  { pricing, startUnixNano }: PricedAt,
  hasCost: boolean,
): ReturnType<Pricing['rate']> {
  try {
    return pricing.rate({ usage, scopeName, startUnixNano, hasCost });
  } catch {
    // A card that cannot be used is no reason to lose the span: it stays unpriced, and `rates` says what is wrong.
    return undefined;
  }
}
