import { accountFor } from '@infrafabric/accounting';
import { LoadedCard, type RateCard, RateCards } from '@infrafabric/accounting/rate-cards';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { call, span } from '../spans.js';
import { callOf, card, LOG, NOON, nanos, priced, pricingBy } from './cards.js';

const model = (name: string, rates: Record<string, string>, more: object = {}) => ({
  model: name,
  prices: [{ rates }],
  ...more,
});
const own = card({ models: [model('m', { input: '1', output: '2' })] });

describe('a computed charge', () => {
  const pricing = pricingBy(own);

  test('has a line a class, and their sum', () => {
    expect(priced({ attributes: callOf('m', 100, 50), pricing }).charge).toEqual({
      cost: '200000000',
      currency: 'USD',
      rated: {
        card: 'own',
        cost: '200000000',
        lines: [
          { class: 'input', cost: '100000000', per: '1000000', quantity: '100', rate: '1' },
          { class: 'output', cost: '100000000', per: '1000000', quantity: '50', rate: '2' },
        ],
        match: 'exact',
        model: 'm',
        sha256: new LoadedCard(own).sha256,
      },
      source: 'computed',
    });
  });

  test('gives way to a reported one, and is kept beside it', () => {
    const { charge } = priced({ attributes: { ...callOf('m', 100, 50), 'operation.cost': 0.5 }, pricing });
    expect(charge).toMatchObject({ cost: '500000000000', source: 'reported', rated: { cost: '200000000' } });
  });

  test('is not put beside a cost in another currency', () => {
    const attributes = {
      ...callOf('m', 100, 50),
      'gen_ai.usage.cost.amount': 0.5,
      'gen_ai.usage.cost.currency': 'EUR',
    };
    expect(priced({ attributes, pricing }).charge).toEqual({
      cost: '500000000000',
      currency: 'EUR',
      key: 'gen_ai.usage.cost.amount',
      source: 'reported',
    });
  });

  test('replaces a 0 that is no report', () => {
    const { charge } = priced({ attributes: { ...callOf('m', 100, 50), 'gen_ai.usage.cost': 0 }, pricing });
    expect(charge).toMatchObject({ cost: '200000000', source: 'computed' });
  });

  test('of counts that are guesses is an estimate', () => {
    const attributes = { ...callOf('m', 100, 50), 'witness.cost.estimated': true };
    expect(priced({ attributes, pricing })).toMatchObject({
      usage: { marks: ['estimated'] },
      charge: { cost: '200000000', source: 'estimated' },
    });
  });

  test('there is none for a failed call without tokens, and one for a failed call with them', () => {
    expect(priced({ attributes: { 'gen_ai.request.model': 'm' }, pricing, statusCode: 2 }).charge).toBeUndefined();
    const { charge } = priced({ attributes: callOf('m', 100, 50), pricing, statusCode: 2 });
    expect(charge).toMatchObject({ source: 'computed' });
  });

  test('there is none where no card knows the model, or the counts are not known', () => {
    expect(priced({ attributes: callOf('other', 1, 1), pricing }).charge).toEqual({ source: 'unpriced' });
    expect(priced({ attributes: { 'gen_ai.request.model': 'm' }, pricing }).charge).toEqual({ source: 'unpriced' });
  });

  test('a card that throws leaves the span unpriced, never lost', () => {
    const broken = {
      rate: () => {
        throw new Error('broken');
      },
    };
    expect(priced({ attributes: callOf('m', 1, 1), pricing: broken }).charge).toEqual({ source: 'unpriced' });
  });

  test('that is too large for a sum is none', () => {
    const attributes = callOf('m', Number.MAX_SAFE_INTEGER, 0);
    expect(priced({ attributes, pricing }).charge).toEqual({ source: 'unpriced' });
  });
});

