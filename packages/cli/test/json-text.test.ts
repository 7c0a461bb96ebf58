import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RawJson, renderJson } from '../dist/json-text.js';

describe('rendered JSON', () => {
  test('has one member a line', () => {
    expect(renderJson({ a: 1, b: [true, null], c: {}, d: undefined })).toBe(
      '{\n  "a": 1,\n  "b": [\n    true,\n    null\n  ],\n  "c": {}\n}',
    );
  });

  test('parses back to what was rendered', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(renderJson(value as never))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test('takes raw text as it is but for white space', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 1, 7), (value, space) => {
        const text = JSON.stringify(value, null, space);
        const rendered = renderJson({ raw: new RawJson(text) });
        expect(JSON.parse(rendered)).toEqual({ raw: JSON.parse(text) });
        expect(rendered).toBe(renderJson({ raw: JSON.parse(text) }));
      }),
    );
  });

  test('keeps every digit of a raw number', () => {
    expect(renderJson(new RawJson(' [ 12345678901234567890, 1.50e3,-0 ] '))).toBe(
      '[\n  12345678901234567890,\n  1.50e3,\n  -0\n]',
    );
  });

  test('of a bomb of brackets is not larger than a few times the bomb', () => {
    const bomb = '['.repeat(20_000) + ']'.repeat(20_000);
    expect(renderJson(new RawJson(bomb)).length).toBeLessThan(5 * bomb.length);
  });
});
