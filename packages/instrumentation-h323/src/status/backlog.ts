/**
 * What a status port replays after a reconnect (`printeventbacklog`): lines that were seen before the connection broke, lines
 * that were missed, and perhaps lines that have come since. Every line is to be taken once. Identical lines do occur (an
 * endpoint that registers again), so it is the order and the times that tell what was seen.
 */

/** A line that was taken live. */
export interface SeenLine {
  readonly text: string;
  /** Milliseconds since 1970, by our clock. */
  readonly atMs: number;
}

/** A line of the backlog, and when it was written by the gatekeeper's clock in its own zone, read as UTC. */
export interface ReplayedLine {
  readonly text: string;
  readonly stampMs: number;
}

const PREFIX = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d): /;
/** Zones are whole quarters of an hour from UTC. */
const ZONE_STEP_MS = 900_000;
/** Stamps have whole seconds, and lines take a moment to arrive. */
const SPREAD_MS = 3_000;
/** Clocks that are told the time are not further apart. */
const SKEW_MS = 10_000;

/** The replayed line behind a `YYYY-MM-DD HH:MM:SS: ` prefix; undefined for a line without. */
export function parseReplayed(line: string): ReplayedLine | undefined {
  const match = PREFIX.exec(line);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number);
  return { text: line.slice(match[0].length), stampMs: Date.UTC(year!, month! - 1, day!, hour!, minute!, second!) };
}

/** The lines of a backlog that were missed, with their times on our clock. */
export interface Missed {
  readonly lines: readonly SeenLine[];
  /** Our clock minus the stamps; undefined where no line tells, and then the stamps are taken for UTC. */
  readonly offsetMs: number | undefined;
}

interface Match {
  /** Lines of the backlog before this one were seen. */
  readonly end: number;
  /** Our clock minus the stamps. */
  readonly offsetMs: number;
  readonly spreadMs: number;
  /** Lines that were found again. */
  readonly pairs: number;
}

/**
 * Which of a backlog was missed, given what was seen before, both in their order.
 * @param likelyOffsetsMs what our clock minus the stamps may well be: what an earlier backlog gave, or that of our own zone
 */
export function missedOf(
  backlog: readonly ReplayedLine[],
  seen: readonly SeenLine[],
  likelyOffsetsMs: readonly number[] = [0],
): Missed {
  const matches: Match[] = [];
  for (let end = backlog.length; end > 0; end--) {
    const match = matchAt(backlog, seen, end);
    if (match !== undefined) matches.push(match);
  }
  const best = bestOf(matches, likelyOffsetsMs);
  const missed = backlog.slice(best?.end ?? 0);
  const offsetMs = best?.offsetMs;
  return { lines: missed.map(({ text, stampMs }) => ({ text, atMs: stampMs + (offsetMs ?? 0) })), offsetMs };
}

/**
 * Times that agree before times that do not, a likely zone before any other, then the most lines, then the clocks that are
 * closer; of two alike the later, so that nothing is taken twice.
 */
function bestOf(matches: readonly Match[], likelyOffsetsMs: readonly number[]): Match | undefined {
  const rank = ({ spreadMs, offsetMs }: Match): number => {
    if (spreadMs > SPREAD_MS) return 0;
    if (likelyOffsetsMs.some((likely) => Math.abs(offsetMs - likely) <= SKEW_MS)) return 3;
    return skewOf(offsetMs) > SKEW_MS ? 1 : 2;
  };
  return matches.toSorted(
    (a, b) => rank(b) - rank(a) || b.pairs - a.pairs || skewOf(a.offsetMs) - skewOf(b.offsetMs) || b.end - a.end,
  )[0];
}

/** Distance from a whole zone. */
function skewOf(offsetMs: number): number {
  return Math.abs(offsetMs - Math.round(offsetMs / ZONE_STEP_MS) * ZONE_STEP_MS);
}

/**
 * Whether the backlog up to a line is the end of what was seen: each of its lines, from the last back, is found there in
 * order, until one of both is at its beginning. A backlog may leave out what its filter does not pass.
 */
function matchAt(backlog: readonly ReplayedLine[], seen: readonly SeenLine[], end: number): Match | undefined {
  let place = seen.length - 1;
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  let pairs = 0;
  for (let i = end - 1; i >= 0; i--) {
    const { text, stampMs } = backlog[i]!;
    while (place >= 0 && seen[place]!.text !== text) place--;
    if (place < 0) {
      // Older than what is remembered, unless nothing was found at all.
      if (i === end - 1) return undefined;
      break;
    }
    const offset = seen[place]!.atMs - stampMs;
    least = Math.min(least, offset);
    most = Math.max(most, offset);
    pairs++;
    place--;
  }
  return { end, offsetMs: least, spreadMs: most - least, pairs };
}

/** Drops from the lines that came since the reconnect those at their beginning that the backlog had already. */
export function withoutReplayed(held: readonly SeenLine[], missed: readonly SeenLine[]): readonly SeenLine[] {
  for (let count = Math.min(held.length, missed.length); count > 0; count--) {
    const tail = missed.slice(missed.length - count);
    if (tail.every(({ text }, i) => text === held[i]!.text)) return held.slice(count);
  }
  return held;
}
