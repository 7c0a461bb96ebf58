/** Proof files: the example of the specification, exact inverses, and everything that is none refused. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodeTlogProof,
  FormatError,
  MAX_EXTRA_OCTETS,
  MAX_PROOF_OCTETS,
  parseTlogProof,
  type TlogProof,
  textOfUtf8,
  utf8Of,
} from '../dist/index.js';

/** c2sp.org/tlog-proof §Format, without its `extra` (whose base64 is not whole) and with one signature. */
const EXAMPLE = `c2sp.org/tlog-proof@v1
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=
RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=
AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=

example.com/fancylog
109482
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

— example.com/fancylog hI2DJwAA
`;

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((octets) => Buffer.from(octets).toString('hex'));
const proofs: fc.Arbitrary<TlogProof> = fc
  .record(
    {
      extra: fc.uint8Array({ minLength: 1, maxLength: 70 }),
      index: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
      hashes: fc.array(hash, { maxLength: 53 }),
      checkpoint: fc.uint8Array({ maxLength: 200 }),
    },
    { requiredKeys: ['index', 'hashes', 'checkpoint'] },
  )
  .map(({ extra, ...rest }) => (extra === undefined ? rest : { extra, ...rest }));

const refusal = (octets: Uint8Array): string | undefined => {
  try {
    parseTlogProof(octets);
    return undefined;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return error.code;
  }
};

describe('a proof file', () => {
  test('of the specification is read, and written the same', () => {
    const proof = parseTlogProof(utf8Of(EXAMPLE));
    expect(proof).toMatchObject({ index: 73894 });
    expect(proof.hashes).toHaveLength(5);
    expect(proof.hashes[0]).toBe(Buffer.from('gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=', 'base64').toString('hex'));
    expect(textOfUtf8(proof.checkpoint)).toMatch(/^example\.com\/fancylog\n109482\n/);
    expect(textOfUtf8(encodeTlogProof(proof))).toBe(EXAMPLE);
  });

  test('is read as what was written', () => {
    fc.assert(
      fc.property(proofs, (proof) => {
        const read = parseTlogProof(encodeTlogProof(proof));
        expect(read).toEqual({
          ...proof,
          checkpoint: Uint8Array.from(proof.checkpoint),
          ...(proof.extra === undefined ? {} : { extra: Uint8Array.from(proof.extra) }),
        });
      }),
    );
  });

  test.each([
    ['nothing', ''],
    ['another version', EXAMPLE.replace('@v1', '@v2')],
    ['CRLF', EXAMPLE.replaceAll('\n', '\r\n')],
    ['an empty line in front', `\n${EXAMPLE}`],
    ['no index', EXAMPLE.replace('index 73894\n', '')],
    ['a leading zero', EXAMPLE.replace('index 7', 'index 07')],
    ['a sign', EXAMPLE.replace('index 7', 'index +7')],
    ['two spaces', EXAMPLE.replace('index ', 'index  ')],
    ['an index of 2^53', EXAMPLE.replace('73894', '9007199254740992')],
    ['extra behind the index', EXAMPLE.replace('index 73894\n', 'index 73894\nextra AAAA\n')],
    ['extra twice', EXAMPLE.replace('index', 'extra AAAA\nextra AAAA\nindex')],
    ['an empty extra', EXAMPLE.replace('index', 'extra \nindex')],
    ['extra that is not base64', EXAMPLE.replace('index', 'extra A\nindex')],
    ['a short hash', EXAMPLE.replace('gSKyXoYZ', '')],
    ['a hash in base64 that is not canonical', EXAMPLE.replace('TcdPlQ=', 'TcdPlR=')],
    ['no empty line', EXAMPLE.replaceAll('\n\n', '\n')],
    ['the end before the empty line', EXAMPLE.slice(0, EXAMPLE.indexOf('\n\n') + 1)],
  ])('with %s is none', (_, text) => {
    expect(refusal(utf8Of(text))).toBe('proof.malformed');
  });

  test('is bounded', () => {
    const [head, rest] = [EXAMPLE.slice(0, 36), EXAMPLE.slice(36)];
    const line = rest.slice(0, 45);
    expect(refusal(utf8Of(head + line.repeat(48) + rest))).toBeUndefined();
    expect(refusal(utf8Of(head + line.repeat(49) + rest))).toBe('proof.malformed');
    expect(refusal(new Uint8Array(MAX_PROOF_OCTETS + 1))).toBe('proof.too-large');
    const extra = (octets: number): Uint8Array =>
      utf8Of(EXAMPLE.replace('index', `extra ${Buffer.alloc(octets).toString('base64')}\nindex`));
    expect(refusal(extra(MAX_EXTRA_OCTETS))).toBeUndefined();
    expect(refusal(extra(MAX_EXTRA_OCTETS + 1))).toBe('proof.malformed');
  });

  test('that could not be read again is not written', () => {
    const proof = parseTlogProof(utf8Of(EXAMPLE));
    expect(() => encodeTlogProof({ ...proof, index: -1 })).toThrow(RangeError);
    expect(() => encodeTlogProof({ ...proof, index: 2 ** 53 })).toThrow(RangeError);
    expect(() => encodeTlogProof({ ...proof, extra: new Uint8Array() })).toThrow(RangeError);
    expect(() => encodeTlogProof({ ...proof, extra: new Uint8Array(MAX_EXTRA_OCTETS + 1) })).toThrow(RangeError);
    expect(() => encodeTlogProof({ ...proof, hashes: Array(54).fill('00'.repeat(32)) })).toThrow(RangeError);
    expect(() => encodeTlogProof({ ...proof, hashes: ['00'] })).toThrow();
  });

  test('any octets are read or refused, and what is read is written the same', () => {
    const spoilt = fc.tuple(fc.nat({ max: EXAMPLE.length }), fc.nat({ max: 3 }), fc.uint8Array({ maxLength: 3 }));
    fc.assert(
      fc.property(spoilt, ([at, drop, put]) => {
        const octets = utf8Of(EXAMPLE);
        const edited = Buffer.concat([octets.subarray(0, at), put, octets.subarray(at + drop)]);
        if (refusal(edited) === undefined)
          expect(Buffer.compare(encodeTlogProof(parseTlogProof(edited)), edited)).toBe(0);
      }),
      { numRuns: 2_000 },
    );
  });
});
