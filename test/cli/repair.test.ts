/** `doctor --repair`: damage of every kind, what is said to be lost, a new ledger that is VALID, a damaged one that is as it was. */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { draftSpan, Ledger } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import Sqlite from 'better-sqlite3';
import { beforeAll, describe, expect, test } from 'vitest';
import { editInPlace, type FreeHands } from '../attacks/edits.js';
import { batchesFor } from '../attacks/ledger-files.js';
import { spanRecord } from '../attacks/spans.js';
import { Home } from './run.js';

const ENTRIES = 1_000;
/** Sizes of its checkpoints. */
const SIZES: number[] = [1];
for (const batch of batchesFor(ENTRIES)) SIZES.push(SIZES.at(-1)! + batch);

let good: Home;
let texts: readonly string[];

beforeAll(async () => {
  good = new Home();
  const ledger = await Ledger.open({ home: good.path });
  let seq = 1;
  for (const size of batchesFor(ENTRIES)) {
    await ledger.append(Array.from({ length: size }, (_, i) => draftSpan(spanRecord(seq + i))));
    seq += size;
  }
  await ledger.close();
  texts = textsOf(good.ledger);
});

function textsOf(path: string): string[] {
  const reader = LedgerReader.open(path);
  try {
    return [...reader.entriesFrom()].map(({ text }) => text);
  } finally {
    reader.close();
  }
}

/** A copy of the good ledger, with its keys, after `damage`. */
function damaged(damage: (path: string) => void): Home {
  const home = new Home();
  home.witness(['verify']);
  for (const name of readdirSync(dirname(good.ledger))) {
    if (name === 'keys') home.shell(`cp -r '${good.path}/keys/.' '${home.path}/keys/'`);
    else if (name.startsWith('witness.db')) copyFileSync(`${good.path}/${name}`, `${home.path}/${name}`);
  }
  damage(home.ledger);
  return home;
}

const bySql =
  (edit: (db: FreeHands) => void) =>
  (path: string): void =>
    editInPlace(path, edit);

interface RangeJson {
  readonly first: number;
  readonly last: number;
}

interface RepairJson {
  readonly output: string;
  readonly from: { readonly size: number };
  readonly checkpoint: { readonly size: number } | null;
  readonly proven: number;
  readonly entries: number;
  readonly lost: { readonly count: number; readonly missing: RangeJson[]; readonly damaged: RangeJson[] };
  readonly unproven: { readonly count: number; readonly taken: boolean; readonly ranges: RangeJson[] };
  readonly payloads: {
    readonly taken: number;
    readonly missing: { readonly count: number; readonly first_seqs: readonly number[] };
    readonly damaged: { readonly count: number; readonly first_seqs: readonly number[] };
  };
}

const hashesOf = (path: string): string[] =>
  ['', '-wal', '.head'].map((end) =>
    existsSync(path + end)
      ? createHash('sha256')
          .update(readFileSync(path + end))
          .digest('hex')
      : 'none',
  );

/** Repairs, and checks what holds of every repair. */
function repaired(home: Home, ...more: string[]): RepairJson & { readonly seqs: readonly number[] } {
  const before = hashesOf(home.ledger);
  const ran = home.witness(['doctor', '--repair', '--json', ...more]);
  expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
  expect(hashesOf(home.ledger)).toEqual(before);
  const result = JSON.parse(ran.stdout) as RepairJson;
  const verified = home.witness(['verify', '--json', '--ledger', result.output]);
  expect(JSON.parse(verified.stdout)).toMatchObject({ verdict: 'VALID', problems: [], payloads: { missing: 0 } });
  const seqs = textsOf(result.output).flatMap((text) => {
    const { type, body } = JSON.parse(text) as { type: string; body: { entry?: string; seq?: number } };
    if (type !== 'import' || body.entry === undefined) return [];
    // Whatever is taken is what was signed, to the octet.
    expect(Buffer.from(body.entry, 'base64').toString()).toBe(texts[body.seq!]);
    return [body.seq!];
  });
  expect(seqs).toHaveLength(result.entries);
  return { ...result, seqs };
}

function seqsIn(ranges: readonly RangeJson[]): number[] {
  return ranges.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
}

const all = Array.from({ length: ENTRIES }, (_, i) => i);
const without = (...lost: readonly number[]): number[] => all.filter((seq) => !lost.includes(seq));