describe('cache classes', () => {
  const cached = {
    ...call({ input: 1000n, output: 10n, read: 100n, write: 60n }),
    'gen_ai.response.model': 'm',
    'anthropic.usage.cache_creation.ephemeral_1h_input_tokens': 20n,
  };
  const lines = (rates: Record<string, string>, more: Partial<RateCard> = {}) =>
    priced({
      attributes: cached,
      pricing: pricingBy(card({ models: [model('m', rates)], ...more })),
    }).charge?.rated?.lines.map(({ class: name, quantity, rate }) => `${name} ${quantity} × ${rate}`);

  test('have their own rates; a lifetime without one has that of cache_write', () => {
    expect(lines({ input: '3', output: '15', cache_read: '0.3', cache_write: '3.75', cache_write_1h: '6' })).toEqual([
      'cache_read 100 × 0.3',
      'cache_write 40 × 3.75',
      'cache_write_1h 20 × 6',
      'input 840 × 3',
      'output 10 × 15',
    ]);
    expect(lines({ input: '3', output: '15', cache_read: '0.3', cache_write: '3.75' })).toContain(
      'cache_write_1h 20 × 3.75',
    );
  });

  test('without a rate leave the call unpriced, unless the card says that they cost what input does', () => {
    expect(lines({ input: '3', output: '15' })).toBeUndefined();
    expect(lines({ input: '3', output: '15', cache_read: '0.3' })).toBeUndefined();
    expect(lines({ input: '3', output: '15' }, { cache_as_input: true })).toContain('cache_read 100 × 3');
  });

  test('a card that knows the model and lacks a class does not leave the word to the next card', () => {
    const first = card({ models: [model('m', { input: '1', output: '1' })] });
    const second = card({ name: 'second', models: [model('m', { input: '9', output: '9' })], cache_as_input: true });
    expect(priced({ attributes: cached, pricing: pricingBy(first, second) }).charge).toEqual({ source: 'unpriced' });
  });
});

describe('reasoning', () => {
  test('is inside output and no line', () => {
    const attributes = { ...call({ input: 10n, output: 20n, reasoning: 15n }), 'gen_ai.response.model': 'm' };
    const { charge } = priced({ attributes, pricing: pricingBy(own) });
    expect(charge?.rated?.lines.map((line) => line.class)).toEqual(['input', 'output']);
  });
});

describe('tiers', () => {
  const tiers = [
    { above: 200, rates: { input: '6', output: '20' } },
    { above: 500, rates: { input: '9' } },
  ];
  const pricing = pricingBy(
    card({ models: [{ model: 'm', prices: [{ rates: { input: '3', output: '15' }, tiers }] }], cache_as_input: true }),
  );
  const tierOf = (input: bigint, read = 0n) => {
    const attributes = { ...call({ input, output: 1n, ...(read > 0n && { read }) }), 'gen_ai.response.model': 'm' };
    const { rated } = priced({ attributes, pricing }).charge!;
    return [rated!.tier, ...rated!.lines.map(({ rate }) => rate)];
  };

  test('hold for all of the call, above their number of input tokens, cached ones included', () => {
    expect(tierOf(200n)).toEqual([undefined, '3', '15']);
    expect(tierOf(201n)).toEqual(['above 200', '6', '20']);
    expect(tierOf(250n, 100n)).toEqual(['above 200', '6', '6', '20']);
    expect(tierOf(501n)).toEqual(['above 500', '9', '15']);
  });
});

describe('a span is priced as of its start', () => {
  const rateAt = (prices: NonNullable<RateCard['models']>[number]['prices'], at: string) =>
    priced({
      attributes: callOf('m', 1_000_000, 0),
      pricing: pricingBy(card({ models: [{ model: 'm', prices }] })),
      at: nanos(at),
    }).charge?.rated?.lines[0]?.rate;

  test('by the last price that holds then', () => {
    const prices = [
      { rates: { input: '1', output: '1' } },
      { from: '2025-06-01', rates: { input: '2', output: '1' } },
      { from: '2025-07-01T12:00:00Z', until: '2025-08-01', rates: { input: '3', output: '1' } },
    ];
    expect(rateAt(prices, '2025-05-31T23:59:59.999Z')).toBe('1');
    expect(rateAt(prices, '2025-06-01T00:00:00Z')).toBe('2');
    expect(rateAt(prices, '2025-07-01T11:59:59Z')).toBe('2');
    expect(rateAt(prices, '2025-07-01T12:00:00Z')).toBe('3');
    expect(rateAt(prices, '2025-08-01T00:00:00Z')).toBe('2');
  });

  test('by the hour of the day in UTC, also over midnight', () => {
    const day = [
      { rates: { input: '1', output: '1' } },
      { hours: ['00:30:00', '16:30:00'] as const, rates: { input: '2', output: '1' } },
    ];
    expect(rateAt(day, '2025-05-31T00:29:59Z')).toBe('1');
    expect(rateAt(day, '2025-05-31T00:30:00Z')).toBe('2');
    expect(rateAt(day, '2025-05-31T16:30:00Z')).toBe('1');
    const night = [
      { rates: { input: '1', output: '1' } },
      { hours: ['22:00:00', '06:00:00'] as const, rates: { input: '2', output: '1' } },
    ];
    expect(rateAt(night, '2025-05-31T23:00:00Z')).toBe('2');
    expect(rateAt(night, '2025-05-31T05:59:59Z')).toBe('2');
    expect(rateAt(night, '2025-05-31T12:00:00Z')).toBe('1');
  });

  test('a price that does not hold yet leaves the word to the next card', () => {
    const first = card({
      models: [{ model: 'm', prices: [{ from: '2026-01-01', rates: { input: '5', output: '5' } }] }],
    });
    const pricing = pricingBy(first, { ...own, name: 'second' });
    expect(priced({ attributes: callOf('m', 1, 1), pricing }).charge?.rated?.card).toBe('second');
    expect(priced({ attributes: callOf('m', 1, 1), pricing, at: nanos('2026-01-01') }).charge?.rated?.card).toBe('own');
  });

  test('by the version of a card that held then', () => {
    const version = (from: string | undefined, input: string) =>
      new LoadedCard(card({ ...(from && { from }), models: [model('m', { input, output: '1' })] }));
    const versions = [version('2025-11-12', '3'), version('2025-11-10', '2'), version(undefined, '1')];
    const sources = [{ name: 'own', load: () => versions }];
    const pricing = new RateCards({ services: sources, byHand: sources, byHandStated: sources });
    const rate = (at: string) =>
      priced({ attributes: callOf('m', 1, 1), pricing, at: nanos(at) }).charge?.rated?.lines[0]?.rate;
    expect(['2025-11-09', '2025-11-11', '2025-11-12', '2030-01-01'].map(rate)).toEqual(['1', '2', '3', '3']);
  });
});

