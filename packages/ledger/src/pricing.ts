/**
 * What prices the spans of one witness home: the cards that ship and its own, in the order that `rates use` sets. Own cards
 * are read again when their files change; the large card that ships is loaded when a span needs it.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type CardOrder,
  type CardSource,
  type Pricing,
  RateCards,
  type RatedCost,
  type RatedSpan,
} from '@infrafabric/accounting/rate-cards';
import { type ShippedCard, shippedCard } from '@infrafabric/accounting/shipped-cards';
import type { StoredRates } from './rate-store.js';
import { ratesDirectory } from './witness-home.js';

/** How often the files are looked at, at most. */
const LOOK_MS = 1000;
/** Asked after own cards unless `rates use` says otherwise. */
const DEFAULT_USE: readonly string[] = ['market'];

const guide = shipped('guide');
const market = shipped('market');
const NOTHING: StoredRates = { cards: [], use: undefined, problems: [] };

/** In which order the cards of a home are asked. */
export function cardOrder({ cards, use = DEFAULT_USE }: StoredRates): CardOrder {
  const own = new Map<string, CardSource>(cards.map(({ name, versions }) => [name, { name, load: () => versions }]));
  const all = new Map([...own, ['guide', guide], ['market', market]]);
  const named = use.flatMap((name) => all.get(name) ?? []);
  const unnamed = [...own.values()].filter((source) => !named.includes(source));
  const byHandStated = [...own.values(), guide];
  const services = [...unnamed, ...named];
  return { services, byHandStated, byHand: [...new Set([...byHandStated, ...services])] };
}

/** Prices spans by the cards of a home. */
export class HomePricing implements Pricing {
  readonly #home: string;
  #cards = new RateCards(cardOrder(NOTHING));
  #state = '';
  #nextLook = 0;

  constructor(home: string) {
    this.#home = home;
  }

  /** Looks whether the home's cards have changed, at most once a second. Call it before a batch. Never rejects. */
  async refresh(): Promise<void> {
    const now = Date.now();
    if (now < this.#nextLook) return;
    this.#nextLook = now + LOOK_MS;
    const state = ratesState(this.#home);
    if (state === this.#state) return;
    try {
      // Loaded only for homes that have cards.
      const { readStore } = await import('./rate-store.js');
      this.#cards = new RateCards(cardOrder(state === '' ? NOTHING : readStore(this.#home)));
      this.#state = state;
    } catch {
      // What was known stays known.
    }
  }

  rate(span: RatedSpan): RatedCost | undefined {
    return this.#cards.rate(span);
  }
}

function shipped(name: ShippedCard): CardSource {
  return { name, load: () => [shippedCard(name)] };
}

/** A text that changes when a file of the home's cards does; '' when there are none. Never throws. */
function ratesState(home: string): string {
  const directory = ratesDirectory(home);
  try {
    if (statSync(directory, { throwIfNoEntry: false }) === undefined) return '';
    return readdirSync(directory)
      .filter((name) => name.endsWith('.json'))
      .map((name) => {
        const found = statSync(join(directory, name), { throwIfNoEntry: false });
        return `${name}:${found?.mtimeMs}:${found?.size}:${found?.ino}`;
      })
      .join();
  } catch (error) {
    return String(error);
  }
}
