/** A row of bars, one character each. */

const BARS = '▁▂▃▄▅▆▇█';

/** Bars of amounts from 0 to the greatest of them; a space for nothing at all. */
export function sparkline(amounts: readonly bigint[]): string {
  const most = greatest(amounts);
  return (
    amounts
      // The greatest has the highest bar, the least that is not zero the lowest.
      .map((amount) => (amount <= 0n ? ' ' : BARS[Number((amount * BigInt(BARS.length) - 1n) / most)]!))
      .join('')
  );
}

/** The greatest of amounts, or 0. */
export function greatest(amounts: readonly bigint[]): bigint {
  let most = 0n;
  for (const amount of amounts) if (amount > most) most = amount;
  return most;
}
