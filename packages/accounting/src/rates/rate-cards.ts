/**
 * Rate cards in the order in which they are asked, and the price of a usage by the first that knows its model. Which
 * cards there are, and where they lie, is for the caller; none is loaded before it is needed.
 */
import { encodeCanonicalJson, type Rated, sha256Hex, TEXT_LIMITS, type Usage } from '@infrafabric/format';
import { isByHand } from '../by-hand.js';
import { CardIndex, type MatchKind } from './card-index.js';
import { instantMs, type RateCard } from './rate-card.js';
import { priceAt, type ReadyPrice, rateUsage, readyPrices } from './rate-usage.js';

export { isByHand } from '../by-hand.js';
export type { FoundModel, MatchKind, SoughtModel } from './card-index.js';
export { type CardModel, instantMs, type Price, type RateCard, type Rates, type Tier } from './rate-card.js';
export { priceAt, type ReadyPrice } from './rate-usage.js';

/** A card, its hash and its index. */
export class LoadedCard {
  readonly card: RateCard;
  /** First instant at which this version answers. */
  readonly fromMs: number;
  readonly index: CardIndex;
  readonly #prices = new Map<object, readonly ReadyPrice[]>();
  #units: readonly ReadyPrice[] | undefined;
  #sha256: string | undefined;

  /** @param sha256 hex; computed when it is not given. */
  constructor(card: RateCard, sha256?: string) {
    this.card = card;
    this.fromMs = card.from === undefined ? Number.NEGATIVE_INFINITY : instantMs(card.from);
    this.index = new CardIndex(card);
    this.#sha256 = sha256;
  }

  /** SHA-256 of the card's canonical JSON, hex. */
  get sha256(): string {
    this.#sha256 ??= cardSha256(this.card);
    return this.#sha256;
  }

  /** Prices of an entry, made ready once. */
  pricesOf(entry: { readonly prices: NonNullable<RateCard['units']> }): readonly ReadyPrice[] {
    let ready = this.#prices.get(entry);
    if (ready === undefined) {
      ready = readyPrices(entry.prices);
      this.#prices.set(entry, ready);
    }
    return ready;
  }

  /** The rates of units that hold at a time, whatever the model. */
  unitPriceAt(startMs: number): ReadyPrice | undefined {
    const { units } = this.card;
    if (units === undefined) return undefined;
    this.#units ??= readyPrices(units);
    return priceAt(this.#units, startMs);
  }
}

/** SHA-256 of a card's canonical JSON, hex. */
export function cardSha256(card: RateCard): string {
  return sha256Hex(encodeCanonicalJson(card as unknown as Parameters<typeof encodeCanonicalJson>[0]));
}

/** A card that may not be loaded yet. `load` gives its versions, newest first; none when it cannot be read. */
export interface CardSource {
  readonly name: string;
  readonly load: () => readonly LoadedCard[];
}

/** Which cards answer. */
export interface CardOrder {
  /** For spans of services, in order. */
  readonly services: readonly CardSource[];
  /** For what was logged by hand, in order. */
  readonly byHand: readonly CardSource[];
  /** For what was logged by hand with a cost, which needs no further card than these. */
  readonly byHandStated: readonly CardSource[];
}

/** The circumstances of a usage that decide its price. */
export interface RatedSpan {
  readonly usage: Usage;
  /** Name of the instrumentation scope. */
  readonly scopeName: string;
  readonly startUnixNano: bigint;
  /** The span states a cost, so that a price is only compared with it. */
  readonly hasCost: boolean;
}

/** What prices a usage. */
export interface Pricing {
  /** The price by the first card that knows the model at that time; undefined when none does, or it cannot price all of it. */
  rate(span: RatedSpan): RatedCost | undefined;
}

/** A price, and what it is in. */
export interface RatedCost {
  readonly rated: Rated;
  /** ISO 4217. */
  readonly currency: string;
}

interface Candidate {
  readonly loaded: LoadedCard;
  /** First instant at which a newer version of the card answers. */
  readonly untilMs: number;
  /** Name for `rated.model`; undefined where only units are priced. */
  readonly model: string | undefined;
  readonly prices: readonly ReadyPrice[];
  readonly match: MatchKind;
}

/** The cards that were asked so far for one model, and what they said. */
interface Slot {
  readonly candidates: Candidate[];
  asked: number;
}

/** Models that are kept in mind. Names come from spans, so their number must be bounded. */
const MAX_SLOTS = 4096;

/** Prices usages by cards in order. */
export class RateCards implements Pricing {
  readonly order: CardOrder;
  readonly #slots = new Map<keyof CardOrder, Map<string, Slot>>();
  #slotCount = 0;

  constructor(order: CardOrder) {
    this.order = order;
  }

