/** `import` of bundles: of whole ledgers and of selections, with all that had happened to them. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import {
  type BundleEntry,
  type BundleLine,
  encodeBundleLine,
  heldEntry,
  parseBundleLine,
  parseEntry,
  utf8Of,
} from '@infrafabric/format';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { describe, expect, test } from 'vitest';
import { bundleEntries } from '../../packages/cli/dist/import/bundle-entries.js';
import { Home, type Ran } from './run.js';
import { twoTraces } from './two-traces.js';

function keyOf(home: Home): string {
  return home.witness(['keys', 'show']).stdout.trim();
}

function bundleOf(home: Home, ...args: readonly string[]): string {
  const file = home.beside(`${args.length}.bundle`);
  expect(home.witness(['export', '--format', 'bundle', '--output', file, ...args]).exitCode).toBe(0);
  return file;
}

const linesOf = (file: string): BundleLine[] =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => parseBundleLine(utf8Of(line)));

const entriesIn = (file: string): string[] =>
  linesOf(file).flatMap((line) => (line.line === 'entry' ? [Buffer.from(line.entry).toString()] : []));

/** What a ledger imported, whole again where it was in parts, and the payloads that came along. */
function importedBy(home: Home): { readonly text: string; readonly payload: string | undefined }[] {
  const reader = LedgerReader.open(home.ledger);
  try {
    return [...reader.entriesFrom()].flatMap(({ text }) => {
      const entry = parseEntry(text);
      const held = heldEntry(entry, (seq) => reader.entryText(seq));
      if (held === undefined) return [];
      const payload = reader.payload(entry.seq);
      return [
        { text: held.text, payload: payload && Buffer.concat([payload.salt, payload.payload]).toString('base64') },
      ];
    });
  } finally {
    reader.close();
  }
}

interface Verified {
  readonly code: string;
  readonly imported: { readonly entries: number; readonly unverified: number };
}

const verified = (home: Home): Verified =>
  JSON.parse(home.witness(['verify', '--json', '--deep', '--all-signatures']).stdout) as Verified;

function into(file: string, ...more: readonly string[]): { readonly home: Home; readonly ran: Ran } {
  const home = new Home();
  return { home, ran: home.witness(['import', file, ...more]) };
}

describe('a bundle of a selection', () => {
  test('is imported with what came along, octet for octet, payloads with their salts', () => {
    const home = twoTraces();
    const file = bundleOf(home, '--trace-id', 'call');
    const { home: fresh, ran } = into(file, '--key', keyOf(home), '--json');
    const asked = entriesIn(file);
    expect(asked).toHaveLength(4);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      from: { kind: 'bundle', size: 6 },
      verified: true,
      entries: 4,
      spans: 3,
      payloads: 3,
      checked: [expect.stringContaining('4 of 6 entries')],
      not_checked: expect.arrayContaining([expect.stringContaining('nothing was left out')]),
    });
    expect(verified(fresh)).toMatchObject({ code: 'valid.unanchored', imported: { entries: 4, unverified: 0 } });
    expect(importedBy(fresh)).toEqual(
      linesOf(file).flatMap((line) =>
        line.line !== 'entry'
          ? []
          : {
              text: Buffer.from(line.entry).toString(),
              payload: line.payload && Buffer.concat([line.payload.salt, line.payload.payload]).toString('base64'),
            },
      ),
    );
    expect(fresh.trace('call').entries.map(({ event }) => event)).toEqual(['invite', 'ringing', 'bye']);
    expect(fresh.trace('call').totals).toEqual(home.trace('call').totals);
    expect(fresh.witness(['trace', 'web']).exitCode).toBe(1);
  });

  test('of an imported ledger is imported again, and bundled again', () => {
    const home = twoTraces();
    const { home: second } = into(bundleOf(home), '--key', keyOf(home));
    const { home: third, ran } = into(bundleOf(second, '--trace-id', 'call'), '--key', keyOf(second));
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    expect(verified(third)).toMatchObject({ code: 'valid.unanchored' });
    expect(third.trace('call').entries.map(({ event }) => event)).toEqual(['invite', 'ringing', 'bye']);
    const again = bundleOf(third);
    const judged = third.witness(['verify', '--bundle', again, '--json']);
    expect(JSON.parse(judged.stdout)).toMatchObject({ verdict: 'VALID', not_understood: {}, problems: [] });
    expect(third.witness(['verify', '--bundle', again]).stdout).toMatch(/imported +\d entries of other ledgers/);
  });
});

