/**
 * What a rate card is: data, as it stands in its JSON file. docs/costs.md explains every member. Rates are decimal text, so
 * that none ever was a float. Types and names only; parse-rate-card.ts judges files, rate-cards.ts uses them.
 */

/** Token classes that a rate can be for, per 1,000,000 tokens. Any other name in `rates` is a unit, per 1. */
export const TOKEN_CLASSES = [
  'cache_read',
  'cache_write',
  'cache_write_1h',
  'cache_write_5m',
  'input',
  'output',
] as const;

/** One of {@link TOKEN_CLASSES}. */
export type TokenClass = (typeof TOKEN_CLASSES)[number];

/** Exact decimals by token class or unit, in whole units of the card's currency. */
export type Rates = Readonly<Record<string, string>>;

/** How a name is recognised. Letters' case does not matter; `regex` is tried on the name in lower case. */
export type NameMatch =
  | { readonly equals: string }
  | { readonly prefix: string }
  | { readonly suffix: string }
  | { readonly contains: string }
  | { readonly regex: string }
  | { readonly or: readonly NameMatch[] }
  | { readonly and: readonly NameMatch[] };

/** Other rates for a call with more input tokens, cached ones included, than `above`; all of the call is charged by them. */
export interface Tier {
  readonly above: number;
  /** Classes that are not here keep their rate. */
  readonly rates: Rates;
}

/** Rates and when they hold. */
export interface Price {
  /** First instant: a day in UTC, or RFC 3339 with `Z`. */
  readonly from?: string;
  /** First instant after. */
  readonly until?: string;
  /** Time of day in UTC, `HH:MM:SS`, half-open; the second may be before the first, over midnight. */
  readonly hours?: readonly [from: string, until: string];
  readonly rates: Rates;
  /** In rising order. */
  readonly tiers?: readonly Tier[];
}

/** A model's prices. */
export interface CardModel {
  /** The card's name for it, which is also an exact name. */
  readonly model: string;
  /** Whose model; absent: whoever serves it. */
  readonly provider?: string;
  /** Further exact names. */
  readonly aliases?: readonly string[];
  /** Looser ones, tried when no exact name fits. */
  readonly match?: NameMatch;
  /** Of several that hold at a time the last counts. */
  readonly prices: readonly Price[];
}

/** A provider as the card knows it. */
export interface CardProvider {
  readonly id: string;
  /** Exact names of it, besides its id. */
  readonly names?: readonly string[];
  readonly match?: NameMatch;
  /** Model names that give it away where no provider is stated. */
  readonly models?: NameMatch;
  /** Providers whose prices it has where it lists none of its own. */
  readonly also?: readonly string[];
  /** Other providers are reached through its client: a model that it does not list is looked for by name. */
  readonly guess?: true;
}

/** A rate card. */
export interface RateCard {
  readonly format: 1;
  readonly name: string;
  /** Of the prices: `YYYY-MM-DD`. */
  readonly date: string;
  /** Where the prices are from. */
  readonly source: string;
  /** ISO 4217. */
  readonly currency: string;
  /** Earlier spans are priced by the version of this card before. */
  readonly from?: string;
  /** A cache class without a rate costs what other input does; without this it cannot be priced. */
  readonly cache_as_input?: true;
  /** What an event that was logged by hand without a model is compared with; never a price of its own. */
  readonly default_model?: string;
  readonly providers?: readonly CardProvider[];
  /** Providers that charge nothing by the token, such as one's own machine: no price is guessed for them. */
  readonly unpriced_providers?: readonly string[];
  readonly models?: readonly CardModel[];
  /** Rates of units, whatever the model. */
  readonly units?: readonly Price[];
}

/** Milliseconds of a `from` or `until`. */
export function instantMs(text: string): number {
  return Date.parse(text);
}
