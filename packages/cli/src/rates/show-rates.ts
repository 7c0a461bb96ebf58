/** `if-optimise rates show MODEL`: what each card says of a model, how it was found there, and which card answers. */

import type { FoundModel, LoadedCard } from '@infrafabric/accounting/rate-cards';
import { witnessPaths } from '@infrafabric/ledger';
import type { Invocation } from '../act.js';
import { CliError } from '../cli-error.js';
import { escapeText } from '../escape.js';
import type { ExitCode } from '../exit-code.js';
import { type JsonOut, renderJson } from '../json-text.js';
import { printOut } from '../output.js';
import { type HomeCard, type HomeCards, homeCards, parseInstantMs, versionAt } from './home-cards.js';
import { nearestName } from './nearest-name.js';
import { priceJson, priceOf, ratesText } from './price-cells.js';
import { soughtModel } from './sought-model.js';

export interface ShowFlags {
  readonly provider?: string;
  readonly at?: string;
}

interface Said {
  readonly card: HomeCard;
  readonly loaded: LoadedCard;
  readonly found: FoundModel;
}

export function showRates({ args, flags, common, messages }: Invocation<ShowFlags>): ExitCode {
  const model = args[0]!;
  const atMs = flags.at === undefined ? Date.now() : parseInstantMs(flags.at, '--at');
  const cards = homeCards(witnessPaths(common).home, messages);
  const sought = soughtModel(model, flags.provider);
  const said = cards.all.flatMap((card): Said[] => {
    const loaded = versionAt(card, atMs);
    const found = loaded?.index.find(sought);
    return found === undefined ? [] : [{ card, loaded: loaded!, found }];
  });
  if (said.length === 0) throw notFound(cards, model);
  const answering = {
    services: firstOf(cards.order.services, said, atMs),
    byHand: firstOf(cards.order.byHand, said, atMs),
  };
  if (common.json) printOut(`${renderJson(showJson(model, sought.provider, atMs, said, answering))}\n`);
  else printOut(render(model, sought.provider, atMs, said, answering));
  return 0;
}

/** @returns an error with exit code 1: the answer is that there is none. */
export function notFound({ all }: HomeCards, model: string): CliError {
  const names = new Set<string>();
  for (const { versions } of all) {
    for (const { model: name, aliases = [] } of versions[0]?.card.models ?? []) {
      names.add(name);
      for (const alias of aliases) names.add(alias);
    }
  }
  const near = nearestName(model, names);
  return new CliError('not-found', `no card has the model ${JSON.stringify(model)}`, {
    exitCode: 1,
    hint: near === undefined ? 'set your own with: if-optimise rates set --model' : `did you mean ${near}?`,
  });
}

interface Answering {
  readonly services: string | undefined;
  readonly byHand: string | undefined;
}

function firstOf(order: HomeCards['order']['services'], said: readonly Said[], atMs: number): string | undefined {
  return order.find(({ name }) =>
    said.some(({ card, loaded, found }) => card.name === name && priceOf(loaded, found.entry, atMs) !== undefined),
  )?.name;
}

function render(
  model: string,
  provider: string | undefined,
  atMs: number,
  said: readonly Said[],
  { services, byHand }: Answering,
): string {
  const lines = [`${escapeText(model)}${provider === undefined ? '' : ` of ${escapeText(provider)}`}`];
  for (const { card, loaded, found } of said) {
    const { entry, match } = found;
    const whose = entry.provider === undefined ? '' : ` of ${escapeText(entry.provider)}`;
    lines.push('', `${card.name} of ${loaded.card.date}: ${escapeText(entry.model)}${whose}, ${matchText(match)}`);
    const held = priceOf(loaded, entry, atMs);
    for (const price of entry.prices) {
      const since = price.from === undefined ? '' : `from ${price.from} `;
      const until = price.until === undefined ? '' : `until ${price.until} `;
      const hours = price.hours === undefined ? '' : `${price.hours.join(' to ')} UTC `;
      const mark = entry.prices.length === 1 ? '' : price === held ? '* ' : '  ';
      lines.push(`  ${mark}${since}${until}${hours}${ratesText(price.rates)}`);
      for (const tier of price.tiers ?? []) {
        lines.push(`      above ${tier.above.toLocaleString('en')} input tokens: ${ratesText(tier.rates)}`);
      }
    }
    if (loaded.card.cache_as_input === true) lines.push('  cached tokens without a rate cost what other input does');
  }
  lines.push(
    '',
    'US dollars per 1,000,000 tokens, units each',
    `spans of services: ${services ?? 'unpriced'}; logged by hand: ${byHand ?? 'unpriced'}`,
  );
  return `${lines.join('\n')}\n`;
}

/** How a model was found, in words. */
export function matchText(match: string): string {
  if (match === 'exact') return 'by its exact name';
  return match === 'prefix'
    ? 'by a loose match (prefix)'
    : 'by a guess (fallback): provider unknown, told from the name, or lent';
}

function showJson(
  model: string,
  provider: string | undefined,
  atMs: number,
  said: readonly Said[],
  answering: Answering,
): JsonOut {
  return {
    model,
    provider: provider ?? null,
    at: new Date(atMs).toISOString(),
    services: answering.services ?? null,
    by_hand: answering.byHand ?? null,
    cards: said.map(({ card, loaded, found }) => {
      const price = priceOf(loaded, found.entry, atMs);
      return {
        card: card.name,
        date: loaded.card.date,
        sha256: loaded.sha256,
        model: found.entry.model,
        provider: found.entry.provider ?? null,
        match: found.match,
        cache_as_input: loaded.card.cache_as_input === true,
        price: price === undefined ? null : priceJson(price),
        prices: found.entry.prices.map(priceJson),
      };
    }),
  };
}
