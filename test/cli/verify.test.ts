import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { encodeVkey } from '@infrafabric/format';
import { createKey } from '@infrafabric/ledger';
import Sqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { Home } from './run.js';

/** A home with a ledger of genesis and a few events. */
function written(events = 3): Home {
  const home = new Home();
  for (let i = 0; i < events; i++) home.log(`e${i}`, 't', '--payload', '{"n": 1}');
  return home;
}

/** A ledger file without WAL, as a copy gives it. */
function copyLedger(home: Home, to: string): void {
  rmSync(to, { force: true });
  const db = new Sqlite(home.ledger);
  db.exec(`VACUUM INTO '${to}'`);
  db.close();
}

/** Changes a ledger as nobody should. */
function tamper(path: string, sql: string): void {
  const db = new Sqlite(path);
  const triggers = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").all() as {
    name: string;
    sql: string;
  }[];
  for (const { name } of triggers) db.exec(`DROP TRIGGER ${name}`);
  db.exec(sql);
  for (const trigger of triggers) db.exec(trigger.sql);
  db.close();
}

interface ReportJson {
  readonly verdict: string;
  readonly code: string;
  readonly exit_code: number;
  readonly entries: number;
  readonly key: { readonly source: string; readonly from: string };
  readonly head: string;
  readonly anchors: readonly number[];
  readonly problems: readonly {
    readonly code: string;
    readonly seq: number | null;
    readonly message: string;
    readonly evidence: readonly string[] | null;
  }[];
  readonly [key: string]: unknown;
}

function report(home: Home, ...flags: readonly string[]): ReportJson {
  const { exitCode, stdout } = home.witness(['verify', '--json', ...flags]);
  const parsed = JSON.parse(stdout) as ReportJson;
  expect(parsed.exit_code).toBe(exitCode);
  return parsed;
}

describe('verify', () => {
  test('says VALID, what it looked at, and what it does not vouch for', () => {
    const home = written();
    const { exitCode, stdout, stderr } = home.witness(['verify']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const lines = stdout.split('\n');
    expect(lines[0]).toBe('VALID (unanchored: nothing outside this ledger vouches for its end)');
    for (const part of [
      `  ledger       ${home.ledger}`,
      '  entries      4, seq 0 to 3; all were asked for',
      '  checkpoints  4; 4 of 4 signatures checked',
      '  head         agrees with the remembered head',
      'Not vouched for:',
      '  - that every span was sent to this ledger',
    ]) {
      expect(lines).toContain(part);
    }
    expect(stdout).toMatch(/\n {2}payloads {5}3 present, checked in \d+ ms\n/);
    expect(stdout).toMatch(
      new RegExp(`\n  key          [0-9a-f]{8}, from ${home.path}/keys/[0-9a-f]{64}/[0-9a-f]{8}\\.vkey\n`),
    );
  });

  test('has the whole report in --json', () => {
    const home = written();
    expect(report(home)).toEqual({
      verdict: 'VALID',
      code: 'valid.unanchored',
      exit_code: 0,
      ledger: home.ledger,
      origin: expect.stringMatching(/^if-witness\/[0-9a-f]{20}$/),
      asked: 'all',
      entries: 4,
      first_seq: 0,
      last_seq: 3,
      newest_checkpoint: { size: 4, root_hex: expect.stringMatching(/^[0-9a-f]{64}$/) },
      checkpoints: { checked: 4, signatures_checked: 4 },
      payloads: { present: 3, erased: 0, missing: 0 },
      key: {
        source: 'local',
        from: expect.stringContaining('.vkey'),
        key_id: expect.stringMatching(/^[0-9a-f]{8}$/),
        newest_key_id: expect.stringMatching(/^[0-9a-f]{8}$/),
        epochs: 1,
        reached_by_rotations: 0,
      },
      head: 'agrees',
      anchors: [],
      cosignatures: { stored: 0, checked: 0, unknown: 0 },
      policy: null,
      asked_witnesses: null,
      not_understood: {},
      imported: { entries: 0, unverified: 0 },
      spans_known_lost: 0,
      problem_count: 0,
      problems: [],
      not_vouched_for: expect.arrayContaining([expect.any(String)]),
      created: false,
      copied: false,
      timings_ms: expect.objectContaining({ chain: expect.any(Number), payloads: expect.any(Number) }),
    });
  });

  test('with --quiet prints the verdict alone', () => {
    expect(written(1).witness(['verify', '-q']).stdout).toBe(
      'VALID (unanchored: nothing outside this ledger vouches for its end)\n',
    );
  });

  test('takes every flag', () => {
    const home = written(1);
    expect(report(home, '--deep', '--all-signatures', '--no-head')).toMatchObject({
      verdict: 'VALID',
      head: 'not-asked',
    });
  });

  test('finds a changed entry, and names its place in the words of the guide', () => {
    const home = written();
    tamper(home.ledger, 'UPDATE entries SET entry = replace(entry, \'"e1"\', \'"eX"\') WHERE seq = 2');
    const { exitCode, stdout } = home.witness(['verify']);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^INVALID: Hash chain broken at entry 2: /);
    expect(stdout).toContain('[entry.prev]');
    expect(report(home).problems).toEqual(
      expect.arrayContaining([expect.objectContaining({ code: 'entry.prev', seq: 2 })]),
    );
  });

  test('says what is wrong where the chain itself holds', () => {
    const home = written();
    tamper(home.ledger, "UPDATE entries SET business = 'other' WHERE seq = 1");
    expect(home.witness(['verify', '-q'])).toMatchObject({
      exitCode: 1,
      stdout: 'INVALID: column business of entry 1 differs from what was signed\n',
    });
  });

  test('a payload that is missing without a word is INCOMPLETE', () => {
    const home = written();
    tamper(home.ledger, 'DELETE FROM payloads WHERE seq = 2');
    expect(home.witness(['verify'])).toMatchObject({
      exitCode: 3,
      stdout: expect.stringMatching(
        /^INCOMPLETE: 1 payload missing, and no redaction entry says why\n[\s\S]*entry 2: the payload of entry 2 is missing/,
      ),
    });
  });

  test('VACUUM and ANALYZE leave the verdict', () => {
    const home = written();
    const before = report(home);
    const db = new Sqlite(home.ledger);
    db.exec('VACUUM; ANALYZE');
    db.close();
    expect(report(home)).toMatchObject({ verdict: 'VALID', code: before.code, entries: before.entries });
  });

  test('never changes the file', () => {
    const home = written();
    const copy = home.beside('copy.db');
    copyLedger(home, copy);
    tamper(copy, 'UPDATE entries SET entry = replace(entry, \'"e1"\', \'"eX"\') WHERE seq = 2');
    const before = readFileSync(copy);
    home.witness(['verify', '--ledger', copy]);
    expect(readFileSync(copy).equals(before)).toBe(true);
  });

  test('a closed pipe leaves the answer', () => {
    const home = written(1);
    tamper(home.ledger, "UPDATE entries SET business = 'other' WHERE seq = 1");
    expect(home.shell('if-witness verify | true; echo $PIPESTATUS')).toMatchObject({
      stdout: '1\n',
      stderr: '',
    });
  });
});

