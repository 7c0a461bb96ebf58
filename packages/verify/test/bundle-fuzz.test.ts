/** Hostile bundles: whatever is done to the octets, the judge answers, and no change of meaning is ever VALID. */
import { readFileSync } from 'node:fs';
import {
  type BundleHeader,
  type BundleLine,
  encodeBundleLine,
  FormatError,
  MAX_BUNDLE_LINE_OCTETS,
  parseBundleLine,
  parsePolicy,
  parseVkey,
  utf8Of,
} from '@infrafabric/format';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BundleReport, verifyBundle } from '../dist/index.js';
import { HandKey, HandLedger, octetsOf, spanOf } from './hand-ledger.js';

const [first, second] = [new HandKey(1), new HandKey(2)];
const ledger = new HandLedger(first)
  .batch([first], ...[1, 2, 3, 4, 5].map((n) => spanOf(n)))
  .batch([first, second], { type: 'rotation', critical: true, body: { key: second.vkey } })
  .batch([second], ...[7, 8, 9].map((n) => spanOf(n)));
const good = octetsOf(ledger.lines([0, 2, 3, 6, 8], [7]));
const judge = (octets: Uint8Array): BundleReport => verifyBundle([octets], { key: first.key });

/** All that a bundle says, but for what its maker merely claims: which key, what was asked, lines of strangers. */
function meaning(octets: Uint8Array): string[] {
  const lines = Buffer.from(octets).toString('latin1').trimEnd().split('\n');
  return lines.map((line) => {
    const read = parseBundleLine(Buffer.from(line, 'latin1'));
    if (read.line !== 'header' && read.line !== 'checkpoint') return line;
    const [note] = read.checkpoint.split('\n\n');
    const rest = read.line === 'header' ? { ...read, key: '', selection: {} } : read;
    return encodeBundleLine({ ...rest, checkpoint: note! } as BundleHeader);
  });
}

function expectHarmless(octets: Uint8Array, what: string): void {
  const report = judge(octets);
  if (report.verdict !== 'VALID') return;
  expect(meaning(octets), what).toEqual(meaning(good));
}

/** With an import, an erased payload, a rotation and cosignatures: test/vectors. */
const vector = (name: string): Buffer =>
  readFileSync(new URL(`../../../test/vectors/bundles/${name}`, import.meta.url));
const golden = vector('selection.bundle');
const goldenKey = parseVkey(vector('keys').toString().split('\n')[0]!);
const policy = { policy: parsePolicy(vector('policy')), from: 'policy' };

describe('a bundle', () => {
  test('with any octet changed is not VALID, unless it says the same', () => {
    expect(judge(good)).toMatchObject({ verdict: 'VALID', entries: 5, isWhole: false });
    let valid = 0;
    for (let at = 0; at < good.length; at++) {
      for (const bit of [0x01, 0x20]) {
        const octets = good.map((octet, i) => (i === at ? octet ^ bit : octet));
        if (judge(octets).verdict === 'VALID') valid++;
        expectHarmless(octets, `octet ${at} ^ ${bit}`);
      }
    }
    // Those of the claimed key: there is something that may change.
    expect(valid).toBeGreaterThan(0);
    expect(valid).toBeLessThan(2 * first.vkey.length + 1);
  });

  test('with any octet changed is not witnessed, unless it says the same', () => {
    const judged = (octets: Uint8Array): BundleReport => verifyBundle([octets], { key: goldenKey, policy });
    expect(judged(golden)).toMatchObject({
      code: 'valid.witnessed',
      imported: { entries: 2 },
      payloads: { erased: 1 },
    });
    const found = { VALID: 0, INVALID: 0, INCOMPLETE: 0 };
    for (let at = 0; at < golden.length; at += 3) {
      const octets = golden.map((octet, i) => (i === at ? octet ^ 1 : octet));
      const { verdict, code } = judged(octets);
      found[verdict]++;
      if (verdict !== 'VALID') continue;
      expect([at, code]).toEqual([at, 'valid.witnessed']);
      expect(meaning(octets), `octet ${at}`).toEqual(meaning(golden));
    }
    // Some of the claimed key, and of a cosignature that is one too few anyway.
    expect(found.VALID).toBeGreaterThan(0);
    expect(found.INVALID).toBeGreaterThan(20 * (found.VALID + found.INCOMPLETE));
  });

  test('with pieces cut out, doubled or put elsewhere is not VALID, unless it says the same', () => {
    const place = fc.nat({ max: good.length });
    fc.assert(
      fc.property(place, fc.nat({ max: 400 }), place, fc.boolean(), (from, length, to, isMove) => {
        const piece = good.subarray(from, from + length);
        const rest = isMove ? Buffer.concat([good.subarray(0, from), good.subarray(from + length)]) : good;
        const octets = Buffer.concat([rest.subarray(0, to), piece, rest.subarray(to)]);
        expectHarmless(octets, `${from}+${length} to ${to}`);
      }),
      { numRuns: 1_500 },
    );
  });

  test('with lines of others, or of its own in any order, is not VALID, unless it says the same', () => {
    const strange = new HandLedger(second).batch([second], ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => spanOf(n)));
    const lines = [...ledger.lines([0, 2, 3, 6, 8], [7]), ...ledger.lines(), ...strange.lines()];
    const picked = fc.array(fc.nat({ max: lines.length - 1 }), { minLength: 1, maxLength: 16 });
    const start = ledger.lines([0, 2, 3, 6, 8], [7]);
    fc.assert(
      fc.property(fc.nat({ max: start.length }), picked, fc.nat({ max: start.length }), (at, picks, drop) => {
        const octets = octetsOf(start.toSpliced(at, drop, ...picks.map((i) => lines[i] as BundleLine)));
        expectHarmless(octets, `${drop} at ${at} for ${picks}`);
      }),
      { numRuns: 1_500 },
    );
  });

  test('of any octets is answered', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.json().map(utf8Of)), { maxLength: 5 }),
        (pieces) => {
          expect(verifyBundle(pieces, { key: first.key }).verdict).toBe('INVALID');
        },
      ),
    );
  });
});

