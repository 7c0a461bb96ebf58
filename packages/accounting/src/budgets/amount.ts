/** Amounts of a budget: what a limit or an estimate says must be kept exactly, so nothing is rounded here. */
import { parseDecimal } from '../decimal.js';
import { type PicoUsd, parsePicoUsd } from '../pico-usd.js';

/**
 * The amount that a decimal text states in US dollars, exactly: `500.0`, `0.0000025`, `1e-7`.
 * @throws TypeError and RangeError as `parsePicoUsd`; RangeError for more than 12 decimals as well.
 */
export function parseAmount(text: string): PicoUsd {
  const pico = parsePicoUsd(text);
  if (parseDecimal(text)!.exponent < -12) {
    throw new RangeError(`${text} has more than 12 decimals: the smallest amount is 0.000000000001 USD`);
  }
  return pico;
}
