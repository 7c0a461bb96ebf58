/**
 * Judges a charge by its own arithmetic, and by the card where the card is at hand. For verifiers: nothing of what is passed
 * is trusted, nothing is thrown, and a charge without a price costs next to nothing.
 */
import type { Rated, Usage } from '@infrafabric/format';
import { type Decimal, parseDecimal } from '../decimal.js';
import type { RateCard } from './rate-card.js';
import { isTokenClass, lineCostPico, perOf, priceAt, type ReadyPrice, rateUsage, readyPrices } from './rate-usage.js';

const SOURCES: ReadonlySet<unknown> = new Set(['reported', 'computed', 'estimated', 'unpriced']);
const MATCHES: ReadonlySet<unknown> = new Set(['exact', 'prefix', 'fallback']);
const MONEY = /^(?:0|[1-9]\d{0,63})$/;
const DECIMAL = /^(?:0|[1-9]\d*)(?:\.\d+)?$/;
const HASH = /^[0-9a-f]{64}$/;
const TIME = /^\d{1,20}$/;
const MAX_LINES = 40;

/**
 * What is wrong with the `usage` and `charge` of a span entry, in sentences; none when nothing is.
 *
 * Each line's cost is quantity × rate / per, `rated.cost` is the sum of the lines, a computed charge costs what its price
 * says, and the quantities are those of the usage, all of them. If `cardOf` gives the card, rates and tier are the card's
 * for that model: as of `startUnixNano`, or at any time when that is not given.
 */
export function chargeProblems(
  usage: unknown,
  charge: unknown,
  cardOf?: (sha256: string) => RateCard | undefined,
  startUnixNano?: string,
): string[] {
  if (charge === undefined) return [];
  if (!isObject(charge)) return ['charge is no object'];
  const { source, cost, currency, rated } = charge;
  const problems: string[] = [];
  if (!SOURCES.has(source)) problems.push('charge.source is none of reported, computed, estimated, unpriced');
  if (source === 'unpriced') {
    if (cost !== undefined || rated !== undefined) problems.push('an unpriced charge has a cost');
    return problems;
  }
  if (!isMoney(cost)) problems.push('charge.cost is no amount');
  if (typeof currency !== 'string') problems.push('charge.currency is missing');
  const isComputed = source === 'computed' || (source === 'estimated' && charge.key === undefined);
  if (rated === undefined) {
    if (isComputed) problems.push(`a charge that is ${source} says no price`);
    return problems;
  }
  if (!isObject(rated)) return [...problems, 'charge.rated is no object'];
  if (isComputed && rated.cost !== cost) problems.push('charge.cost is not charge.rated.cost');
  ratedProblems(usage, rated, problems);
  // What is not even well-formed is not compared with a card.
  if (problems.length === 0 && cardOf !== undefined) {
    const card = cardOf(rated.sha256 as string);
    if (card !== undefined) cardProblems(card, usage as Usage, rated as unknown as Rated, startUnixNano, problems);
  }
  return problems;
}

type Members = Readonly<Record<string, unknown>>;

function ratedProblems(usage: unknown, { lines, cost, match, sha256, model, card }: Members, problems: string[]): void {
  if (!MATCHES.has(match)) problems.push('charge.rated.match is none of exact, prefix, fallback');
  if (typeof sha256 !== 'string' || !HASH.test(sha256)) problems.push('charge.rated.sha256 is no SHA-256');
  if (typeof model !== 'string' || typeof card !== 'string') problems.push('charge.rated names no card or model');
  if (!Array.isArray(lines) || lines.length > MAX_LINES) {
    problems.push(`charge.rated.lines is no array of at most ${MAX_LINES}`);
    return;
  }
  const used = quantitiesOf(usage);
  if (used === undefined) problems.push('usage.tokens or usage.units is malformed');
  let small = 0;
  let large = 0n;
  for (const line of lines as readonly unknown[]) {
    if (!isObject(line) || typeof line.class !== 'string' || !isMoney(line.cost)) {
      problems.push('a line has no class or no cost');
      continue;
    }
    const name = line.class;
    const expected = lineCost(line, name);
    if (expected === undefined) problems.push(`line ${show(name)}: quantity, rate or per is malformed`);
    else if (expected !== line.cost) problems.push(`line ${show(name)} costs ${expected}, not ${line.cost}`);
    if (used !== undefined) {
      const quantity = used.get(name);
      used.delete(name);
      if (quantity === undefined) problems.push(`line ${show(name)} is not in the usage, or twice in the price`);
      else if (quantity !== line.quantity) problems.push(`line ${show(name)} is of ${quantity} in the usage`);
    }
    if (line.cost.length < 15) small += Number(line.cost);
    else large += BigInt(line.cost);
  }
  // A zero of tokens needs no line.
  for (const [name, quantity] of used ?? []) {
    if (quantity !== '0') problems.push(`the price leaves out ${show(name)}`);
  }
  const sum = large === 0n ? String(small) : String(large + BigInt(small));
  if (sum !== cost) problems.push('charge.rated.cost is not the sum of its lines');
}

