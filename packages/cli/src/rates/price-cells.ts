/** How prices are shown: rates per million tokens, or per unit, exactly as the card writes them. */

import type { LoadedCard, Price, Rates } from '@infrafabric/accounting/rate-cards';
import { priceAt, type ReadyPrice } from '@infrafabric/accounting/rate-cards';
import type { JsonOut } from '../json-text.js';
import type { Column } from '../table.js';

/** Columns of a table of rates. */
export const RATE_COLUMNS: readonly Column[] = [
  { title: 'INPUT', align: 'right' },
  { title: 'OUTPUT', align: 'right' },
  { title: 'CACHE READ', align: 'right', dropOrder: 2 },
  { title: 'CACHE WRITE', align: 'right', dropOrder: 2 },
];

const CLASSES = ['input', 'output', 'cache_read', 'cache_write'];

/** Cells of those columns, and what else there is: units, tiers, hours. */
export function rateCells(price: Price): { readonly cells: string[]; readonly more: string } {
  const { rates, tiers = [], hours } = price;
  const more = Object.entries(rates)
    .filter(([name]) => !CLASSES.includes(name))
    .map(([name, rate]) => `${name} ${rate}`);
  for (const { above, rates: tiered } of tiers) more.push(`above ${above.toLocaleString('en')}: ${ratesText(tiered)}`);
  if (hours !== undefined) more.push(`${hours[0]} to ${hours[1]} UTC`);
  return { cells: CLASSES.map((name) => rates[name] ?? '-'), more: more.join('; ') };
}

/** Rates in a line of text. */
export function ratesText(rates: Rates): string {
  return Object.entries(rates)
    .map(([name, rate]) => `${name} ${rate}`)
    .join(', ');
}

/** The price of an entry that holds at a time. */
export function priceOf(
  loaded: LoadedCard,
  entry: { readonly prices: readonly Price[] },
  atMs: number,
): Price | undefined {
  const ready: readonly ReadyPrice[] = loaded.pricesOf(entry);
  const held = priceAt(ready, atMs);
  return held && entry.prices[ready.indexOf(held)];
}

/** A price as JSON. */
export function priceJson({ from, until, hours, rates, tiers }: Price): JsonOut {
  return {
    from: from ?? null,
    until: until ?? null,
    hours: hours === undefined ? null : [...hours],
    rates: { ...rates },
    tiers: (tiers ?? []).map((tier) => ({ above: tier.above, rates: { ...tier.rates } })),
  };
}
