/** Each line of `doctor`, broken once and seen named. */
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type WitnessKey, witnessKeyOf } from '@infrafabric/cosigner';
import { parseCheckpoint, parseNote } from '@infrafabric/format';
import { headFile, Ledger, Spool, spoolDirectory } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import Sqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { judgeKeyAge } from '../../packages/cli/dist/doctor/check-key-age.js';
import { checkClock, checkDisk, checkSqlite } from '../../packages/cli/dist/doctor/check-store.js';
import { seededSources } from '../attacks/ledger-files.js';
import { Home } from './run.js';

interface Check {
  readonly check: string;
  readonly ok: boolean;
  readonly found: string;
  readonly mend: string | null;
}

function written(): Home {
  const home = new Home();
  home.log('e', 't');
  return home;
}

function examine(home: Home, ...flags: readonly string[]): { readonly ok: boolean; readonly checks: readonly Check[] } {
  const { exitCode, stdout, stderr } = home.witness(['doctor', '--json', ...flags]);
  expect(stderr).toBe('');
  const answer = JSON.parse(stdout) as { ok: boolean; problems: number; checks: Check[] };
  expect(exitCode).toBe(answer.ok ? 0 : 1);
  expect(answer.problems).toBe(answer.checks.filter(({ ok }) => !ok).length);
  return answer;
}

/** The problems that are named, each with a way to mend it. */
function problems(home: Home, ...flags: readonly string[]): string[] {
  return examine(home, ...flags)
    .checks.filter(({ ok }) => !ok)
    .map(({ check, found, mend }) => {
      expect(mend).toBeTruthy();
      return `${check}: ${found}`;
    });
}

const DAY_MS = 86_400_000;
const policyFile = (home: Home): string => join(home.path, 'policy');

/** The newest checkpoint, as the witness would after it was asked. */
async function cosign(home: Home, witness: WitnessKey, timeUnixS: number): Promise<void> {
  const reader = LedgerReader.open(home.ledger);
  const { text } = parseNote(reader.newestNote()!);
  reader.close();
  const ledger = await Ledger.open({ home: home.path });
  await ledger.storeCosignatures(parseCheckpoint(text).size, [witness.cosign(text, timeUnixS)]);
  await ledger.close();
}

describe('doctor', () => {
  test('finds nothing wrong with what was just written', () => {
    const home = written();
    expect(examine(home).checks.map(({ check, ok }) => [check, ok])).toEqual(
      [
        'home',
        'ledger file',
        'SQLite',
        'ledger',
        'key',
        'key age',
        'WAL',
        'head',
        'clock',
        'last verify',
        'policy',
        'disk',
        'spool',
        'rates',
      ].map((check) => [check, true]),
    );
    const { stdout } = home.witness(['doctor']);
    expect(stdout).toMatch(/^ok {7}home +.*mode 0700\nok {7}ledger file/);
    expect(home.witness(['doctor', '-q']).stdout).toBe('');
  });

  test('finds nothing wrong where nothing is yet, and makes nothing', () => {
    const home = new Home();
    const { ok, checks } = examine(home);
    expect(ok).toBe(true);
    expect(checks[0]).toMatchObject({
      check: 'home',
      found: `${home.path} is not there yet; the first log creates it`,
    });
    expect(examine(home).checks[0]).toEqual(checks[0]);
  });

  test('says when the ledger was verified, and what came out', () => {
    const home = written();
    home.witness(['verify']);
    expect(examine(home).checks.find(({ check }) => check === 'last verify')?.found).toMatch(
      /^valid\.unanchored at .*, 2 entries$/,
    );
  });
});

