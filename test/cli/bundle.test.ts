/** `export --format bundle` and `verify --bundle`, as processes. */
import { copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { type BundleLine, encodeBundleLine, parseBundleLine, utf8Of } from '@infrafabric/format';
import Sqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { Home, type Ran } from './run.js';
import { twoTraces } from './two-traces.js';

interface Report {
  readonly verdict: string;
  readonly code: string;
  readonly entries: number;
  readonly runs: [number, number][];
  readonly whole: boolean;
  readonly payloads: { present: number; erased: number; missing: number };
  readonly problems: { code: string; seq: number | null }[];
}

const bundle = (home: Home, ...args: readonly string[]): string => {
  const { exitCode, stdout, stderr } = home.witness(['export', '--format', 'bundle', ...args]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout;
};
/** Where there is neither ledger nor home. */
const judged = (home: Home, input: string | Uint8Array, ...args: readonly string[]): Ran =>
  home.witness(['verify', '--bundle', '-', '--home', home.beside('none'), ...args], { input });
const report = (ran: Ran): Report => JSON.parse(ran.stdout) as Report;
const keyOf = (home: Home): string => home.witness(['keys', 'show']).stdout.trim();
const linesOf = (text: string): BundleLine[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => parseBundleLine(utf8Of(line)));
const seqsOf = (text: string): number[] => linesOf(text).flatMap((line) => (line.line === 'entry' ? [line.seq] : []));

describe('export --format bundle', () => {
  test('gives the same octets for the same ledger and selection, to a file or to stdout', () => {
    const home = twoTraces();
    for (const selection of [[], ['--trace-id', 'call'], ['--since', '2020-01-01', '--until', '2100-01-01']]) {
      const file = home.beside('it.bundle');
      const ran = home.witness(['export', '--format', 'bundle', ...selection, '--output', file]);
      expect(ran).toMatchObject({
        exitCode: 0,
        stdout: '',
        stderr: expect.stringContaining(`of 6 entries in ${file}`),
      });
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(readFileSync(file, 'utf8')).toBe(bundle(home, ...selection));
      // VACUUM moves rows, and a copy has another path.
      const copy = home.beside('copy.db');
      copyFileSync(home.ledger, copy);
      copyFileSync(`${home.ledger}-wal`, `${copy}-wal`);
      const db = new Sqlite(copy);
      db.exec('VACUUM');
      db.close();
      expect(bundle(home, ...selection, '--ledger', copy)).toBe(readFileSync(file, 'utf8'));
    }
    const json = home.witness([
      'export',
      '--format',
      'bundle',
      '--trace-id',
      'call',
      '--output',
      home.beside('x'),
      '--json',
    ]);
    expect(JSON.parse(json.stdout)).toEqual({
      output: home.beside('x'),
      format: 'bundle',
      entries: 4,
      payloads: 3,
      added: 1,
      size: 6,
    });
  });

  test('holds a trace, a time, a trace in a time, or everything', () => {
    const home = twoTraces();
    expect(seqsOf(bundle(home))).toEqual([0, 1, 2, 3, 4, 5]);
    expect(seqsOf(bundle(home, '--trace-id', 'web'))).toEqual([0, 2, 4]);
    const received = (seq: number): string => {
      const { entry } = linesOf(bundle(home)).find((line) => line.line === 'entry' && line.seq === seq) as {
        entry: Uint8Array;
      };
      return (JSON.parse(Buffer.from(entry).toString()) as { at: string }).at.replace(/(\d{9})$/, '.$1');
    };
    expect(seqsOf(bundle(home, '--since', received(3)))).toEqual([0, 3, 4, 5]);
    expect(seqsOf(bundle(home, '--until', received(3)))).toEqual([0, 1, 2]);
    expect(seqsOf(bundle(home, '--since', received(2), '--until', received(5), '--trace-id', 'call'))).toEqual([0, 3]);
    expect(seqsOf(bundle(home, '--last', '1h'))).toEqual([0, 1, 2, 3, 4, 5]);
    expect(home.witness(['export', '--format', 'bundle', '--until', '2020-01-01'])).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringContaining('no entry was received in that time'),
    });
    expect(home.witness(['export', '--format', 'bundle', '--trace-id', 'none']).exitCode).toBe(1);
    // The same flags for the other forms.
    const json = home.witness(['export', '--since', received(3), '--until', received(5)]).stdout;
    expect((JSON.parse(json) as { entries: { seq: number }[] }).entries.map(({ seq }) => seq)).toEqual([3, 4]);
    expect(
      home.witness(['export', '--format', 'csv', '--until', '2020-01-01']).stdout.trimEnd().split('\n'),
    ).toHaveLength(1);
  });

  test('brings the adjustments of what it holds, and no others', () => {
    const home = new Home();
    for (const trace of ['call', 'web']) home.log('chat', trace, '--model', 'mine', '--tokens-in', '1000');
    expect(
      home.optimise(['rates', 'set', '--model', 'mine', '--input', '1', '--output', '2', '--from', '2020-01-01'])
        .exitCode,
    ).toBe(0);
    expect(home.optimise(['rates', 'reprice', '--yes', '--reason', 'contract']).stdout).toContain('2 entries adjusted');
    const text = bundle(home, '--trace-id', 'web');
    expect(seqsOf(text)).toEqual([0, 2, 4]);
    expect(judged(home, text, '--key', keyOf(home)).exitCode).toBe(0);
  });

  test('--no-payloads leaves out what was sent, and nothing else', () => {
    const home = twoTraces();
    expect(home.witness(['redact', '3', '--reason', 'gdpr', '--yes']).exitCode).toBe(0);
    const [full, bare] = [bundle(home, '--trace-id', 'call'), bundle(home, '--trace-id', 'call', '--no-payloads')];
    expect(seqsOf(bare)).toEqual(seqsOf(full));
    expect(linesOf(bare)).toEqual(
      linesOf(full)
        .filter(({ line }) => line !== 'context')
        .map((line) => (line.line === 'entry' ? { line: 'entry', seq: line.seq, entry: line.entry } : line)),
    );
    expect(report(judged(home, bare, '--key', keyOf(home), '--json'))).toMatchObject({
      code: 'incomplete.payloads',
      payloads: { present: 0, erased: 1, missing: 2 },
    });
    const file = home.beside('bare.bundle');
    const ran = home.witness(['export', '--format', 'bundle', '--no-payloads', '--output', file, '--json']);
    expect(JSON.parse(ran.stdout)).toMatchObject({ payloads: 0, entries: 7 });
    expect(home.witness(['export', '--no-payloads'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('go with --format bundle'),
    });
  });

  test('writes nothing that does not hold', () => {
    const home = twoTraces();
    const key = keyOf(home);
    const copy = home.beside('copy.db');
    const refused = (sql: string, message: string): void => {
      home.witness(['verify']);
      copyFileSync(home.ledger, copy);
      const db = new Sqlite(copy);
      db.pragma('journal_mode = DELETE');
      db.exec(sql);
      db.close();
      const file = home.beside('none.bundle');
      const ran = home.witness(['export', '--format', 'bundle', '--ledger', copy, '--key', key, '--output', file]);
      expect(ran, sql).toMatchObject({ stdout: '', stderr: expect.stringContaining(message) });
      expect(ran.exitCode).toBeGreaterThan(0);
      expect(statSync(file, { throwIfNoEntry: false })).toBeUndefined();
    };
    refused(
      "DROP TRIGGER entries_no_update; UPDATE entries SET entry = replace(entry, 'ringing', 'rinsing')",
      'root that was signed',
    );
    refused('DROP TRIGGER entries_no_delete; DELETE FROM entries WHERE seq = 3', 'entry 3 is missing');
    refused("DROP TRIGGER checkpoints_no_update; UPDATE checkpoints SET note = x'00'", 'damaged');
    expect(
      home.witness(['export', '--format', 'bundle', '--ledger', home.ledger, '--home', home.beside('none')]),
    ).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('no key is held'),
    });
    expect(home.witness(['export', '--format', 'json', '--key', key])).toMatchObject({ exitCode: 2 });
  });
});

