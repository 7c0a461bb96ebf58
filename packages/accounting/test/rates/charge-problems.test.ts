import { chargeProblems } from '@infrafabric/accounting/charge-problems';
import type { LoadedCard } from '@infrafabric/accounting/rate-cards';
import { shippedCard } from '@infrafabric/accounting/shipped-cards';
import type { Charge, Usage } from '@infrafabric/format';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { callOf, LOG, NOON, priced, pricingBy } from './cards.js';

const shipped: readonly LoadedCard[] = [shippedCard('guide'), shippedCard('market')];
const cardOf = (sha256: string) => shipped.find((loaded) => loaded.sha256 === sha256)?.card;
const judge = (usage: unknown, charge: unknown, start = String(NOON)) => chargeProblems(usage, charge, cardOf, start);

const account = priced({
  attributes: {
    ...callOf('claude-sonnet-4-5', 300_000, 50, 'anthropic'),
    'gen_ai.usage.cache_read.input_tokens': 1000n,
    'gen_ai.usage.reasoning.output_tokens': 7n,
  },
  pricing: pricingBy('market'),
});
const usage = account.usage as Usage;
const charge = account.charge as Charge;
const rated = charge.rated!;
const withRated = (change: object): unknown => ({ ...charge, rated: { ...rated, ...change } });
const withLine = (i: number, change: object): unknown =>
  withRated({ lines: rated.lines.map((line, at) => (at === i ? { ...line, ...change } : line)) });

describe('nothing is wrong with', () => {
  const counts = fc.nat({ max: 2_000_000 });
  const models = fc.constantFrom(
    ['gpt-5', 'openai', 'guide'],
    ['claude-haiku-4.5', undefined, 'guide'],
    ['gpt-4o-mini', 'openai', 'market'],
    ['claude-sonnet-4-5-20250929', 'anthropic', 'market'],
    ['gemini-2.5-pro', 'gemini', 'market'],
    ['deepseek-chat', 'deepseek', 'market'],
    ['text-embedding-3-small', 'openai', 'market'],
  );

  test('what is computed here', () => {
    fc.assert(
      fc.property(
        models,
        counts,
        counts,
        counts,
        fc.option(fc.double({ min: 1e-9, max: 9, noNaN: true })),
        (model, i, o, c, cost) => {
          const [name, provider, by] = model;
          const account = priced({
            attributes: {
              ...callOf(name!, i, o, provider),
              'gen_ai.usage.cache_read.input_tokens': BigInt(c),
              ...(cost !== null && { 'operation.cost': cost }),
            },
            pricing: pricingBy(by as 'guide'),
            scopeName: LOG,
          });
          expect(judge(account.usage, account.charge)).toEqual([]);
          expect(chargeProblems(account.usage, account.charge)).toEqual([]);
        },
      ),
    );
  });

  test('charges without a price', () => {
    expect(judge(usage, undefined)).toEqual([]);
    expect(judge(usage, { source: 'unpriced' })).toEqual([]);
    expect(judge(usage, { source: 'reported', cost: '5', currency: 'EUR', key: 'k' })).toEqual([]);
  });

  test('a card that is not at hand: only the arithmetic is judged', () => {
    expect(judge(usage, withRated({ sha256: 'a'.repeat(64), card: 'gone', model: 'x', tier: 'y' }))).toEqual([]);
  });
});

describe('found is', () => {
  test.each<[string, unknown, RegExp]>([
    ['another cost than the price', { ...charge, cost: '1' }, /charge\.cost is not charge\.rated\.cost/],
    ['a sum that is none', { ...(withRated({ cost: '1' }) as object), cost: '1' }, /not the sum/],
    ['a line that costs another', withLine(0, { cost: '1' }), /line "cache_read" costs 600000000, not 1/],
    ['a quantity that is not used', withLine(0, { quantity: '1001', cost: '600600000' }), /is of 1000 in the usage/],
    ['another rate', withLine(2, { rate: '15', cost: '750000000' }), /rates or tier|not the sum/],
    ['another tier', withRated({ tier: 'above 1' }), /rates or tier/],
    ['no tier', withRated({ tier: undefined }), /rates or tier/],
    ['another model of the card', withRated({ model: 'gpt-4o' }), /rates or tier/],
    ['another card name', withRated({ card: 'guide' }), /is called "market"/],
    ['per something else', withLine(0, { per: '1' }), /malformed/],
    ['a line too few', withRated({ lines: rated.lines.slice(1) }), /leaves out "cache_read"/],
    ['a line too many', withRated({ lines: [...rated.lines, rated.lines[0]!] }), /or twice/],
    ['a match that is none', withRated({ match: 'sure' }), /match/],
    ['a hash that is none', withRated({ sha256: 'x' }), /SHA-256/],
    ['a computed charge without price', { ...charge, rated: undefined }, /says no price/],
    ['an unpriced one with', { ...charge, source: 'unpriced' }, /unpriced charge has a cost/],
    ['a source that is none', { ...charge, source: 'guessed' }, /charge\.source/],
    ['no currency', { ...charge, currency: undefined }, /currency/],
    ['an exponent', withLine(0, { rate: '6e-1' }), /malformed/],
  ])('%s', (_, changed, expected) => {
    expect(judge(usage, JSON.parse(JSON.stringify(changed))).join('; ')).toMatch(expected);
  });

  test('a price of another day', () => {
    const { usage, charge } = priced({
      attributes: callOf('gpt-5.6-luna', 100, 50, 'openai'),
      pricing: pricingBy('market'),
    });
    expect(judge(usage, charge)).toEqual([]);
    expect(chargeProblems(usage, charge, cardOf)).toEqual([]);
    expect(judge(usage, charge, '1795000000000000000').join()).toMatch(/rates or tier/);
  });
});

test('whatever a hostile ledger holds, it answers', () => {
  fc.assert(
    fc.property(fc.anything(), fc.anything(), (usage, charge) => {
      expect(Array.isArray(judge(usage, charge))).toBe(true);
    }),
  );
  const members = ['source', 'cost', 'currency', 'rated', 'key'];
  fc.assert(
    fc.property(fc.constantFrom(...members), fc.jsonValue(), (member, value) => {
      judge(usage, { ...charge, [member]: value });
      judge(value, charge);
      judge({ ...usage, tokens: value, units: value }, charge);
      judge(usage, withRated({ lines: value }));
      judge(usage, withLine(0, { quantity: value, rate: value }));
    }),
  );
  for (const start of ['', 'x', '-1', '1e9', '9'.repeat(60_000)]) expect(judge(usage, charge, start)).toEqual([]);
  const long = '9'.repeat(60_000);
  expect(judge(usage, withLine(0, { quantity: long, rate: long, cost: long }))).not.toEqual([]);
});