describe('a line', () => {
  const refused = (line: Uint8Array): void => {
    expect(() => parseBundleLine(line)).toThrow(FormatError);
    expect(() => parseBundleLine(line)).toThrow(expect.objectContaining({ code: 'bundle.malformed' }));
  };

  test('is what was written', () => {
    for (const line of [...ledger.lines(), ...ledger.lines([0, 8], [1])]) {
      const text = encodeBundleLine(line);
      expect(text.endsWith('\n')).toBe(true);
      const read = parseBundleLine(utf8Of(text.slice(0, -1)));
      expect(encodeBundleLine(read)).toBe(text);
      expect(read.line).toBe(line.line);
    }
  });

  test('of brackets, commas or texts does not take more memory than it has octets', () => {
    for (const part of ['[', '[],', '{"a":', '"",', '{},', '1,']) {
      refused(utf8Of(part.repeat(2_000_000 / part.length)));
      refused(utf8Of(`{"entry":[${part.repeat(30_000_000 / part.length)}`));
      refused(utf8Of(`{"end":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`));
    }
  });

  test('that never ends is given up', () => {
    const piece = Buffer.alloc(8_000_000, 'a');
    const pieces = function* (): Generator<Uint8Array> {
      yield octetsOf(ledger.lines()).subarray(0, 500);
      for (let octets = 0; octets < 2 * MAX_BUNDLE_LINE_OCTETS; octets += piece.length) yield piece;
    };
    expect(verifyBundle(pieces(), { key: first.key }).problems).toMatchObject([{ code: 'bundle.malformed' }]);
  });

  test('with a number beyond what can be counted covers nothing', () => {
    for (const [from, to] of [
      ['9007199254740991', '9007199254740992'],
      ['0', '9007199254740991'],
      ['0', '9007199254740992'],
      ['0', '0'],
      ['2', '1'],
      ['1', '3'],
      ['0', '3'],
    ] as const)
      refused(utf8Of(`{"from":${from},"hash":"${'0'.repeat(64)}","to":${to}}`));
  });
});

test('many rotations are judged once each', () => {
  const rotated = new HandLedger(first);
  const closing: number[] = [];
  let holder = first;
  for (let fill = 10; fill < 250; fill++) {
    const next = new HandKey(fill);
    rotated.batch([holder, next], { type: 'rotation', critical: true, body: { key: next.vkey } });
    closing.push(rotated.size);
    holder = next;
  }
  const report = judge(octetsOf(rotated.lines(undefined, closing.slice(0, -1))));
  expect(report).toMatchObject({ verdict: 'VALID', key: { reachedByRotations: 240 }, signaturesChecked: 240 });
});
