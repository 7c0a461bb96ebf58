import { describe, expect, test } from 'vitest';
import { escapeJson, escapeLines, escapeText } from '../dist/escape.js';

const HOSTILE = [
  '\0',
  '\x07',
  '\b',
  '\t',
  '\n',
  '\r',
  '\x1b',
  '\x7f',
  '\x85',
  '\x9b',
  '\u00ad',
  '\u061c',
  '\u200b',
  '\u200d',
  '\u200e',
  '\u200f',
  '\u2028',
  '\u2029',
  '\u202a',
  '\u202e',
  '\u2060',
  '\u2066',
  '\u2069',
  '\ufeff',
  '\u{e0041}',
  '\ud800',
];

describe('escaping', () => {
  test.each(HOSTILE)('shows a hostile character as its code: %j', (char) => {
    const code = char.codePointAt(0)!.toString(16);
    expect(escapeText(`a${char}b`)).toBe(`a\\u{${code}}b`);
  });

  test('leaves ordinary text of any script alone', () => {
    const text = 'sip:alice@example.com – Grüße, 世界, مرحبا, 🙂 é \\u{1b}';
    expect(escapeText(text)).toBe(text);
  });

  test('of lines keeps the line breaks and nothing else', () => {
    expect(escapeLines('a\r\nb\x1b')).toBe('a\\u{d}\nb\\u{1b}');
  });

  test.each(HOSTILE.filter((char) => char.isWellFormed()))('of JSON changes no value: %j', (char) => {
    const value = { [`k${char}`]: `v${char}` };
    const escaped = escapeJson(JSON.stringify(value, null, 2));
    expect(JSON.parse(escaped)).toEqual(value);
    expect(escaped.replaceAll('\n', '')).toBe(escapeText(escaped.replaceAll('\n', '')));
  });
});
