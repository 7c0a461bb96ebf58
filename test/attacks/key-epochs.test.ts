/** Attack matrix: key epochs. Whoever has one key of a ledger, old or new, and writes whatever he likes with it. */
import { encodeVkey, keyIdHexOf, parseVkey, utf8Of, type VerifierKey } from '@infrafabric/format';
import { type Signer, signerOfSeed } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { judgeChain, Problems, planRanges } from '@infrafabric/verify';
import { beforeAll, describe, expect, test } from 'vitest';
import { controlEntry, forgeLedger, genesisOf, keyPair, type Place, rotationTo } from './forge.js';
import { at, buildLedger, found, type How, verifyFile } from './ledger-files.js';

const ORIGIN = 'if-witness/epochs';
const gap = controlEntry('gap', '{"count":1,"reason":"x","since":"1","source":"x","until":"2"}');
type Pair = { readonly signer: Signer; readonly vkey: string; readonly key: VerifierKey };

let template: string;
/** The keys of the three epochs, and one of nobody's. */
let a: Pair;
let b: Pair;
let c: Pair;
let stranger: Pair;
beforeAll(async () => {
  template = (await buildLedger({ batches: [1] })).path;
  [a, b, c, stranger] = (await Promise.all([1, 2, 3, 4].map((fill) => keyPair(ORIGIN, fill)))) as [
    Pair,
    Pair,
    Pair,
    Pair,
  ];
});

/** Who signs the checkpoint of a size; of a line made by another than its key says, both. */
type Line = Pair | { readonly as: Pair; readonly by: Pair };
type Signers = Readonly<Record<number, readonly Line[]>>;
type Batches = readonly (readonly ((place: Place) => string)[])[];

/** Checkpoints 1 and 2 are of a, 4 closes its epoch, 5 is of b, 6 closes it, 7 and 8 are of c. */
const HONEST = (): Batches => [
  [genesisOf(ORIGIN, a.vkey)],
  [gap],
  [gap, rotationTo(b.vkey)],
  [gap],
  [rotationTo(c.vkey)],
  [gap],
  [gap],
];
const HONEST_SIGNERS = (): Signers => ({ 1: [a], 2: [a], 4: [a, b], 5: [b], 6: [b, c], 7: [c], 8: [c] });

async function forge(signers: Signers, batches = HONEST()): Promise<string> {
  return forgeLedger(template, {
    origin: ORIGIN,
    signer: a.signer,
    batches,
    signatures: (text, _, size) =>
      Promise.all(
        (signers[size] ?? [a]).map(async (line) => {
          const { as, by } = 'as' in line ? line : { as: line, by: line };
          return { name: ORIGIN, keyIdHex: as.signer.keyIdHex, signature: await by.signer.sign(utf8Of(text)) };
        }),
      ),
  });
}

/** Key id of a public key of small order, whose first octet is given. */
function idOf(name: string, first: number): string {
  return keyIdHexOf(
    name,
    Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? first : 0)),
  );
}

/** The key of a numbered seed. */
function pairOf(n: number): Pair {
  const seed = Buffer.alloc(32);
  seed.writeUInt32BE(n, 28);
  const signer = signerOfSeed(ORIGIN, seed);
  const vkey = encodeVkey(ORIGIN, signer.publicKey);
  return { signer, vkey, key: parseVkey(vkey) };
}

const judged = (path: string, pair: Pair | undefined = a, how: Partial<How> = {}) =>
  verifyFile(path, { key: pair?.key, ...how });

describe('a ledger whose key changed twice', () => {
  test('is VALID under the key of each epoch, and it is said how the newest was reached', async () => {
    const path = await forge(HONEST_SIGNERS());
    for (const [i, pair] of [a, b, c].entries()) {
      const report = judged(path, pair);
      expect(report).toMatchObject({ verdict: 'VALID', problems: [], notUnderstood: {} });
      expect(report.key).toMatchObject({
        keyIdHex: pair.key.keyIdHex,
        newestKeyIdHex: c.key.keyIdHex,
        epochs: 3,
        reachedByRotations: 2 - i,
      });
      const says = report.notVouchedFor.some((limit) => limit.includes(`handed over from key ${pair.key.keyIdHex}`));
      expect(says).toBe(i < 2);
    }
    expect(judged(path, undefined)).toMatchObject({ verdict: 'VALID' });
    expect(verifyFile(path, { key: undefined })).toMatchObject({ code: 'incomplete.self-asserted-key' });
  });

  test('has the first and the last signature of each epoch checked, however few are sampled', async () => {
    const path = await forge(HONEST_SIGNERS());
    const reader = LedgerReader.open(path);
    const problems = new Problems();
    const [whole, ...parts] = [undefined, ...planRanges(reader.entryCount(), 1)].map((range) =>
      judgeChain(reader, problems, { signatureSample: 0.001, ...(range === undefined ? {} : { range }) }),
    );
    reader.close();
    // Size 2 lies within an epoch.
    expect(whole!.sampled.map(({ size }) => size)).toEqual([1, 4, 5, 6, 7, 8]);
    expect(parts[0]!.sampled).toEqual(whole!.sampled);
    expect(problems.count).toBe(0);
  });

  test('is INVALID under a key that it never had', async () => {
    expect(found(judged(await forge(HONEST_SIGNERS()), stranger))).toContain('key.origin');
  });

  test('is INVALID where a later key of it is held than it knows', async () => {
    const path = await forge(HONEST_SIGNERS());
    expect(found(judged(path, c, { alsoHeld: [a.key, b.key], secondOpinion: false }))).toEqual([]);
    expect(found(judged(path, c, { alsoHeld: [a.key, stranger.key], secondOpinion: false }))).toEqual([
      'rotation.missing',
    ]);
  });
});

