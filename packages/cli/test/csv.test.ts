import { describe, expect, test } from 'vitest';
import { csvLine } from '../dist/read/csv.js';

describe('CSV', () => {
  test.each([
    ['a"b', '"a""b"'],
    ['a,b', '"a,b"'],
    ['a\nb', '"a\nb"'],
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@x', "'@x"],
    ['\tx', "'\tx"],
    ['\r=x', '"\'\r=x"'],
    ['=HYPERLINK("http://x")', '"\'=HYPERLINK(""http://x"")"'],
    ['plain', 'plain'],
  ])('%j becomes %j', (text, cell) => {
    expect(csvLine([{ foreign: text }, 1])).toBe(`${cell},1\r\n`);
  });

  test('leaves our own numbers alone', () => {
    expect(csvLine([-5, '-0.5', undefined])).toBe('-5,-0.5,\r\n');
  });
});
