/** c2sp.org/tlog-policy. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeVkey, FormatError, isQuorumMet, type Policy, parsePolicy, renderQuorum } from '../dist/index.js';

/** Points that are no weak keys: public keys of RFC 8032 §7.1 and a few more of the Wycheproof kind are not needed; any canonical y does. */
function publicKey(i: number): Uint8Array {
  const key = new Uint8Array(32).fill(3);
  key[1] = i;
  return key;
}
const w = (i: number): string => encodeVkey(`witness.example/${i}`, publicKey(i), 4);
const l = (i: number): string => encodeVkey(`log.example/${i}`, publicKey(100 + i));
const parse = (text: string): Policy => parsePolicy(Buffer.from(text));

/** The example of the specification, with keys. */
const EXAMPLE = `log ${l(1)}

witness X1 ${w(1)}
witness X2 ${w(2)}
witness X3 ${w(3)} https://x3.example/
group X-witnesses 2 X1 X2 X3

witness Y1 ${w(4)}
witness Y2 ${w(5)}
witness Y3 ${w(6)}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
`;

function met(policy: Policy, ...names: string[]): boolean {
  return isQuorumMet(policy.quorum, ({ name }) => names.includes(name));
}

describe('the example of the specification', () => {
  const policy = parse(EXAMPLE);

  test('asks for two of X and one of Y', () => {
    expect(met(policy, 'X1', 'X3', 'Y2')).toBe(true);
    expect(met(policy, 'X1', 'X2', 'X3')).toBe(false);
    expect(met(policy, 'X1', 'Y1', 'Y2', 'Y3')).toBe(false);
    expect(met(policy)).toBe(false);
    expect(renderQuorum(policy.quorum)).toBe('all of (2 of (X1, X2, X3), any of (Y1, Y2, Y3))');
  });

  test('lists a log, and a URL', () => {
    expect(policy.logs.map(({ vkey }) => vkey)).toEqual([l(1)]);
    expect(policy.witnesses.map(({ url }) => url)).toEqual([
      undefined,
      undefined,
      'https://x3.example/',
      undefined,
      undefined,
      undefined,
    ]);
  });
});

test('one more witness never makes a quorum unmet', () => {
  const policy = parse(EXAMPLE);
  const names = policy.witnesses.map(({ name }) => name);
  fc.assert(
    fc.property(fc.subarray(names), fc.constantFrom(...names), (some, more) => {
      if (met(policy, ...some)) expect(met(policy, ...some, more)).toBe(true);
    }),
  );
});

test('white space, comments and empty lines mean nothing', () => {
  const policy = parse(`\t# a comment\n\n \t \n  witness \t a\t${w(1)}  \n\tquorum  a\t\n#quorum b\n`);
  expect(met(policy, 'a')).toBe(true);
});

test('quorum none asks for nobody, with or without witnesses', () => {
  expect(met(parse('quorum none\n'))).toBe(true);
  expect(met(parse(`witness a ${w(1)}\nquorum none\n`))).toBe(true);
  expect(renderQuorum(parse('quorum none\n').quorum)).toBe('nobody');
});

test('names are octets: K and the Kelvin sign are two', () => {
  const policy = parse(`witness K ${w(1)}\nwitness \u212a ${w(2)}\nquorum \u212a\n`);
  expect(met(policy, 'K')).toBe(false);
  expect(met(policy, '\u212a')).toBe(true);
  const latin = parsePolicy(Buffer.from(`witness \xe9 ${w(1)}\nquorum \xe9\n`, 'latin1'));
  expect(latin.witnesses).toHaveLength(1);
});

test('thirty-two logs, witnesses and groups are taken, and many more', () => {
  const many = Array.from({ length: 90 }, (_, i) => i);
  const policy = parse(
    `${many.map((i) => `log ${l(i)}\nwitness w${i} ${w(i)}\ngroup g${i} any w${i}\n`).join('')}group all 46 ${many.map((i) => `g${i}`).join(' ')}\nquorum all\n`,
  );
  expect(met(policy, ...many.slice(0, 46).map((i) => `w${i}`))).toBe(true);
  expect(met(policy, ...many.slice(0, 45).map((i) => `w${i}`))).toBe(false);
});

test.each<[string, string]>([
  ['an empty file', ''],
  ['no quorum', `witness a ${w(1)}\n`],
  ['two quorums', `witness a ${w(1)}\nquorum a\nquorum a\n`],
  ['a quorum that no line above defines', `quorum a\nwitness a ${w(1)}\n`],
  ['a cut last line', `witness a ${w(1)}\nwitness b ${w(2)}\ngroup g 2 a b\nquorum g`],
  ['a carriage return', `witness a ${w(1)}\r\nquorum a\r\n`],
  ['a NUL', 'quorum none\n\0\n'],
  ['DEL', '# \x7f\nquorum none\n'],
  ['an unknown keyword', 'quorums none\n'],
  ['a witness of one name twice', `witness a ${w(1)}\nwitness a ${w(2)}\nquorum a\n`],
  [
    'a witness of one key twice',
    `witness a ${w(1)}\nwitness b ${encodeVkey('other.example', publicKey(1), 4)}\nquorum a\n`,
  ],
  ['a log of one key twice', `log ${l(1)}\nlog ${l(1)}\nquorum none\n`],
  ['a group of the name of a witness', `witness a ${w(1)}\ngroup a any a\nquorum a\n`],
  ['a witness called none', `witness none ${w(1)}\nquorum none\n`],
  ['none in a group', `witness a ${w(1)}\ngroup g any a none\nquorum g\n`],
  ['a member twice', `witness a ${w(1)}\ngroup g 2 a a\nquorum g\n`],
  ['a member of two groups', `witness a ${w(1)}\ngroup g any a\ngroup h any a\nquorum g\n`],
  ['a group of itself', 'group g any g\nquorum g\n'],
  ['an empty group', 'group g any\nquorum g\n'],
  ['a threshold of 0', `witness a ${w(1)}\ngroup g 0 a\nquorum g\n`],
  ['a threshold beyond the members', `witness a ${w(1)}\ngroup g 2 a\nquorum g\n`],
  ['a threshold with a leading zero', `witness a ${w(1)}\ngroup g 01 a\nquorum g\n`],
  ['a threshold in hex', `witness a ${w(1)}\ngroup g 0x1 a\nquorum g\n`],
  ['a log key for a witness', `witness a ${l(1)}\nquorum a\n`],
  ['a witness key for a log', `log ${w(1)}\nquorum none\n`],
  ['a key that is none', 'witness a b\nquorum a\n'],
  ['words behind the URL', `witness a ${w(1)} http://x y\nquorum a\n`],
])('%s is refused, with its line', (_, text) => {
  expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'policy.malformed' }));
});

test('whatever the octets, it is a policy or refused', () => {
  const words = fc.constantFrom(
    'log',
    'witness',
    'group',
    'quorum',
    'none',
    'any',
    'all',
    '1',
    '2',
    'a',
    'b',
    w(1),
    w(2),
    l(1),
    '#',
    '\n',
    '\n',
    ' ',
    '\t',
    '\xff',
  );
  fc.assert(
    fc.property(fc.array(words, { maxLength: 40 }), (parts) => {
      try {
        parsePolicy(Buffer.from(`${parts.join(' ')}\n`, 'latin1'));
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
      }
    }),
    { numRuns: 2_000 },
  );
  expect(() => parsePolicy(readFileSync(process.execPath).subarray(0, 4096))).toThrow(FormatError);
});