describe('signed by the wrong key', () => {
  const cases: readonly [what: string, signers: () => Signers, problems: readonly string[]][] = [
    ['one old checkpoint by today’s key', () => ({ 2: [c] }), [at('checkpoint.unsigned', 1)]],
    ['the first checkpoint by today’s key', () => ({ 1: [c] }), [at('checkpoint.unsigned', 0)]],
    [
      'everything up to now by today’s key',
      () => ({ 1: [c], 2: [c], 4: [c], 5: [c], 6: [c] }),
      [
        at('checkpoint.unsigned', 0),
        at('checkpoint.unsigned', 1),
        at('rotation.signature', 3),
        at('checkpoint.unsigned', 4),
        at('rotation.signature', 5),
      ],
    ],
    ['an old checkpoint by today’s key as well', () => ({ 2: [a, c] }), [at('checkpoint.signature', 1)]],
    ['the first checkpoint of a new key by the old one', () => ({ 5: [a] }), [at('checkpoint.unsigned', 4)]],
    [
      'the first checkpoint of a new key by the old one as well',
      () => ({ 5: [b, a] }),
      [at('checkpoint.signature', 4)],
    ],
    ['the newest checkpoint by an old key', () => ({ 8: [a] }), [at('checkpoint.unsigned', 7)]],
    ['the newest checkpoint by the key before', () => ({ 8: [b] }), [at('checkpoint.unsigned', 7)]],
    [
      'the newest checkpoint by an old key in the new one’s name',
      () => ({ 8: [{ as: c, by: b }] }),
      [at('checkpoint.signature', 7)],
    ],
    [
      'a skipped epoch: today’s key closes the first',
      () => ({ 4: [a, c], 5: [c], 6: [c] }),
      [at('rotation.signature', 3), at('checkpoint.unsigned', 4), at('rotation.signature', 5)],
    ],
    ['the closing checkpoint without the new key', () => ({ 4: [a] }), [at('rotation.signature', 3)]],
    ['the closing checkpoint without the old key', () => ({ 4: [b] }), [at('rotation.signature', 3)]],
    ['the closing checkpoint by three keys', () => ({ 4: [a, b, c] }), [at('rotation.signature', 3)]],
    ['the closing checkpoint in the other order', () => ({ 4: [b, a] }), [at('rotation.signature', 3)]],
    ['the closing checkpoint twice by the old key', () => ({ 4: [a, a] }), [at('rotation.signature', 3)]],
    ['a rotation forged without the old key', () => ({ 4: [{ as: a, by: b }, b] }), [at('rotation.signature', 3)]],
    ['a rotation to a key that nobody here has', () => ({ 4: [a, { as: b, by: a }] }), [at('rotation.signature', 3)]],
  ];
  test.each(cases)('%s is INVALID', async (_, signers, problems) => {
    const path = await forge({ ...HONEST_SIGNERS(), ...signers() });
    for (const pair of [a, c]) expect(found(judged(path, pair))).toEqual(problems);
    expect(judged(path)).toMatchObject({ verdict: 'INVALID', exitCode: 1 });
  });
});

