/**
 * The judge of bundles and verify_bundle.py, which share no code, give the same verdict on the golden bundles and on what
 * somebody on the way could make of them.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type BundleEntry,
  type BundleLine,
  encodeBundleLine,
  parseBundleLine,
  parsePolicy,
  parseVkey,
  utf8Of,
} from '@infrafabric/format';
import { verifyBundle } from '@infrafabric/verify';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { peer } from '../peers.js';

type Verdict = 'VALID' | 'INVALID' | 'INCOMPLETE';

const python = peer('python3', ['python3', '-c', 'import json']);
const openssl = peer('openssl', ['openssl', 'pkeyutl', '-help']);
const script = fileURLToPath(new URL('verify_bundle.py', import.meta.url));
const vector = (name: string): string => fileURLToPath(new URL(`../vectors/bundles/${name}`, import.meta.url));
const golden = (name: string): Buffer => readFileSync(vector(`${name}.bundle`));
const [oldVkey, vkey] = readFileSync(vector('keys'), 'utf8').trimEnd().split('\n') as [string, string];
const policyFile = vector('policy');
const VERDICTS: readonly (Verdict | undefined)[] = ['VALID', 'INVALID', undefined, 'INCOMPLETE'];

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'second-bundles-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

beforeEach((context) => {
  python.need(context);
  openssl.need(context);
});

interface Asked {
  readonly key?: string | undefined;
  readonly policy?: boolean;
}

/** Both verdicts. */
function verdicts(octets: Uint8Array, { key = vkey, policy = false }: Asked = {}): [judge: Verdict, second: Verdict] {
  const asked = policy ? { policy: { policy: parsePolicy(readFileSync(policyFile)), from: 'policy' } } : {};
  const { verdict } = verifyBundle([octets], { ...asked, ...(key === '' ? {} : { key: parseVkey(key) }) });
  const file = join(folder, 'it.bundle');
  writeFileSync(file, octets);
  const flags = [...(key === '' ? [] : ['--key', key]), ...(policy ? ['--policy', policyFile] : [])];
  const run = spawnSync('python3', ['-B', script, file, ...flags], { encoding: 'utf8' });
  expect(run.stderr).toBe('');
  const second = VERDICTS[run.status ?? 2];
  expect(run.stdout.startsWith(`${second}: `)).toBe(true);
  return [verdict, second!];
}

const linesOf = (name: string): BundleLine[] =>
  golden(name)
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => parseBundleLine(utf8Of(line)));
const octetsOf = (lines: readonly BundleLine[]): Uint8Array => utf8Of(lines.map(encodeBundleLine).join(''));
const isEntry = (line: BundleLine, type: string): line is BundleEntry =>
  line.line === 'entry' && Buffer.from(line.entry).toString().endsWith(`"type":"${type}"}`);

describe('a bundle as it was written', () => {
  test.each<[string, string, Asked, Verdict]>([
    ['whole', 'whole', {}, 'VALID'],
    ['a selection', 'selection', {}, 'VALID'],
    ['under the key of the epoch before', 'selection', { key: oldVkey }, 'VALID'],
    ['under a policy', 'whole', { policy: true }, 'VALID'],
    ['a selection under a policy', 'selection', { policy: true, key: oldVkey }, 'VALID'],
    ['without a key', 'whole', { key: '' }, 'INCOMPLETE'],
    ['without payloads', 'no-payloads', {}, 'INCOMPLETE'],
    ['under the key of another ledger', 'whole', { key: otherKey() }, 'INVALID'],
  ])('%s', (_, name, asked, verdict) => {
    expect(verdicts(golden(name), asked)).toEqual([verdict, verdict]);
  });

  function otherKey(): string {
    return (
      JSON.parse(readFileSync(fileURLToPath(new URL('../vectors/ledger.json', import.meta.url)), 'utf8')) as {
        vkey: string;
      }
    ).vkey;
  }
});

