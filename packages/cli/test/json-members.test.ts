import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonMembers } from '../dist/log/json-members.js';

describe('members of a JSON object', () => {
  test('are the texts of its values', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(0, 1, 3), (value, space) => {
        const members = jsonMembers(` ${JSON.stringify(value, null, space)} `);
        expect([...members].map(([key, text]) => [key, JSON.parse(text)])).toEqual(
          Object.entries(JSON.parse(JSON.stringify(value)) as object),
        );
      }),
    );
  });

  test('keep numbers and strings as they are written', () => {
    expect([...jsonMembers('{"a":12345678901234567890 , "b":"\\u0041]}" ,"c":[1,{"d":"}"}]}')]).toEqual([
      ['a', '12345678901234567890'],
      ['b', '"\\u0041]}"'],
      ['c', '[1,{"d":"}"}]'],
    ]);
  });

  test('may not be there twice', () => {
    expect(() => jsonMembers('{"a":1,"\\u0061":2}')).toThrow('"a" is there twice');
  });
});