describe('how the model is found', () => {
  const found = (one: RateCard, name: string, provider?: string) => {
    const { rated } = priced({ attributes: callOf(name, 1, 1, provider), pricing: pricingBy(one) }).charge ?? {};
    return rated && `${rated.model} ${rated.match}`;
  };
  const rates = { input: '1', output: '1' };

  test('by exact names first, whatever the case, then loosely', () => {
    const one = card({
      models: [
        model('loose', rates, { match: { prefix: 'gpt-' } }),
        model('gpt-x', rates, { aliases: ['gpt-y'] }),
        model('both', rates, { match: { and: [{ prefix: 'a' }, { suffix: 'z' }] } }),
        model('contained', rates, { match: { contains: '-in-' } }),
        model('regular', rates, { match: { or: [{ regex: '^r\\d{2}$' }, { equals: 'rr' }] } }),
      ],
    });
    expect(found(one, 'GPT-X')).toBe('gpt-x exact');
    expect(found(one, 'gpt-y')).toBe('gpt-x exact');
    expect(found(one, 'gpt-z')).toBe('loose prefix');
    expect(found(one, 'abcz')).toBe('both prefix');
    expect(found(one, 'x-in-y')).toBe('contained prefix');
    expect(found(one, 'r12')).toBe('regular prefix');
    expect(found(one, 'rr')).toBe('regular exact');
    expect(found(one, 'r123')).toBeUndefined();
    expect(found(one, `gpt-${'x'.repeat(400)}`)).toBeUndefined();
  });

  test('a price of a provider is for that provider; a span that names none is a guess', () => {
    const one = card({ models: [model('m', rates, { provider: 'OpenRouter' })] });
    expect(found(one, 'm', 'openrouter')).toBe('m exact');
    expect(found(one, 'm', 'groq')).toBeUndefined();
    expect(found(one, 'm')).toBe('m fallback');
  });

  test.each([
    ['gpt-4o', 'openai', 'gpt-4o exact'],
    ['gpt-4o', undefined, 'gpt-4o fallback'],
    ['gpt-4o', 'some-gateway', 'gpt-4o fallback'],
    ['gpt-4o', 'azure', 'gpt-4o fallback'],
    ['claude-sonnet-4-5-20250929', 'anthropic', 'claude-sonnet-4-5 prefix'],
    ['gemini-2.5-pro', 'gcp.gen_ai', 'gemini-2.5-pro exact'],
    ['anthropic/claude-sonnet-4.5', 'openrouter', 'anthropic/claude-sonnet-4.5 exact'],
    ['deepseek-chat', 'openai', 'deepseek-chat fallback'],
    ['deepseek-r1:8b', 'ollama', undefined],
    ['no-such-model', 'openai', undefined],
  ])("on the market's card %s of %s is %s", (name, provider, expected) => {
    const { rated } = priced({ attributes: callOf(name, 1, 1, provider), pricing: pricingBy('market') }).charge ?? {};
    expect(rated && `${rated.model} ${rated.match}`).toBe(expected);
  });

  test('names of which there are very many do not fill the memory', () => {
    const pricing = pricingBy(own);
    for (let i = 0; i < 20_000; i++) priced({ attributes: callOf(`x${i}`, 1, 1), pricing });
    expect(priced({ attributes: callOf('m', 100, 50), pricing }).charge?.cost).toBe('200000000');
  });
});

