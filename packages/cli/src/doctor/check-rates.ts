/** Rate cards of the home: whether each can be used. A card that cannot leaves its models unpriced and stops nothing. */
import type { WitnessPaths } from '@infrafabric/ledger';
import { readStore } from '@infrafabric/ledger/rate-store';
import { type Finding, fine, problem } from './finding.js';

/** The own cards, and which answer. */
export function checkRates({ home }: WitnessPaths): Finding[] {
  const { cards, use, problems } = readStore(home);
  const findings = problems.map(({ file, problem: what }) =>
    problem('rates', `${file}: ${what}`, 'mend or move the file away; until then it prices nothing'),
  );
  const known = new Set(['guide', 'market', ...cards.map(({ name }) => name)]);
  for (const name of use ?? []) {
    if (known.has(name)) continue;
    findings.push(
      problem('rates', `rates use names the card ${name}, which is not there`, 'if-optimise rates use market'),
    );
  }
  if (findings.length > 0) return findings;
  const own = cards.length === 0 ? 'no card of your own' : `own cards: ${cards.map(({ name }) => name).join(', ')}`;
  return [fine('rates', `${own}; ${use === undefined ? 'the order is the default' : `in use: ${use.join(', ')}`}`)];
}
