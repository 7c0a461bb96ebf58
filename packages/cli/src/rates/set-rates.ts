/** `if-optimise rates set`: a price of one's own, or a whole card. Nothing is edited: each call stores a new version. */
import { openSync, readSync } from 'node:fs';
import { providerName } from '@infrafabric/accounting';
import { isClassName, MAX_CARD_CHARS, parseRateCard, rateProblem } from '@infrafabric/accounting/parse-rate-card';
import { type CardModel, cardSha256, type Price, type RateCard, type Rates } from '@infrafabric/accounting/rate-cards';
import { witnessPaths } from '@infrafabric/ledger';
import { storeCard } from '@infrafabric/ledger/rate-store';
import type { Invocation } from '../act.js';
import { usageError } from '../cli-error.js';
import { escapeText } from '../escape.js';
import type { ExitCode } from '../exit-code.js';
import { renderJson } from '../json-text.js';
import { printOut } from '../output.js';
import { homeCards, instantText, parseInstantMs } from './home-cards.js';
import { ratesText } from './price-cells.js';

export interface SetFlags {
  readonly model?: string;
  readonly provider?: string;
  readonly input?: string;
  readonly output?: string;
  readonly cacheRead?: string;
  readonly cacheWrite?: string;
  readonly cacheWrite5m?: string;
  readonly cacheWrite1h?: string;
  readonly unit?: readonly string[];
  readonly from?: string;
  readonly file?: string;
}

/** The card that single prices go to. */
const OWN = 'own';
const TOKEN_FLAGS = {
  input: 'input',
  output: 'output',
  cacheRead: 'cache_read',
  cacheWrite: 'cache_write',
  cacheWrite5m: 'cache_write_5m',
  cacheWrite1h: 'cache_write_1h',
} as const;

export function setRates({ flags, common, messages }: Invocation<SetFlags>): ExitCode {
  const { home } = witnessPaths(common);
  const from = flags.from === undefined ? undefined : instantText(parseInstantMs(flags.from, '--from'));
  const nowText = instantText(Math.floor(Date.now() / 1000) * 1000);
  const rates = ratesOf(flags);
  if (flags.file !== undefined) {
    if (flags.model !== undefined || Object.keys(rates).length > 0 || flags.provider !== undefined) {
      throw usageError('--file goes with --from alone: the file says models and rates');
    }
    return setFile(home, readCard(flags.file), from, nowText, common.json);
  }
  requireWhole(flags, rates);
  const since = from ?? nowText;
  const change = (previous: RateCard | undefined): RateCard => withPrice(previous, flags, { from: since, rates });
  const { file, loaded } = storeCard(home, OWN, change);
  if (common.json) {
    const { model, provider } = flags;
    const answer = { card: OWN, sha256: loaded.sha256, file, model: model ?? null, provider: provider ?? null };
    printOut(`${renderJson({ ...answer, price: { from: since, rates } })}\n`);
  } else {
    const what = flags.model === undefined ? 'units' : escapeText(flags.model);
    printOut(`${what}: ${ratesText(rates)}, from ${since}\n${escapeText(file)}, sha256 ${loaded.sha256}\n`);
  }
  if (rates.input !== undefined && rates.cache_read === undefined) {
    messages.note('calls with cached tokens stay unpriced: no --cache-read, --cache-write was given');
  }
  warnOfOrder(home, OWN, messages);
  return 0;
}

function setFile(home: string, card: RateCard, from: string | undefined, nowText: string, json: boolean): ExitCode {
  let isNew = true;
  let answer: { readonly file: string | null; readonly sha256: string };
  const unchanged = Symbol('unchanged');
  try {
    const { file, loaded } = storeCard(home, card.name, (previous) => {
      if (previous !== undefined && from === undefined && isSameCard(previous, card)) throw unchanged;
      // From its time on it answers; earlier spans keep the price of the version before.
      const since = from ?? card.from ?? (previous === undefined ? undefined : nowText);
      return since === undefined ? card : { ...card, from: since };
    });
    answer = { file, sha256: loaded.sha256 };
  } catch (error) {
    if (error !== unchanged) throw error;
    isNew = false;
    answer = { file: null, sha256: cardSha256(card) };
  }
  if (json) printOut(`${renderJson({ card: card.name, changed: isNew, ...answer })}\n`);
  else if (isNew) printOut(`${card.name}: ${escapeText(answer.file ?? '')}, sha256 ${answer.sha256}\n`);
  else printOut(`${card.name}: unchanged, its newest version is the same\n`);
  return 0;
}

