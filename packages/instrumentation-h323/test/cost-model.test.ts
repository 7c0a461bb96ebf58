import { accountFor, decimalUsd } from '@infrafabric/accounting';
import { RateCards } from '@infrafabric/accounting/rate-cards';
import { shippedCard } from '@infrafabric/accounting/shipped-cards';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { unitsOfCall, unitsOfMeasuredCall } from '../dist/cost-model.js';
import { fractionOf, quotientText } from '../dist/decimal-quantity.js';
import { H323Witness, SCOPE_NAME } from '../dist/index.js';

const witness = new H323Witness({ endpointId: 'endpoint-1', gatekeeper: 'gk.example:1719' });
const card = { name: 'guide', load: () => [shippedCard('guide')] };
const pricing = new RateCards({ services: [], byHand: [card], byHandStated: [card] });

test('2 Mbps for 45 minutes cost $0.09095', () => {
  expect(witness.calculateSessionCost(2_000_000, 45)).toEqual({
    setupCost: '0.0005',
    bandwidthCost: '0.09',
    keepaliveCost: '0.00045',
    totalCost: '0.09095',
    bandwidthBps: 2_000_000,
    durationMinutes: 45,
  });
});

test('a month of 90 minutes a day at 2 Mbps costs $5.472', () => {
  expect(witness.estimateMonthlyCost(2_000_000, 90)).toEqual({
    callsPerDay: 3,
    dailyCost: '0.1824',
    monthlyCost: '5.472',
    bandwidthMbps: 2,
  });
  // As the guide has it: calls of half an hour, at least one.
  expect(witness.estimateMonthlyCost(2_000_000, 100).monthlyCost).toBe('5.472');
  expect(witness.estimateMonthlyCost(2_000_000, 10).callsPerDay).toBe(1);
});

test('a fraction of a minute is exact, as far as it can be', () => {
  expect(unitsOfCall(384_000, 0.1)).toEqual({ call: '1', megabit_minute: '0.0384', minute: '0.1' });
  expect(unitsOfMeasuredCall(1_209, 1_209n * 64_000n)).toEqual({
    call: '1',
    megabit_minute: '0.0012896',
    minute: '0.02015',
  });
  expect(unitsOfMeasuredCall(1_000, 0n).minute).toBe('0.016666666667');
});

test.each([
  [-1, 45],
  [Number.NaN, 45],
  [2e6, -0.5],
  [2e6, Number.POSITIVE_INFINITY],
])('%d bit/s for %d minutes is a mistake of the caller', (bandwidthBps, minutes) => {
  expect(() => witness.calculateSessionCost(bandwidthBps, minutes)).toThrow(RangeError);
});

test('a call that is beyond every price is refused, and not priced in part', () => {
  expect(() => witness.calculateSessionCost(1e15, 1e9)).toThrow(/too long or too large/);
});

test('what a ledger charges for the units is what the class says', () => {
  fc.assert(
    fc.property(fc.nat(100_000_000), fc.integer({ min: 0, max: 100_000 }), (bandwidthBps, hundredths) => {
      const minutes = hundredths / 100;
      const attributes = Object.entries(unitsOfCall(bandwidthBps, minutes)).map(
        ([unit, quantity]) => [`witness.units.${unit}`, quantity] as const,
      );
      const priced = { pricing, startUnixNano: BigInt(Date.now()) * 1_000_000n };
      const { charge } = accountFor({ attributes, scopeName: SCOPE_NAME, statusCode: 0 }, priced);
      expect(charge?.source).toBe('computed');
      expect(decimalUsd(BigInt(charge!.cost!))).toBe(witness.calculateSessionCost(bandwidthBps, minutes).totalCost);
    }),
  );
});

test('a quotient is its value, half-even at the twelfth decimal', () => {
  expect(quotientText(1n, 3n)).toBe('0.333333333333');
  expect(quotientText(2n, 3n)).toBe('0.666666666667');
  expect(quotientText(5n, 10n ** 13n)).toBe('0');
  expect(quotientText(15n, 10n ** 13n)).toBe('0.000000000002');
  expect(quotientText(90n, 1n)).toBe('90');
  fc.assert(
    fc.property(fc.double({ min: 1e-9, max: 1e15, noNaN: true }), (value) => {
      const { numerator, denominator } = fractionOf(value, 'value');
      expect(Math.abs(Number(numerator) / Number(denominator) - value)).toBeLessThanOrEqual(value * 1e-15);
    }),
  );
});
