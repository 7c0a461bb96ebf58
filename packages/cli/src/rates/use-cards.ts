/** `if-optimise rates use`: which cards are asked for spans of services, and in which order. */
import { witnessPaths } from '@infrafabric/ledger';
import { storeUse } from '@infrafabric/ledger/rate-store';
import type { Invocation } from '../act.js';
import { usageError } from '../cli-error.js';
import type { ExitCode } from '../exit-code.js';
import { renderJson } from '../json-text.js';
import { printOut } from '../output.js';
import { cardNamed, homeCards } from './home-cards.js';
import { orderNames } from './list-rates.js';

export function useCards({ args, common, messages }: Invocation<object>): ExitCode {
  const { home } = witnessPaths(common);
  if (args.length > 0) {
    const cards = homeCards(home, messages);
    for (const [i, name] of args.entries()) {
      cardNamed(cards, name);
      if (args.indexOf(name) !== i) throw usageError(`${name} is named twice`);
    }
    storeUse(home, args);
  }
  const { services, byHand } = orderNames(homeCards(home, messages));
  if (common.json) printOut(`${renderJson({ services, by_hand: byHand })}\n`);
  else {
    printOut(
      `spans of services are priced by: ${services.join(', ')}\nwhat is logged by hand by: ${byHand.join(', ')}\n`,
    );
  }
  return 0;
}
