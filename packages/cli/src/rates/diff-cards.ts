/** `if-optimise rates diff [CARD CARD]`: where two cards price a model differently today. */
import { readFileSync } from 'node:fs';
import { type CardModel, LoadedCard, type Price } from '@infrafabric/accounting/rate-cards';
import { witnessPaths } from '@infrafabric/ledger';
import type { Invocation } from '../act.js';
import { CliError, usageError } from '../cli-error.js';
import { paintIf, wantsColor } from '../color.js';
import { escapeText } from '../escape.js';
import type { ExitCode } from '../exit-code.js';
import { renderJson } from '../json-text.js';
import { printOut } from '../output.js';
import { renderTable } from '../table.js';
import { terminalWidth } from '../terminal-width.js';
import { cardNamed, type HomeCards, homeCards, versionAt } from './home-cards.js';
import { priceJson, priceOf } from './price-cells.js';
import { soughtModel } from './sought-model.js';

interface Side {
  readonly name: string;
  readonly loaded: LoadedCard;
}

interface Difference {
  readonly model: string;
  readonly left: Price;
  readonly right: Price;
}

const CLASSES = ['input', 'output', 'cache_read', 'cache_write', 'cache_write_5m', 'cache_write_1h'];

export async function diffCards({ args, common, messages }: Invocation<object>): Promise<ExitCode> {
  if (args.length === 1) throw usageError('name two cards, or none for guide and market');
  const nowMs = Date.now();
  const cards = homeCards(witnessPaths(common).home, messages);
  const [left, right] = await Promise.all([
    sideOf(cards, args[0] ?? 'guide', nowMs),
    sideOf(cards, args[1] ?? 'market', nowMs),
  ]);
  const { differences, same, missing } = compare(left, right, nowMs);
  if (common.json) {
    printOut(
      `${renderJson({
        left: { card: left.name, sha256: left.loaded.sha256 },
        right: { card: right.name, sha256: right.loaded.sha256 },
        same,
        only_left: missing,
        different: differences.map(({ model, left, right }) => ({
          model,
          left: priceJson(left),
          right: priceJson(right),
        })),
      })}\n`,
    );
    return 0;
  }
  const paint = paintIf(wantsColor(1, common.color));
  const title = (side: Side, what: string) => ({
    title: `${what} ${side.name}`.toUpperCase(),
    align: 'right' as const,
  });
  const lines = renderTable(
    [
      { title: 'MODEL', shrinkTo: 16 },
      title(left, 'input'),
      title(right, 'input'),
      title(left, 'output'),
      title(right, 'output'),
      { title: 'ALSO', shrinkTo: 10, dropOrder: 1 },
    ],
    differences.map(({ model, left, right }) => [
      escapeText(model),
      ...['input', 'output'].flatMap((name) => [left.rates[name] ?? '-', right.rates[name] ?? '-']),
      othersOf(left, right).join(', '),
    ]),
    { width: terminalWidth(), paintTitle: paint.faint },
  );
  const number = (n: number): string => n.toLocaleString('en');
  lines.push(
    '',
    `${number(differences.length)} different, ${number(same)} the same, ${number(missing.length)} of ${left.name} not on ${right.name}`,
    'US dollars per 1,000,000 tokens; `rates show MODEL` has classes, tiers and dates',
  );
  printOut(`${lines.join('\n')}\n`);
  return 0;
}

/** A card by name, or a file of one that is not set. */
async function sideOf(cards: HomeCards, name: string, atMs: number): Promise<Side> {
  if (/[/\\]|\.json$/.test(name)) {
    const { parseRateCard } = await import('@infrafabric/accounting/parse-rate-card');
    const card = parseRateCard(readFileSync(name, 'utf8'));
    return { name: card.name, loaded: new LoadedCard(card) };
  }
  const card = cardNamed(cards, name);
  const loaded = versionAt(card, atMs);
  if (loaded === undefined) throw new CliError('not-found', `no version of the card ${name} holds yet`);
  return { name, loaded };
}

function compare(left: Side, right: Side, atMs: number) {
  const differences: Difference[] = [];
  const missing: string[] = [];
  let same = 0;
  for (const entry of left.loaded.card.models ?? []) {
    const price = priceOf(left.loaded, entry, atMs);
    if (price === undefined) continue;
    const other = counterpart(entry, right);
    const otherPrice = other && priceOf(right.loaded, other, atMs);
    if (otherPrice === undefined) missing.push(entry.model);
    else if (isSame(price, otherPrice)) same++;
    else differences.push({ model: entry.model, left: price, right: otherPrice });
  }
  return { differences, same, missing };
}

/** The entry of the same provider and name, where both cards have it, else what the name alone finds. */
function counterpart({ model, provider }: CardModel, { loaded }: Side): CardModel | undefined {
  const same = loaded.card.models?.find((other) => other.model === model && other.provider === provider);
  return same ?? loaded.index.find(soughtModel(model, provider))?.entry;
}

function isSame(a: Price, b: Price): boolean {
  return (
    CLASSES.every((name) => a.rates[name] === b.rates[name]) &&
    JSON.stringify(a.tiers ?? []) === JSON.stringify(b.tiers ?? [])
  );
}

/** What else differs. */
function othersOf(a: Price, b: Price): string[] {
  const others = CLASSES.filter((name) => name !== 'input' && name !== 'output' && a.rates[name] !== b.rates[name]);
  return JSON.stringify(a.tiers ?? []) === JSON.stringify(b.tiers ?? []) ? others : [...others, 'tiers'];
}
