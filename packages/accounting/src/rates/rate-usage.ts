/** The arithmetic of a computed charge: quantity × rate / per, half-even to a whole pico-unit, one line a class. */
import type { RatedLine, Usage } from '@infrafabric/format';
import { type Decimal, parseDecimal, scaledHalfEven } from '../decimal.js';
import { instantMs, type Price, type Rates, TOKEN_CLASSES, type TokenClass } from './rate-card.js';

/** Pico-units in a unit: 10^12. */
const SCALE = 12;
/** Tokens are charged by the million. */
const TOKEN_PER = '1000000';
const TOKEN_PER_DIGITS = 6;
const UNIT_PER = '1';
/** A cost beyond this does not fit where sums are kept: see pico-usd.ts. */
const LIMIT_PICO = 9_000_000n * 10n ** 12n;
const DAY_MS = 86_400_000;

/** Whether a class is one of tokens, whose `per` is a million. */
export function isTokenClass(name: string): name is TokenClass {
  return (TOKEN_CLASSES as readonly string[]).includes(name);
}

/** `per` of a class's line. */
export function perOf(name: string): string {
  return isTokenClass(name) ? TOKEN_PER : UNIT_PER;
}

/** A rate, ready to be multiplied. */
interface ReadyRate {
  readonly text: string;
  readonly decimal: Decimal;
  /** Pico-units of one token, where that is a whole number that a double holds. */
  readonly picoPerToken: number | undefined;
}

interface ReadyRates {
  /** Name of the tier; undefined for the base. */
  readonly tier: string | undefined;
  /** Input tokens above which it holds; −1 for the base. */
  readonly above: number;
  readonly rates: ReadonlyMap<string, ReadyRate>;
  readonly hasTokenRates: boolean;
}

/** A price, ready to be used. */
export interface ReadyPrice {
  readonly fromMs: number;
  readonly untilMs: number;
  /** Milliseconds of the day; undefined for all day. */
  readonly hours: readonly [from: number, until: number] | undefined;
  /** Base first, tiers in rising order. */
  readonly tiers: readonly ReadyRates[];
}

/** Prices of an entry, made ready. */
export function readyPrices(prices: readonly Price[]): readonly ReadyPrice[] {
  return prices.map(({ from, until, hours, rates, tiers = [] }) => ({
    fromMs: from === undefined ? Number.NEGATIVE_INFINITY : instantMs(from),
    untilMs: until === undefined ? Number.POSITIVE_INFINITY : instantMs(until),
    hours: hours && [msOfDay(hours[0]), msOfDay(hours[1])],
    tiers: [
      readyRates(undefined, -1, rates),
      ...tiers.map((tier) => readyRates(`above ${tier.above}`, tier.above, { ...rates, ...tier.rates })),
    ],
  }));
}

function readyRates(tier: string | undefined, above: number, rates: Rates): ReadyRates {
  const ready = new Map<string, ReadyRate>();
  for (const [name, text] of Object.entries(rates)) {
    const decimal = parseDecimal(text)!;
    const shift = decimal.exponent + SCALE - TOKEN_PER_DIGITS;
    const pico = shift >= 0 && shift < 16 ? decimal.digits * 10n ** BigInt(shift) : undefined;
    const isSmall = pico !== undefined && pico <= BigInt(Number.MAX_SAFE_INTEGER);
    ready.set(name, { text, decimal, picoPerToken: isSmall ? Number(pico) : undefined });
  }
  return { tier, above, rates: ready, hasTokenRates: TOKEN_CLASSES.some((name) => ready.has(name)) };
}

/** The price that holds at a time: the last of those that do. */
export function priceAt(prices: readonly ReadyPrice[], startMs: number): ReadyPrice | undefined {
  for (let i = prices.length - 1; i >= 0; i--) {
    const price = prices[i]!;
    if (startMs >= price.fromMs && startMs < price.untilMs && isWithin(price.hours, startMs)) return price;
  }
  return undefined;
}

function isWithin(hours: ReadyPrice['hours'], startMs: number): boolean {
  if (hours === undefined) return true;
  const [from, until] = hours;
  const at = startMs - Math.floor(startMs / DAY_MS) * DAY_MS;
  return from <= until ? at >= from && at < until : at >= from || at < until;
}