describe('where there is no ledger', () => {
  test('the default one is created, and said to be', () => {
    const home = new Home();
    const { exitCode, stdout } = home.witness(['verify']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^VALID: empty ledger, created now\n/);
    expect(report(home)).toMatchObject({ verdict: 'VALID', created: false, entries: 1 });
  });

  test.each([
    ['a file is named', ['--ledger', '/nowhere/witness.db']],
    ['a key is named', ['--key', 'k']],
    ['an anchor is named', ['--anchor', '/dev/null']],
  ])('but %s, that is an error', (_, flags) => {
    const home = new Home();
    expect(home.witness(['verify', ...flags])).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining('there is no ledger at'),
    });
    expect(existsSync(home.path)).toBe(false);
  });

  test('but its head is remembered, none is created', () => {
    const home = written(1);
    rmSync(home.ledger);
    rmSync(`${home.ledger}-wal`, { force: true });
    rmSync(`${home.ledger}-shm`, { force: true });
    expect(home.witness(['verify', '--json'])).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining('"behind-head"'),
    });
    expect(existsSync(home.ledger)).toBe(false);
  });
});

describe('the key', () => {
  test('is named as text or as a file', () => {
    const home = written(1);
    const vkey = home.witness(['keys', 'show']).stdout;
    const file = home.beside('witness.vkey');
    writeFileSync(file, vkey);
    const elsewhere = ['--home', home.beside('elsewhere'), '--ledger', home.ledger];
    expect(report(home, ...elsewhere, '--key', vkey.trim())).toMatchObject({
      verdict: 'VALID',
      key: { source: 'flag', from: '--key' },
    });
    expect(report(home, ...elsewhere, '--key', file)).toMatchObject({
      verdict: 'VALID',
      key: { source: 'flag', from: file },
    });
  });

  test('that only the ledger names leaves it INCOMPLETE', () => {
    const home = written(1);
    const ran = home.witness(['verify', '--home', home.beside('elsewhere'), '--ledger', home.ledger]);
    expect(ran.exitCode).toBe(3);
    expect(ran.stdout).toMatch(/^INCOMPLETE: self-asserted key: /);
    expect(ran.stdout).toContain('against the key that the ledger names itself');
  });

  test('of another ledger makes it INVALID', () => {
    const [home, other] = [written(1), written(1)];
    const vkey = other.witness(['keys', 'show']).stdout.trim();
    expect(report(home, '--key', vkey)).toMatchObject({
      verdict: 'INVALID',
      problems: expect.arrayContaining([expect.objectContaining({ code: 'key.origin' })]),
    });
  });

  test('in the home that the ledger does not name is not replaced by the one that it names', () => {
    const home = written(1);
    const { origin } = report(home) as { origin?: unknown };
    const keys = join(home.path, 'keys');
    rmSync(keys, { recursive: true });
    createKey(home.path, String(origin));
    expect(report(home)).toMatchObject({ verdict: 'INVALID', key: { source: 'local' } });
  });

  test.each([
    ['', '--key is empty'],
    ['nonsense', 'the key file cannot be read'],
    ['/dev/null', 'is not a verifier key'],
    // y = 1, the identity: with this key anybody can sign.
    [
      encodeVkey(
        'x',
        Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0)),
      ),
      'small order',
    ],
  ])('%j is refused', (key, why) => {
    expect(written(1).witness(['verify', '--key', key])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(why),
    });
  });
});

