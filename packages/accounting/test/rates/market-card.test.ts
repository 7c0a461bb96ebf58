import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parseRateCard } from '@infrafabric/accounting/parse-rate-card';
import { cardSha256, priceAt } from '@infrafabric/accounting/rate-cards';
import { shippedCard } from '@infrafabric/accounting/shipped-cards';
import { describe, expect, test } from 'vitest';
import { callOf, NOON, nanos, priced, pricingBy } from './cards.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const text = readFileSync(`${root}rates/market.json`, 'utf8');
const { models } = shippedCard('market').card;

/** As `@pydantic/genai-prices` declares it. */
interface Source {
  readonly calcPrice: (
    usage: Record<string, number>,
    model: string,
    options: { providerId: string; timestamp: Date },
  ) => {
    readonly total_price: number;
    readonly model: { readonly id: string };
    readonly provider: { readonly id: string };
  } | null;
}
const source = createRequire(`${root}package.json`)('@pydantic/genai-prices') as Source;

test('is what the script writes from the pinned package, octet for octet', () => {
  const printed = execFileSync(process.execPath, [`${root}scripts/freeze-market-card.mjs`, '--print'], {
    encoding: 'utf8',
    maxBuffer: 16 * 1024 * 1024,
  });
  expect(printed === text).toBe(true);
});

test('says package, version, date and hash; its own hash is the one beside it', () => {
  const card = parseRateCard(text);
  const { devDependencies } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
    devDependencies: Record<string, string>;
  };
  expect(card.source).toMatch(
    new RegExp(
      `^@pydantic/genai-prices ${devDependencies['@pydantic/genai-prices']}, dist/index.js SHA-256 [0-9a-f]{64}$`,
    ),
  );
  expect(card.date).toBe('2026-09-23');
  expect(`${cardSha256(card)}\n`).toBe(readFileSync(`${root}rates/market.sha256`, 'utf8'));
  expect(shippedCard('market').sha256).toBe(cardSha256(card));
});

describe('agrees with the package', () => {
  const at = new Date('2026-09-20T12:00:00Z');
  const usage = { input_tokens: 300_001, output_tokens: 777, cache_read_tokens: 1003, cache_write_tokens: 517 };
  const pricing = pricingBy('market');

  test('on the price of every model, to the digits that a double has', () => {
    const wrong: string[] = [];
    let compared = 0;
    for (const { model, provider = '' } of models ?? []) {
      const theirs = source.calcPrice(usage, model, { providerId: provider, timestamp: at });
      // A model that the package does not find by its own name is found here; see the script.
      if (theirs === null || theirs.model.id !== model || theirs.provider.id !== provider) continue;
      const { found, rates } = lookUp(model, provider);
      if (found?.entry.model !== model) wrong.push(`${provider}/${model}: found ${found?.entry.model}`);
      // Embeddings have no output.
      if (rates?.output === undefined) continue;
      const ours = pricing.rate({
        usage: {
          model,
          provider,
          tokens: { input: 298_481, output: 777, cache_read: 1003, cache_write: 517 },
        },
        scopeName: '',
        startUnixNano: BigInt(at.getTime()) * 1_000_000n,
        hasCost: false,
      });
      const usd = Number(ours?.rated.cost ?? Number.NaN) / 1e12;
      if (!(Math.abs(usd - theirs.total_price) <= 1e-9 * theirs.total_price + 1e-12)) {
        wrong.push(`${provider}/${model}: ${usd}, not ${theirs.total_price}`);
      }
      compared++;
    }
    expect(wrong).toEqual([]);
    expect(compared).toBeGreaterThan(1400);
  });

  function lookUp(model: string, provider: string) {
    const loaded = shippedCard('market');
    const found = loaded.index.find({ model, provider, isGuess: false });
    const ready = found && loaded.pricesOf(found.entry);
    const held = ready && priceAt(ready, at.getTime());
    return { found, rates: held && found.entry.prices[ready.indexOf(held)]?.rates };
  }
});

test('has prices by date and by hour', () => {
  const rate = (model: string, provider: string, time: string) =>
    priced({ attributes: callOf(model, 1, 0, provider), pricing: pricingBy('market'), at: nanos(time) }).charge?.rated
      ?.lines[0]?.rate;
  expect(rate('gpt-5.6-luna', 'openai', '2026-07-29T23:59:59Z')).toBe('1');
  expect(rate('gpt-5.6-luna', 'openai', '2026-07-30T00:00:00Z')).toBe('0.2');
  expect(rate('deepseek-v4-pro', 'deepseek', '2026-09-01T00:59:59Z')).toBe('0.66');
  expect(rate('deepseek-v4-pro', 'deepseek', '2026-09-01T01:00:00Z')).toBe('1.32');
});

test('has no price for what is charged by more than tokens', () => {
  const { charge } = priced({ attributes: callOf('sonar-pro', 10, 10, 'perplexity'), pricing: pricingBy('market') });
  expect(charge).toEqual({ source: 'unpriced' });
});

test('charges a long context by its tier, an hour of cache by its rate', () => {
  const { charge } = priced({
    attributes: {
      ...callOf('claude-sonnet-4-5', 300_000, 50, 'anthropic'),
      'gen_ai.usage.cache_creation.input_tokens': 500n,
      'anthropic.usage.cache_creation.ephemeral_1h_input_tokens': 200n,
    },
    pricing: pricingBy('market'),
    at: NOON,
  });
  expect(charge?.rated).toMatchObject({
    tier: 'above 200000',
    lines: [
      { class: 'cache_write', quantity: '300', rate: '7.5' },
      { class: 'cache_write_1h', quantity: '200', rate: '12' },
      { class: 'input', quantity: '299500', rate: '6' },
      { class: 'output', quantity: '50', rate: '22.5' },
    ],
  });
});
