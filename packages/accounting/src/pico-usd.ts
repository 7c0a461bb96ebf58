/**
 * Money: whole pico-dollars (10⁻¹² USD) in a BigInt, so that sums do not depend on their order and ten charges of $0.10
 * are one dollar. Nano-dollars would be too coarse for real list prices.
 */
import { decimalText, integerDigits, MAX_DECIMAL_CHARS, parseDecimal, scaledHalfEven } from './decimal.js';

declare const PICO_USD: unique symbol;

/** An amount 0 ≤ n < 9 × 10¹⁸ of 10⁻¹² USD; it fits an SQLite INTEGER. Sums and differences are plain BigInts. */
export type PicoUsd = bigint & { readonly [PICO_USD]: true };

const SCALE = 12;
/** 9,000,000 USD; int64 ends a little above. */
const LIMIT_PICO = 9_000_000n * 10n ** 12n;

/**
 * The amount that a decimal text states, in US dollars: `0.0005`, `12.5`, `1e-7`. More than 12 decimals are rounded
 * half-even.
 * @throws TypeError when it is not such a text (empty, a sign of currency, separators, hex, spaces);
 * RangeError for negatives, NaN, infinities, more than 64 characters, and 9,000,000 USD or more.
 */
export function parsePicoUsd(text: string): PicoUsd {
  if (typeof text !== 'string')
    throw new TypeError(`a ${typeof text} is not an amount: write decimal text such as '0.0005'`);
  if (text.length > MAX_DECIMAL_CHARS) {
    throw new RangeError(`an amount of ${text.length} characters: write at most ${MAX_DECIMAL_CHARS}, such as 0.0005`);
  }
  if (/^[+-]?(?:nan|inf(?:inity)?)$/i.test(text)) {
    throw new RangeError(
      `${text} is not an amount: leave out a cost that is not known, or write digits such as 0.0005`,
    );
  }
  if (/^-[\d.]/.test(text)) throw new RangeError(`${text} is negative: write an amount of 0 or more, such as 0.0005`);
  const decimal = parseDecimal(text);
  if (decimal === undefined) {
    throw new TypeError(
      `${JSON.stringify(text)} is not an amount: write plain US dollars such as 0.0005, 12.5 or 1e-7, ` +
        'without sign, currency, spaces or thousands separators',
    );
  }
  // A value of 8 or more integer digits is too large already; asking first keeps 1e999999999 from being expanded.
  const pico = integerDigits(decimal) > 7 ? LIMIT_PICO : scaledHalfEven(decimal, SCALE);
  if (pico >= LIMIT_PICO) throw new RangeError(`${text} is too large: write an amount below 9000000 USD`);
  return pico as PicoUsd;
}

/**
 * The amount of a double, read through its shortest decimal text: 0.1 is exactly a tenth.
 * @throws TypeError for what is not a number; RangeError as {@link parsePicoUsd}.
 */
export function picoUsdOfNumber(usd: number): PicoUsd {
  if (typeof usd !== 'number')
    throw new TypeError(`a ${typeof usd} is not a number of US dollars: use parsePicoUsd for text`);
  return parsePicoUsd(String(usd));
}

/** Exact plain decimal of pico-units, no sign of currency: `0.0000025`, `12.5`, `0`. Inverse of {@link parsePicoUsd}. */
export function decimalUsd(pico: bigint): string {
  return decimalText(pico, SCALE);
}

/**
 * An amount for people: `$12.50`, `$0.0000025`, `-$0.50`. Two decimals or as many as the amount has: nothing is rounded,
 * so lines add up to their total and what is not zero never looks like it.
 */
export function formatUsd(pico: bigint): string {
  const exact = decimalUsd(pico < 0n ? -pico : pico);
  const point = exact.indexOf('.');
  const padded = point < 0 ? `${exact}.00` : exact.padEnd(point + 3, '0');
  return `${pico < 0n ? '-' : ''}$${padded}`;
}

/** Pico-units in a dollar. */
const PICO: bigint = 10n ** 12n;

/**
 * SQL that sums a column of pico-units without overflow, as two columns: dollars and the rest, `<name>_usd` and
 * `<name>_pico`. A plain SUM ends at 2^63−1, which is nine million dollars. {@link picoOfSums} joins them; rows may be grouped
 * and sums be summed again in any way. `expression` and `name` become part of the statement: never foreign text.
 */
export function picoSumSql(expression: string, name: string): string {
  return (
    `coalesce(sum((${expression}) / ${PICO}), 0) AS ${name}_usd, ` +
    `coalesce(sum((${expression}) % ${PICO}), 0) AS ${name}_pico`
  );
}

/** The sum that the two columns of {@link picoSumSql} say. Read them as BigInts: a double has not all their digits. */
export function picoOfSums(usd: bigint, pico: bigint): bigint {
  return usd * PICO + pico;
}
