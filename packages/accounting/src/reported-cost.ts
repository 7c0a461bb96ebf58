/** The cost that a span states, exact. Whether it is believed depends on the usage: see charge.ts. */
import { WITNESS_COST_USD } from '@infrafabric/semconv';
import { ATTRIBUTE_TABLE } from './attribute-table.js';
import { type AttributeValue, bareText } from './attribute-value.js';
import type { Found } from './found-attributes.js';
import { isObject, MAX_USAGE_CHARS, memberOf, structureOf } from './json-value.js';
import { decimalUsd, type PicoUsd, parsePicoUsd, picoUsdOfNumber } from './pico-usd.js';
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
/** Keys with JSON: the member with the total, then those whose sum it is. */
const JSON_COSTS: ReadonlyMap<string, { readonly total: string; readonly parts: readonly string[] | 'all' }> = new Map([
  ['langfuse.observation.cost_details', { total: 'total', parts: 'all' }],
  ['mlflow.llm.cost', { total: 'total_cost', parts: ['input_cost', 'output_cost'] }],
]);
/** Parts of a cost that are summed; a span with more is no cost. */
const MAX_PARTS = 16;

/** The cost that a span states; undefined when no cost key says anything. */
export function reportedCostOf(found: SpanFindings): ReportedCost | undefined {
  if (!found.has('cost') && !found.has('cost_parts')) return undefined;
  const currency = found.first('currency', readCurrency);
  const isCurrency = currency === undefined || CURRENCY.test(currency.value);
  let impossible = false;
  let zero: Found<PicoUsd> | undefined;
  const judge = (key: string, reading: Found<PicoUsd> | 'nothing' | undefined): Found<PicoUsd> | undefined => {
    const usable = isCurrency || USD_KEYS.has(key) ? reading : undefined;
    if (usable === undefined) impossible = true;
    else if (usable === 'nothing') return undefined;
    else if (usable.value > 0n || key === WITNESS_COST_USD) return usable;
    else zero ??= usable;
    return undefined;
  };
  const total = found.first('cost', (value, key) => judge(key, readTotal(value, key)))?.value;
  const stated = total ?? judgeParts(found, judge);
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

/** Input and output of one producer, where it gives both. One alone is not the cost of the call. */
function judgeParts(
  found: SpanFindings,
  judge: (key: string, reading: Found<PicoUsd> | undefined) => Found<PicoUsd> | undefined,
): Found<PicoUsd> | undefined {
  if (!found.has('cost_parts')) return undefined;
  const keys = ATTRIBUTE_TABLE.cost_parts;
  for (let i = 0; i + 1 < keys.length; i += 2) {
    const input = found.valueAt('cost_parts', i);
    const output = found.valueAt('cost_parts', i + 1);
    if (input === undefined || output === undefined || isNothing(input) || isNothing(output)) continue;
    const sum = sumOf([input, output]);
    const cost = judge(keys[i]!, sum === undefined ? undefined : { key: `${keys[i]}+${keys[i + 1]}`, value: sum });
    if (cost !== undefined) return cost;
  }
  return undefined;
}

function readTotal(value: AttributeValue, key: string): Found<PicoUsd> | 'nothing' | undefined {
  const inside = JSON_COSTS.get(key);
  if (inside !== undefined) return readJsonCost(value, key, inside);
  if (isNothing(value)) return 'nothing';
  const cost = readCost(value);
  return cost === undefined ? undefined : { key, value: cost };
}

function readJsonCost(
  value: AttributeValue,
  key: string,
  { total, parts }: { readonly total: string; readonly parts: readonly string[] | 'all' },
): Found<PicoUsd> | 'nothing' | undefined {
  const costs = structureOf(value, MAX_USAGE_CHARS);
  if (!isObject(costs)) return isNothing(value) ? 'nothing' : undefined;
  const stated = memberOf(costs, total);
  if (typeof stated === 'number' || typeof stated === 'string') {
    const cost = readCost(stated);
    return cost === undefined ? undefined : { key: `${key}.${total}`, value: cost };
  }
  const summed = (parts === 'all' ? Object.keys(costs) : parts).filter((name) => Object.hasOwn(costs, name));
  if (summed.length === 0) return 'nothing';
  if (summed.length > MAX_PARTS || (parts !== 'all' && summed.length < parts.length)) return undefined;
  const sum = sumOf(summed.map((name) => costs[name] as AttributeValue));
  return sum === undefined ? undefined : { key, value: sum };
}

function sumOf(parts: readonly AttributeValue[]): PicoUsd | undefined {
  let sum = 0n;
  for (const part of parts) {
    const cost = readCost(part);
    if (cost === undefined) return undefined;
    sum += cost;
  }
  // The sum has the limits of an amount, too.
  return readCost(decimalUsd(sum));
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
