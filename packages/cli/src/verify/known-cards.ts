/** Rate cards at hand, by their hash: those that ship, and those of the home. Read when the first charge asks for one. */
import type { LoadedCard } from '@infrafabric/accounting/rate-cards';
import { SHIPPED_CARDS, shippedCard } from '@infrafabric/accounting/shipped-cards';
import { readStore } from '@infrafabric/ledger/rate-store';
import type { CardOf } from '@infrafabric/verify';

/** A look-up for the judge. A card that cannot be read is not at hand, and `doctor` says why. */
export function knownCards(home: string): CardOf {
  const known = new Map<string, LoadedCard | undefined>();
  let own: readonly LoadedCard[] | undefined;
  return (sha256) => {
    if (!known.has(sha256)) {
      own ??= readStore(home).cards.flatMap(({ versions }) => versions);
      known.set(
        sha256,
        own.find((loaded) => loaded.sha256 === sha256) ??
          SHIPPED_CARDS.map(shippedCard).find((loaded) => loaded.sha256 === sha256),
      );
    }
    return known.get(sha256)?.card;
  };
}
