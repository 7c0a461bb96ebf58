/**
 * What a call costs: a price for its set-up, one for each megabit-minute, one for each minute of keeping it with the
 * gatekeeper. The rates are those of the guide's rate card, and the arithmetic is the ledger's own: the same units give the
 * same charge there.
 */
import { decimalUsd } from '@infrafabric/accounting';
import { RateCards } from '@infrafabric/accounting/rate-cards';
import { shippedCard } from '@infrafabric/accounting/shipped-cards';
import { fractionOf, quotientText } from './decimal-quantity.js';
import { SCOPE_NAME } from './names.js';

/** Quantities of a call, exact decimal text, as `witness.units.*` carry them. */
export type CallUnits = {
  /** Calls set up. */
  readonly call: string;
  /** Megabit per second, times minutes. */
  readonly megabit_minute: string;
  /** Minutes. */
  readonly minute: string;
};

/** What a call costs, US dollars as exact decimal text: `0.09095`. */
export interface SessionCost {
  readonly setupCost: string;
  readonly bandwidthCost: string;
  readonly keepaliveCost: string;
  readonly totalCost: string;
  readonly bandwidthBps: number;
  readonly durationMinutes: number;
}

const MS_PER_MINUTE = 60_000n;
const BITS_PER_MEGABIT = 1_000_000n;

const guideCard = { name: 'guide', load: () => [shippedCard('guide')] };
const cards = new RateCards({ services: [guideCard], byHand: [guideCard], byHandStated: [guideCard] });

/** The units of one call of constant bandwidth. @throws RangeError for negatives and NaN */
export function unitsOfCall(bandwidthBps: number, durationMinutes: number): CallUnits {
  const bits = fractionOf(bandwidthBps, 'bandwidthBps');
  const minutes = fractionOf(durationMinutes, 'durationMinutes');
  return {
    call: '1',
    megabit_minute: quotientText(
      bits.numerator * minutes.numerator,
      bits.denominator * minutes.denominator * BITS_PER_MEGABIT,
    ),
    minute: quotientText(minutes.numerator, minutes.denominator),
  };
}

/** The units of a call that was measured. @param bitMilliseconds bit/s × ms, added up over the call's bandwidths */
export function unitsOfMeasuredCall(durationMs: number, bitMilliseconds: bigint): CallUnits {
  return {
    call: '1',
    megabit_minute: quotientText(bitMilliseconds, BITS_PER_MEGABIT * MS_PER_MINUTE),
    minute: quotientText(BigInt(durationMs), MS_PER_MINUTE),
  };
}

/** What units cost by the guide's card: in pico-dollars, by unit and together. */
export function priceOfUnits(units: CallUnits): {
  readonly byUnit: Record<keyof CallUnits, bigint>;
  readonly total: bigint;
} {
  const startUnixNano = BigInt(Date.now()) * 1_000_000n;
  const usage = { units: { ...units } };
  const priced = cards.rate({ usage, scopeName: SCOPE_NAME, startUnixNano, hasCost: false });
  if (priced === undefined) throw new RangeError('the call is too long or too large for a price');
  const byUnit = { call: 0n, megabit_minute: 0n, minute: 0n };
  for (const { class: unit, cost } of priced.rated.lines)
    if (unit in byUnit) byUnit[unit as keyof CallUnits] = BigInt(cost);
  return { byUnit, total: BigInt(priced.rated.cost) };
}

/** What one call costs. @throws RangeError for negatives, NaN, and what is too large for a price */
export function sessionCostOf(bandwidthBps: number, durationMinutes: number): SessionCost {
  const { byUnit, total } = priceOfUnits(unitsOfCall(bandwidthBps, durationMinutes));
  return {
    setupCost: decimalUsd(byUnit.call),
    bandwidthCost: decimalUsd(byUnit.megabit_minute),
    keepaliveCost: decimalUsd(byUnit.minute),
    totalCost: decimalUsd(total),
    bandwidthBps,
    durationMinutes,
  };
}

/** What a month of calls costs, US dollars as exact decimal text. */
export interface MonthlyCost {
  readonly callsPerDay: number;
  readonly dailyCost: string;
  readonly monthlyCost: string;
  readonly bandwidthMbps: number;
}

/** The guide takes every call for one of half an hour, and a month for thirty days. */
const MINUTES_PER_CALL = 30;
const DAYS_PER_MONTH = 30n;

/**
 * The guide's estimate: a day has ⌊minutes / 30⌋ calls of 30 minutes, at least one.
 * @throws RangeError as {@link sessionCostOf}
 */
export function monthlyCostOf(bandwidthBps: number, dailyMinutes: number): MonthlyCost {
  if (!(dailyMinutes >= 0 && dailyMinutes <= 1e9)) throw new RangeError('dailyMinutes must be a number of 0 or more');
  const callsPerDay = Math.max(1, Math.floor(dailyMinutes / MINUTES_PER_CALL));
  const { total } = priceOfUnits(unitsOfCall(bandwidthBps, MINUTES_PER_CALL));
  const daily = total * BigInt(callsPerDay);
  return {
    callsPerDay,
    dailyCost: decimalUsd(daily),
    monthlyCost: decimalUsd(daily * DAYS_PER_MONTH),
    bandwidthMbps: bandwidthBps / Number(BITS_PER_MEGABIT),
  };
}
