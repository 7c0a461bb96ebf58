/** `proof` and `verify --proof`, as processes. */
import { copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { parseTlogProof } from '@infrafabric/format';
import Sqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { Home } from './run.js';

function written(): { home: Home; file: string; entry: string; key: string } {
  const home = new Home();
  for (const event of ['first', 'second', 'third\u001b[31m']) home.log(event, 't');
  const [file, entry] = [home.beside('2.tlog-proof'), home.beside('2.json')];
  expect(home.witness(['proof', '2', '--output', file, '--entry-output', entry])).toEqual({
    exitCode: 0,
    stdout: '',
    stderr: `proof of entry 2 among 4 in ${file}\n`,
  });
  return { home, file, entry, key: home.witness(['keys', 'show']).stdout.trim() };
}

/** A machine that has neither the ledger nor its home. */
const elsewhere = (home: Home, args: readonly string[], input?: string | Uint8Array) =>
  home.witness([...args, '--home', home.beside('none')], input === undefined ? {} : { input });

describe('proof', () => {
  test('writes two private files, or prints the proof', () => {
    const { home, file, entry } = written();
    expect([file, entry].map((name) => statSync(name).mode & 0o777)).toEqual([0o600, 0o600]);
    expect(home.witness(['proof', '2'])).toEqual({ exitCode: 0, stdout: readFileSync(file, 'utf8'), stderr: '' });
    expect(JSON.parse(readFileSync(entry, 'utf8'))).toMatchObject({ seq: 2, body: { event: 'second' } });
    expect(parseTlogProof(readFileSync(file))).toMatchObject({
      index: 2,
      hashes: [expect.any(String), expect.any(String)],
    });
    const json = JSON.parse(home.witness(['proof', '2', '--json']).stdout) as Record<string, unknown>;
    expect(json).toMatchObject({ seq: 2, size: 4, output: null, proof: readFileSync(file, 'utf8') });
    expect(json).toMatchObject({ leaf_hash: home.trace('t').entries.find(({ seq }) => seq === 2)!.hash });
  });

  test('is against the newest checkpoint, or a stored one', () => {
    const { home } = written();
    const ofSize = (...size: string[]) => home.witness(['proof', '1', ...size]);
    expect(ofSize('--size', 'newest').stdout).toBe(ofSize().stdout);
    const older = ofSize('--size', '2');
    expect(Buffer.from(parseTlogProof(Buffer.from(older.stdout)).checkpoint).toString()).toMatch(
      /^if-witness\/\w+\n2\n/,
    );
    expect(ofSize('--size', '5')).toMatchObject({
      exitCode: 1,
      stderr: 'error: no checkpoint of 5 entries is stored\nhint: the newest is of 4 entries\n',
    });
    expect(home.witness(['proof', '3', '--size', '3'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('there is no entry 3 among the 3'),
    });
  });

  test('says what is wrong with a question', () => {
    const { home } = written();
    expect(home.witness(['proof', '4'])).toMatchObject({ exitCode: 1, stdout: '' });
    for (const seq of ['x', '01', '1.5', '9007199254740992', ''])
      expect(home.witness(['proof', seq]), seq).toMatchObject({ exitCode: 2, stdout: '' });
    expect(home.witness(['proof', '--', '-1']).exitCode).toBe(2);
    expect(home.witness(['proof', '2', '--size', 'all']).exitCode).toBe(2);
    expect(home.witness(['proof', '2', '--output', home.ledger])).toMatchObject({ exitCode: 2 });
    expect(elsewhere(home, ['proof', '2', '--ledger', home.ledger])).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('no key is held'),
    });
    expect(new Home().witness(['proof', '0']).exitCode).toBe(2);
  });

  test('gives out nothing of a ledger that does not hold, or that is behind its head', () => {
    const { home, key } = written();
    const copy = home.beside('copy.db');
    const edit = (sql: string): string => {
      copyFileSync(home.ledger, copy);
      const db = new Sqlite(copy);
      db.pragma('journal_mode = DELETE');
      db.exec(sql);
      db.close();
      return copy;
    };
    home.witness(['verify']);
    const refused = (sql: string, message: string): void => {
      const args = ['proof', '2', '--ledger', edit(sql), '--key', key];
      expect(home.witness(args)).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringContaining(message) });
    };
    refused(
      "DROP TRIGGER entries_no_update; UPDATE entries SET entry = replace(entry, 'second', 'secund')",
      'does not prove',
    );
    refused(
      "DROP TRIGGER entries_no_update; UPDATE entries SET entry = replace(entry, 'first', 'forst')",
      'does not prove',
    );
    refused('DROP TRIGGER checkpoints_no_delete; DELETE FROM checkpoints', 'there is no checkpoint');
    refused("DROP TRIGGER checkpoints_no_update; UPDATE checkpoints SET note = x'00' WHERE size = 4", 'damaged');
    copyFileSync(`${home.ledger}.head`, `${copy}.head`);
    refused(
      'DROP TRIGGER checkpoints_no_delete; DROP TRIGGER entries_no_delete; DELETE FROM checkpoints WHERE size = 4; DELETE FROM entries WHERE seq = 3',
      'behind its remembered head',
    );
  });
});

