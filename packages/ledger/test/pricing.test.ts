import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RateCard } from '@infrafabric/accounting/rate-cards';
import { type Charge, encodeSpanBody } from '@infrafabric/format';
import { draftSpan, spanDrafter } from '@infrafabric/ledger';
import { cardOrder, HomePricing } from '@infrafabric/ledger/pricing';
import { readStore, storeCard, storeUse } from '@infrafabric/ledger/rate-store';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { spanRecord } from '../../../test/attacks/spans.js';

const root = mkdtempSync(join(tmpdir(), 'pricing-'));
let homes = 0;
const newHome = (): string => join(root, String(homes++));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const card = (input: string, name = 'own'): RateCard => ({
  format: 1,
  name,
  date: '2025-11-11',
  source: 'a test',
  currency: 'USD',
  models: [{ model: 'mine', prices: [{ rates: { input, output: '1' } }] }],
});
const record = (model: string, scope = 'some.instrumentation') => {
  const one = spanRecord(1, {
    attributes: [
      ['gen_ai.response.model', model],
      ['gen_ai.provider.name', 'openai'],
      ['gen_ai.usage.input_tokens', 100n],
      ['gen_ai.usage.output_tokens', 50n],
    ],
  });
  return { ...one, scope: { ...one.scope, name: scope } };
};
const chargeBy = (pricing: HomePricing, model: string, scope?: string): Charge | undefined =>
  spanDrafter(pricing)(record(model, scope)).body.charge;

async function pricingOf(home: string): Promise<HomePricing> {
  const pricing = new HomePricing(home);
  await pricing.refresh();
  return pricing;
}

test('a home without cards has those that ship, and nothing is made in it', async () => {
  const home = newHome();
  const pricing = await pricingOf(home);
  expect(chargeBy(pricing, 'gpt-5')).toMatchObject({ cost: '625000000', rated: { card: 'market', match: 'exact' } });
  expect(chargeBy(pricing, 'gpt-5', '@infrafabric/cli')).toMatchObject({
    cost: '12500000000',
    rated: { card: 'guide' },
  });
  expect(chargeBy(pricing, 'mine')).toEqual({ source: 'unpriced' });
  expect(existsSync(home)).toBe(false);
});

test('without prices a draft has none; with them it is a body that can be written', async () => {
  expect(draftSpan(record('gpt-5')).body.charge).toEqual({ source: 'unpriced' });
  const { body } = spanDrafter(await pricingOf(newHome()))(record('gpt-5'));
  expect(JSON.parse(encodeSpanBody(body))).toEqual(body);
});

test('cards are read again when their files change, at most once a second', async () => {
  const home = newHome();
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    const pricing = await pricingOf(home);
    storeCard(home, 'own', () => card('1'));
    await pricing.refresh();
    expect(chargeBy(pricing, 'mine')?.source).toBe('unpriced');
    vi.setSystemTime(Date.now() + 1000);
    await pricing.refresh();
    expect(chargeBy(pricing, 'mine')).toMatchObject({ cost: '150000000' });
    storeCard(home, 'own', (before) => ({ ...before!, models: card('2').models! }));
    vi.setSystemTime(Date.now() + 1000);
    await pricing.refresh();
    expect(chargeBy(pricing, 'mine')).toMatchObject({ cost: '250000000' });
    rmSync(join(home, 'rates'), { recursive: true });
    vi.setSystemTime(Date.now() + 1000);
    await pricing.refresh();
    expect(chargeBy(pricing, 'mine')?.source).toBe('unpriced');
  } finally {
    vi.useRealTimers();
  }
});

describe('the order', () => {
  const names = (home: string) => {
    const { services, byHand, byHandStated } = cardOrder(readStore(home));
    return [services, byHand, byHandStated].map((sources) => sources.map(({ name }) => name).join(' '));
  };

  test('is own cards, then the market; by hand own cards, then the guide', () => {
    const home = newHome();
    expect(names(home)).toEqual(['market', 'guide market', 'guide']);
    storeCard(home, 'own', () => card('1'));
    storeCard(home, 'contract', () => card('1', 'contract'));
    expect(names(home)).toEqual(['contract own market', 'contract own guide market', 'contract own guide']);
  });

  test('is what was said, and own cards that were not named come first', () => {
    const home = newHome();
    storeCard(home, 'own', () => card('1'));
    storeUse(home, ['guide']);
    expect(names(home)).toEqual(['own guide', 'own guide', 'own guide']);
    storeUse(home, ['market', 'own', 'gone']);
    expect(names(home)).toEqual(['market own', 'own guide market', 'own guide']);
  });
});

describe('what cannot be used', () => {
  test.each([
    ['a card', 'own.0001.json', '{'],
    ['a card of another name', 'own.0001.json', JSON.stringify(card('1', 'other'))],
    ['an order', 'use.json', '{"use":"guide"}'],
    ['a file that is none', 'own.0001.json', undefined],
  ])('%s is named and prices nothing', async (_, file, text) => {
    const home = newHome();
    mkdirSync(join(home, 'rates'), { recursive: true });
    if (text === undefined) mkdirSync(join(home, 'rates', file));
    else writeFileSync(join(home, 'rates', file), text);
    expect(readStore(home).problems).toEqual([{ file: join(home, 'rates', file), problem: expect.any(String) }]);
    const pricing = await pricingOf(home);
    expect(chargeBy(pricing, 'gpt-5')?.source).toBe('computed');
    expect(chargeBy(pricing, 'mine')?.source).toBe('unpriced');
  });

  test('a home that is no directory, or rates that are none', async () => {
    const home = newHome();
    writeFileSync(home, '');
    expect(readStore(home)).toEqual({ cards: [], use: undefined, problems: [] });
    expect(chargeBy(await pricingOf(home), 'gpt-5')?.source).toBe('computed');
    const other = newHome();
    mkdirSync(other);
    writeFileSync(join(other, 'rates'), '');
    expect(chargeBy(await pricingOf(other), 'gpt-5')?.source).toBe('computed');
  });
});

describe('storing', () => {
  test('makes a new version each time, on top of the one before', () => {
    const home = newHome();
    for (let i = 1; i <= 3; i++) storeCard(home, 'own', () => card(String(i)));
    expect(readdirSync(join(home, 'rates')).sort()).toEqual(['own.0001.json', 'own.0002.json', 'own.0003.json']);
    expect(readStore(home).cards[0]!.versions.map((one) => one.card.models![0]!.prices[0]!.rates.input)).toEqual([
      '3',
      '2',
      '1',
    ]);
  });

  test('refuses what is no card, or has the name of one that ships', () => {
    const home = newHome();
    expect(() => storeCard(home, 'market', () => card('1', 'market'))).toThrow(/ships/);
    expect(() => storeCard(home, '../x', () => card('1'))).toThrow(/no name of a card/);
    expect(() => storeCard(home, 'own', () => card('-1'))).toThrow(/a rate is 0 or more/);
    expect(existsSync(home)).toBe(false);
  });
});
