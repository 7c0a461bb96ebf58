/** Exact decimals as a BigInt and a power of ten, so that no amount ever passes through a float. */

/** `digits × 10^exponent`; no trailing zeros in `digits`, and zero is `{ digits: 0n, exponent: 0 }`. Never negative. */
export interface Decimal {
  readonly digits: bigint;
  readonly exponent: number;
}

/** Longest text that is looked at. A double needs at most 24 characters. */
export const MAX_DECIMAL_CHARS = 64;

const DECIMAL = /^(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/**
 * The decimal that a text writes: digits, optionally a point and more digits, optionally an exponent (`1e-7`, `2.5e-06`).
 * Undefined for anything else: signs, spaces, separators, hex, `.5`, `5.`, more than {@link MAX_DECIMAL_CHARS}.
 */
export function parseDecimal(text: string): Decimal | undefined {
  if (text.length > MAX_DECIMAL_CHARS) return undefined;
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const fraction = match[2] ?? '';
  const written = match[1] + fraction;
  const significant = written.replace(/0+$/, '');
  const digits = BigInt(significant);
  if (digits === 0n) return { digits, exponent: 0 };
  // The exponent may be absurd (1e999999999): it stays a number here and is compared before any power is taken.
  return { digits, exponent: Number(match[3] ?? 0) - fraction.length + (written.length - significant.length) };
}

/** Digits before the decimal point; 0 or less for a value under 1. Lets callers refuse huge values without expanding them. */
export function integerDigits(decimal: Decimal): number {
  return decimal.digits === 0n ? 0 : String(decimal.digits).length + decimal.exponent;
}

/** The value in units of 10^−scale, half-even. Refuse huge values first: see {@link integerDigits}. */
export function scaledHalfEven(decimal: Decimal, scale: number): bigint {
  const shift = decimal.exponent + scale;
  if (shift >= 0) return decimal.digits * 10n ** BigInt(shift);
  // Below a tenth of a unit; the exponent may be absurd.
  if (-shift > MAX_DECIMAL_CHARS && -shift > String(decimal.digits).length) return 0n;
  const divisor = 10n ** BigInt(-shift);
  const quotient = decimal.digits / divisor;
  const twice = 2n * (decimal.digits % divisor);
  const up = twice > divisor || (twice === divisor && quotient % 2n === 1n);
  return up ? quotient + 1n : quotient;
}

/** Plain text of `value × 10^−scale`: no exponent, no trailing zeros; `0` for zero, a leading `-` when negative. */
export function decimalText(value: bigint, scale: number): string {
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
  const point = digits.length - scale;
  const fraction = digits.slice(point).replace(/0+$/, '');
  return `${value < 0n ? '-' : ''}${digits.slice(0, point)}${fraction === '' ? '' : `.${fraction}`}`;
}