/** Quantities by class; undefined when they are malformed, or a unit has the name of a token class. */
function quantitiesOf(usage: unknown): Map<string, string> | undefined {
  if (!isObject(usage)) return undefined;
  const quantities = new Map<string, string>();
  const { tokens = {}, units = {} } = usage;
  if (!isObject(tokens) || !isObject(units)) return undefined;
  for (const name in tokens) {
    const count = tokens[name];
    if (!Number.isSafeInteger(count) || (count as number) < 0) return undefined;
    // Inside output.
    if (name !== 'reasoning') quantities.set(name, String(count));
  }
  for (const name in units) {
    const quantity = units[name];
    if (typeof quantity !== 'string' || quantities.has(name) || isTokenClass(name)) return undefined;
    quantities.set(name, quantity);
  }
  return quantities;
}

/** What a line should cost; undefined when it cannot be worked out. */
function lineCost({ quantity, rate, per }: Members, name: string): string | undefined {
  if (per !== perOf(name) || typeof quantity !== 'string' || typeof rate !== 'string') return undefined;
  const ready = knownRate(rate);
  if (ready === undefined || quantity.length > 64) return undefined;
  if (ready.picoPerToken !== undefined && isTokenClass(name) && quantity.length < 16 && MONEY.test(quantity)) {
    const pico = ready.picoPerToken * Number(quantity);
    if (pico <= Number.MAX_SAFE_INTEGER) return String(pico);
  }
  const exact = DECIMAL.test(quantity) ? parseDecimal(quantity) : undefined;
  return exact && String(lineCostPico(exact, ready.decimal, name));
}

interface KnownRate {
  readonly decimal: Decimal;
  readonly picoPerToken: number | undefined;
}

/** Few rates stand in very many entries. The map is bounded: a hostile ledger may have another rate in each. */
const knownRates = new Map<string, KnownRate>();
const MAX_KNOWN_RATES = 4096;

function knownRate(text: string): KnownRate | undefined {
  const known = knownRates.get(text);
  if (known !== undefined) return known;
  const decimal = text.length <= 64 && DECIMAL.test(text) ? parseDecimal(text) : undefined;
  if (decimal === undefined) return undefined;
  const pico =
    decimal.exponent < -6 || decimal.exponent > 9 ? undefined : decimal.digits * 10n ** BigInt(decimal.exponent + 6);
  const rate = { decimal, picoPerToken: pico !== undefined && pico < 2n ** 53n ? Number(pico) : undefined };
  if (knownRates.size >= MAX_KNOWN_RATES) knownRates.clear();
  knownRates.set(text, rate);
  return rate;
}

/** A card's prices by the card's name of a model. */
interface PricesByName {
  readonly models: ReadonlyMap<string, readonly (readonly ReadyPrice[])[]>;
  readonly units: readonly ReadyPrice[];
}

const pricesOfCards = new WeakMap<RateCard, PricesByName>();

function cardProblems(
  card: RateCard,
  usage: Usage,
  rated: Rated,
  startUnixNano: string | undefined,
  problems: string[],
): void {
  if (card.name !== rated.card) problems.push(`the card of that SHA-256 is called ${show(card.name)}`);
  const prices = pricesByName(card);
  const isTime = startUnixNano !== undefined && TIME.test(startUnixNano);
  const startMs = isTime ? Number(BigInt(startUnixNano) / 1_000_000n) : undefined;
  const holding = (all: readonly ReadyPrice[]): readonly (ReadyPrice | undefined)[] =>
    startMs === undefined ? all : [priceAt(all, startMs)].filter((price) => price !== undefined);
  const unitPrices = usage.units === undefined ? [] : holding(prices.units);
  const entries = prices.models.get(rated.model);
  const candidates = entries === undefined ? [undefined] : entries.flatMap(holding);
  const agrees = candidates.some((price) =>
    (unitPrices.length === 0 ? [undefined] : unitPrices).some((unitPrice) =>
      isSamePrice(rateUsage(usage, price, unitPrice, card.cache_as_input === true), rated),
    ),
  );
  if (!agrees) problems.push(`rates or tier are not those of the card ${show(card.name)} for ${show(rated.model)}`);
}

function isSamePrice(price: ReturnType<typeof rateUsage>, rated: Rated): boolean {
  if (price === undefined || price.tier !== rated.tier || price.lines.length !== rated.lines.length) return false;
  return rated.lines.every((line) => price.lines.some((own) => own.class === line.class && own.rate === line.rate));
}

function pricesByName(card: RateCard): PricesByName {
  let known = pricesOfCards.get(card);
  if (known === undefined) {
    const models = new Map<string, (readonly ReadyPrice[])[]>();
    for (const { model, prices } of card.models ?? []) {
      const others = models.get(model);
      if (others === undefined) models.set(model, [readyPrices(prices)]);
      else others.push(readyPrices(prices));
    }
    known = { models, units: readyPrices(card.units ?? []) };
    pricesOfCards.set(card, known);
  }
  return known;
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isMoney(value: unknown): value is string {
  return typeof value === 'string' && MONEY.test(value);
}

/** Foreign text in a sentence: short, quoted. */
function show(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