describe('a bundle of a ledger with a history', () => {
  test('leads from the key of any epoch to the one that signed, whatever was selected', () => {
    const home = twoTraces();
    const keys = [keyOf(home)];
    for (const event of ['later', 'latest']) {
      expect(home.witness(['keys', 'rotate']).exitCode).toBe(0);
      home.log(event, 'after');
      keys.push(keyOf(home));
    }
    const selections: string[][] = [[], ['--trace-id', 'call'], ['--trace-id', 'after']];
    for (const [i, key] of keys.entries()) {
      for (const selection of selections) {
        const ran = judged(home, bundle(home, ...selection), '--key', key, '--json');
        expect(report(ran)).toMatchObject({
          verdict: 'VALID',
          signatures_checked: 3,
          key: { reached_by_rotations: keys.length - 1 - i },
        });
      }
    }
    // Entries 6 and 8 hand over.
    expect(seqsOf(bundle(home, '--trace-id', 'call'))).toEqual([0, 1, 3, 5, 6, 8]);
    const without = linesOf(bundle(home)).filter((line) => line.line !== 'checkpoint');
    const cut = judged(home, without.map(encodeBundleLine).join(''), '--key', keys[0]!, '--json');
    expect(report(cut).problems.map(({ code, seq }) => `${code} ${seq}`)).toEqual([
      'rotation.batch 6',
      'rotation.batch 8',
    ]);
  });

  test('says that a payload was erased and by which entry, and nothing that it said', () => {
    const home = twoTraces();
    const before = bundle(home, '--trace-id', 'call');
    expect(home.witness(['redact', '3', '--reason', 'gdpr', '--yes']).exitCode).toBe(0);
    const after = bundle(home, '--trace-id', 'call');
    expect(seqsOf(after)).toEqual([0, 1, 3, 5, 6]);
    expect(report(judged(home, after, '--key', keyOf(home), '--json'))).toMatchObject({
      verdict: 'VALID',
      payloads: { present: 2, erased: 1, missing: 0 },
    });
    const holds = (text: string): boolean =>
      linesOf(text).some(
        (line) => line.line === 'entry' && Buffer.from(line.payload?.payload ?? []).includes('{"of": "ringing"}'),
      );
    expect([holds(before), holds(after)]).toEqual([true, false]);
    // What was put back is not as if it had never been erased.
    const [given] = linesOf(before).filter((line) => line.line === 'entry' && line.seq === 3);
    const back = linesOf(after).map((line) => (line.line === 'entry' && line.seq === 3 ? given! : line));
    expect(
      report(judged(home, back.map(encodeBundleLine).join(''), '--key', keyOf(home), '--json')).problems,
    ).toMatchObject([{ code: 'payload.returned', seq: 3 }]);
  });
});