describe('a rotation', () => {
  test('that is not the last of its batch is INVALID', async () => {
    const batches = [[genesisOf(ORIGIN, a.vkey)], [rotationTo(b.vkey), gap], [gap]];
    const path = await forge({ 1: [a], 3: [a, b], 4: [b] }, batches);
    expect(found(judged(path))).toEqual([at('rotation.batch', 1), at('checkpoint.signature', 2)]);
  });

  test('behind another one of the same batch is INVALID', async () => {
    const batches = [[genesisOf(ORIGIN, a.vkey)], [rotationTo(b.vkey), rotationTo(c.vkey)], [gap]];
    const path = await forge({ 1: [a], 3: [a, c], 4: [c] }, batches);
    expect(found(judged(path))).toEqual([at('rotation.batch', 1), at('rotation.signature', 2)]);
  });

  test('that is missing while the key changes all the same is INVALID', async () => {
    const batches = [[genesisOf(ORIGIN, a.vkey)], [gap], [gap], [gap]];
    const path = await forge({ 1: [a], 2: [a, b], 3: [b], 4: [b] }, batches);
    expect(found(judged(path))).toEqual([
      at('checkpoint.signature', 1),
      at('checkpoint.unsigned', 2),
      at('checkpoint.unsigned', 3),
    ]);
    expect(found(judged(path, b))).toContain('key.origin');
  });

  test('at the very end of a ledger is VALID, and closes its epoch', async () => {
    const batches = [[genesisOf(ORIGIN, a.vkey)], [rotationTo(b.vkey)]];
    expect(judged(await forge({ 1: [a], 2: [a, b] }, batches))).toMatchObject({ verdict: 'VALID' });
    expect(found(judged(await forge({ 1: [a], 2: [a] }, batches)))).toEqual([at('rotation.signature', 1)]);
  });

  const unusable: readonly [what: string, key: () => string][] = [
    [
      'a weak key',
      () => `${ORIGIN}+${idOf(ORIGIN, 1)}+${Buffer.concat([Buffer.of(1, 1), Buffer.alloc(31)]).toString('base64')}`,
    ],
    ['no vkey', () => 'no vkey'],
    ['a key with another id than its own', () => b.vkey.replace(b.key.keyIdHex, '00000000')],
    ['a vkey as long as an entry can be', () => `${ORIGIN}+00000000+${'A'.repeat(40_000)}`],
  ];
  test.each(unusable)('to %s is INVALID, and nothing behind it is taken for signed', async (_, key) => {
    const batches = [[genesisOf(ORIGIN, a.vkey)], [rotationTo(key())], [gap]];
    const path = await forge({ 1: [a], 2: [a, b], 3: [b] }, batches);
    expect(found(judged(path))).toEqual([at('rotation.key', 1)]);
  });

  test.each(['{"key":5}', '{}', '{"key":{}}'])('whose body is %s is INVALID', async (body) => {
    const batches = [[genesisOf(ORIGIN, a.vkey)], [controlEntry('rotation', body, ',"critical":true')], [gap]];
    expect(found(judged(await forge({ 1: [a], 2: [a, b], 3: [b] }, batches)))).toEqual([at('rotation.key', 1)]);
  });

  test('to the key of another ledger is INVALID', async () => {
    const other = await keyPair('if-witness/another', 2);
    const batches = [[genesisOf(ORIGIN, a.vkey)], [rotationTo(other.vkey)], [gap]];
    const path = await forgeLedger(template, {
      origin: ORIGIN,
      signer: a.signer,
      batches,
      signatures: async (text, own, size) => {
        const line = {
          name: other.key.name,
          keyIdHex: other.key.keyIdHex,
          signature: await other.signer.sign(utf8Of(text)),
        };
        return size === 1 ? [own] : size === 2 ? [own, line] : [line];
      },
    });
    expect(found(judged(path))).toEqual([at('rotation.key', 1)]);
  });

  test('to the key that signs already, or to an earlier one, is INVALID', async () => {
    const [genesis, toA, toB] = [genesisOf(ORIGIN, a.vkey), rotationTo(a.vkey), rotationTo(b.vkey)];
    const same = await forge({ 1: [a], 2: [a, a], 3: [a] }, [[genesis], [toA], [gap]]);
    expect(found(judged(same))).toEqual([at('rotation.key', 1)]);
    const back = await forge({ 1: [a], 2: [a, b], 3: [b, a], 4: [a] }, [[genesis], [toB], [toA], [gap]]);
    expect(found(judged(back))).toEqual([at('rotation.key', 2)]);
  });

  test('to another key with the 4-octet id of an earlier one is INVALID', async () => {
    // Found by trying seeds: two of 47,000 keys.
    const [one, two] = [30_860, 46_674].map((n) => pairOf(n)) as [Pair, Pair];
    expect(one.key.keyIdHex).toBe(two.key.keyIdHex);
    const batches = [[genesisOf(ORIGIN, one.vkey)], [rotationTo(two.vkey)], [gap]];
    const path = await forge({ 1: [one], 2: [one, two], 3: [two] }, batches);
    const [first, ...more] = found(judged(path, one));
    expect(first).toBe(at('rotation.key', 1));
    // The two lines of the closing checkpoint cannot be told apart either.
    expect(more).toEqual([at('rotation.signature', 1)]);
  });
});
