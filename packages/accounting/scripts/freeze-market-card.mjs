/**
 * Writes rates/market.json and its hash, rates/market.sha256, from the npm package `@pydantic/genai-prices`, whose version package.json pins: the same version
 * gives the same bytes. `node packages/accounting/scripts/freeze-market-card.mjs [--print]`, after a build. Taken over are
 * names, matches, dates, hours, tiers and the rates of the token classes that we count. docs/costs.md says what is left out.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { waitForUpdate } from '@pydantic/genai-prices';
import { modelName } from '../dist/index.js';
import { parseRateCard } from '../dist/rates/parse-rate-card.js';
import { cardSha256 } from '../dist/rates/rate-cards.js';

/** The day of this version's release; the package itself does not say it. */
const RELEASED = { '0.1.8': '2026-09-23' };

const CLASSES = {
  input_mtok: 'input',
  output_mtok: 'output',
  cache_read_mtok: 'cache_read',
  cache_write_mtok: 'cache_write',
  cache_write_1h_mtok: 'cache_write_1h',
};
/** Charged for every call, or for part of the output: a sum without them would be no price. */
const NOT_COUNTED = ['requests_kcount', 'output_reasoning_mtok', 'output_citation_mtok', 'input_text_messages_kcount'];

/** How spans call a provider, as src/provider.ts writes it, where the package's own matching does not lead there. */
const NAMES = {
  azure: ['azure.ai.openai', 'azure.ai.inference'],
  fireworks: ['fireworks_ai'],
  google: ['gcp.gen_ai', 'gcp.vertex_ai'],
  together: ['together_ai'],
  'x-ai': ['x_ai'],
};
/** Its client is pointed at other servers, and then the span still says that it was this one. */
const GUESS = ['openai'];
/** They run on one's own machine. */
const UNPRICED = [
  'ollama',
  'ollama_chat',
  'vllm',
  'hosted_vllm',
  'lm_studio',
  'lmstudio',
  'llamafile',
  'llama.cpp',
  'llama_cpp',
];

const manifestFile = createRequire(import.meta.url)
  .resolve('@pydantic/genai-prices')
  .replace(/dist\/.*$/, 'package.json');
const { version } = JSON.parse(readFileSync(manifestFile, 'utf8'));
const bytes = readFileSync(join(dirname(manifestFile), 'dist/index.js'));
const data = await waitForUpdate();

const left = { empty: [], uncounted: [] };
const models = data.flatMap((provider) => modelsOf(provider));
const card = {
  format: 1,
  name: 'market',
  date: RELEASED[version],
  source: `@pydantic/genai-prices ${version}, dist/index.js SHA-256 ${createHash('sha256').update(bytes).digest('hex')}`,
  currency: 'USD',
  cache_as_input: true,
  providers: data.map(({ id, provider_match, model_match, fallback_model_providers }) => ({
    id,
    ...(NAMES[id] && { names: NAMES[id] }),
    ...(provider_match && { match: matchOf(provider_match) }),
    ...(model_match && { models: matchOf(model_match) }),
    ...(fallback_model_providers && { also: fallback_model_providers }),
    ...(GUESS.includes(id) && { guess: true }),
  })),
  unpriced_providers: UNPRICED,
  models,
};

// One entry a line, so that a newer version can be read as a difference.
const lines = Object.entries(card).map(([name, value]) =>
  Array.isArray(value) && typeof value[0] === 'object'
    ? `${JSON.stringify(name)}:[\n${value.map((item) => JSON.stringify(item)).join(',\n')}\n]`
    : `${JSON.stringify(name)}:${JSON.stringify(value)}`,
);
const text = `{\n${lines.join(',\n')}\n}\n`;
const sha256 = cardSha256(parseRateCard(text));
if (process.argv.includes('--print')) process.stdout.write(text);
else {
  writeFileSync(new URL('../rates/market.json', import.meta.url), text);
  // Hashing it takes longer than all the rest of loading it.
  writeFileSync(new URL('../rates/market.sha256', import.meta.url), `${sha256}\n`);
  console.log(`${models.length} models of ${data.length} providers, ${text.length} characters`);
  console.log(`left out, no price: ${left.empty.length}; charged by what is not counted: ${left.uncounted.join(', ')}`);
}

