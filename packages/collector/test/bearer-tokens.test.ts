import { describe, expect, test } from 'vitest';
import { BearerTokens } from '../dist/door/bearer-tokens.js';

describe('BearerTokens', () => {
  const tokens = new BearerTokens(['first-token', 'second.token~+/=']);

  test.each(['Bearer first-token', 'Bearer second.token~+/=', 'bearer first-token', 'BEARER   first-token  '])(
    'lets in: %s',
    (authorization) => {
      expect(tokens.allows(authorization)).toBe(true);
    },
  );

  test.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'first-token',
    'Basic first-token',
    'Bearer first-toke',
    'Bearer first-token2',
    'Bearer first-token,second.token~+/=',
    'Bearer first-token second.token~+/=',
    'Bearerfirst-token',
    'Bearer First-Token',
    'xBearer first-token',
    'Bearer first-tokén',
  ])('keeps out: %s', (authorization) => {
    expect(tokens.allows(authorization)).toBe(false);
  });

  test('a list without tokens is refused: it would keep everybody out', () => {
    expect(() => new BearerTokens([])).toThrow(TypeError);
  });

  test.each(['', ' ', 'with space', 'with\nnewline', 'tokén'])(
    'a token that no header can carry is refused, and not shown: %j',
    (token) => {
      expect(() => new BearerTokens(['good', token])).toThrow(/^token 2 is empty or holds/);
    },
  );

  test('the tokens are not readable from the object', () => {
    expect(JSON.stringify(tokens)).not.toContain('first');
    expect(Object.values(tokens)).toStrictEqual([]);
  });
});