describe('units', () => {
  const pricing = pricingBy(card({ units: [{ rates: { frame: '0.00001', minute: '0.1' } }] }));

  test('are multiplied exactly and rounded half to even', () => {
    const cost = (minute: string) => priced({ attributes: { 'witness.units.minute': minute }, pricing }).charge?.cost;
    expect(cost('0.000000000005')).toBe('0');
    expect(cost('0.000000000015')).toBe('2');
    expect(cost('0.000000000025')).toBe('2');
    expect(cost('0.0000000000250000001')).toBe('3');
    expect(cost('7.5')).toBe('750000000000');
  });

  test('of which one has no rate leave all unpriced', () => {
    const attributes = { 'witness.units.frame': 1n, 'witness.units.parsec': 1n };
    expect(priced({ attributes, pricing }).charge).toEqual({ source: 'unpriced' });
  });

  test('that are called like a token class have no price', () => {
    expect(priced({ attributes: { 'witness.units.input': 1n }, pricing: pricingBy(own) }).charge).toEqual({
      source: 'unpriced',
    });
  });

  test('of a model alone are priced by the model', () => {
    const whisper = card({ models: [model('whisper', { minute: '0.006' })] });
    const attributes = { 'gen_ai.response.model': 'whisper', 'witness.units.minute': 3n };
    expect(priced({ attributes, pricing: pricingBy(whisper) }).charge?.cost).toBe('18000000000');
  });
});

test('what is logged by hand asks other cards than a service does', () => {
  const source = (name: string) => ({
    name,
    load: () => [new LoadedCard(card({ name, models: [model('m', { input: '1', output: '1' })] }))],
  });
  const pricing = new RateCards({ services: [source('s')], byHand: [source('h')], byHandStated: [source('stated')] });
  const cardOf = (scopeName: string, more: object = {}) =>
    priced({ attributes: { ...callOf('m', 1, 1), ...more }, pricing, scopeName }).charge?.rated?.card;
  expect(cardOf('some.instrumentation')).toBe('s');
  expect(cardOf(LOG)).toBe('h');
  expect(cardOf('@infrafabric/instrumentation-sip')).toBe('h');
  expect(cardOf('@infrafabric/client')).toBe('s');
  expect(cardOf(LOG, { 'witness.cost.usd': '1' })).toBe('stated');
});

test('a card is loaded only when one before it has no answer', () => {
  let loads = 0;
  const first = { name: 'own', load: () => [new LoadedCard(own)] };
  const last = {
    name: 'last',
    load: () => {
      loads++;
      return [];
    },
  };
  const pricing = new RateCards({ services: [first, last], byHand: [first, last], byHandStated: [first] });
  priced({ attributes: callOf('m', 1, 1), pricing });
  priced({ attributes: { ...callOf('x', 1, 1), 'witness.cost.usd': '1' }, pricing, scopeName: LOG });
  expect(loads).toBe(0);
  priced({ attributes: callOf('x', 1, 1), pricing });
  expect(loads).toBe(1);
});

test('a sum is that of exact fractions, whatever rates and counts', () => {
  const rate = fc.tuple(fc.bigInt(0n, 10n ** 9n), fc.integer({ min: 0, max: 12 })).map(([digits, scale]) => {
    const text = String(digits).padStart(scale + 1, '0');
    return {
      text: scale === 0 ? text : `${text.slice(0, -scale)}.${text.slice(-scale)}`,
      digits,
      scale: BigInt(scale),
    };
  });
  fc.assert(
    fc.property(rate, rate, fc.nat(), fc.nat(), (input, output, tokensIn, tokensOut) => {
      fc.pre(tokensIn + tokensOut > 0);
      const pricing = pricingBy(card({ models: [model('m', { input: input.text, output: output.text })] }));
      const { charge } = accountFor(span(callOf('m', tokensIn, tokensOut)), { pricing, startUnixNano: NOON });
      const exact = ({ digits, scale }: typeof input, count: number): bigint => {
        const [n, d] = [digits * BigInt(count) * 10n ** 6n, 10n ** scale];
        const [q, r] = [n / d, n % d];
        return q + (2n * r > d || (2n * r === d && q % 2n === 1n) ? 1n : 0n);
      };
      const sum = exact(input, tokensIn) + exact(output, tokensOut);
      if (sum >= 9n * 10n ** 18n) expect(charge?.source).toBe('unpriced');
      else expect(charge?.cost).toBe(String(sum));
    }),
  );
});