describe('a line', () => {
  const whole = (): BundleLine[] => linesOf('whole');
  const without = (found: (line: BundleLine) => boolean): BundleLine[] => {
    const lines = whole();
    const at = lines.findIndex(found);
    expect(at).toBeGreaterThan(0);
    return lines.toSpliced(at, 1);
  };

  test.each<[string, () => BundleLine[], Verdict]>([
    ['left out: an entry', () => without(({ line }) => line === 'entry'), 'INVALID'],
    [
      'left out: the checkpoint of the rotation',
      () => without((line) => line.line === 'checkpoint' && line.size === 12),
      'INVALID',
    ],
    [
      'left out: one that only witnesses are for',
      () => without((line) => line.line === 'checkpoint' && line.size === 10),
      'VALID',
    ],
    ['left out: a context', () => without(({ line }) => line === 'context'), 'INVALID'],
    ['left out: the last', () => whole().slice(0, -1), 'INVALID'],
    ['doubled', () => [...whole().slice(0, 3), ...whole().slice(2)], 'INVALID'],
    ['of another ledger’s bundle in front', () => [whole()[0]!, ...whole()], 'INVALID'],
  ])('%s', (_, lines, verdict) => {
    expect(verdicts(octetsOf(lines()))).toEqual([verdict, verdict]);
  });

  const changed = (type: string, change: (line: BundleEntry) => BundleLine): BundleLine[] => {
    const lines = whole();
    const at = lines.findLastIndex((line) => isEntry(line, type));
    expect(at).toBeGreaterThan(0);
    return lines.with(at, change(lines[at] as BundleEntry));
  };
  const withoutPayload = ({ payload, ...line }: BundleEntry): BundleLine => {
    expect(payload).toBeDefined();
    return line;
  };

  test.each<[string, () => BundleLine[], Verdict]>([
    [
      'an entry changed',
      () => changed('span', (line) => ({ ...line, entry: replaced(line.entry, '"kind"', '"kinD"') })),
      'INVALID',
    ],
    [
      'a redaction changed',
      () => changed('redaction', (line) => ({ ...line, entry: replaced(line.entry, 'person', 'pigeon') })),
      'INVALID',
    ],
    ['a payload left out', () => changed('span', withoutPayload), 'INCOMPLETE'],
    [
      'a payload changed',
      () =>
        changed('span', (line) => ({
          ...line,
          payload: { ...line.payload!, payload: line.payload!.payload.map((octet) => octet ^ 1) },
        })),
      'INVALID',
    ],
  ])('%s', (_, lines, verdict) => {
    expect(verdicts(octetsOf(lines()))).toEqual([verdict, verdict]);
  });

  function replaced(octets: Uint8Array, from: string, to: string): Uint8Array {
    const text = Buffer.from(octets).toString();
    expect(text).toContain(from);
    return utf8Of(text.replace(from, to));
  }
});

describe('cosignatures', () => {
  const notes = (change: (note: string) => string): Uint8Array =>
    octetsOf(
      linesOf('whole').map((line) =>
        line.line === 'checkpoint' || line.line === 'header' ? { ...line, checkpoint: change(line.checkpoint) } : line,
      ),
    );

  test.each<[string, (note: string) => string, Verdict, Verdict]>([
    ['as they are', (note) => note, 'VALID', 'VALID'],
    ['none', (note) => note.replace(/^— witness\S+ .*\n/gm, ''), 'VALID', 'INCOMPLETE'],
    ['one of two', (note) => note.replace(/^— \S+bob .*\n/gm, ''), 'VALID', 'INCOMPLETE'],
    ['one that does not verify', (note) => note.replace(/^(— \S+bob \S{60})./gm, '$1/'), 'VALID', 'INVALID'],
    ['one under another name', (note) => note.replace(/^— \S+bob /gm, '— witness.example/eve '), 'VALID', 'INCOMPLETE'],
    ['a line of a stranger', (note) => `${note}— stranger AAAAAAAA\n`, 'VALID', 'VALID'],
    [
      'a line of the ledger’s name and of no key',
      (note) => note.replace(/^— (\S+) .*\n$/m, (line, name: string) => `${line}— ${name} AAAAAAAA\n`),
      'INVALID',
      'INVALID',
    ],
  ])('%s', (_, change, asked, underPolicy) => {
    expect(verdicts(notes(change))).toEqual([asked, asked]);
    expect(verdicts(notes(change), { policy: true })).toEqual([underPolicy, underPolicy]);
  });
});

describe('any octet', () => {
  const CASES = 40;

  test(`both say the same of ${CASES} random edits`, { timeout: 120_000 }, () => {
    let state = 1;
    const random = (below: number): number => {
      // Numerical Recipes' generator: the same edits every time.
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const found = { VALID: 0, INVALID: 0, INCOMPLETE: 0 };
    const octets = golden('selection');
    const headerEnd = octets.indexOf(0x0a);
    for (let i = 0; i < CASES; i++) {
      const edited = Buffer.from(octets);
      // Some of them in the first line, where there is what nobody signed.
      const at = random(i % 4 === 0 ? headerEnd : octets.length);
      const flip = [1, 2, 32, 64][random(4)]!;
      edited[at]! ^= flip;
      const [judge, second] = verdicts(edited, { policy: i % 2 === 0 });
      expect([at, flip, second]).toEqual([at, flip, judge]);
      found[judge]++;
    }
    expect(found.INVALID).toBeGreaterThan(CASES / 2);
    expect(found.VALID).toBeGreaterThan(0);
  });
});
