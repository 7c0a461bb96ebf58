import fc from 'fast-check';
import { expect, test } from 'vitest';
import { missedOf, parseReplayed, type ReplayedLine, type SeenLine, withoutReplayed } from '../dist/status/backlog.js';

const BEGIN = Date.UTC(2026, 10, 22, 11, 0, 0);

/** Lines a second apart, as they were seen. */
function seenOf(...texts: readonly string[]): readonly SeenLine[] {
  return texts.map((text, i) => ({ text, atMs: BEGIN + i * 1_000 + 120 }));
}

/** The same as a gatekeeper in a zone writes them: text and second. */
function replayedOf(lines: readonly (readonly [string, number])[], zoneHours = 0): readonly ReplayedLine[] {
  return lines.map(([text, second]) => ({ text, stampMs: BEGIN + second * 1_000 + zoneHours * 3_600_000 }));
}

const texts = ({ lines }: { readonly lines: readonly SeenLine[] }): readonly string[] => lines.map(({ text }) => text);

test('a prefix is a time, read as UTC; a line without is live', () => {
  expect(parseReplayed('2026-11-22 11:20:17: UCF|1.2.3.4|1_endp;')).toEqual({
    text: 'UCF|1.2.3.4|1_endp;',
    stampMs: Date.UTC(2026, 10, 22, 11, 20, 17),
  });
  expect(parseReplayed('UCF|1.2.3.4|1_endp;')).toBeUndefined();
});

test('only what was missed is taken, with its time on our clock, whatever the zone', () => {
  const missed = missedOf(
    replayedOf(
      [
        ['a', 0],
        ['b', 1],
        ['c', 2],
        ['d', 30],
      ],
      -8,
    ),
    seenOf('a', 'b', 'c'),
  );
  expect(texts(missed)).toEqual(['d']);
  expect(Math.abs(missed.lines[0]!.atMs - (BEGIN + 30_000))).toBeLessThan(1_000);
  expect(missed.offsetMs).toBe(8 * 3_600_000 + 120);
});

test('an identical line that was missed is taken: its time tells it from the one that was seen', () => {
  expect(
    texts(
      missedOf(
        replayedOf(
          [
            ['register', 0],
            ['register', 300],
          ],
          2,
        ),
        seenOf('register'),
      ),
    ),
  ).toEqual(['register']);
  expect(texts(missedOf(replayedOf([['register', 0]]), seenOf('register')))).toEqual([]);
});

test('lines that the backlog filters out, and lines from before our time, do not confuse it', () => {
  expect(
    texts(
      missedOf(
        replayedOf([
          ['old', -9],
          ['a', 0],
          ['c', 2],
          ['d', 8],
        ]),
        seenOf('a', 'b', 'c'),
      ),
    ),
  ).toEqual(['d']);
});

test('a backlog of which nothing was seen is taken whole, and its times are a guess', () => {
  const missed = missedOf(
    replayedOf([
      ['x', 5],
      ['y', 6],
    ]),
    seenOf('a'),
  );
  expect(texts(missed)).toEqual(['x', 'y']);
  expect(missed.offsetMs).toBeUndefined();
  expect(texts(missedOf([], seenOf('a')))).toEqual([]);
});

test('what came live while the backlog was on its way is not taken twice', () => {
  const missed = seenOf('m', 'n');
  expect(withoutReplayed(seenOf('n', 'o'), missed).map(({ text }) => text)).toEqual(['o']);
  expect(withoutReplayed(seenOf('o'), missed).map(({ text }) => text)).toEqual(['o']);
  expect(withoutReplayed(seenOf('m', 'n'), missed)).toEqual([]);
});

test('who registers again every hour is not taken for somebody in another zone', () => {
  const hourly = (...hours: readonly number[]): readonly (readonly [string, number])[] =>
    hours.map((hour) => ['register', hour * 3_600] as const);
  const seen = hourly(0, 1, 2).map(([text, second]) => ({ text, atMs: BEGIN + second * 1_000 + 120 }));
  expect(texts(missedOf(replayedOf(hourly(1, 2, 3)), seen))).toEqual(['register']);
  expect(texts(missedOf(replayedOf(hourly(1, 2, 3), 5), seen, [-5 * 3_600_000]))).toEqual(['register']);
});

test('any history, cut anywhere, replayed from anywhere: each line once', () => {
  const history = fc.array(
    fc.tuple(fc.constantFrom('a', 'b', 'c', 'register', 'leave'), fc.integer({ min: 4, max: 600 })),
    {
      minLength: 1,
      maxLength: 40,
    },
  );
  fc.assert(
    fc.property(history, fc.nat(), fc.nat(), fc.integer({ min: -12, max: 14 }), (steps, cut, from, zone) => {
      let second = 0;
      // Each line differs from its neighbours in time by more than a stamp can blur.
      const all = steps.map(([text, wait]) => {
        second += wait;
        return [text, second] as const;
      });
      const cutAt = cut % (all.length + 1);
      const seen = all.slice(0, cutAt).map(([text, at]) => ({ text, atMs: BEGIN + at * 1_000 + 120 }));
      // A backlog that reaches back to something that was seen, or to the beginning.
      const replayFrom = cutAt === 0 ? 0 : from % cutAt;
      const missed = missedOf(replayedOf(all.slice(replayFrom), zone), seen, [-zone * 3_600_000]);
      expect(texts(missed)).toEqual(all.slice(cutAt).map(([text]) => text));
    }),
    { numRuns: 2_000 },
  );
});
