/** The two cards that ship, read from their files when they are first asked for. The one room of this package with files. */
import { readFileSync } from 'node:fs';
import type { RateCard } from './rate-card.js';
import { LoadedCard } from './rate-cards.js';

/** Names of the cards that ship. */
export const SHIPPED_CARDS = ['guide', 'market'] as const;

/** One of them. */
export type ShippedCard = (typeof SHIPPED_CARDS)[number];

const loaded = new Map<ShippedCard, LoadedCard>();

/** A card that ships; read and parsed once. @throws what the file system throws. */
export function shippedCard(name: ShippedCard): LoadedCard {
  let card = loaded.get(name);
  if (card === undefined) {
    // Not judged here, and the large one not hashed: a test does both.
    const sha256 = name === 'market' ? readShipped('market.sha256').trim() : undefined;
    card = new LoadedCard(JSON.parse(readShipped(`${name}.json`)) as RateCard, sha256);
    loaded.set(name, card);
  }
  return card;
}

function readShipped(file: string): string {
  return readFileSync(new URL(`../../rates/${file}`, import.meta.url), 'utf8');
}
