/** Finds the entry of a rate card for a model: by exact name first, then by the looser matches in the card's order. */
import { providerName } from '../provider.js';
import type { CardModel, CardProvider, NameMatch, RateCard } from './rate-card.js';

/**
 * How a model was found. `exact`: by its name. `prefix`: by a looser match. `fallback`: whatever the name, the provider is
 * unknown, guessed, or lends its prices from another.
 */
export type MatchKind = 'exact' | 'prefix' | 'fallback';

/** What was found. */
export interface FoundModel {
  readonly entry: CardModel;
  readonly match: MatchKind;
}

/** The model that is looked for. */
export interface SoughtModel {
  readonly model: string;
  readonly provider: string | undefined;
  /** The provider was told from the model's name; the span did not state it. */
  readonly isGuess: boolean;
}

/** Longer names are nobody's model, and a regular expression must not be kept busy. */
const MAX_NAME_CHARS = 256;

interface Group {
  readonly exact: ReadonlyMap<string, CardModel>;
  readonly loose: readonly CardModel[];
}

/** A card with its names sorted. Building it walks the card once. */
export class CardIndex {
  readonly #card: RateCard;
  readonly #entries: ReadonlyMap<string, readonly CardModel[]>;
  readonly #groups = new Map<string, Group>();

  constructor(card: RateCard) {
    this.#card = card;
    const entries = new Map<string, CardModel[]>();
    for (const entry of card.models ?? []) {
      // A card with providers of its own says how they are called; any other calls them as spans do.
      const written = entry.provider ?? '';
      const provider = card.providers === undefined && written !== '' ? (providerName(written) ?? written) : written;
      const others = entries.get(provider);
      if (others === undefined) entries.set(provider, [entry]);
      else others.push(entry);
    }
    this.#entries = entries;
  }

  /** The entry for a model; undefined when the card has none. */
  find({ model, provider, isGuess }: SoughtModel): FoundModel | undefined {
    if (model.length > MAX_NAME_CHARS) return undefined;
    const name = model.toLowerCase().trim();
    return this.#findAtProvider(name, provider?.toLowerCase(), isGuess) ?? this.#inGroup('', name);
  }

  #findAtProvider(name: string, provider: string | undefined, isGuess: boolean): FoundModel | undefined {
    const known = provider === undefined ? undefined : this.#provider(provider);
    if (known !== undefined) {
      const own = this.#inGroup(known.id, name);
      if (own !== undefined) return isGuess ? { ...own, match: 'fallback' } : own;
      for (const other of known.also ?? []) {
        const lent = this.#inGroup(other, name);
        if (lent !== undefined) return { ...lent, match: 'fallback' };
      }
      if (known.guess !== true) return undefined;
    }
    if (provider !== undefined && this.#card.unpriced_providers?.includes(provider)) return undefined;
    const found = this.#byNameAlone(name, known === undefined && (provider === undefined || isGuess));
    return found && { ...found, match: 'fallback' };
  }

  #byNameAlone(name: string, anywhere: boolean): FoundModel | undefined {
    const { providers } = this.#card;
    if (providers === undefined) {
      // A card of one's own that names a provider, and a span that does not.
      if (!anywhere) return undefined;
      for (const provider of this.#entries.keys()) {
        const found = provider === '' ? undefined : this.#inGroup(provider, name);
        if (found !== undefined) return found;
      }
      return undefined;
    }
    for (const { id, models } of providers) {
      if (models !== undefined && matchName(models, name) !== undefined) return this.#inGroup(id, name);
    }
    return undefined;
  }

  #provider(name: string): CardProvider | undefined {
    const { providers = [] } = this.#card;
    return (
      providers.find(({ id, names }) => id === name || names?.includes(name)) ??
      providers.find(({ match }) => match !== undefined && matchName(match, name) !== undefined) ??
      (this.#entries.has(name) ? { id: name } : undefined)
    );
  }

  #inGroup(provider: string, name: string): FoundModel | undefined {
    const group = this.#group(provider);
    const entry = group?.exact.get(name);
    if (entry !== undefined) return { entry, match: 'exact' };
    for (const loose of group?.loose ?? []) {
      const match = matchName(loose.match!, name);
      if (match !== undefined) return { entry: loose, match };
    }
    return undefined;
  }

  #group(provider: string): Group | undefined {
    const known = this.#groups.get(provider);
    if (known !== undefined) return known;
    const entries = this.#entries.get(provider);
    if (entries === undefined) return undefined;
    const exact = new Map<string, CardModel>();
    for (const entry of entries) {
      for (const name of [entry.model, ...(entry.aliases ?? [])]) {
        const key = name.toLowerCase();
        if (!exact.has(key)) exact.set(key, entry);
      }
    }
    const group = { exact, loose: entries.filter(({ match }) => match !== undefined) };
    this.#groups.set(provider, group);
    return group;
  }
}

/** Whether a name in lower case matches, and how: `exact` when all of it was written out. */
export function matchName(match: NameMatch, name: string): 'exact' | 'prefix' | undefined {
  if ('equals' in match) return name === match.equals.toLowerCase() ? 'exact' : undefined;
  if ('or' in match) {
    let best: 'prefix' | undefined;
    for (const part of match.or) {
      const found = matchName(part, name);
      if (found === 'exact') return found;
      best ??= found;
    }
    return best;
  }
  if ('and' in match) return match.and.every((part) => matchName(part, name) !== undefined) ? 'prefix' : undefined;
  return isLoose(match, name) ? 'prefix' : undefined;
}

function isLoose(match: Exclude<NameMatch, { equals: string } | { or: unknown } | { and: unknown }>, name: string) {
  if ('prefix' in match) return name.startsWith(match.prefix.toLowerCase());
  if ('suffix' in match) return name.endsWith(match.suffix.toLowerCase());
  if ('contains' in match) return name.includes(match.contains.toLowerCase());
  return regexOf(match.regex).test(name);
}

const regexes = new Map<string, RegExp>();

/** Compiled once: the patterns are those of cards, not of spans. */
function regexOf(pattern: string): RegExp {
  let regex = regexes.get(pattern);
  if (regex === undefined) {
    regex = new RegExp(pattern);
    regexes.set(pattern, regex);
  }
  return regex;
}
