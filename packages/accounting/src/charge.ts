/** What one span cost, and who said so. This is the main room of the package: usage and charge of a span together. */
import type { Charge, Usage } from '@infrafabric/format';
import type { Fitting } from './attribute-value.js';
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

/**
 * Usage and charge of a span. Empty when the span is not about a model, units or money. Never throws, whatever the
 * attributes hold; a value that cannot be used is marked `impossible` on the usage and leaves the charge unpriced.
 */
export function accountFor(span: AccountedSpan): Account {
  const found = findingsOf(span);
  if (found === undefined) return {};
  const reported = reportedCostOf(found);
  const fitting: Fitting = { cut: false, lossy: false };
  const usage = usageFrom(span, found, reported, fitting);
  if (usage === undefined) return {};
  const charge = chargeFrom(span, found, reported, usage);
  return fitting.cut || fitting.lossy ? { usage, charge, fitting } : { usage, charge };
}

/**
 * The charge of a span with the usage that `usageOf` read from it: a cost that the span states (`reported`, or `estimated`
 * when `witness.cost.estimated` says so), else `unpriced`; undefined without usage, which every stated cost comes with.
 *
 * A 0 beside tokens, beside unknown usage or on a failed span is what instrumentations without a price list write: it is no
 * report. A 0 in `witness.cost.usd` is one.
 */
export function chargeOf(span: AccountedSpan, usage: Usage | undefined): Charge | undefined {
  if (usage === undefined) return undefined;
  const found = findingsOf(span);
  return found === undefined ? { source: 'unpriced' } : chargeFrom(span, found, reportedCostOf(found), usage);
}

function chargeFrom(
  span: AccountedSpan,
  found: SpanFindings,
  reported: ReportedCost | undefined,
  usage: Usage,
): Charge {
  if (reported === undefined) return { source: 'unpriced' };
  const isSilence = usage.tokens !== undefined || usage.marks?.includes('unknown') || hasFailed(span, found);
  const believed = reported.stated ?? (isSilence ? undefined : reported.zero);
  if (believed === undefined) return { source: 'unpriced' };
  return {
    cost: String(believed.value),
    currency: reported.currency,
    key: believed.key,
    source: isEstimated(found) ? 'estimated' : 'reported',
  };
}