describe('verify --proof', () => {
  test('needs the proof, the entry and the key, and no ledger', () => {
    const { home, file, entry, key } = written();
    const ran = elsewhere(home, ['verify', '--proof', file, '--entry', entry, '--key', key]);
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    expect(ran.stdout).toMatch(/^VALID: entry 2 is among the 4 that were signed\n/);
    expect(ran.stdout).toContain('says         span, second, test, received');
    expect(ran.stdout).toContain('that nothing was left out');
    expect(elsewhere(home, ['verify', '--proof', file, '--entry', entry, '--key', key, '--quiet']).stdout).toBe(
      'VALID: entry 2 is among the 4 that were signed\n',
    );
    const json = elsewhere(
      home,
      ['verify', '--proof', file, '--entry', '-', '--key', key, '--json'],
      readFileSync(entry),
    );
    expect(JSON.parse(json.stdout)).toMatchObject({
      verdict: 'VALID',
      code: 'valid.included',
      exit_code: 0,
      seq: 2,
      entry_from: '-',
      checkpoint: { size: 4 },
      key: { source: 'flag', from: '--key' },
      problems: [],
    });
  });

  test('takes the entry from the proof or from the ledger when it is not given', () => {
    const { home, file } = written();
    expect(JSON.parse(home.witness(['verify', '--proof', file, '--json']).stdout)).toMatchObject({
      verdict: 'VALID',
      entry_from: home.ledger,
      key: { source: 'local' },
    });
    const whole = home.witness(['proof', '2', '--include-entry']).stdout;
    const key = home.witness(['keys', 'show']).stdout.trim();
    const ran = elsewhere(home, ['verify', '--proof', '-', '--key', key, '--json'], whole);
    expect(JSON.parse(ran.stdout)).toMatchObject({ verdict: 'VALID', entry_from: 'the `extra` of the proof' });
    expect(elsewhere(home, ['verify', '--proof', file, '--key', key])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/the entry is missing.*\nhint: give its octets with --entry/),
    });
  });

  test('without a key cannot tell; with another, or another entry, says no', () => {
    const { home, file, entry } = written();
    expect(elsewhere(home, ['verify', '--proof', file, '--entry', entry])).toMatchObject({
      exitCode: 3,
      stdout: expect.stringMatching(/^INCOMPLETE: no key is held/),
    });
    const other = written();
    expect(elsewhere(home, ['verify', '--proof', file, '--entry', entry, '--key', other.key])).toMatchObject({
      exitCode: 1,
      stdout: expect.stringMatching(/^INVALID: the checkpoint: no signature by/),
    });
    expect(home.witness(['verify', '--proof', file, '--entry', other.entry])).toMatchObject({
      exitCode: 1,
      stdout: expect.stringMatching(/^INVALID: entry and hashes do not lead to the root/),
    });
  });

  test('shows nothing of an entry that a terminal would obey', () => {
    const { home } = written();
    const ran = home.witness(['verify', '--proof', '-'], {
      input: home.witness(['proof', '3', '--include-entry']).stdout,
    });
    expect(ran).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('third\\u{1b}[31m') });
    expect(ran.stdout).not.toContain('\u001b');
  });

  test('refuses what is none, too large, or not there, and flags that are about ledgers', () => {
    const { home, file, entry } = written();
    const junk = home.beside('junk');
    writeFileSync(junk, 'no proof');
    expect(home.witness(['verify', '--proof', junk])).toMatchObject({
      exitCode: 1,
      stdout: expect.stringMatching(/^INVALID: not a tlog-proof/),
    });
    writeFileSync(junk, Buffer.alloc(1_200_000, 'a'));
    expect(home.witness(['verify', '--proof', junk])).toMatchObject({ exitCode: 2, stdout: '' });
    expect(home.witness(['verify', '--proof', file, '--entry', junk])).toMatchObject({ exitCode: 2, stdout: '' });
    expect(home.witness(['verify', '--proof', home.beside('nothing')])).toMatchObject({ exitCode: 2, stdout: '' });
    expect(home.witness(['verify', '--entry', entry])).toMatchObject({ exitCode: 2, stdout: '' });
    for (const flag of [['--deep'], ['--all-signatures'], ['--anchor', file], ['--require-anchor'], ['--no-head']])
      expect(home.witness(['verify', '--proof', file, ...flag]), flag[0]).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining(`${flag[0]} does not go with --proof`),
      });
  });
});

test('a proof under another epoch’s key says which key signed it', () => {
  const { home, file, entry, key: first } = written();
  expect(home.witness(['keys', 'rotate']).exitCode).toBe(0);
  home.log('later', 't');
  const second = home.witness(['keys', 'show']).stdout.trim();
  const later = home.beside('later.tlog-proof');
  expect(home.witness(['proof', '2', '--output', later]).exitCode).toBe(0);
  const judged = (proof: string, key: string) =>
    elsewhere(home, ['verify', '--proof', proof, '--entry', entry, '--key', key]);
  expect(judged(file, first).exitCode).toBe(0);
  expect(judged(later, second).exitCode).toBe(0);
  for (const [proof, held, needed] of [
    [later, first, second],
    [file, second, first],
  ] as const) {
    const keyId = needed.split('+')[1];
    expect(judged(proof, held)).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining(
        `it says that the key ${keyId} of this ledger signed it: where the key was rotated, hold that one`,
      ),
    });
  }
});