/** The next version of the own card, with one more price. */
function withPrice(previous: RateCard | undefined, { model, provider }: SetFlags, price: Price): RateCard {
  const {
    models = [],
    units = [],
    ...rest
  } = previous ?? {
    format: 1 as const,
    name: OWN,
    date: '',
    source: 'if-optimise rates set',
    currency: 'USD',
  };
  const head = { ...rest, date: new Date().toISOString().slice(0, 10) };
  if (model === undefined) {
    return { ...head, ...(models.length > 0 && { models }), units: withDated(units, price, true) };
  }
  const whose = provider === undefined ? undefined : (providerName(provider) ?? provider);
  const isIt = (entry: CardModel): boolean =>
    entry.model.toLowerCase() === model.toLowerCase() && entry.provider === whose;
  const known = models.find(isIt);
  const entry: CardModel = {
    ...(known ?? { model, ...(whose !== undefined && { provider: whose }) }),
    prices: withDated(known?.prices ?? [], price, false),
  };
  const others = models.filter((other) => !isIt(other));
  return { ...head, models: [...others, entry], ...(units.length > 0 && { units }) };
}

/** Prices in the order of their dates. Units that a new price does not name keep theirs. */
function withDated(prices: readonly Price[], price: Price, keepsOthers: boolean): Price[] {
  const before = prices.filter(({ from }) => from === undefined || Date.parse(from) < Date.parse(price.from!));
  const after = prices.filter(({ from }) => from !== undefined && Date.parse(from) > Date.parse(price.from!));
  const same = prices.find(({ from }) => from !== undefined && Date.parse(from) === Date.parse(price.from!));
  const kept = keepsOthers ? (same ?? before.at(-1))?.rates : undefined;
  return [...before, { ...price, rates: { ...kept, ...price.rates } }, ...after];
}

function ratesOf(flags: SetFlags): Rates {
  const rates: Record<string, string> = {};
  for (const [flag, name] of Object.entries(TOKEN_FLAGS)) {
    const text = flags[flag as keyof typeof TOKEN_FLAGS];
    if (text !== undefined) rates[name] = requireRate(text, `--${name.replaceAll('_', '-')}`);
  }
  for (const text of flags.unit ?? []) {
    const equals = text.indexOf('=');
    const unit = text.slice(0, Math.max(0, equals));
    if (equals < 0 || !isClassName(unit) || unit === 'reasoning' || Object.values<string>(TOKEN_FLAGS).includes(unit)) {
      throw usageError(
        `--unit takes NAME=RATE, not ${JSON.stringify(text.slice(0, 60))}`,
        'for example --unit frame=0.00001',
      );
    }
    if (Object.hasOwn(rates, unit)) throw usageError(`--unit sets ${unit} twice`);
    rates[unit] = requireRate(text.slice(equals + 1), `--unit ${unit}`);
  }
  return rates;
}

function requireRate(text: string, what: string): string {
  const problem = rateProblem(text);
  if (problem !== undefined) throw usageError(`${what}: ${problem}, not ${JSON.stringify(text.slice(0, 60))}`);
  return text;
}

function requireWhole({ model, provider, input, output }: SetFlags, rates: Rates): void {
  if (Object.keys(rates).length === 0) {
    throw usageError('no rate is given', 'for example: if-optimise rates set --model my-model --input 0.5 --output 2');
  }
  if (model === undefined) {
    if (provider !== undefined) throw usageError('--provider goes with --model');
    const token = Object.values<string>(TOKEN_FLAGS).find((name) => rates[name] !== undefined);
    if (token !== undefined) throw usageError('--model is missing', 'rates of tokens are those of a model');
  }
  if (model?.trim() === '') throw usageError('--model is empty');
  if ((model?.length ?? 0) > 256) throw usageError('--model has more than 256 characters');
  // One without the other would leave most calls unpriced, in silence.
  if (output !== undefined && input === undefined) throw usageError('--output needs --input');
}

/** A file, read no further than a card may be long. */
function readCard(path: string): RateCard {
  const fd = openSync(path, 'r');
  const bytes = Buffer.alloc(MAX_CARD_CHARS + 1);
  let length = 0;
  for (let got = -1; got !== 0 && length < bytes.length; length += got) {
    got = readSync(fd, bytes, length, bytes.length - length, null);
  }
  return parseRateCard(bytes.toString('utf8', 0, length));
}

function isSameCard({ from: _, ...previous }: RateCard, { from, ...card }: RateCard): boolean {
  return from === undefined && cardSha256(previous) === cardSha256(card);
}

/** A price that is set and never asked for would be a riddle. */
function warnOfOrder(home: string, name: string, messages: Invocation<object>['messages']): void {
  const { services } = homeCards(home, messages).order;
  if (services[0]?.name !== name) {
    const before = services
      .slice(
        0,
        services.findIndex((source) => source.name === name),
      )
      .map((source) => source.name);
    if (before.length > 0) messages.note(`for spans of services it is asked after ${before.join(', ')}: see rates use`);
  }
}
