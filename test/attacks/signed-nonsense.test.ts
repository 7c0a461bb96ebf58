/** Attack matrix: what the holder of the private key signs although no writer of ours would. Roots and signatures fit. */
import { beforeAll, describe, expect, test } from 'vitest';
import { controlEntry, type Forgery, forgeLedger, genesisOf, keyPair, type Place } from './forge.js';
import { at, type Built, buildLedger, found, verifyFile } from './ledger-files.js';

const ORIGIN = 'if-witness/forged';
const GAP = '{"count":1,"reason":"x","since":"1","source":"x","until":"2"}';
let template: Built;
beforeAll(async () => {
  template = await buildLedger({ batches: [1] });
});

/** Judges a ledger of genesis and these entries, one batch each. */
async function judge(
  entries: readonly ((place: Place) => string)[],
  {
    deep = false,
    secondOpinion = true,
    ...change
  }: Partial<Forgery> & { deep?: boolean; secondOpinion?: boolean } = {},
) {
  const { signer, vkey, key } = await keyPair(ORIGIN, 3);
  const batches = [[genesisOf(ORIGIN, vkey)], ...entries.map((entry) => [entry])];
  const path = await forgeLedger(template.path, { origin: ORIGIN, signer, batches, ...change });
  return verifyFile(path, { key, deep, secondOpinion });
}

const gap = controlEntry('gap', GAP);

test('an honest forgery is VALID, so that what follows fails for the reason that is named', async () => {
  expect(await judge([gap, gap, gap])).toMatchObject({ verdict: 'VALID', problems: [], spansKnownLost: 3 });
  expect(await judge([gap, gap, gap], { deep: true })).toMatchObject({ verdict: 'VALID', problems: [] });
});

describe('bytes that are not canonical JSON are INVALID under --deep', () => {
  const wrap = (change: (text: string) => string) => (place: Place) => change(gap(place));
  test.each<[string, (place: Place) => string]>([
    ['a space', wrap((text) => text.replace('"body":', '"body": '))],
    ['members in another order', wrap((text) => text.replace(/"count":1,"reason":"x"/, '"reason":"x","count":1'))],
    ['a duplicate key in the body', wrap((text) => text.replace('"count":1', '"count":1,"count":1'))],
    [
      'a duplicate key in the envelope',
      wrap((text) => text.replace(',"prev"', `,"clock":"backwards","clock":"backwards","prev"`)),
    ],
    ['an escaped letter', wrap((text) => text.replace('"reason":"x"', '"reason":"\\u0078"'))],
    ['an escaped solidus', wrap((text) => text.replace('"reason":"x"', '"reason":"\\/"'))],
    ['a fraction', wrap((text) => text.replace('"count":1', '"count":1.5'))],
    ['an exponent', wrap((text) => text.replace('"count":1', '"count":1e0'))],
    ['a negative number', wrap((text) => text.replace('"count":1', '"count":-1'))],
    ['a number beyond 2^53', wrap((text) => text.replace('"count":1', '"count":9007199254740993'))],
    ['null', wrap((text) => text.replace('"reason":"x"', '"reason":null'))],
    ['a lone surrogate, escaped', wrap((text) => text.replace('"reason":"x"', '"reason":"\\ud800"'))],
    ['a body that is not JSON', wrap((text) => text.replace('"reason":"x"', '"reason":x'))],
    [
      '40 levels of nesting',
      wrap((text) => text.replace('"reason":"x"', `"reason":${'['.repeat(40)}${']'.repeat(40)}`)),
    ],
  ])('%s', async (_, entry) => {
    const report = await judge([gap, entry, gap], { deep: true });
    expect(report).toMatchObject({ verdict: 'INVALID' });
    expect(report.problems.every(({ seq }) => seq === 2)).toBe(true);
    expect(found(report)).toContainEqual(expect.stringMatching(/^entry\.(not-canonical|malformed|clock)@2$/));
  });
});