describe('a file that is no ledger', () => {
  test.each([
    ['text', 'not a database at all, but long enough to look at twice'.repeat(50)],
    ['empty', ''],
    ['zeros', '\0'.repeat(8192)],
  ])('%s is INVALID', (name, content) => {
    const home = written(1);
    const file = home.beside(`${name}.db`);
    writeFileSync(file, content);
    expect(report(home, '--ledger', file)).toMatchObject({ verdict: 'INVALID', exit_code: 1 });
  });

  test('a database of something else is INVALID', () => {
    const home = written(1);
    const file = home.beside('other.db');
    const db = new Sqlite(file);
    db.exec('CREATE TABLE t (x)');
    db.close();
    expect(report(home, '--ledger', file)).toMatchObject({ verdict: 'INVALID' });
  });

  test('half a ledger is INVALID', () => {
    const home = written(3);
    const file = home.beside('half.db');
    copyLedger(home, file);
    writeFileSync(file, readFileSync(file).subarray(0, 20_000));
    expect(report(home, '--ledger', file)).toMatchObject({ verdict: 'INVALID' });
  });

  test('a directory, a link or a file with a hot journal is refused', () => {
    const home = written(1);
    const link = home.beside('link.db');
    symlinkSync(home.ledger, link);
    expect(home.witness(['verify', '--ledger', link])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('symbolic link'),
    });
    expect(home.witness(['verify', '--ledger', home.path])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('not a regular file'),
    });
    writeFileSync(`${home.ledger}-journal`, 'x');
    expect(home.witness(['verify'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('rollback journal'),
    });
  });
});

describe('anchors and the remembered head', () => {
  /** A ledger with an anchor in its middle and a copy of that moment. */
  function anchored() {
    const home = written(2);
    const anchor = home.beside('anchor.note');
    expect(home.witness(['anchor', '--output', anchor]).exitCode).toBe(0);
    const old = home.beside('old.db');
    copyLedger(home, old);
    home.log('later', 't');
    home.log('latest', 't');
    return { home, anchor, old };
  }

  test('a ledger that holds what an anchor covers is VALID (anchored)', () => {
    const { home, anchor } = anchored();
    expect(home.witness(['verify', '--anchor', anchor])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(
        /^VALID \(anchored\)\n[\s\S]*1 anchor met, of size 3\n[\s\S]*vouches for the 2 entries after the newest anchor/,
      ),
    });
    expect(report(home, '--anchor', anchor, '--require-anchor')).toMatchObject({
      code: 'valid.anchored',
      anchors: [3],
    });
    expect(report(home, '--require-anchor')).toMatchObject({
      verdict: 'INCOMPLETE',
      code: 'incomplete.anchor-required',
      exit_code: 3,
    });
  });

  test('an older copy is INVALID against the head', () => {
    const { home, old } = anchored();
    copyFileSync(old, home.ledger);
    rmSync(`${home.ledger}-wal`, { force: true });
    rmSync(`${home.ledger}-shm`, { force: true });
    const ran = home.witness(['verify']);
    expect(ran.exitCode).toBe(1);
    expect(ran.stdout).toMatch(/^INVALID: the remembered head vouches for 5 entries, but only 3 are there/);
    expect(ran.stdout).toContain('evidence, keep it:');
    const rollback = report(home).problems.find(({ code }) => code === 'rollback');
    expect(rollback?.evidence).toHaveLength(2);
    expect(home.log('refused', 't', '--no-spool')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('refusing to continue'),
    });
  });

  test('an older copy is INVALID against a later anchor, and nothing else shows it', () => {
    const { home, old } = anchored();
    const later = home.beside('later.note');
    home.witness(['anchor', '--output', later]);
    expect(report(home, '--ledger', old, '--anchor', later)).toMatchObject({
      verdict: 'INVALID',
      problems: [{ code: 'rollback', seq: 3 }],
    });
    expect(report(home, '--ledger', old)).toMatchObject({ code: 'valid.unanchored', head: 'missing' });
  });

  test('a fork is INVALID against the anchor of what was replaced', () => {
    const { home, old } = anchored();
    const later = home.beside('later.note');
    home.witness(['anchor', '--output', later]);
    for (const name of ['another', 'history', 'grows']) {
      expect(home.witness(['log', '--event', name, '--component', 'c', '--ledger', old]).exitCode).toBe(0);
    }
    const { verdict, problems } = report(home, '--ledger', old, '--anchor', later);
    expect(verdict).toBe('INVALID');
    expect(problems).toMatchObject([
      { code: 'fork', evidence: [readFileSync(later, 'utf8'), expect.stringContaining('\n— ')] },
    ]);
  });

  test('a file that this ledger did not sign is not an anchor of it, and says nothing about it', () => {
    const { home, anchor } = anchored();
    const other = written(1);
    const foreign = other.beside('foreign.note');
    other.witness(['anchor', '--output', foreign]);
    const garbage = home.beside('garbage.note');
    writeFileSync(garbage, 'hello');
    for (const file of [foreign, garbage]) {
      const ran = home.witness(['verify', '--anchor', anchor, '--anchor', file, '--json']);
      expect(ran).toMatchObject({ exitCode: 2, stdout: '' });
      expect(JSON.parse(ran.stderr)).toMatchObject({
        error: { code: 'not-an-anchor', message: expect.stringContaining('not an anchor of this ledger') },
      });
    }
  });

  test('an anchor needs a key to be told by', () => {
    const { home, anchor } = anchored();
    const ran = home.witness(['verify', '--anchor', anchor, '--home', home.beside('nokeys'), '--ledger', home.ledger]);
    expect(ran).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('no key is held') });
  });

  test('a missing head is said', () => {
    const home = written(1);
    rmSync(`${home.ledger}.head`);
    expect(home.witness(['verify']).stdout).toContain('  head         none is remembered here\n');
  });
});

