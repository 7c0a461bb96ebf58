/** The rate cards that a home can ask: those that ship and its own, in order, and by their hash. */
import { type CardOrder, instantMs, type LoadedCard, RateCards } from '@infrafabric/accounting/rate-cards';
import { SHIPPED_CARDS, shippedCard } from '@infrafabric/accounting/shipped-cards';
import { cardOrder } from '@infrafabric/ledger/pricing';
import { readStore, type StoredRates } from '@infrafabric/ledger/rate-store';
import { CliError, usageError } from '../cli-error.js';
import { parseUnixNano } from '../log/time-text.js';
import type { Messages } from '../messages.js';
import { nearestName } from './nearest-name.js';

/** A card at hand. */
export interface HomeCard {
  readonly name: string;
  /** It comes with this program. */
  readonly ships: boolean;
  /** Newest first. */
  readonly versions: readonly LoadedCard[];
}

/** All of them. */
export interface HomeCards {
  readonly stored: StoredRates;
  readonly order: CardOrder;
  readonly pricing: RateCards;
  /** Own ones first, by name. */
  readonly all: readonly HomeCard[];
}

/** Reads the cards of a home. What cannot be used is said as a warning. */
export function homeCards(home: string, messages: Messages): HomeCards {
  const stored = readStore(home);
  for (const { file, problem } of stored.problems) {
    messages.warn(`${file} is not used: ${problem}`);
  }
  const order = cardOrder(stored);
  return {
    stored,
    order,
    pricing: new RateCards(order),
    all: [
      ...stored.cards.map(({ name, versions }) => ({ name, ships: false, versions })),
      ...SHIPPED_CARDS.map((name) => ({ name, ships: true, versions: [shippedCard(name)] })),
    ],
  };
}

/** The version of a card that answers at a time; undefined when none does. */
export function versionAt({ versions }: HomeCard, atMs: number): LoadedCard | undefined {
  return versions.find(({ fromMs }) => fromMs <= atMs);
}

/** The version that has a hash, of whatever card. */
export function cardOfHash({ all }: HomeCards, sha256: string): LoadedCard | undefined {
  for (const { versions } of all) for (const loaded of versions) if (loaded.sha256 === sha256) return loaded;
  return undefined;
}

/** A card by name. @throws CliError `not-found`, exit code 2: the name is part of what was asked. */
export function cardNamed({ all }: HomeCards, name: string): HomeCard {
  const found = all.find((card) => card.name === name && card.versions.length > 0);
  if (found !== undefined) return found;
  const names = all.map((card) => card.name);
  const near = nearestName(name, names);
  throw new CliError('not-found', `there is no card ${JSON.stringify(name)}`, {
    hint: near === undefined ? `there are ${names.join(', ')}` : `did you mean ${near}?`,
  });
}

/** Milliseconds of a day (`2025-11-11`, midnight UTC) or time as `log` takes it. @throws CliError `usage`. */
export function parseInstantMs(text: string, what: string): number {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) {
    const ms = instantMs(text);
    if (!Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text)) return ms;
  }
  const nanos = parseUnixNano(text);
  if (nanos !== undefined) return Number(nanos / 1_000_000n);
  throw usageError(
    `${what} is not a time: ${JSON.stringify(text.slice(0, 60))}`,
    'write a day such as 2025-11-11, or RFC 3339 with an offset such as 2025-11-11T10:00:00Z',
  );
}

/** An instant as cards write it: a day where it is midnight, else to the second. */
export function instantText(ms: number): string {
  const text = new Date(ms).toISOString();
  return text.endsWith('T00:00:00.000Z') ? text.slice(0, 10) : `${text.slice(0, 19)}Z`;
}
