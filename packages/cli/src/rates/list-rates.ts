/** `if-optimise rates`: which cards there are, which answer, and what they say of the models that they do not share a price of. */

import type { CardModel, LoadedCard } from '@infrafabric/accounting/rate-cards';
import { witnessPaths } from '@infrafabric/ledger';
import type { Invocation } from '../act.js';
import { usageError } from '../cli-error.js';
import { paintIf, wantsColor } from '../color.js';
import { escapeText } from '../escape.js';
import type { ExitCode } from '../exit-code.js';
import { type JsonOut, renderJson } from '../json-text.js';
import { printOut } from '../output.js';
import { renderTable } from '../table.js';
import { terminalWidth } from '../terminal-width.js';
import { type HomeCard, type HomeCards, homeCards, versionAt } from './home-cards.js';
import { nearestName } from './nearest-name.js';
import { priceJson, priceOf, RATE_COLUMNS, rateCells } from './price-cells.js';
import { soughtModel } from './sought-model.js';

export interface ListFlags {
  readonly all?: true;
}

interface Row {
  readonly model: string;
  readonly card: string;
  readonly provider: string | undefined;
  readonly price: NonNullable<CardModel['prices'][number]>;
}

const COMMANDS = ['show', 'explain', 'diff', 'set', 'use', 'reprice'];

export function listRates({ args, flags, common, messages }: Invocation<ListFlags>): ExitCode {
  if (args[0] !== undefined) {
    const near = nearestName(args[0], COMMANDS);
    const hint = near === undefined ? `a model is shown by: rates show ${args[0]}` : `did you mean ${near}?`;
    throw usageError(`rates has no command ${JSON.stringify(args[0])}`, hint);
  }
  const cards = homeCards(witnessPaths(common).home, messages);
  const nowMs = Date.now();
  const rows = rowsOf(cards, flags.all === true, nowMs);
  const units = unitsOf(cards, nowMs);
  if (common.json) printOut(`${renderJson(listJson(cards, rows, units, nowMs))}\n`);
  else printOut(renderList(cards, rows, units, common.color));
  return 0;
}

/** Names of the cards in the order in which they are asked, for spans of services and for what is logged by hand. */
export function orderNames({ order }: HomeCards): { readonly services: string[]; readonly byHand: string[] } {
  return { services: order.services.map(({ name }) => name), byHand: order.byHand.map(({ name }) => name) };
}

/** Models that own cards and the guide's name, with the market's price beside each; or all of every card. */
function rowsOf({ all }: HomeCards, everything: boolean, atMs: number): Row[] {
  const versions = all.flatMap((card) => {
    const loaded = versionAt(card, atMs);
    return loaded === undefined ? [] : [{ card, loaded }];
  });
  const listed = versions.filter(({ card }) => everything || card.name !== 'market');
  const named = new Map<string, CardModel>();
  for (const { loaded } of listed) {
    for (const entry of loaded.card.models ?? []) if (!named.has(entry.model)) named.set(entry.model, entry);
  }
  const rows: Row[] = [];
  for (const { model, provider } of named.values()) {
    for (const { card, loaded } of versions) rows.push(...rowOf(card, loaded, model, provider, atMs));
  }
  return rows;
}

function rowOf(card: HomeCard, loaded: LoadedCard, model: string, provider: string | undefined, atMs: number): Row[] {
  const found = loaded.index.find(soughtModel(model, provider));
  const price = found && priceOf(loaded, found.entry, atMs);
  return price === undefined ? [] : [{ model, card: card.name, provider: found!.entry.provider, price }];
}

interface UnitRow {
  readonly unit: string;
  readonly card: string;
  readonly rate: string;
}

function unitsOf({ all }: HomeCards, atMs: number): UnitRow[] {
  return all.flatMap((card) => {
    const { units } = versionAt(card, atMs)?.card ?? {};
    const price = units && priceOf(versionAt(card, atMs)!, { prices: units }, atMs);
    return Object.entries(price?.rates ?? {}).map(([unit, rate]) => ({ unit, card: card.name, rate }));
  });
}

function renderList(cards: HomeCards, rows: readonly Row[], units: readonly UnitRow[], color: boolean): string {
  const paint = paintIf(wantsColor(1, color));
  const width = terminalWidth();
  const lines = renderTable(
    [
      { title: 'MODEL', shrinkTo: 16 },
      { title: 'CARD' },
      ...RATE_COLUMNS,
      { title: 'BESIDES', shrinkTo: 10, dropOrder: 3 },
    ],
    rows.map(({ model, card, price }, i) => {
      const { cells, more } = rateCells(price);
      return [rows[i - 1]?.model === model ? '' : escapeText(model), card, ...cells, escapeText(more)];
    }),
    { width, paintTitle: paint.faint },
  );
  lines.push('  US dollars per 1,000,000 tokens', '');
  if (units.length > 0) {
    lines.push(
      ...renderTable(
        [{ title: 'UNIT' }, { title: 'CARD' }, { title: 'RATE', align: 'right' }],
        units.map(({ unit, card, rate }) => [unit, card, rate]),
        { width, paintTitle: paint.faint },
      ),
      '  US dollars each',
      '',
    );
  }
  for (const { name, versions } of cards.all) {
    const newest = versions[0];
    if (newest === undefined) lines.push(`${name}: cannot be read, so it prices nothing`);
    else {
      const { date, models = [] } = newest.card;
      const count = `${models.length.toLocaleString('en')} ${models.length === 1 ? 'model' : 'models'}`;
      lines.push(`${name}: of ${date}, ${count}, sha256 ${newest.sha256.slice(0, 16)}…`);
    }
  }
  const { services, byHand } = orderNames(cards);
  lines.push(`spans of services are priced by: ${services.join(', ')}`);
  lines.push(`what is logged by hand by: ${byHand.join(', ')}`);
  return `${lines.join('\n')}\n`;
}

function listJson(cards: HomeCards, rows: readonly Row[], units: readonly UnitRow[], atMs: number): JsonOut {
  const { services, byHand } = orderNames(cards);
  return {
    services,
    by_hand: byHand,
    cards: cards.all.map((card) => {
      const newest = versionAt(card, atMs);
      return {
        name: card.name,
        date: newest?.card.date ?? null,
        source: newest?.card.source ?? null,
        currency: newest?.card.currency ?? null,
        sha256: newest?.sha256 ?? null,
        models: newest?.card.models?.length ?? 0,
        versions: card.versions.length,
        ships: card.ships,
      };
    }),
    models: rows.map(({ model, card, provider, price }) => ({
      model,
      card,
      provider: provider ?? null,
      price: priceJson(price),
    })),
    units: units.map((row) => ({ ...row })),
    problems: cards.stored.problems.map((problem) => ({ ...problem })),
  };
}
