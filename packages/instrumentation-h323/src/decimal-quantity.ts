/** Quantities as exact decimal text, so that no amount of money is worked out with floats. */

/** Decimals that are kept where a quotient has no end: those of a pico-unit. */
const DECIMALS = 12;
/** What a double's shortest text may look like. */
const NUMBER = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/;

/** `numerator / denominator` as decimal text, half-even at the twelfth decimal. Neither is negative. */
export function quotientText(numerator: bigint, denominator: bigint): string {
  const scaled = numerator * 10n ** BigInt(DECIMALS);
  const twice = 2n * (scaled % denominator);
  let quotient = scaled / denominator;
  if (twice > denominator || (twice === denominator && quotient % 2n === 1n)) quotient++;
  const digits = quotient.toString().padStart(DECIMALS + 1, '0');
  const fraction = digits.slice(-DECIMALS).replace(/0+$/, '');
  return `${digits.slice(0, -DECIMALS)}${fraction === '' ? '' : `.${fraction}`}`;
}

/** A number through its shortest decimal text, as `numerator / denominator`. @throws RangeError for negatives and NaN */
export function fractionOf(value: number, name: string): { readonly numerator: bigint; readonly denominator: bigint } {
  const match = typeof value === 'number' ? NUMBER.exec(String(value)) : null;
  if (match === null) throw new RangeError(`${name} must be a number of 0 or more`);
  const [, whole = '0', fraction = '', exponent = '0'] = match;
  const shift = Number(exponent) - fraction.length;
  const digits = BigInt(whole + fraction);
  return shift >= 0
    ? { numerator: digits * 10n ** BigInt(shift), denominator: 1n }
    : { numerator: digits, denominator: 10n ** BigInt(-shift) };
}