describe('doctor names', () => {
  test('a home that others can enter', () => {
    const home = written();
    chmodSync(home.path, 0o755);
    expect(problems(home)).toEqual([`home: ${home.path} has mode 0755: others can read what spans hold`]);
    expect(home.witness(['doctor']).stdout).toContain(`\n                      mend: chmod 700 ${home.path}\n`);
  });

  test('a home that is a file', () => {
    const home = new Home();
    writeFileSync(home.path, '');
    expect(problems(home)).toEqual([`home: ${home.path} is not a directory`, expect.stringMatching(/^spool: /)]);
  });

  test('a ledger that others can read', () => {
    const home = written();
    chmodSync(home.ledger, 0o644);
    expect(problems(home)).toEqual([`ledger file: ${home.ledger} has mode 0644: others can read what spans hold`]);
  });

  test('a ledger that is gone', () => {
    const home = written();
    for (const suffix of ['', '-wal', '-shm']) rmSync(home.ledger + suffix, { force: true });
    expect(problems(home)).toEqual([
      `ledger file: ${home.ledger} is gone, but its head is remembered: there was a ledger`,
    ]);
  });

  test('a link in place of the ledger', () => {
    const home = written();
    const link = home.beside('link.db');
    symlinkSync(home.ledger, link);
    expect(problems(home, '--ledger', link)).toContain(`ledger file: ${link} is a symbolic link`);
  });

  test('a directory in place of the ledger', () => {
    const home = new Home();
    mkdirSync(home.ledger, { recursive: true, mode: 0o700 });
    expect(problems(home)).toContain(`ledger file: ${home.ledger} is not a regular file`);
  });

  test('a rollback journal beside it', () => {
    const home = written();
    writeFileSync(`${home.ledger}-journal`, '');
    expect(problems(home)).toContain(`ledger file: a rollback journal lies beside it: ${home.ledger}-journal`);
  });

  test('a file that is no database, or no ledger', () => {
    const home = written();
    const file = home.beside('x.db');
    writeFileSync(file, 'no database, whatever its name says'.repeat(100), { mode: 0o600 });
    expect(problems(home, '--ledger', file)).toEqual([
      expect.stringMatching(/^ledger: the file is damaged or is not a ledger/),
    ]);
    rmSync(file);
    const db = new Sqlite(file);
    db.exec('CREATE TABLE t (x)');
    db.close();
    chmodSync(file, 0o600);
    expect(problems(home, '--ledger', file)).toEqual(['ledger: it is a database, but not a ledger']);
  });

  test('a schema of another version', () => {
    const home = written();
    const db = new Sqlite(home.ledger);
    db.pragma('user_version = 99');
    db.close();
    expect(problems(home)).toEqual(['ledger: its schema has version 99, this program knows 2']);
  });

  test('a key that is not here, or not private, or damaged', () => {
    const home = written();
    const keys = join(home.path, 'keys');
    const folder = join(keys, readdirSync(keys)[0]!);
    const [key] = readdirSync(folder).filter((name) => name.endsWith('.key'));
    const file = join(folder, key!);
    chmodSync(file, 0o644);
    expect(problems(home)).toEqual([`key: ${file} has mode 0644: others can read what spans hold`]);
    chmodSync(file, 0o600);
    chmodSync(folder, 0o750);
    expect(problems(home)).toEqual([`key: ${folder} has mode 0750: others can read what spans hold`]);
    chmodSync(folder, 0o700);
    truncateSync(file, 20);
    expect(problems(home)).toEqual([expect.stringMatching(/^key: the key file is damaged/)]);
    rmSync(file);
    expect(problems(home)).toEqual([expect.stringMatching(/^key: the private key of .* cannot be read/)]);
    rmSync(keys, { recursive: true });
    expect(problems(home)).toEqual([expect.stringMatching(/^key: the key of if-witness\/\S+ is not in /)]);
  });

  test('a WAL that never shrinks', () => {
    const home = written();
    appendFileSync(`${home.ledger}-wal`, '', { mode: 0o600 });
    truncateSync(`${home.ledger}-wal`, 200 * 1024 * 1024);
    expect(problems(home)).toContain('WAL: 200 MiB: some process keeps an old state open');
  });

  test('a head that is ahead, of another ledger, or damaged', () => {
    const [home, other] = [written(), written()];
    for (const event of ['more', 'and more']) other.log(event, 't');
    writeFileSync(headFile(home.ledger), other.witness(['anchor']).stdout, { mode: 0o600 });
    expect(problems(home)).toEqual([expect.stringMatching(/^head: it is of another ledger, if-witness\//)]);
    writeFileSync(headFile(home.ledger), 'garbage', { mode: 0o600 });
    expect(problems(home)).toEqual([expect.stringMatching(/^head: .*\.head is damaged/)]);
    const db = new Sqlite(other.ledger);
    for (const name of ['entries_no_delete', 'checkpoints_no_delete']) db.exec(`DROP TRIGGER ${name}`);
    db.exec('DELETE FROM entries WHERE seq = 3; DELETE FROM checkpoints WHERE size = 4');
    db.close();
    expect(problems(other)).toEqual([
      'head: the ledger has 3 entries, its remembered head 4: an older copy, or its end was cut',
    ]);
  });

  test('a clock that is behind the newest entry, or absurd', () => {
    const now = Date.UTC(2026, 0, 1);
    expect(checkClock(now + 3_600_000, now)).toMatchObject({
      ok: false,
      found: expect.stringContaining('but the newest entry is of 2026-01-01T01:00'),
    });
    expect(checkClock(now + 1_000, now)).toMatchObject({ ok: true });
    expect(checkClock(undefined, 0)).toMatchObject({ ok: false, found: 'it says 1970-01-01T00:00:00.000Z' });
  });

  test('a key that signs longer than the collector is told to let it', async () => {
    const home = new Home();
    const hundredDaysAgo = BigInt(Date.now() - 100 * DAY_MS) * 1_000_000n;
    await (await Ledger.open({ home: home.path, sources: seededSources('doctor', hundredDaysAgo) })).close();
    const told = (rotateAfter: string) =>
      home.witness(['doctor', '-q'], { env: { IF_WITNESS_COLLECT_ROTATE_KEYS_AFTER: rotateAfter } });
    expect(told('90d')).toMatchObject({
      exitCode: 1,
      stdout: expect.stringMatching(
        /^problem {2}key age +signs since \S+, 100 days, although IF_WITNESS_COLLECT_ROTATE_KEYS_AFTER is 90d\n +mend: run if-witness keys rotate;/,
      ),
    });
    expect(told('110d')).toMatchObject({ exitCode: 0, stdout: '' });
    expect(told('often')).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('"often" is not a time') });
    expect(problems(home)).toEqual([]);
    home.witness(['keys', 'rotate']);
    expect(told('90d')).toMatchObject({ exitCode: 0, stdout: '' });
    const now = Date.UTC(2026, 0, 1);
    expect(judgeKeyAge(now - 90 * DAY_MS - 3_600_000, '90d', now)).toMatchObject({ ok: true });
    expect(judgeKeyAge(now - 90 * DAY_MS - 3 * 3_600_000, '90d', now)).toMatchObject({ ok: false });
  });

  test('a policy that is none, or that is for other logs', () => {
    const [home, other] = [written(), written()];
    writeFileSync(policyFile(home), 'witness alice\nquorum alice\n');
    expect(problems(home)).toEqual([
      `policy: ${policyFile(home)}: not a policy: line 1: expected \`witness NAME VKEY [URL]\``,
    ]);
    const vkey = (of: Home) => of.witness(['keys', 'show']).stdout.trim();
    writeFileSync(policyFile(home), `log ${vkey(other)}\nquorum none\n`);
    expect(problems(home)).toEqual([
      `policy: ${policyFile(home)} lists other logs and not this ledger, whose key no line has`,
    ]);
    const { mend } = examine(home).checks.find(({ check }) => check === 'policy')!;
    appendFileSync(policyFile(home), `${mend!.replace('add the line: ', '')}\n`);
    expect(problems(home)).toEqual([]);
    // As verify takes it: a policy from before a rotation still means this ledger.
    home.witness(['keys', 'rotate']);
    expect(problems(home)).toEqual([]);
  });

  test('a policy that no checkpoint meets; of one that is met, how much is beyond the newest', async () => {
    const home = written();
    const [alice, bob] = [1, 2].map((n) => witnessKeyOf(`witness.example/${n}`, new Uint8Array(32).fill(n)));
    const found = () => examine(home).checks.find(({ check }) => check === 'policy')?.found;
    writeFileSync(
      policyFile(home),
      `witness alice ${alice!.vkey}\nwitness bob ${bob!.vkey}\ngroup both all alice bob\nquorum both\n`,
    );
    const unmet = 'all of (alice, bob) must cosign, and no checkpoint has been cosigned by enough of them';
    expect(problems(home)).toEqual([`policy: ${unmet}`]);
    await cosign(home, alice!, 1_750_000_000);
    expect(problems(home)).toEqual([`policy: ${unmet}`]);
    await cosign(home, bob!, 1_750_000_060);
    const met = 'all of (alice, bob) must cosign: 2 entries are cosigned, as of 2025-06-15T15:07:40Z;';
    expect(found()).toBe(`${met} nothing is beyond it`);
    home.log('later', 't');
    home.log('later', 't');
    // By one of them is not by enough of them.
    await cosign(home, alice!, 1_750_000_120);
    expect(found()).toBe(`${met} 2 entries are beyond it`);
    expect(problems(home)).toEqual([]);
    const db = new Sqlite(home.ledger);
    db.prepare("INSERT INTO cosignatures VALUES (4, 'x', 'no line')").run();
    db.close();
    expect(problems(home)).toEqual([expect.stringMatching(/^policy: what witnesses signed cannot be read: /)]);
  });

  test('a ledger that was found INVALID', () => {
    const home = written();
    const db = new Sqlite(home.ledger);
    db.exec('DROP TRIGGER entries_no_update');
    db.close();
    home.witness(['verify']);
    expect(problems(home)).toEqual([expect.stringMatching(/^last verify: invalid at /)]);
  });

  test('events that wait, or that cannot be read', () => {
    const home = written();
    const spool = new Spool(spoolDirectory(home.path, home.ledger));
    spool.putSync(Buffer.from('request'));
    expect(problems(home)).toEqual([`spool: 1 requests wait in ${spool.directory}`]);
    home.log('drains', 't');
    expect(problems(home)).toEqual([expect.stringMatching(/^spool: requests were set aside/)]);
  });

  test('a disk with little room, and an old SQLite, by the same code', () => {
    expect(checkDisk({ home: '/proc', ledger: '/proc/x' })).toMatchObject({
      check: 'disk',
      ok: false,
      mend: expect.any(String),
    });
    expect(checkSqlite()).toMatchObject({ check: 'SQLite', ok: true });
    expect(checkSqlite(() => '3.51.2')).toMatchObject({
      ok: false,
      found: expect.stringContaining('3.51.2 can lose committed data'),
    });
  });
});