  rate({ usage, scopeName, startUnixNano, hasCost }: RatedSpan): RatedCost | undefined {
    const byHand = isByHand(scopeName);
    const kind = byHand ? (hasCost ? 'byHandStated' : 'byHand') : 'services';
    if (usage.tokens === undefined && usage.units === undefined) return undefined;
    const startMs = Number(startUnixNano / 1_000_000n);
    const slot = this.#slot(kind, usage);
    for (let i = 0; ; i++) {
      if (i === slot.candidates.length && !this.#ask(slot, kind, usage)) return undefined;
      const candidate = slot.candidates[i]!;
      if (startMs < candidate.loaded.fromMs || startMs >= candidate.untilMs) continue;
      const price = priceAt(candidate.prices, startMs);
      // A card that knows the model has the word, also when it lacks a class of this call: another's price is not its price.
      if (candidate.model === undefined) {
        const cost = rateBy(candidate, price, usage, startMs);
        if (cost !== undefined) return cost;
      } else if (price !== undefined) return rateBy(candidate, price, usage, startMs);
    }
  }

  #slot(kind: keyof CardOrder, usage: Usage): Slot {
    const { model, provider = '' } = usage;
    const sought = model ?? (usage.tokens === undefined ? '' : '\0');
    const key = `${isGuessed(usage) ? '?' : ''}${provider}\0${sought}`;
    let slots = this.#slots.get(kind);
    let slot = slots?.get(key);
    if (slot === undefined) {
      if (++this.#slotCount > MAX_SLOTS) {
        this.#slots.clear();
        this.#slotCount = 1;
        slots = undefined;
      }
      if (slots === undefined) {
        slots = new Map();
        this.#slots.set(kind, slots);
      }
      slot = { candidates: [], asked: 0 };
      slots.set(key, slot);
    }
    return slot;
  }

  /** Asks the next card, if there is one; it may add any number of candidates. */
  #ask(slot: Slot, kind: keyof CardOrder, usage: Usage): boolean {
    const sources = this.order[kind];
    while (slot.asked < sources.length) {
      const before = slot.candidates.length;
      let untilMs = Number.POSITIVE_INFINITY;
      for (const loaded of sources[slot.asked++]!.load()) {
        const candidate = candidateOf(loaded, untilMs, usage, kind === 'byHandStated');
        if (candidate !== undefined) slot.candidates.push(candidate);
        untilMs = Math.min(untilMs, loaded.fromMs);
      }
      if (slot.candidates.length > before) return true;
    }
    return false;
  }
}

/** Whether the provider was told from the model's name: then both were read from one key. */
function isGuessed({ keys }: Usage): boolean {
  return keys?.provider !== undefined && keys.provider === keys.model;
}

function candidateOf(loaded: LoadedCard, untilMs: number, usage: Usage, isCompared: boolean): Candidate | undefined {
  const { model, provider, tokens } = usage;
  if (model === undefined) {
    // Tokens of an unnamed model have no price. Beside a stated cost they are compared with the card's usual model.
    const usual = isCompared && tokens !== undefined ? loaded.card.default_model : undefined;
    const found = usual === undefined ? undefined : loaded.index.find({ model: usual, provider, isGuess: true });
    if (found !== undefined) {
      const prices = loaded.pricesOf(found.entry);
      return { loaded, untilMs, model: found.entry.model, prices, match: 'fallback' };
    }
    if (tokens !== undefined || loaded.card.units === undefined) return undefined;
    return { loaded, untilMs, model: undefined, prices: [], match: 'exact' };
  }
  const found = loaded.index.find({ model, provider, isGuess: isGuessed(usage) });
  if (found === undefined) return undefined;
  return { loaded, untilMs, model: found.entry.model, prices: loaded.pricesOf(found.entry), match: found.match };
}

function rateBy(
  { loaded, model, match }: Candidate,
  price: ReadyPrice | undefined,
  usage: Usage,
  startMs: number,
): RatedCost | undefined {
  const { card } = loaded;
  const unitPrice = usage.units === undefined ? undefined : loaded.unitPriceAt(startMs);
  const result = rateUsage(usage, price, unitPrice, card.cache_as_input === true);
  if (result === undefined) return undefined;
  const { lines, costPico, tier } = result;
  const rated: Rated = {
    card: card.name,
    cost: String(costPico),
    lines,
    match,
    model: model ?? nameOfUnits(lines),
    sha256: loaded.sha256,
  };
  return { rated: tier === undefined ? rated : { ...rated, tier }, currency: card.currency };
}

/** The card's name for what has no model: its units. */
function nameOfUnits(lines: Rated['lines']): string {
  const name = lines.map((line) => line.class).join('+');
  return name.length <= TEXT_LIMITS.usage ? name : 'units';
}