test('rotations, erased payloads and cosigners’ lines are no hindrance, under the key of either epoch', () => {
  const home = twoTraces();
  const first = keyOf(home);
  expect(home.witness(['redact', '3', '--reason', 'gdpr', '--yes']).exitCode).toBe(0);
  expect(home.witness(['keys', 'rotate']).exitCode).toBe(0);
  home.log('later', 'call');
  const file = bundleOf(home);
  const lines = linesOf(file).map((line) =>
    line.line === 'header' ? { ...line, checkpoint: `${line.checkpoint}— stranger AAAAAAAA\n` } : line,
  );
  writeFileSync(file, lines.map(encodeBundleLine).join(''));
  for (const key of [first, keyOf(home)]) {
    const { home: fresh, ran } = into(file, '--key', key, '--json');
    const newest = keyOf(home).split('+')[1];
    expect(JSON.parse(ran.stdout)).toMatchObject({
      from: { key_id: newest },
      payloads_erased: 1,
      payloads_missing: { count: 0 },
    });
    expect(verified(fresh)).toMatchObject({ code: 'valid.unanchored', imported: { entries: 9, unverified: 0 } });
    expect(importedBy(fresh).map(({ text }) => text)).toEqual(entriesIn(file));
  }
});

describe('a bundle that is not what was signed', () => {
  const altered = (file: string, change: (line: BundleEntry) => BundleLine): void => {
    const lines = linesOf(file).map((line) => (line.line === 'entry' && line.seq === 3 ? change(line) : line));
    writeFileSync(file, lines.map(encodeBundleLine).join(''));
  };
  const renamed = (line: BundleEntry): BundleLine => ({
    ...line,
    entry: utf8Of(Buffer.from(line.entry).toString().replace('ringing', 'rinsing')),
  });

  test('is refused with the verdict, and nothing is left behind', () => {
    const home = twoTraces();
    const key = keyOf(home);
    for (const selection of [[], ['--trace-id', 'call']]) {
      const file = bundleOf(home, ...selection);
      altered(file, renamed);
      const { home: fresh, ran } = into(file, '--key', key);
      expect(ran).toMatchObject({
        exitCode: 1,
        stdout: '',
        stderr: expect.stringMatching(/INVALID: .*\n.*--unverified/s),
      });
      expect(existsSync(fresh.ledger)).toBe(false);
    }
    const cut = bundleOf(home);
    writeFileSync(cut, readFileSync(cut, 'utf8').slice(0, -300));
    expect(into(cut, '--key', key).ran).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('cut off') });
    const foreign = into(bundleOf(home), '--key', keyOf(twoTraces()));
    expect(foreign.ran).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('INVALID') });
  });

  test('is taken --unverified as far as it can be read, and the new ledger says so for ever', () => {
    const home = twoTraces();
    const key = keyOf(home);
    const file = bundleOf(home);
    altered(file, renamed);
    writeFileSync(file, `${readFileSync(file, 'utf8').slice(0, -10)}junk`);
    const { home: fresh, ran } = into(file, '--key', key, '--unverified', '--json');
    expect(JSON.parse(ran.stdout)).toMatchObject({
      verified: false,
      from: { key_id: null },
      entries: 6,
      unverified: 6,
      unreadable: 1,
      payloads_refused: { count: 0 },
    });
    expect(ran.stderr).toContain('imported without being verified');
    expect(verified(fresh)).toMatchObject({ code: 'valid.unanchored', imported: { entries: 6, unverified: 6 } });
  });

  test('or whose payloads are not here, or without a key, cannot be told: exit code 3', () => {
    const home = twoTraces();
    const bare = bundleOf(home, '--no-payloads');
    expect(into(bare, '--key', keyOf(home)).ran).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('5 payloads missing'),
    });
    const { home: fresh, ran } = into(bare, '--key', keyOf(home), '--unverified', '--json');
    expect(JSON.parse(ran.stdout)).toMatchObject({ entries: 6, payloads: 0, payloads_missing: { count: 5 } });
    expect(verified(fresh)).toMatchObject({ code: 'valid.unanchored' });
    expect(into(bundleOf(home)).ran).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(/self-asserted key[\s\S]*hint: name the key/),
    });
  });

  test('or is another when it is read once more ends in an error, and so in no ledger', () => {
    const home = twoTraces();
    const file = bundleOf(home);
    const read = (sha256: string): number => [...bundleEntries(file, sha256)].length;
    expect(read(createHash('sha256').update(readFileSync(file)).digest('hex'))).toBe(6);
    expect(() => read('0'.repeat(64))).toThrow(expect.objectContaining({ code: 'replaced' }));
  });

  test('or has no checkpoint has nothing to continue from', () => {
    const home = twoTraces();
    const file = bundleOf(home);
    writeFileSync(file, readFileSync(file, 'utf8').replace('"checkpoint":"if-witness', '"checkpoint":"\\nif-witness'));
    const { ran } = into(file, '--key', keyOf(home));
    expect(ran).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('nothing to continue from') });
  });
});