/** Flips a bit in the middle of an entry. */
const flip =
  (seq: number): ((db: FreeHands) => void) =>
  (db) => {
    const entry = db.prepare('SELECT CAST(entry AS BLOB) FROM entries WHERE seq = ?').pluck().get(seq) as Buffer;
    entry[Math.floor(entry.length / 2)]! ^= 1;
    db.prepare('UPDATE entries SET entry = CAST(? AS TEXT) WHERE seq = ?').run(entry, seq);
  };

describe('one entry', () => {
  test.each([0, 1, 7, 255, 256, 500, 998, 999])('%i with a bit flipped: it alone is lost', (seq) => {
    const { lost, unproven, seqs, proven, checkpoint } = repaired(damaged(bySql(flip(seq))));
    if (seq < ENTRIES - 1) {
      expect({ lost, proven }).toEqual({
        lost: { count: 1, missing: [], damaged: [{ first: seq, last: seq }] },
        proven: ENTRIES - 1,
      });
      expect(seqs).toEqual(without(seq));
      expect(checkpoint).toEqual({ size: ENTRIES });
    } else {
      // Nothing behind it says what it was, so no root tells of the batch that it ended.
      const from = SIZES.at(-2)!;
      expect(seqs).toEqual(all.filter((other) => other < from));
      expect(unproven.ranges).toEqual([{ first: from, last: seq }]);
    }
  });

  test.each([1, 7, 256, 500, 998])('%i deleted: it alone is lost', (seq) => {
    const { lost, seqs } = repaired(damaged(bySql((db) => db.exec(`DELETE FROM entries WHERE seq = ${seq}`))));
    expect(lost).toEqual({ count: 1, missing: [{ first: seq, last: seq }], damaged: [] });
    expect(seqs).toEqual(without(seq));
  });

  test('whose prev was edited is the one that is lost, not the one before', () => {
    const edit = (db: FreeHands): void => {
      const text = db.prepare('SELECT entry FROM entries WHERE seq = 500').pluck().get() as string;
      db.prepare('UPDATE entries SET entry = ? WHERE seq = 500').run(text.replace(/"prev":"./, '"prev":"x'));
      const changed = text.replace(/"prev":"(.)/, (_, digit) => `"prev":"${digit === '0' ? '1' : '0'}`);
      db.prepare('UPDATE entries SET entry = ? WHERE seq = 500').run(changed);
    };
    expect(repaired(damaged(bySql(edit)))).toMatchObject({ lost: { damaged: [{ first: 500, last: 500 }], count: 1 } });
  });
});

describe('several entries', () => {
  test('deleted in a row: what stored tree nodes bridge is proven, what nothing proves is left out and named', () => {
    const home = damaged(bySql((db) => db.exec('DELETE FROM entries WHERE seq BETWEEN 300 AND 309')));
    const { lost, unproven, seqs, checkpoint } = repaired(home);
    const covered = SIZES.findLast((size) => size <= 300)!;
    expect(lost).toEqual({ count: 10, missing: [{ first: 300, last: 309 }], damaged: [] });
    expect(unproven).toEqual({ count: 300 - covered, taken: false, ranges: [{ first: covered, last: 299 }] });
    expect(seqs).toEqual(all.filter((seq) => seq < covered || seq > 309));
    expect(checkpoint).toEqual({ size: ENTRIES });
  });

  test('--unverified takes what is not proven too, under a head without a key', () => {
    const home = damaged(bySql((db) => db.exec('DELETE FROM entries WHERE seq BETWEEN 300 AND 309')));
    const { entries, unproven, output } = repaired(home, '--unverified');
    expect(entries).toBe(ENTRIES - 10);
    expect(unproven.taken).toBe(true);
    expect(JSON.parse(home.witness(['verify', '--ledger', output, '--json']).stdout)).toMatchObject({
      imported: { entries: ENTRIES - 10, unverified: unproven.count },
    });
  });

  test('altered one beside the other: the entries up to them, and those behind the next stored node', () => {
    const edit = (db: FreeHands): void => {
      for (const seq of [500, 501]) flip(seq)(db);
    };
    const { seqs, lost, unproven } = repaired(damaged(bySql(edit)));
    expect(seqs).not.toContain(500);
    expect(seqs).not.toContain(501);
    for (const seq of [0, 100, 247, 768, 999]) expect(seqs).toContain(seq);
    expect([...seqs, ...seqsIn([...lost.missing, ...lost.damaged, ...unproven.ranges])].sort((a, b) => a - b)).toEqual(
      all,
    );
  });

  test('cut off at the end: those that the newest checkpoint before proves', () => {
    const home = damaged(bySql((db) => db.exec('DELETE FROM entries WHERE seq >= 900')));
    const { from, lost, unproven, checkpoint } = repaired(home);
    const covered = SIZES.findLast((size) => size <= 900)!;
    expect(from.size).toBe(ENTRIES);
    expect(lost.missing).toEqual([{ first: 900, last: ENTRIES - 1 }]);
    expect(checkpoint).toEqual({ size: covered });
    expect(unproven.ranges).toEqual([{ first: covered, last: 899 }]);
  });

  test('cut off together with their checkpoints: the remembered head says how many they were', () => {
    const cut = SIZES.at(-2)!;
    const home = damaged(
      bySql((db) =>
        db.exec(`DELETE FROM entries WHERE seq >= ${cut}; DELETE FROM checkpoints WHERE size > ${cut};
          DELETE FROM payloads WHERE seq >= ${cut}; DELETE FROM nodes WHERE (node + 1) << level > ${cut}`),
      ),
    );
    expect(repaired(home)).toMatchObject({
      from: { size: ENTRIES },
      proven: cut,
      lost: { missing: [{ first: cut, last: ENTRIES - 1 }] },
    });
  });
});

describe('beside the entries', () => {
  test('payloads that are gone or altered are named, and their entries taken', () => {
    const home = damaged(
      bySql((db) => {
        db.exec('DELETE FROM payloads WHERE seq IN (5, 77)');
        db.exec("UPDATE payloads SET payload = CAST(payload || x'00' AS BLOB) WHERE seq = 500");
        db.exec("UPDATE payloads SET salt = x'00' WHERE seq = 501");
      }),
    );
    expect(repaired(home)).toMatchObject({
      lost: { count: 0 },
      payloads: {
        taken: ENTRIES - 1 - 4,
        missing: { count: 2, first_seqs: [5, 77] },
        damaged: { count: 2, first_seqs: [500, 501] },
      },
    });
  });

  test('a resource that is gone takes the payloads along that name it', () => {
    const home = damaged(bySql((db) => db.exec("DELETE FROM contexts WHERE kind = 'resource'")));
    expect(repaired(home)).toMatchObject({
      lost: { count: 0 },
      payloads: { taken: 0, damaged: { count: ENTRIES - 1 } },
    });
  });

  test.each<[string, string]>([
    ['every checkpoint but for the remembered head', 'DELETE FROM checkpoints'],
    ['the newest checkpoint', `DELETE FROM checkpoints WHERE size = ${ENTRIES}`],
    ['an old checkpoint', `DELETE FROM checkpoints WHERE size = ${SIZES[3]}`],
    ['a checkpoint altered', `UPDATE checkpoints SET note = x'00' WHERE size = ${SIZES[3]}`],
    ['the tree nodes', 'DELETE FROM nodes'],
    ['a column', "UPDATE entries SET business = 'x' WHERE seq = 500"],
    ['a trigger', 'DROP VIEW spans'],
    ['an index', 'DROP INDEX entries_by_span'],
  ])('%s: nothing is lost', (_, sql) => {
    const { seqs, lost, payloads } = repaired(damaged(bySql((db) => db.exec(sql))));
    expect(seqs).toEqual(all);
    expect({ lost: lost.count, payloads: payloads.taken }).toEqual({ lost: 0, payloads: ENTRIES - 1 });
  });

  test('a view in the place of the entries: what their pages hold', () => {
    const home = damaged((path) => {
      const db = new Sqlite(path);
      const triggers = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").pluck().all() as string[];
      for (const name of triggers) db.exec(`DROP TRIGGER ${name}`);
      db.exec('DROP VIEW spans; ALTER TABLE entries RENAME TO hidden; CREATE VIEW entries AS SELECT * FROM hidden');
      db.close();
    });
    expect(repaired(home).seqs).toEqual(all);
  });
});

describe('files that SQLite calls corrupt', () => {
  const PAGE = 4_096;
  const overwrite = (path: string, page: number, octets: Buffer): void => {
    const fd = openSync(path, 'r+');
    writeSync(fd, octets, 0, octets.length, (page - 1) * PAGE);
  };
  const garbage = (seed: number): Buffer =>
    Buffer.concat(Array.from({ length: PAGE / 32 }, (_, i) => createHash('sha256').update(`${seed}/${i}`).digest()));
  const pagesOf = (path: string): number => readFileSync(path).length / PAGE;
  /** Page of the root of a table. */
  const rootOf = (name: string): number => {
    const db = new Sqlite(good.ledger, { readonly: true });
    const root = db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').pluck().get(name) as number;
    db.close();
    return root;
  };

  test.each([
    ['the first page, zeroed', () => 1, Buffer.alloc(PAGE)],
    ['the first page, with garbage', () => 1, garbage(1)],
    ['the root of the entries', () => rootOf('entries'), Buffer.alloc(PAGE)],
    ['the root of the payloads', () => rootOf('payloads'), garbage(2)],
    ['the root of the tree nodes', () => rootOf('nodes'), garbage(3)],
    ['the root of an index', () => rootOf('entries_by_span'), garbage(4)],
  ])('%s: nothing is lost', (_, page, octets) => {
    const home = damaged((path) => overwrite(path, page(), octets));
    const { seqs, payloads } = repaired(home);
    expect(seqs).toEqual(all);
    expect(payloads.taken).toBe(ENTRIES - 1);
  });

  test('any page in the middle: every entry is taken, or named', () => {
    let taken = 0;
    for (let i = 1; i <= 12; i++) {
      const home = damaged((path) => overwrite(path, Math.floor((pagesOf(path) * i) / 13), garbage(10 + i)));
      const before = home.witness(['verify', '-q']);
      // A page that nothing uses is no damage.
      if (before.exitCode === 0) continue;
      const { seqs, lost, unproven } = repaired(home);
      taken += seqs.length;
      expect(
        [...seqs, ...seqsIn([...lost.missing, ...lost.damaged, ...unproven.ranges])].sort((a, b) => a - b),
      ).toEqual(all);
    }
    expect(taken).toBeGreaterThan(9 * 400);
  }, 120_000);

  test.each([0.3, 0.6, 0.9])('cut to %f of its length: every entry is taken, or named', (share) => {
    const home = damaged((path) => truncateSync(path, Math.floor(readFileSync(path).length * share)));
    const { seqs, lost, unproven } = repaired(home);
    expect([...seqs, ...seqsIn([...lost.missing, ...lost.damaged, ...unproven.ranges])].sort((a, b) => a - b)).toEqual(
      all,
    );
  });

  test('with a page in place of another table', () => {
    const home = damaged((path) => {
      const octets = readFileSync(path).subarray((rootOf('payloads') - 1) * PAGE, rootOf('payloads') * PAGE);
      overwrite(path, rootOf('entries'), Buffer.from(octets));
    });
    expect(repaired(home).seqs).toEqual(all);
  });

  test('no ledger at all: said, and nothing is made', () => {
    const home = damaged((path) => {
      writeFileSync(path, garbage(9));
      writeFileSync(`${path}.head`, 'nothing');
    });
    const ran = home.witness(['doctor', '--repair']);
    expect(ran).toMatchObject({ exitCode: 3, stdout: '', stderr: expect.stringContaining('no key is held') });
    expect(existsSync(`${home.path}/witness.repaired.db`)).toBe(false);
  });
});

describe('the write-ahead log', () => {
  /** Genesis and two batches, all of them in the log still, as a writer leaves them that was killed. */
  async function logged(change: (wal: string) => void): Promise<Home> {
    const home = new Home();
    const ledger = await Ledger.open({ home: home.path });
    for (const from of [1, 11])
      await ledger.append(Array.from({ length: 10 }, (_, i) => draftSpan(spanRecord(from + i))));
    const kept = ['', '-wal'].map((end) => readFileSync(home.ledger + end));
    await ledger.close();
    for (const [i, end] of ['', '-wal'].entries()) writeFileSync(home.ledger + end, kept[i]!);
    expect(home.witness(['verify', '-q', '--no-head']).exitCode).toBe(0);
    change(`${home.ledger}-wal`);
    return home;
  }

  async function repairOf(change: (wal: string) => void): Promise<RepairJson> {
    const home = await logged(change);
    const before = hashesOf(home.ledger);
    const ran = home.witness(['doctor', '--repair', '--json']);
    expect([ran.exitCode, ran.stderr]).toEqual([0, '']);
    expect(hashesOf(home.ledger)).toEqual(before);
    const result = JSON.parse(ran.stdout) as RepairJson;
    expect(home.witness(['verify', '-q', '--ledger', result.output]).exitCode).toBe(0);
    return result;
  }

  test('cut within the last commit: what the head says that was there is named', async () => {
    const { from, proven, lost, unproven } = await repairOf((wal) =>
      truncateSync(wal, readFileSync(wal).length - 4_200),
    );
    expect(from.size).toBe(21);
    expect(proven).toBeGreaterThanOrEqual(11);
    expect(proven + lost.count + unproven.count).toBe(21);
    expect(lost.count + unproven.count).toBeGreaterThan(0);
  });

  test('gone altogether, with all that was in it: nothing to take, and it says so', async () => {
    const home = await logged((wal) => truncateSync(wal, 0));
    const ran = home.witness(['doctor', '--repair']);
    expect(ran).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('nothing of') });
  });
});

describe('how it is asked for', () => {
  test('of a ledger to which nothing happened: exit code 1, and nothing is made', () => {
    const home = damaged(() => undefined);
    const ran = home.witness(['doctor', '--repair']);
    expect(ran).toMatchObject({ exitCode: 1, stdout: expect.stringMatching(/^nothing to repair: VALID/) });
    expect(existsSync(`${home.path}/witness.repaired.db`)).toBe(false);
    expect(JSON.parse(home.witness(['doctor', '--repair', '--json']).stdout)).toMatchObject({ repaired: false });
  });

  test('without the key: exit code 3, and with it as an argument it works', () => {
    const key = good.witness(['keys', 'show']).stdout.trim();
    const home = damaged(bySql(flip(5)));
    home.shell(`rm -r '${home.path}/keys'`);
    expect(home.witness(['doctor', '--repair'])).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('name the key with --key'),
    });
    expect(repaired(home, '--key', key)).toMatchObject({ lost: { count: 1 } });
  });

  test('with the key of another ledger nothing is provable', () => {
    const other = new Home();
    other.log('e', 't');
    const home = damaged(bySql(flip(5)));
    const ran = home.witness(['doctor', '--repair', '--key', other.witness(['keys', 'show']).stdout.trim()]);
    expect(ran).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('is it the right key?') });
  });

  test.each([
    [['doctor', '--output', 'x.db'], 'is for --repair'],
    [['doctor', '--repair', '--accept-head', 'x'], 'exclude each other'],
    [['doctor', '--repair', '--output', ''], '--output is empty'],
  ])('%j is refused', (args, message) => {
    const ran = damaged(bySql(flip(5))).witness(args);
    expect(ran).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining(message) });
  });

  test('never over a ledger, and not over the damaged one', () => {
    const home = damaged(bySql(flip(5)));
    for (const output of [home.ledger, good.ledger]) {
      const before = hashesOf(output);
      expect(home.witness(['doctor', '--repair', '--output', output]).exitCode).toBe(2);
      expect(hashesOf(output)).toEqual(before);
    }
  });

  test('the report for people has the commands that put the new one in its place', () => {
    const home = damaged(bySql(flip(5)));
    const { stdout } = home.witness(['doctor', '--repair']);
    expect(stdout).toContain(`999 of 1,000 entries of if-witness/`);
    expect(stdout).toContain('entry 5: what can be read is not what was signed');
    const commands = stdout.split('\n').filter((line) => /^ {2}(\[|rm|mv) /.test(line));
    expect(home.shell(commands.join('\n'))).toMatchObject({ exitCode: 0, stderr: '' });
    expect(home.witness(['verify', '-q'])).toMatchObject({ exitCode: 0 });
    expect(home.log('after the repair', 't')).toMatchObject({ exitCode: 0 });
    expect(textsOf(`${home.ledger}.damaged`)).toHaveLength(ENTRIES);
  });
});

test('the recovery of the guide: export, VACUUM, start afresh, restore', () => {
  const home = damaged(bySql(flip(5)));
  expect(home.witness(['verify']).stdout).toMatch(/^INVALID: Hash chain broken at entry 5/);
  // 1. Export existing data.
  expect(home.witness(['export', '--format', 'json', '--output', home.beside('backup.json')])).toMatchObject({
    exitCode: 0,
  });
  // 2. VACUUM repairs nothing, and hides nothing.
  const db = new Sqlite(home.ledger);
  db.exec('VACUUM');
  db.close();
  expect(home.witness(['verify']).stdout).toMatch(/^INVALID: Hash chain broken at entry 5/);
  const { output } = repaired(home);
  // 3. Start afresh. 4. Restore: what is provable, verified once more on the way.
  const key = home.witness(['keys', 'show', '--ledger', output]).stdout.trim();
  const fresh = new Home();
  expect(fresh.witness(['verify'])).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('created now') });
  expect(fresh.witness(['import', home.beside('backup.json'), '--key', key])).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('Hash chain broken at entry 5'),
  });
  expect(fresh.witness(['import', output, '--key', key])).toMatchObject({ exitCode: 0 });
  expect(fresh.witness(['verify', '-q'])).toMatchObject({ exitCode: 0 });
  const spans = (of: Home): unknown => JSON.parse(of.witness(['export', '--format', 'otlp-json']).stdout);
  expect(JSON.stringify(spans(fresh))).not.toBe(JSON.stringify(spans(home)));
  expect(fresh.optimise(['report', '--json'])).toMatchObject({ exitCode: 0 });
});