describe('verify --bundle', () => {
  test('needs the file and the key alone', () => {
    const home = twoTraces();
    const [key, text] = [keyOf(home), bundle(home, '--trace-id', 'call')];
    const ran = judged(home, text, '--key', key);
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    expect(ran.stdout).toMatch(
      /^VALID \(unanchored\): 4 of 6 entries; a selection cannot show that nothing was left out\n/,
    );
    expect(ran.stdout).toContain('asked        trace call, says whoever exported it');
    expect(ran.stdout).toContain('entries      4, seq 0 to 1, 3, 5');
    expect(report(judged(home, text, '--key', key, '--json'))).toMatchObject({
      verdict: 'VALID',
      code: 'valid.unanchored',
      exit_code: 0,
      asked: { trace: 'call', since: null, until: null },
      entries: 4,
      runs: [
        [0, 1],
        [3, 3],
        [5, 5],
      ],
      run_count: 3,
      whole: false,
      payloads: { present: 3, erased: 0, missing: 0 },
      key: { source: 'flag', reached_by_rotations: 0 },
      problems: [],
    });
    const whole = report(judged(home, bundle(home), '--key', key, '--json'));
    expect(whole).toMatchObject({ verdict: 'VALID', whole: true, entries: 6 });
    expect(judged(home, bundle(home), '--key', key, '--quiet').stdout).toBe(
      'VALID (unanchored): all 6 entries that the checkpoint covers\n',
    );
  });

  test('without a key cannot tell; with the one of the home it can; with another says no', () => {
    const home = twoTraces();
    const text = bundle(home);
    expect(judged(home, text)).toMatchObject({
      exitCode: 3,
      stdout: expect.stringMatching(/^INCOMPLETE: self-asserted key/),
    });
    expect(home.witness(['verify', '--bundle', '-'], { input: text })).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('.vkey'),
    });
    expect(judged(home, text, '--key', keyOf(twoTraces()))).toMatchObject({
      exitCode: 1,
      stdout: expect.stringMatching(/^INVALID: /),
    });
  });

  test('names what was changed', () => {
    const home = twoTraces();
    const key = keyOf(home);
    const lines = linesOf(bundle(home));
    const codes = (change: (line: BundleLine & { line: 'entry' }) => BundleLine): unknown => {
      const edited = lines.map((line) => (line.line === 'entry' && line.seq === 3 ? change(line) : line));
      const ran = judged(home, edited.map(encodeBundleLine).join(''), '--key', key, '--json');
      expect(ran.exitCode).toBe(report(ran).verdict === 'INVALID' ? 1 : 3);
      return report(ran).problems.map(({ code, seq }) => `${code} ${seq}`);
    };
    const replaced = (octets: Uint8Array, from: string, to: string): Uint8Array =>
      Buffer.from(Buffer.from(octets).toString('latin1').replace(from, to), 'latin1');
    expect(codes((line) => ({ ...line, entry: replaced(line.entry, 'ringing', 'rinsing') }))).toEqual(['entry.prev 3']);
    expect(
      codes(({ payload, ...line }) => ({
        ...line,
        payload: { ...payload!, payload: replaced(payload!.payload, 'ringing', 'rinsing') },
      })),
    ).toEqual(['payload.digest 3']);
    expect(codes(({ payload: _, ...line }) => line)).toEqual(['payload.missing 3']);
    const cut = judged(home, bundle(home).slice(0, -20), '--key', key);
    expect(cut).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('it was cut off') });
  });

  test('compares anchors, where the bundle leads to them', () => {
    const home = twoTraces();
    const key = keyOf(home);
    home.log('one more', 'call');
    const anchor = home.beside('anchor.note');
    writeFileSync(anchor, home.witness(['anchor']).stdout);
    home.log('later', 'call');
    const withAnchor = (text: string, file = anchor): Ran =>
      judged(home, text, '--key', key, '--anchor', file, '--json');
    expect(report(withAnchor(bundle(home)))).toMatchObject({
      code: 'valid.anchored',
      anchors: [{ size: 7, state: 'agrees' }],
    });
    const web = ['--trace-id', 'web'];
    expect(withAnchor(bundle(home, ...web))).toMatchObject({ exitCode: 3 });
    expect(report(withAnchor(bundle(home, ...web)))).toMatchObject({ code: 'incomplete.anchor-not-compared' });
    expect(report(withAnchor(bundle(home, ...web, '--anchor', anchor)))).toMatchObject({ code: 'valid.anchored' });
    expect(judged(home, bundle(home), '--key', key, '--require-anchor')).toMatchObject({ exitCode: 3 });
    const foreign = home.beside('foreign.note');
    writeFileSync(foreign, twoTraces().witness(['anchor']).stdout);
    expect(withAnchor(bundle(home), foreign)).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining('not an anchor of this ledger'),
    });
    expect(judged(home, bundle(home), '--anchor', anchor)).toMatchObject({ exitCode: 2 });
    expect(home.witness(['export', '--format', 'bundle', '--anchor', foreign])).toMatchObject({ exitCode: 2 });
  });

  test('says of files that are none what they are, and of flags that are about ledgers that they are', () => {
    const home = twoTraces();
    for (const junk of ['', 'junk', readFileSync(home.ledger)])
      expect(judged(home, junk, '--key', keyOf(home))).toMatchObject({
        exitCode: 1,
        stdout: expect.stringMatching(/^INVALID: not a/),
      });
    expect(judged(home, bundle(home).replace('bundle@v1', 'bundle@v2'), '--key', keyOf(home))).toMatchObject({
      exitCode: 3,
    });
    expect(home.witness(['verify', '--bundle', home.beside('nothing')])).toMatchObject({ exitCode: 2, stdout: '' });
    expect(home.witness(['verify', '--bundle', home.path])).toMatchObject({ exitCode: 2, stdout: '' });
    for (const flags of [
      ['--no-head'],
      ['--all-signatures'],
      ['--ask'],
      ['--proof', 'x'],
      ['--entry', 'x'],
      ['--page', 'x'],
    ])
      expect(home.witness(['verify', '--bundle', 'x', ...flags]), flags[0]).toMatchObject({ exitCode: 2, stdout: '' });
  });

  test('shows nothing that a terminal would obey', () => {
    const home = new Home();
    home.log('e', 'evil\u001b[31m\u202e');
    const ran = judged(home, bundle(home, '--trace-id', 'evil\u001b[31m\u202e'), '--key', keyOf(home));
    expect(ran).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('trace evil\\u{1b}[31m\\u{202e}') });
    expect(ran.stdout).not.toMatch(/[\u001b\u202e]/);
  });
});
