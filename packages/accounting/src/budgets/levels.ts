/** Levels of a budget, in percent of its limit. Compared in whole pico-dollars: nothing is divided, nothing rounded. */

/** From mild to severe. */
export const LEVELS = ['notice', 'warning', 'error'] as const;

/** How far a budget is used up. */
export type Level = (typeof LEVELS)[number];

/** Percent of the limit by level. */
export type Levels = Readonly<Record<Level, number>>;

/** Half, four fifths, all of it. */
export const DEFAULT_LEVELS: Levels = { notice: 50, warning: 80, error: 100 };

const MAX_PERCENT = 10_000;

/** Levels from `50,80,100`. @throws RangeError unless three whole percentages, each above the one before. */
export function parseLevels(text: string): Levels {
  const numbers = text.split(',').map((part) => (/^\d{1,5}$/.test(part.trim()) ? Number(part) : Number.NaN));
  const [notice, warning, error] = numbers;
  const levels = { notice: notice!, warning: warning!, error: error! };
  if (numbers.length !== 3 || !areLevels(levels)) {
    throw new RangeError(
      `${JSON.stringify(text)} is not three levels: write whole percentages that rise, such as 50,80,100`,
    );
  }
  return levels;
}

/** Whether they are whole, at least 1, and rise. */
export function areLevels({ notice, warning, error }: Levels): boolean {
  const all = [notice, warning, error];
  return (
    all.every((percent) => Number.isInteger(percent) && percent >= 1 && percent <= MAX_PERCENT) &&
    notice < warning &&
    warning < error
  );
}

/** Whether so many percent of the limit are spent. A limit of nothing is reached by whatever is spent. */
export function isReached(spentPico: bigint, limitPico: bigint, percent: number): boolean {
  return spentPico > 0n && spentPico * 100n >= limitPico * BigInt(percent);
}

/** The highest level that is reached. */
export function levelOf(spentPico: bigint, limitPico: bigint, levels: Levels): Level | undefined {
  return LEVELS.findLast((level) => isReached(spentPico, limitPico, levels[level]));
}

/** Percent of the limit that is spent, one decimal, cut and not rounded: `99.9` is below 100. Undefined for a limit of 0. */
export function percentText(spentPico: bigint, limitPico: bigint): string | undefined {
  if (limitPico === 0n) return undefined;
  const tenths = (spentPico * 1000n) / limitPico;
  return `${tenths / 10n}.${tenths % 10n}`;
}
