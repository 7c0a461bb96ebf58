/** Judges the text of a rate card: whoever wrote it, it is read strictly, and what is wrong is said with its place. */
import { FormatError } from '@infrafabric/format';
import { integerDigits, parseDecimal } from '../decimal.js';
import type { CardModel, CardProvider, NameMatch, Price, RateCard, Rates, Tier } from './rate-card.js';
import { cardSha256 } from './rate-cards.js';

/** Why a text is no rate card, with the place in it. */
export class RateCardError extends Error {
  override readonly name = 'RateCardError';
  readonly code = 'rate-card';
  /** What to do. */
  readonly hint: string;

  constructor(message: string, hint = 'docs/costs.md says what a rate card holds; nothing was changed') {
    super(message);
    this.hint = hint;
  }
}

/** Characters of a card's text; the market's has about 350,000. */
export const MAX_CARD_CHARS: number = 8 * 1024 * 1024;
const MAX_ITEMS = 100_000;
const MAX_MATCH_DEPTH = 6;
/** Octets of a text; what reaches an entry must fit it. */
const MAX_TEXT_CHARS = 256;
const MAX_RATE_DECIMALS = 24;
const CARD_NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;
const CLASS_NAME = /^[a-z][a-z0-9_]{0,31}$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?Z)?$/;
const TIME_OF_DAY = /^(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d$/;
const CURRENCY = /^[A-Z]{3}$/;
/** Rates above this are a mistake, and sums have room for what is below. */
const MAX_RATE_DIGITS = 7;

/**
 * The rate card that a text holds.
 * @throws RateCardError with the place and what was expected there: no JSON, an unknown or missing member, a rate that is not
 * plain decimal text of 0 or more, dates that are none, names that occur twice, a text of more than {@link MAX_CARD_CHARS}.
 */
export function parseRateCard(text: string): RateCard {
  if (text.length > MAX_CARD_CHARS) {
    throw new RateCardError(`a rate card may have ${MAX_CARD_CHARS} characters, this has ${text.length}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RateCardError(`not JSON: ${(error as Error).message}`);
  }
  const card = readCard(new Place('', value));
  try {
    cardSha256(card);
  } catch (error) {
    // A lone surrogate, say: it could not be hashed.
    if (error instanceof FormatError) throw new RateCardError(error.message);
    throw error;
  }
  return card;
}

/** A rate: plain decimal text of 0 or more, at most seven digits before and 24 behind the point. Undefined when it is that. */
export function rateProblem(text: string): string | undefined {
  const decimal = /^(?:0|[1-9]\d*)(?:\.\d+)?$/.test(text) ? parseDecimal(text) : undefined;
  if (decimal === undefined) {
    return /^-/.test(text) ? 'a rate is 0 or more' : 'a rate is plain decimal text such as 0.25';
  }
  if (integerDigits(decimal) > MAX_RATE_DIGITS) return `a rate has at most ${MAX_RATE_DIGITS} digits before the point`;
  if (-decimal.exponent > MAX_RATE_DECIMALS) return `a rate has at most ${MAX_RATE_DECIMALS} decimals`;
  return undefined;
}

/** Whether a text is a day or an instant as cards write them. */
export function isInstant(text: string): boolean {
  const ms = INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  // Date.parse turns the 31st of February into March.
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text.slice(0, 10));
}

/** Whether a text can be the name of a card. */
export function isCardName(text: string): boolean {
  return CARD_NAME.test(text);
}

/** Whether a text can be the name of a token class or unit. */
export function isClassName(text: string): boolean {
  return CLASS_NAME.test(text);
}

function readCard(place: Place): RateCard {
  const card = place.object(
    ['format', 'name', 'date', 'source', 'currency'],
    ['from', 'cache_as_input', 'default_model', 'providers', 'unpriced_providers', 'models', 'units'],
  );
  if (card.at('format').value !== 1) card.at('format').fail('1');
  card.at('name').match(CARD_NAME, '1 to 64 of a–z, 0–9 and -');
  if (!isInstant(card.at('date').match(DAY, 'a day such as "2025-11-11"')))
    card.at('date').fail('a day of the calendar');
  card.at('source').text();
  card.at('currency').match(CURRENCY, 'an ISO 4217 code such as "USD"');
  card.optional('from')?.instant();
  card.optional('cache_as_input')?.yes();
  card.optional('default_model')?.text();
  card.optional('unpriced_providers')?.items((item) => item.text());
  const providers = card.optional('providers')?.items(readProvider);
  const models = card.optional('models')?.items(readModel) ?? [];
  card.optional('units')?.items((item) => readPrice(item, false));
  if (models.length === 0 && card.optional('units') === undefined) card.fail('models or units');
  const ids = new Set(providers?.map(({ id }) => id));
  const names = new Set<string>();
  for (const [i, { model, provider, aliases = [] }] of models.entries()) {
    if (providers !== undefined && provider !== undefined && !ids.has(provider)) {
      card.at('models').item(i).at('provider').fail('the id of one of providers');
    }
    for (const name of [model, ...aliases]) {
      const key = `${provider ?? ''}\0${name.toLowerCase()}`;
      if (names.has(key))
        card
          .at('models')
          .item(i)
          .fail(`a name that no entry before has, not ${JSON.stringify(name)}`);
      names.add(key);
    }
  }
  return place.value as RateCard;
}

function readProvider(place: Place): CardProvider {
  const provider = place.object(['id'], ['names', 'match', 'models', 'also', 'guess']);
  provider.at('id').text();
  for (const list of ['names', 'also']) provider.optional(list)?.items((item) => item.text());
  for (const match of ['match', 'models']) {
    const found = provider.optional(match);
    if (found !== undefined) readMatch(found, 0);
  }
  provider.optional('guess')?.yes();
  return place.value as CardProvider;
}

function readModel(place: Place): CardModel {
  const entry = place.object(['model', 'prices'], ['provider', 'aliases', 'match']);
  entry.at('model').text();
  entry.optional('provider')?.text();
  entry.optional('aliases')?.items((item) => item.text());
  const match = entry.optional('match');
  if (match !== undefined) readMatch(match, 0);
  if (entry.at('prices').items((item) => readPrice(item, true)).length === 0)
    entry.at('prices').fail('at least one price');
  return place.value as CardModel;
}

function readPrice(place: Place, canBeOfTokens: boolean): Price {
  const price = place.object(
    ['rates'],
    canBeOfTokens ? ['from', 'until', 'hours', 'tiers'] : ['from', 'until', 'hours'],
  );
  const from = price.optional('from')?.instant();
  const until = price.optional('until')?.instant();
  if (from !== undefined && until !== undefined && Date.parse(until) <= Date.parse(from)) {
    price.at('until').fail('an instant after from');
  }
  const hours = price.optional('hours');
  if (hours?.items((item) => item.match(TIME_OF_DAY, 'a time of day such as "00:30:00"')).length === 2) {
    if (hours.item(0).value === hours.item(1).value) hours.fail('two different times of day');
  } else if (hours !== undefined) hours.fail('two times of day');
  readRates(price.at('rates'));
  if (!canBeOfTokens && Object.keys(price.at('rates').value as object).some(isTokenClassName)) {
    price.at('rates').fail('units alone: tokens are priced by model');
  }
  let above = -1;
  for (const tier of price.optional('tiers')?.items(readTier) ?? []) {
    if (tier.above <= above) price.at('tiers').fail('tiers in rising order');
    above = tier.above;
  }
  return place.value as Price;
}

function readTier(place: Place): Tier {
  const tier = place.object(['above', 'rates'], []);
  const above = tier.at('above');
  if (!Number.isSafeInteger(above.value) || (above.value as number) < 0) above.fail('a number of tokens');
  readRates(tier.at('rates'));
  return place.value as Tier;
}

function readRates(place: Place): Rates {
  const rates = place.members();
  if (rates.length === 0) place.fail('at least one rate');
  for (const [name, rate] of rates) {
    if (!CLASS_NAME.test(name)) rate.fail('a token class or unit: a–z, 0–9 and _', name);
    if (name === 'reasoning') rate.fail('no rate of its own: reasoning is part of output', name);
    if (typeof rate.value !== 'string') rate.fail('decimal text such as "0.25"');
    const problem = rateProblem(rate.value as string);
    if (problem !== undefined) rate.fail(problem);
  }
  return place.value as Rates;
}

function readMatch(place: Place, depth: number): NameMatch {
  const members = place.members();
  const [name, member] = members[0] ?? ['', place];
  if (members.length !== 1 || depth > MAX_MATCH_DEPTH) {
    place.fail(`one of equals, prefix, suffix, contains, regex, or, and, at most ${MAX_MATCH_DEPTH} deep`);
  }
  if (name === 'or' || name === 'and') {
    if (member.items((item) => readMatch(item, depth + 1)).length === 0) member.fail('at least one match');
  } else if (name === 'regex') readRegex(member);
  else if (['equals', 'prefix', 'suffix', 'contains'].includes(name)) member.text();
  else place.fail('one of equals, prefix, suffix, contains, regex, or, and');
  return place.value as NameMatch;
}

/** Only patterns that cannot take long on any name: anchored, nothing that repeats inside something that repeats. */
function readRegex(place: Place): void {
  const pattern = place.text();
  const bare = pattern.replace(/\\[^\dk]|\[(?:\\.|[^\]\\])*\]/g, 'x');
  const repeats = bare.match(/[*+]|\{\d+,\d*\}/g)?.length ?? 0;
  if (!pattern.startsWith('^') || repeats > 2 || /\)[*+{]|\\/.test(bare)) {
    place.fail('a pattern that starts with ^, with at most two repetitions, none of a group, and no back reference');
  }
  try {
    new RegExp(pattern);
  } catch {
    place.fail('a regular expression');
  }
}

function isTokenClassName(name: string): boolean {
  return ['cache_read', 'cache_write', 'cache_write_1h', 'cache_write_5m', 'input', 'output'].includes(name);
}

/** A value and where it stands, for messages such as `models[3].prices[0].rates.input`. */
class Place {
  readonly value: unknown;
  readonly #path: string;

  constructor(path: string, value: unknown) {
    this.#path = path;
    this.value = value;
  }

  fail(expected: string, found: unknown = this.value): never {
    const shown = found === undefined ? 'nothing' : short(JSON.stringify(found));
    throw new RateCardError(`${this.#path === '' ? 'the card' : this.#path}: expected ${expected}, found ${shown}`);
  }

  /** An object with these members and no others. */
  object(required: readonly string[], optional: readonly string[]): Place {
    const members = this.members();
    for (const [name, member] of members) {
      if (!required.includes(name) && !optional.includes(name)) {
        member.fail(`no such member; there are ${[...required, ...optional].join(', ')}`);
      }
    }
    for (const name of required) if (!Object.hasOwn(this.value as object, name)) this.at(name).fail('a value');
    return this;
  }

  members(): [string, Place][] {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value)) this.fail('an object');
    return Object.keys(this.value as object).map((name) => [name, this.at(name)]);
  }

  at(name: string): Place {
    const value = this.value as Readonly<Record<string, unknown>>;
    const path = /^[a-z_0-9]+$/i.test(name) ? name : short(JSON.stringify(name));
    return new Place(
      this.#path === '' ? path : `${this.#path}.${path}`,
      Object.hasOwn(value, name) ? value[name] : undefined,
    );
  }

  optional(name: string): Place | undefined {
    return Object.hasOwn(this.value as object, name) ? this.at(name) : undefined;
  }

  item(i: number): Place {
    return new Place(`${this.#path}[${i}]`, (this.value as readonly unknown[])[i]);
  }

  items<T>(read: (item: Place) => T): T[] {
    if (!Array.isArray(this.value)) this.fail('an array');
    const items = this.value as readonly unknown[];
    if (items.length > MAX_ITEMS) this.fail(`at most ${MAX_ITEMS} items`, items.length);
    return items.map((_, i) => read(this.item(i)));
  }

  text(): string {
    const { value } = this;
    if (typeof value !== 'string' || value === '' || value.length > MAX_TEXT_CHARS) {
      this.fail(`text of 1 to ${MAX_TEXT_CHARS} characters`);
    }
    return value as string;
  }

  match(pattern: RegExp, expected: string): string {
    if (typeof this.value !== 'string' || !pattern.test(this.value)) this.fail(expected);
    return this.value as string;
  }

  instant(): string {
    if (typeof this.value !== 'string' || !isInstant(this.value)) {
      this.fail('a day such as "2025-11-11" or an instant such as "2025-11-11T10:00:00Z"');
    }
    return this.value as string;
  }

  yes(): void {
    if (this.value !== true) this.fail('true, or no such member');
  }
}

function short(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
