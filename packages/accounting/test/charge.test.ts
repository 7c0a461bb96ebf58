import { ATTRIBUTE_TABLE, accountFor, chargeOf, usageOf } from '@infrafabric/accounting';
import { describe, expect, test } from 'vitest';
import { call, span } from './spans.js';

const counts = call({ input: 100n, output: 50n });
const chargeFor = (...args: Parameters<typeof span>) => accountFor(span(...args)).charge;

const JSON_COSTS = ['langfuse.observation.cost_details', 'mlflow.llm.cost'];

describe('a reported cost', () => {
  test.each(
    ATTRIBUTE_TABLE.cost.map((key, place) => [key, place] as const).filter(([key]) => !JSON_COSTS.includes(key)),
  )('is read from %s before any later key', (key, place) => {
    const others = Object.fromEntries(ATTRIBUTE_TABLE.cost.slice(place + 1).map((other) => [other, 9.5]));
    expect(chargeFor({ ...others, ...counts, [key]: 0.0205131 })).toEqual({
      cost: '20513100000',
      currency: 'USD',
      key,
      source: 'reported',
    });
  });

  test.each([
    [0.020011050000000002, '20011050000'],
    [1e-7, '100000'],
    [3n, '3000000000000'],
    ['0.1', '100000000000'],
    ['"0.1"', '100000000000'],
  ])('%s is exact', (value, cost) => {
    expect(chargeFor({ ...counts, 'operation.cost': value })).toMatchObject({ cost, source: 'reported' });
  });

  test.each([
    ['langfuse.observation.cost_details', '{"input":0.015,"output":0.003,"total":0.02}', '.total', '20000000000'],
    ['langfuse.observation.cost_details', '{"input":0.015,"output":0.003,"cache_read":0.001}', '', '19000000000'],
    ['mlflow.llm.cost', '{"input_cost":0.015,"output_cost":0.003,"total_cost":0.018}', '.total_cost', '18000000000'],
    ['mlflow.llm.cost', '"{\\"input_cost\\":0.015,\\"output_cost\\":0.003}"', '', '18000000000'],
  ])('is read from the JSON of %s: %s', (key, json, path, cost) => {
    const later = { [key]: json, 'ai.total_cost': 9.5 };
    expect(chargeFor({ ...later, ...counts })).toEqual({ cost, currency: 'USD', key: key + path, source: 'reported' });
    expect(chargeFor({ ...later, ...counts, 'operation.cost': 0.5 })).toMatchObject({ key: 'operation.cost' });
  });

  test.each([
    ['langfuse.observation.cost_details', '{"input":-1,"output":0.003}'],
    ['langfuse.observation.cost_details', '{"total":"a lot"}'],
    ['langfuse.observation.cost_details', '{'],
    ['mlflow.llm.cost', '{"input_cost":0.015,"output_cost":9e9}'],
    ['mlflow.llm.cost', '{"input_cost":0.015}'],
    ['mlflow.llm.cost', 5],
  ])('in JSON of %s that cannot be used is marked: %s', (key, json) => {
    const account = accountFor(span({ ...counts, [key]: json }));
    expect(account).toMatchObject({ charge: { source: 'unpriced' }, usage: { marks: ['impossible'] } });
  });

  test('is the sum of input and output where no total is given, of one producer', () => {
    const parts = { 'llm.cost.prompt': 0.015, 'llm.cost.completion': 0.003, 'gen_ai.cost.input_cost': 7 };
    expect(chargeFor({ ...counts, ...parts })).toEqual({
      cost: '18000000000',
      currency: 'USD',
      key: 'llm.cost.prompt+llm.cost.completion',
      source: 'reported',
    });
    expect(chargeFor({ ...counts, ...parts, 'llm.cost.total': 0.5 })).toMatchObject({ key: 'llm.cost.total' });
    expect(chargeFor({ ...counts, 'llm.cost.prompt': 0.015 })).toEqual({ source: 'unpriced' });
    expect(chargeFor({ ...counts, 'llm.cost.prompt': 0, 'llm.cost.completion': 0 })).toEqual({ source: 'unpriced' });
    expect(chargeFor({ ...counts, 'llm.cost.prompt': -1, 'llm.cost.completion': 2 })).toEqual({ source: 'unpriced' });
  });

  test('needs no tokens', () => {
    expect(accountFor(span({ 'witness.cost.usd': '0.0005' }))).toEqual({
      charge: { cost: '500000000', currency: 'USD', key: 'witness.cost.usd', source: 'reported' },
      usage: { scope: '', table: '2026-11' },
    });
  });

  test('is estimated when the caller says so', () => {
    expect(chargeFor({ 'witness.cost.usd': '0.0005', 'witness.cost.estimated': true })?.source).toBe('estimated');
  });

  test('has the currency that the span names, except under a key that names dollars', () => {
    const euro = { ...counts, 'gen_ai.usage.cost.currency': 'eur' };
    expect(accountFor(span({ ...euro, 'gen_ai.usage.cost.amount': 0.5 }))).toMatchObject({
      charge: { currency: 'EUR' },
      usage: { keys: { currency: 'gen_ai.usage.cost.currency' } },
    });
    expect(accountFor(span({ ...euro, 'gen_ai.cost.total_usd': 0.5 }))).toMatchObject({ charge: { currency: 'USD' } });
    expect(accountFor(span({ ...euro, 'gen_ai.cost.total_usd': 0.5 })).usage?.keys).not.toHaveProperty('currency');
  });

  test('in no known currency is not used', () => {
    for (const currency of ['credits', '€', 5n]) {
      const account = accountFor(
        span({ ...counts, 'gen_ai.usage.cost.currency': currency, 'gen_ai.usage.cost.amount': 0.5 }),
      );
      expect(account).toMatchObject({ charge: { source: 'unpriced' }, usage: { marks: ['impossible'] } });
    }
  });
});

