import { readFileSync } from 'node:fs';
import { decimalUsd, formatUsd } from '@infrafabric/accounting';
import { parseRateCard } from '@infrafabric/accounting/parse-rate-card';
import { shippedCard } from '@infrafabric/accounting/shipped-cards';
import { describe, expect, test } from 'vitest';
import { callOf, LOG, priced, pricingBy } from './cards.js';

const guide = pricingBy('guide');
const costOf = (attributes: Parameters<typeof priced>[0]['attributes'], pricing = guide): string => {
  const { charge } = priced({ attributes, pricing, scopeName: LOG });
  return charge?.cost === undefined ? String(charge?.source) : decimalUsd(BigInt(charge.cost));
};
const h323 = (megabit: number, minutes: number, calls = 1) => ({
  'witness.units.call': BigInt(calls),
  'witness.units.megabit_minute': String(megabit * minutes * calls),
  'witness.units.minute': BigInt(minutes * calls),
});

test('is a card that the parser takes', () => {
  const text = readFileSync(new URL('../../rates/guide.json', import.meta.url), 'utf8');
  expect(parseRateCard(text)).toEqual(shippedCard('guide').card);
  expect(parseRateCard(text)).toMatchObject({ name: 'guide', date: '2025-11-11' });
});

test.each([
  ['claude-haiku-4.5', '0.0000875'],
  ['claude-sonnet-4.5', '0.00105'],
  ['gpt-5', '0.0125'],
  ['gemini-2.5-pro', '0.00035'],
])('100 tokens in and 50 out of %s cost $%s', (model, cost) => {
  expect(costOf(callOf(model, 100, 50))).toBe(cost);
});

test('prices its four exact names, and no other', () => {
  for (const model of ['claude-haiku-4-5', 'claude-haiku-4.5-20251001', 'gpt-5-mini', 'gemini-2.5']) {
    expect(costOf(callOf(model, 100, 50))).toBe('unpriced');
  }
});

test('keeps its words: 100 in and 50 out of gpt-5 cost $0.0125 by it, $0.000625 by the market', () => {
  expect(costOf(callOf('gpt-5', 100, 50))).toBe('0.0125');
  expect(costOf(callOf('gpt-5', 100, 50, 'openai'), pricingBy('market'))).toBe('0.000625');
});

describe('the H.323 cost model', () => {
  test('2 Mbps for 45 minutes cost 0.0005 + 0.09 + 0.00045', () => {
    expect(priced({ attributes: h323(2, 45), pricing: guide, scopeName: LOG }).charge).toMatchObject({
      cost: '90950000000',
      source: 'computed',
      rated: {
        model: 'call+megabit_minute+minute',
        lines: [
          { class: 'call', quantity: '1', rate: '0.0005', per: '1', cost: '500000000' },
          { class: 'megabit_minute', quantity: '90', rate: '0.001', per: '1', cost: '90000000000' },
          { class: 'minute', quantity: '45', rate: '0.00001', per: '1', cost: '450000000' },
        ],
      },
    });
  });

  test('90 such calls cost $8.1855, added up or all at once', () => {
    const one = BigInt(priced({ attributes: h323(2, 45), pricing: guide, scopeName: LOG }).charge!.cost!);
    expect(formatUsd(90n * one)).toBe('$8.1855');
    expect(costOf(h323(2, 45, 90))).toBe('8.1855');
  });

  test("a month by the guide's code: 90 minutes a day are 3 calls of 30 minutes, $5.472", () => {
    const callsPerDay = Math.max(1, Math.floor(90 / 30));
    const call = BigInt(priced({ attributes: h323(2, 30), pricing: guide, scopeName: LOG }).charge!.cost!);
    expect(formatUsd(call * BigInt(callsPerDay * 30))).toBe('$5.472');
  });
});

test('a frame costs $0.000001, a second of 60 $0.00006, thirty days $155.52', () => {
  expect(costOf({ 'witness.units.frame': 1n })).toBe('0.000001');
  expect(costOf({ 'witness.units.frame': 60n })).toBe('0.00006');
  expect(costOf({ 'witness.units.frame': 60n * 86_400n * 30n })).toBe('155.52');
});

describe('an event without a model', () => {
  const tokens = { 'gen_ai.usage.input_tokens': 300n, 'gen_ai.usage.output_tokens': 150n };

  test('is compared with the usual model of the guide when it states a cost', () => {
    const attributes = { ...tokens, 'witness.cost.usd': '0.0005' };
    expect(priced({ attributes, pricing: guide, scopeName: LOG }).charge).toMatchObject({
      source: 'reported',
      cost: '500000000',
      rated: { model: 'claude-haiku-4.5', match: 'fallback', cost: '262500000' },
    });
  });

  test('has no price of its own', () => {
    expect(costOf(tokens)).toBe('unpriced');
  });
});