function modelsOf(provider) {
  const taken = new Set(
    provider.models.flatMap(({ id, match }) => [id, ...equalsOf(match)]).map((name) => name.toLowerCase()),
  );
  const entries = [];
  for (const { id, match, prices } of provider.models) {
    const dated = Array.isArray(prices) ? prices : [{ prices }];
    if (dated.some(({ prices }) => NOT_COUNTED.some((key) => prices[key] !== undefined))) {
      left.uncounted.push(`${provider.id}/${id}`);
      continue;
    }
    const rated = dated.map((price) => priceOf(price, id));
    if (rated.includes(undefined)) {
      left.empty.push(`${provider.id}/${id}`);
      continue;
    }
    // Spans do not have the provider before the model's name: src/provider.ts takes it off.
    const aliases = new Map();
    for (const name of [id, ...equalsOf(match)]) {
      const bare = modelName(name, provider.id);
      if (name !== id) aliases.set(name.toLowerCase(), name);
      if (bare !== name && !taken.has(bare.toLowerCase())) {
        taken.add(bare.toLowerCase());
        aliases.set(bare.toLowerCase(), bare);
      }
    }
    aliases.delete(id.toLowerCase());
    const loose = withoutEquals(match);
    entries.push({
      model: id,
      provider: provider.id,
      ...(aliases.size > 0 && { aliases: [...aliases.values()] }),
      ...(loose && { match: matchOf(loose) }),
      prices: rated,
    });
  }
  return entries;
}

/** A price of the card; undefined when it has no input rate. A model that is called free and has no price is free. */
function priceOf({ constraint, prices }, id) {
  const isFree = Object.keys(prices).length === 0 && id.endsWith(':free');
  const rates = isFree ? { input: '0', output: '0' } : {};
  const tiers = new Map();
  for (const [key, name] of Object.entries(CLASSES)) {
    const price = prices[key];
    if (price === undefined) continue;
    rates[name] = rateText(typeof price === 'number' ? price : price.base);
    for (const { start, price: rate } of price.tiers ?? []) {
      tiers.set(start, { ...tiers.get(start), [name]: rateText(rate) });
    }
  }
  if (rates.input === undefined) return undefined;
  return {
    ...(constraint?.start_date && { from: constraint.start_date }),
    ...(constraint?.start_time && { hours: [hourOf(constraint.start_time), hourOf(constraint.end_time)] }),
    rates,
    ...(tiers.size > 0 && {
      tiers: [...tiers].sort(([a], [b]) => a - b).map(([above, rates]) => ({ above, rates })),
    }),
  };
}

/** The shortest text of a double, without what its own arithmetic left behind the 15th digit. */
function rateText(number) {
  const text = String(Number(number.toPrecision(15)));
  return text.includes('e') ? Number(text).toFixed(20).replace(/0+$/, '') : text;
}

function hourOf(time) {
  if (!/^\d{2}:\d{2}:\d{2}Z$/.test(time)) throw new Error(`a time of day that is not in UTC: ${time}`);
  return time.slice(0, 8);
}

function matchOf(match) {
  if (match.or !== undefined) return { or: match.or.map(matchOf) };
  if (match.and !== undefined) return { and: match.and.map(matchOf) };
  if (match.regex !== undefined) return { regex: match.regex };
  if (match.starts_with !== undefined) return { prefix: match.starts_with.toLowerCase() };
  if (match.ends_with !== undefined) return { suffix: match.ends_with.toLowerCase() };
  if (match.contains !== undefined) return { contains: match.contains.toLowerCase() };
  return { equals: match.equals.toLowerCase() };
}

/** Names that a match lets through by themselves. */
function equalsOf(match) {
  if (match.equals !== undefined) return [match.equals];
  return match.or === undefined ? [] : match.or.flatMap(equalsOf);
}

/** What is left of a match without those names; undefined for nothing. */
function withoutEquals(match) {
  if (match.equals !== undefined) return undefined;
  if (match.or === undefined) return match;
  const rest = match.or.map(withoutEquals).filter((part) => part !== undefined);
  return rest.length === 0 ? undefined : rest.length === 1 ? rest[0] : { or: rest };
}