describe('a reported 0', () => {
  test.each([
    ['beside tokens', counts, 0],
    ['beside unknown usage', { 'gen_ai.request.model': 'gpt-4o' }, 0],
    ['on an error', {}, 2],
  ])('%s is not reported', (_, attributes, statusCode) => {
    for (const zero of [0, -0, 0n, '0', '0.000']) {
      expect(chargeFor({ ...attributes, 'gen_ai.usage.cost': zero }, { statusCode })).toEqual(
        statusCode === 2 ? undefined : { source: 'unpriced' },
      );
    }
  });

  test('leaves the word to the next key', () => {
    expect(chargeFor({ ...counts, 'gen_ai.usage.cost': 0n, 'operation.cost': 0.5 })).toMatchObject({
      key: 'operation.cost',
    });
  });

  test('without a model is a report', () => {
    expect(chargeFor({ 'gen_ai.cost.amount': 0 })).toEqual({
      cost: '0',
      currency: 'USD',
      key: 'gen_ai.cost.amount',
      source: 'reported',
    });
  });

  test('that the caller states is a report', () => {
    for (const statusCode of [0, 2]) {
      expect(chargeFor({ ...counts, 'witness.cost.usd': '0', 'operation.cost': 0.5 }, { statusCode })).toEqual({
        cost: '0',
        currency: 'USD',
        key: 'witness.cost.usd',
        source: 'reported',
      });
    }
  });
});

describe('unpriced is not free', () => {
  test('usage without cost has a charge without cost', () => {
    expect(chargeFor(counts)).toEqual({ source: 'unpriced' });
    expect(chargeFor({ 'gen_ai.request.model': 'gpt-4o' })).toEqual({ source: 'unpriced' });
    expect(chargeFor({ 'witness.units.minute': 45n })).toEqual({ source: 'unpriced' });
  });

  test.each([
    -0.5,
    '-0.5',
    Number.NaN,
    Number.POSITIVE_INFINITY,
    9_000_000,
    10n ** 18n,
    '1,000',
    '$1',
    'free',
    true,
    [0.5],
    `${'0'.repeat(64)}1`,
  ])('%s is no cost: unpriced, and marked impossible', (cost) => {
    expect(accountFor(span({ ...counts, 'operation.cost': cost }))).toMatchObject({
      charge: { source: 'unpriced' },
      usage: { marks: ['impossible'] },
    });
    expect(accountFor(span({ 'witness.cost.usd': cost }))).toEqual({
      charge: { source: 'unpriced' },
      usage: { marks: ['impossible'], scope: '', table: '2026-11' },
    });
  });

  test('an impossible cost leaves the word to the next key, and stays marked', () => {
    expect(accountFor(span({ ...counts, 'gen_ai.usage.cost': Number.NaN, 'operation.cost': 0.5 }))).toMatchObject({
      charge: { key: 'operation.cost', source: 'reported' },
      usage: { marks: ['impossible'] },
    });
  });

  test('a span about nothing of this has neither usage nor charge', () => {
    expect(accountFor(span({ 'http.request.method': 'GET' }))).toEqual({});
    expect(accountFor(span({ 'gen_ai.usage.cost': null, 'operation.cost': '' }))).toEqual({});
    expect(accountFor(span({ 'operation.cost': 'None', 'gen_ai.tool.name': 'x' }))).toEqual({});
  });
});

test('usageOf and chargeOf say together what accountFor says', () => {
  for (const attributes of [counts, { ...counts, 'operation.cost': 0.5 }, { 'witness.cost.usd': 'x' }, {}]) {
    const one = span(attributes);
    const usage = usageOf(one);
    expect({ usage, charge: chargeOf(one, usage) }).toEqual({
      usage: undefined,
      charge: undefined,
      ...accountFor(one),
    });
  }
});
