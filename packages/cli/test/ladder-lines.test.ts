import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { displayWidth } from '../dist/display-width.js';
import { escapeText } from '../dist/escape.js';
import { drawArrow, drawBars, drawNote, drawTitles } from '../dist/read/ladder-lines.js';

const label = fc.string({ unit: 'grapheme', maxLength: 60 }).map(escapeText);

describe('a line of a ladder', () => {
  test('is as wide as its columns, whatever the label', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 12 }),
        fc.integer({ min: 12, max: 44 }),
        fc.nat({ max: 11 }),
        fc.nat({ max: 11 }),
        label,
        (columns, step, a, b, text) => {
          const [from, to] = [a % columns, b % columns];
          const line = from === to ? drawNote(columns, step, from, text) : drawArrow(columns, step, from, to, text);
          expect(displayWidth(line)).toBe(columns * step);
          expect(displayWidth(drawTitles(Array(columns).fill(text), step))).toBe(columns * step);
        },
      ),
    );
  });

  test('leads from bar to bar, either way, over those between', () => {
    expect(drawBars(3, 12)).toBe('      │           │           │     ');
    expect(drawArrow(3, 12, 0, 2, 'BYE')).toBe('      │───────── BYE ────────>│     ');
    expect(drawArrow(3, 12, 2, 1, 'ACK')).toBe('      │           │<── ACK ───│     ');
    expect(drawArrow(2, 12, 0, 1, '181 Forwarded')).toBe('      │─ 181 F… ─>│     ');
  });

  test('has a note on the side that has room', () => {
    expect(drawNote(2, 12, 0, 'media ready')).toBe('      ● media ready     ');
    expect(drawNote(2, 12, 1, 'media ready')).toBe('      media ready ●     ');
  });
});