describe('a large ledger', { timeout: 120_000 }, () => {
  test('is judged by two threads, and one changed entry is still named', () => {
    const home = new Home();
    const lines = Array.from(
      { length: 21_000 },
      (_, i) => `{"event":"e${i}","component":"c","trace_id":"t${i % 100}"}`,
    );
    expect(home.witness(['log', '--batch'], { input: lines.join('\n') }).exitCode).toBe(0);
    const found = report(home);
    expect(found).toMatchObject({
      verdict: 'VALID',
      entries: 21_001,
      payloads: { present: 21_000, missing: 0 },
    });
    // What the other thread did is counted too.
    const times = found.timings_ms as Readonly<Record<string, number>>;
    for (const part of ['chain', 'signatures', 'integrity', 'payloads']) expect(times[part]).toBeGreaterThan(0);
    tamper(home.ledger, 'UPDATE entries SET entry = replace(entry, \'"e20000"\', \'"e2000X"\') WHERE seq = 20001');
    expect(home.witness(['verify', '-q'])).toMatchObject({
      exitCode: 1,
      stdout: expect.stringMatching(/^INVALID: Hash chain broken at entry 20001: /),
    });
  });
});

describe.skipIf(process.getuid?.() !== 0)('in a directory that cannot be written', () => {
  test('a private copy is verified, and that is said', () => {
    const home = written(2);
    const folder = home.beside('readonly');
    mkdirSync(folder);
    const file = join(folder, 'witness.db');
    copyLedger(home, file);
    const db = new Sqlite(file);
    db.pragma('journal_mode = WAL');
    db.close();
    chmodSync(file, 0o644);
    chmodSync(folder, 0o555);
    chmodSync(dirname(folder), 0o755);
    const vkey = home.witness(['keys', 'show']).stdout.trim();
    const args = ['verify', '--ledger', file, '--home', home.beside('none'), '--key', vkey];
    const ran = home.witness(args, { uid: 65_534 });
    expect(ran).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('a private copy is verified') });
    expect(ran.stdout).toContain('(a private copy of it, because SQLite cannot read it where it lies)');
    expect(JSON.parse(home.witness([...args, '--json'], { uid: 65_534 }).stdout)).toMatchObject({
      verdict: 'VALID',
      copied: true,
      ledger: file,
    });
  });
});

test('what was verified last is remembered privately', () => {
  const home = written(1);
  home.witness(['verify']);
  const file = join(home.path, 'last-verify.json');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  appendFileSync(file, 'garbage');
  expect(home.witness(['verify']).exitCode).toBe(0);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject([
    { ledger: home.ledger, code: 'valid.unanchored', entries: 2 },
  ]);
});