/** The lines of a usage, their sum, and the tier that they are of. */
export interface RatedLines {
  readonly lines: readonly RatedLine[];
  readonly costPico: bigint;
  readonly tier: string | undefined;
}

/**
 * Rates a usage, whole or not at all: undefined when a class or unit of it has no rate, when its tokens are not known
 * although the price is by tokens, or when the sum is too large.
 */
export function rateUsage(
  { tokens, units }: Usage,
  price: ReadyPrice | undefined,
  unitPrice: ReadyPrice | undefined,
  cacheAsInput: boolean,
): RatedLines | undefined {
  const chosen = price && tierOf(price, tokens);
  if (tokens === undefined ? chosen?.hasTokenRates === true : chosen === undefined) return undefined;
  const lines: RatedLine[] = [];
  let small = 0;
  let large = 0n;
  for (const name in tokens) {
    const count = tokens[name]!;
    if (count === 0 || name === 'reasoning') continue;
    const rate = isTokenClass(name) ? rateOfClass(chosen!.rates, name, cacheAsInput) : undefined;
    if (rate === undefined) return undefined;
    const pico = rate.picoPerToken === undefined ? Number.NaN : rate.picoPerToken * count;
    let cost: string;
    if (pico <= Number.MAX_SAFE_INTEGER - small) {
      small += pico;
      cost = String(pico);
    } else {
      const exact = lineCostPico({ digits: BigInt(count), exponent: 0 }, rate.decimal, name);
      large += exact;
      cost = String(exact);
    }
    lines.push({ class: name, cost, per: TOKEN_PER, quantity: String(count), rate: rate.text });
  }
  // Of the units the card may give the rates once for all models.
  for (const name in units) {
    if (isTokenClass(name)) return undefined;
    const rate = chosen?.rates.get(name) ?? unitPrice?.tiers[0]?.rates.get(name);
    if (rate === undefined) return undefined;
    const quantity = units[name]!;
    const exact = lineCostPico(parseDecimal(quantity)!, rate.decimal, name);
    large += exact;
    lines.push({ class: name, cost: String(exact), per: UNIT_PER, quantity, rate: rate.text });
  }
  if (lines.length === 0) return undefined;
  const costPico = large + BigInt(small);
  if (costPico >= LIMIT_PICO) return undefined;
  if (lines.length > 1) lines.sort((a, b) => (a.class < b.class ? -1 : 1));
  return { lines, costPico, tier: chosen?.tier };
}

/** `quantity × rate / per` of a class in pico-units, half-even. */
export function lineCostPico(quantity: Decimal, rate: Decimal, name: string): bigint {
  const perDigits = isTokenClass(name) ? TOKEN_PER_DIGITS : 0;
  const product = {
    digits: quantity.digits * rate.digits,
    exponent: quantity.exponent + rate.exponent - perDigits,
  };
  return scaledHalfEven(product, SCALE);
}

/** The rate of a class: cache that is kept for a known time falls back to cache_write, and where the card says so to input. */
function rateOfClass(
  rates: ReadonlyMap<string, ReadyRate>,
  name: TokenClass,
  cacheAsInput: boolean,
): ReadyRate | undefined {
  const own = rates.get(name);
  if (own !== undefined || name === 'input' || name === 'output') return own;
  const write = name === 'cache_write_5m' || name === 'cache_write_1h' ? rates.get('cache_write') : undefined;
  return write ?? (cacheAsInput ? rates.get('input') : undefined);
}

function tierOf({ tiers }: ReadyPrice, tokens: Usage['tokens']): ReadyRates {
  if (tiers.length === 1 || tokens === undefined) return tiers[0]!;
  let input = 0;
  for (const name in tokens) if (name !== 'output' && name !== 'reasoning') input += tokens[name]!;
  let chosen = tiers[0]!;
  for (const tier of tiers) if (input > tier.above) chosen = tier;
  return chosen;
}

function msOfDay(text: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = text.split(':').map(Number);
  return ((hours * 60 + minutes) * 60 + seconds) * 1000;
}
