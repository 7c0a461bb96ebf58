import { describe, expect, test } from 'vitest';
import { paintIf } from '../dist/color.js';
import { displayWidth } from '../dist/display-width.js';
import type { Ladder, LadderEvent } from '../dist/read/ladder.js';
import { renderLadder } from '../dist/read/render-ladder.js';
import type { SpanEntry } from '../dist/read/span-entry.js';

function event(seq: number, from: string, to: string, label: string, status = 0): LadderEvent {
  const entry = { seq, hashHex: 'ab'.repeat(32), startUnixNano: BigInt(seq) * 1_000_000n, status };
  return { entry: entry as SpanEntry, from, to, label, isDerived: false, erasedBy: undefined };
}

const PARTIES = ['sip:alice@example.com', '10.0.0.1:5060', '会議室 🎥', 'sip:bob@example.com'];
const LADDER: Ladder = {
  parties: PARTIES,
  events: PARTIES.flatMap((from, i) =>
    PARTIES.map((to, j) => event(4 * i + j, from, to, `from ${from} to ${to} as told`, j % 3)),
  ),
  notDrawn: 3,
};

function lines(width: number | undefined, ladder = LADDER): string[] {
  return renderLadder(ladder, { width, paint: paintIf(false) }).split('\n');
}

describe('a ladder', () => {
  test('is never wider than the terminal', () => {
    for (let width = 40; width <= 240; width++)
      for (const line of lines(width)) expect(displayWidth(line), `${width}: ${line}`).toBeLessThanOrEqual(width);
  });

  test('has columns where there is room for them, else a list', () => {
    expect(lines(120)[1]).toMatch(/^ +│ +│ +│ +│$/);
    expect(lines(120)[0]).toMatch(/SEQ {2}HASH$/);
    expect(lines(72)[0]).toMatch(/SEQ$/);
    expect(lines(50)[0]).toMatch(/^ *TIME {2}FROM +TO +EVENT +SEQ/);
    expect(lines(undefined)[0]).toMatch(/SEQ {2}HASH$/);
  });

  test('keeps its bars one below the other', () => {
    const ladder = { ...LADDER, events: LADDER.events.filter(({ from, to }) => from !== to && to === PARTIES[3]) };
    const drawn = lines(120, ladder);
    const lastBar = (line: string): number => displayWidth(line.slice(0, line.lastIndexOf('│')));
    expect(new Set(drawn.slice(1, -3).map(lastBar)).size).toBe(1);
  });

  test('does not make one line of events that differ', () => {
    const ladder = (...events: LadderEvent[]): Ladder => ({ parties: ['a', 'b'], events, notDrawn: 0 });
    const rows = (of: Ladder): number => lines(undefined, of).length - 5;
    expect(rows(ladder(event(1, 'a', 'b', 'x'), event(2, 'a', 'b', 'x')))).toBe(1);
    expect(rows(ladder(event(1, 'a', 'b', 'x'), event(2, 'b', 'a', 'x')))).toBe(2);
    expect(rows(ladder(event(1, 'a', 'b', 'x'), event(2, 'a', 'b', 'x', 2)))).toBe(2);
    expect(rows(ladder(event(1, 'a', 'b', 'x'), event(2, 'a', 'b', 'y'), event(3, 'a', 'b', 'x')))).toBe(3);
  });
});