describe('what the chain itself forbids is INVALID at once', () => {
  test.each<[string, (place: Place) => string, string]>([
    [
      'a prev that is not the hash of the entry before',
      (p) => gap({ ...p, prev: 'f'.repeat(64) }),
      at('entry.prev', 1),
    ],
    ['a seq that is not its place', (p) => gap({ ...p, seq: 7 }), at('entry.seq', 2)],
    ['no hash of the checkpoint before', (p) => gap({ ...p, checkpoint: '' }), at('checkpoint.extra', 2)],
    [
      'the hash of another checkpoint',
      (p) => gap({ ...p, checkpoint: `,"checkpoint":"${'0'.repeat(64)}"` }),
      at('checkpoint.altered', 2),
    ],
    [
      'a clock said to have gone backwards that had not',
      controlEntry('gap', GAP, ',"clock":"backwards"'),
      at('entry.clock', 2),
    ],
    ['a clock that went backwards unsaid', (p) => gap(p).replace('{"at":"17', '{"at":"16'), at('entry.clock', 2)],
    ['a raw line feed', (p) => gap(p).replace('"reason":"x"', '"reason":"\n"'), at('entry.malformed', 2)],
    ['an unknown member of clock', controlEntry('gap', GAP, ',"clock":"sideways"'), at('entry.malformed', 2)],
    ['a span without ids', controlEntry('span', '{}'), at('entry.malformed', 2)],
  ])('%s', async (_, entry, problem) => {
    const report = await judge([gap, entry, gap]);
    expect(report).toMatchObject({ verdict: 'INVALID' });
    expect(found(report)).toContain(problem);
  });

  // The second verifier looks at the form of what it needs, not of everything.
  test.each<[string, (place: Place) => string]>([
    ['a payload digest that is none', controlEntry('gap', GAP, ',"payload":"x"')],
    ['a type in capitals', controlEntry('GAP', GAP)],
    ['a body that is an array', controlEntry('gap', '[]')],
  ])('%s', async (_, entry) => {
    const report = await judge([gap, entry, gap], { secondOpinion: false });
    expect(found(report)).toContain(at('entry.malformed', 2));
  });

  test('a second genesis entry is INVALID', async () => {
    const { vkey } = await keyPair(ORIGIN, 3);
    const second = ({ seq, prev, checkpoint }: Place) =>
      `{"at":"1753000000000000000","body":{"format":1,"key":"${vkey}","origin":"${ORIGIN}"}${checkpoint},"prev":"${prev}","seq":${seq},"type":"genesis"}`;
    expect(found(await judge([gap, second, gap]))).toEqual([at('genesis.malformed', 2)]);
  });
});

describe('what this version does not understand is never quietly VALID', () => {
  test('an unknown type is counted', async () => {
    const report = await judge([gap, controlEntry('telemetry2', '{}'), gap]);
    expect(report).toMatchObject({ verdict: 'VALID', notUnderstood: { telemetry2: 1 } });
  });

  test('an unknown critical type gives exit 3', async () => {
    const report = await judge([controlEntry('telemetry2', '{}', ',"critical":true')]);
    expect(report).toMatchObject({ verdict: 'INCOMPLETE', code: 'incomplete.not-understood', exitCode: 3 });
  });

  test('an unknown format version gives exit 3', async () => {
    const { signer, vkey, key } = await keyPair(ORIGIN, 3);
    const path = await forgeLedger(template.path, {
      origin: ORIGIN,
      signer,
      batches: [[genesisOf(ORIGIN, vkey, 2)], [gap]],
    });
    expect(verifyFile(path, { key })).toMatchObject({ code: 'incomplete.not-understood', exitCode: 3 });
  });

  test.each(['"1"', 'true', '{}', '1.5'])('a format version %s is not VALID', async (format) => {
    const { signer, vkey, key } = await keyPair(ORIGIN, 3);
    const path = await forgeLedger(template.path, {
      origin: ORIGIN,
      signer,
      batches: [[genesisOf(ORIGIN, vkey, format)], [gap]],
    });
    expect(verifyFile(path, { key, secondOpinion: false }).verdict).not.toBe('VALID');
  });
});

describe('genesis', () => {
  test.each([
    ['without an origin', (text: string) => text.replace(/,"origin":"[^"]*"/, '')],
    [
      'with another origin than its checkpoints',
      (text: string) => text.replace(`"origin":"${ORIGIN}"`, '"origin":"x"'),
    ],
    ['without a key', (text: string) => text.replace(/"key":"[^"]*",/, '')],
    ['whose prev is not 64 zeros', (text: string) => text.replace('"prev":"0', '"prev":"1')],
    ['whose body is not JSON', (text: string) => text.replace('"format":1', '"format":x')],
    ['of another type', (text: string) => text.replace('"type":"genesis"', '"type":"gap"')],
    [
      'that names a checkpoint before it',
      (text: string) => text.replace(',"prev"', `,"checkpoint":"${'0'.repeat(64)}","prev"`),
    ],
  ])('%s is INVALID', async (_, change) => {
    const { signer, vkey, key } = await keyPair(ORIGIN, 3);
    const genesis = genesisOf(ORIGIN, vkey);
    const batches = [[(place: Place) => change(genesis(place))], [gap]];
    const path = await forgeLedger(template.path, { origin: ORIGIN, signer, batches });
    expect(verifyFile(path, { key })).toMatchObject({ verdict: 'INVALID' });
  });
});
