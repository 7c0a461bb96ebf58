import { describe, expect, test } from 'vitest';
import { paintIf, wantsColor } from '../dist/color.js';
import { displayWidth, fitWidth } from '../dist/display-width.js';
import { renderTable } from '../dist/table.js';

const COLUMNS = [
  { title: 'N', align: 'right' as const },
  { title: 'NAME', shrinkTo: 4 },
  { title: 'EXTRA', dropOrder: 1 },
];
const ROWS = [
  ['1', 'a long name indeed', 'x'],
  ['20', 'b', 'y'],
  ['', 'a heading that runs across all that is to its right'],
];

describe('a table', () => {
  test('without a width cuts nothing', () => {
    expect(renderTable(COLUMNS, ROWS)).toEqual([
      ' N  NAME                EXTRA',
      ' 1  a long name indeed  x',
      '20  b                   y',
      '    a heading that runs across all that is to its right',
    ]);
  });

  test('shrinks what may shrink', () => {
    expect(renderTable(COLUMNS, ROWS, { width: 20 })).toEqual([
      ' N  NAME       EXTRA',
      ' 1  a long n…  x',
      '20  b          y',
      '    a heading that …',
    ]);
  });

  test('leaves a column out when that is not enough', () => {
    expect(renderTable(COLUMNS, ROWS, { width: 10 })).toEqual([' N  NAME', ' 1  a lon…', '20  b', '    a hea…']);
  });

  test.each([80, 40, 20, 10])('is never wider than %d cells', (width) => {
    for (const line of renderTable(COLUMNS, ROWS, { width })) expect(displayWidth(line)).toBeLessThanOrEqual(width);
  });

  test('is painted after it is laid out', () => {
    const painted = renderTable(COLUMNS, ROWS, { paintTitle: paintIf(true).strong });
    expect(painted[0]).toBe('\x1b[1m N  NAME                EXTRA\x1b[22m');
  });
});

describe('the width of text', () => {
  test.each([
    ['abc', 3],
    ['世界', 4],
    ['e\u0301', 1],
    ['🙂', 2],
    ['ﬀ…├', 3],
  ])('%s takes %d cells', (text, cells) => {
    expect(displayWidth(text)).toBe(cells);
  });

  test('is kept when text is cut', () => {
    expect(fitWidth('世界和平', 6)).toBe('世界…');
    expect(fitWidth('abc', 3)).toBe('abc');
    expect(fitWidth('abc', 0)).toBe('');
  });
});

describe('colour', () => {
  test.each([
    [true, {}, true, true],
    [true, {}, false, false],
    [false, { FORCE_COLOR: '1' }, true, false],
    [true, { FORCE_COLOR: '1', NO_COLOR: '1' }, false, true],
    [true, { FORCE_COLOR: '0' }, true, false],
    [true, { NO_COLOR: '1' }, true, false],
    [true, { NO_COLOR: '' }, true, true],
    [true, { TERM: 'dumb' }, true, false],
  ])('with flag %s, %o, on a terminal %s: %s', (flag, env, terminal, wanted) => {
    expect(wantsColor(1, flag, env, terminal)).toBe(wanted);
  });
});
