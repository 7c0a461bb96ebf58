/** The cost that a span states, exact. Whether it is believed depends on the usage: see charge.ts. */
import { WITNESS_COST_USD } from '@infrafabric/semconv';
import { type AttributeValue, bareText } from './attribute-value.js';
import type { Found } from './found-attributes.js';
import { type PicoUsd, parsePicoUsd, picoUsdOfNumber } from './pico-usd.js';
import type { SpanFindings } from './span-findings.js';

/** What the cost keys of a span say. */
export interface ReportedCost {
  /** The first valid cost that is not 0, or a 0 that the caller states with `witness.cost.usd`. */
  readonly stated: Found<PicoUsd> | undefined;
  /** The first 0 of an instrumentation, which may mean that it has no price list. */
  readonly zero: Found<PicoUsd> | undefined;
  /** ISO 4217 code that goes with the cost. */
  readonly currency: string;
  /** Key that the currency was read from, when one said so. */
  readonly currencyKey: string | undefined;
  /** A value before the stated one is no cost: negative, NaN, too large, not a number, or in no known currency. */
  readonly impossible: boolean;
}

/** Keys whose name fixes the currency. */
const USD_KEYS: ReadonlySet<string> = new Set([WITNESS_COST_USD, 'gen_ai.cost.total_usd']);
const CURRENCY = /^[A-Z]{3}$/;

/** The cost that a span states; undefined when no cost key says anything. */
export function reportedCostOf(found: SpanFindings): ReportedCost | undefined {
  if (!found.has('cost')) return undefined;
  const currency = found.first('currency', readCurrency);
  const isCurrency = currency === undefined || CURRENCY.test(currency.value);
  let impossible = false;
  let zero: Found<PicoUsd> | undefined;
  const stated = found.first('cost', (value, key) => {
    const cost = isCurrency || USD_KEYS.has(key) ? readCost(value) : undefined;
    if (cost === undefined) impossible ||= !isNothing(value);
    else if (cost > 0n || key === WITNESS_COST_USD) return cost;
    else zero ??= { key, value: cost };
    return undefined;
  });
  const used = stated ?? zero;
  if (used === undefined && !impossible) return undefined;
  const isUsd = currency === undefined || (used !== undefined && USD_KEYS.has(used.key));
  return {
    stated,
    zero,
    currency: isUsd ? 'USD' : currency.value,
    currencyKey: isUsd || used === undefined ? undefined : currency.key,
    impossible,
  };
}

/** A code in upper case; other text is kept short, so that it is seen not to be one. */
function readCurrency(value: AttributeValue): string | undefined {
  return typeof value === 'string' ? bareText(value)?.slice(0, 4).toUpperCase() : '?';
}

function readCost(value: AttributeValue): PicoUsd | undefined {
  try {
    if (typeof value === 'number') return picoUsdOfNumber(value);
    if (typeof value === 'bigint') return parsePicoUsd(String(value));
    if (typeof value === 'string') return parsePicoUsd(bareText(value) ?? '');
  } catch {
    // Not an amount; the caller of this package's functions learns it from the mark, not from an exception.
  }
  return undefined;
}

function isNothing(value: AttributeValue): boolean {
  return typeof value === 'string' && bareText(value) === undefined;
}
