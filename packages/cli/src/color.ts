/** Whether to colour, and the few colours there are. */
import { isatty } from 'node:tty';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Whether output to a file descriptor is coloured: `--no-color` says no, then `FORCE_COLOR` (yes unless `0` or `false`),
 * then `NO_COLOR` and `TERM=dumb` say no, else a terminal is coloured.
 */
export function wantsColor(
  fd: 1 | 2,
  flag: boolean,
  env: Env = process.env,
  isTerminal: boolean = isatty(fd),
): boolean {
  if (!flag) return false;
  const force = env.FORCE_COLOR;
  if (force !== undefined && force !== '') return force !== '0' && force !== 'false';
  if ((env.NO_COLOR ?? '') !== '' || env.TERM === 'dumb') return false;
  return isTerminal;
}

/** Paints text, or leaves it. */
export interface Paint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly unsure: (text: string) => string;
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
}

/** Painting with ANSI colours, or not at all. Escape foreign text first. */
export function paintIf(color: boolean): Paint {
  const paint = (on: number, off: number) => (color ? (text: string) => `\x1b[${on}m${text}\x1b[${off}m` : same);
  return { good: paint(32, 39), bad: paint(31, 39), unsure: paint(33, 39), strong: paint(1, 22), faint: paint(2, 22) };
}

function same(text: string): string {
  return text;
}
