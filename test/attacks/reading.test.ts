import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { Ledger } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { verifyLedger } from '@infrafabric/verify';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { attack, editEntry, openFreely, replaceOctets } from './edits.js';
import {
  type Built,
  buildLedger,
  copyLedger,
  found,
  keyOf,
  newDirectory,
  seededSources,
  spanDraft,
  verifyFile,
} from './ledger-files.js';
import { startWriter } from './writer-process.js';

let built: Built;
beforeAll(async () => {
  built = await buildLedger({ batches: [20, 20, 20] });
});

const report = (path: string) => verifyFile(path, { key: built.key });

/** Octets, size and times of a file. */
function stateOf(path: string): unknown {
  const { size, mtimeMs, mode, ino } = statSync(path);
  return { size, mtimeMs, mode, ino, octets: readFileSync(path).toString('base64') };
}

describe('verifying changes nothing', () => {
  const tampered = () => attack(built.path, (db) => editEntry(db, 7, (b) => replaceOctets(b, 'request', 'requesT')));
  const journalled = () => {
    const path = copyLedger(built.path);
    const db = openFreely(path);
    db.pragma('journal_mode = DELETE');
    db.close();
    return path;
  };
  test.each<[string, () => string, string]>([
    ['a sound file', () => copyLedger(built.path), 'VALID'],
    ['a tampered file', tampered, 'INVALID'],
    ['a file that is not in WAL mode', journalled, 'VALID'],
  ])('in %s: octets, size and times are as before', (_, make, verdict) => {
    const path = make();
    utimesSync(path, 1, 1);
    const before = stateOf(path);
    expect(report(path).verdict).toBe(verdict);
    expect(stateOf(path)).toEqual(before);
    const beside = readdirSync(dirname(path)).filter((name) => !/^witness\.db(\.head|-shm|-wal)?$/.test(name));
    expect(beside).toEqual([]);
    if (existsSync(`${path}-wal`)) expect(statSync(`${path}-wal`).size).toBe(0);
  });

  test('in a file whose last commits are still in its write-ahead log: the log is not moved into the file', async () => {
    const home = newDirectory();
    const ledger = await Ledger.open({ home, sources: seededSources('open') });
    await ledger.append([spanDraft(1)]);
    const path = copyLedger(ledger.paths.ledger);
    const key = keyOf(home, ledger.origin());
    await ledger.close();
    const before = [stateOf(path), stateOf(`${path}-wal`)];
    expect(verifyFile(path, { key })).toMatchObject({ verdict: 'VALID', entries: 2 });
    expect([stateOf(path), stateOf(`${path}-wal`)]).toEqual(before);
  });
});

describe('a hot rollback journal', () => {
  /** A journal that would put other octets into page 2 as soon as somebody opens the file for writing. */
  function withJournal(): string {
    const path = copyLedger(built.path);
    const octets = readFileSync(path);
    const page = Buffer.from(octets.subarray(4096, 8192)).fill(0x41, 2000, 2020);
    const nonce = 12345;
    let checksum = nonce;
    for (let i = 4096 - 200; i > 0; i -= 200) checksum = (checksum + page[i]!) >>> 0;
    const head = Buffer.alloc(512);
    Buffer.from('d9d505f920a163d7', 'hex').copy(head);
    for (const [i, value] of [1, nonce, octets.length / 4096, 512, 4096].entries())
      head.writeUInt32BE(value, 8 + 4 * i);
    const number = Buffer.alloc(4);
    number.writeUInt32BE(2);
    const check = Buffer.alloc(4);
    check.writeUInt32BE(checksum);
    writeFileSync(`${path}-journal`, Buffer.concat([head, number, page, check]));
    return path;
  }

  test('is refused and not replayed', () => {
    const path = withJournal();
    const before = [stateOf(path), stateOf(`${path}-journal`)];
    expect(() => LedgerReader.open(path)).toThrow(expect.objectContaining({ code: 'tampered' }));
    expect([stateOf(path), stateOf(`${path}-journal`)]).toEqual(before);
  });

  test('is what SQLite would have replayed', () => {
    const path = withJournal();
    const journal = readFileSync(`${path}-journal`);
    const db = openFreely(path);
    db.exec('BEGIN IMMEDIATE; COMMIT');
    db.close();
    expect(readFileSync(path).subarray(4096, 8192)).toEqual(journal.subarray(516, 516 + 4096));
    expect(readFileSync(path)).not.toEqual(readFileSync(built.path));
  });
});

describe('symbolic links', () => {
  test.each(['', '-wal', '-shm'])('in place of the file%s are refused', (suffix) => {
    const path = copyLedger(built.path);
    const elsewhere = `${newDirectory()}/elsewhere`;
    if (existsSync(path + suffix)) renameSync(path + suffix, elsewhere);
    else writeFileSync(elsewhere, '');
    symlinkSync(elsewhere, path + suffix);
    expect(() => LedgerReader.open(path)).toThrow(expect.objectContaining({ code: 'gone' }));
  });

  test.each(['', '-wal', '-shm'])('in place of the file%s are refused by the writer', async (suffix) => {
    const path = copyLedger(built.path);
    const elsewhere = `${newDirectory()}/elsewhere`;
    if (existsSync(path + suffix)) renameSync(path + suffix, elsewhere);
    else writeFileSync(elsewhere, '');
    symlinkSync(elsewhere, path + suffix);
    await expect(Ledger.open({ home: built.home, ledger: path })).rejects.toMatchObject({ code: 'gone' });
  });

  test('that dangle are refused, and nothing is created behind them', async () => {
    const directory = newDirectory();
    symlinkSync(`${directory}/nowhere`, `${directory}/witness.db`);
    expect(() => LedgerReader.open(`${directory}/witness.db`)).toThrow(expect.objectContaining({ code: 'gone' }));
    await expect(Ledger.open({ home: directory })).rejects.toMatchObject({ code: 'gone' });
    expect(existsSync(`${directory}/nowhere`)).toBe(false);
  });
});

describe('what is no ledger', () => {
  test.each<[string, (path: string) => void, string]>([
    ['nothing', (path) => rmSync(path), 'gone'],
    ['text', (path) => writeFileSync(path, 'x'.repeat(5000)), 'corrupt'],
    ['the first 100 octets of one', (path) => truncateSync(path, 100), 'corrupt'],
  ])('%s is an error with a code', (_, make, code) => {
    const path = copyLedger(built.path);
    make(path);
    expect(() => LedgerReader.open(path)).toThrow(expect.objectContaining({ name: 'LedgerError', code }));
  });

  test('a directory is an error with a code', () => {
    expect(() => LedgerReader.open(newDirectory())).toThrow(expect.objectContaining({ code: 'gone' }));
  });

  test('somebody else’s database is INVALID', () => {
    const path = `${newDirectory()}/notes.db`;
    const db = openFreely(path);
    db.exec('CREATE TABLE notes (text)');
    db.close();
    expect(found(report(path))).toContain('store.schema');
  });

  test.each([1, 2, 3, 10])('a file cut to %i pages is INVALID or an error', (pages) => {
    const path = copyLedger(built.path);
    truncateSync(path, pages * 4096);
    let outcome: string;
    try {
      outcome = report(path).verdict;
    } catch (error) {
      outcome = (error as { code: string }).code;
    }
    expect(['INVALID', 'corrupt']).toContain(outcome);
  });
});

describe('a foreign write-ahead log', () => {
  test('that is well-formed and carries an edit is INVALID, though the file itself is untouched', () => {
    const path = copyLedger(built.path);
    const other = copyLedger(built.path);
    const db = openFreely(other);
    db.pragma('wal_autocheckpoint = 0');
    db.exec('DROP TRIGGER entries_no_update');
    db.exec("UPDATE entries SET business = 'x' WHERE seq = 3");
    copyFileSync(`${other}-wal`, `${path}-wal`);
    db.close();
    expect(readFileSync(path)).toEqual(readFileSync(built.path));
    expect(report(path).verdict).toBe('INVALID');
  });

  test('of another ledger is INVALID or an error', async () => {
    const home = newDirectory();
    const ledger = await Ledger.open({ home, sources: seededSources('foreign') });
    await ledger.append([spanDraft(1)]);
    const path = copyLedger(built.path);
    copyFileSync(`${ledger.paths.ledger}-wal`, `${path}-wal`);
    await ledger.close();
    expect(report(path).verdict).toBe('INVALID');
  });

  test.each([0, 1, 31, 32, 5000])('of %i random octets is as if it were not there', (octets) => {
    const path = copyLedger(built.path);
    writeFileSync(`${path}-wal`, seededSources('noise').randomBytes(octets));
    expect(report(path)).toMatchObject({ verdict: 'VALID', entries: 61 });
  });

  test('index of random octets changes nothing', () => {
    const path = copyLedger(built.path);
    writeFileSync(`${path}-shm`, seededSources('noise').randomBytes(32_768));
    expect(report(path)).toMatchObject({ verdict: 'VALID', entries: 61 });
  });
});

describe('verifying while', () => {
  test('somebody writes: one verdict, for the size fixed at the start', { timeout: 60_000 }, async () => {
    const home = newDirectory();
    const writer = startWriter(home, { first: 1, batches: 400, size: 5 });
    while (writer.acknowledged.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const sizes: number[] = [];
    for (let key: Built['key'] | undefined; writer.child.exitCode === null; ) {
      const reader = LedgerReader.open(`${home}/witness.db`);
      const size = reader.entryCount();
      key ??= keyOf(home, String(reader.genesis()!.entry.body.origin));
      await new Promise((resolve) => setTimeout(resolve, 10));
      const result = verifyLedger(reader, { key });
      expect(result).toMatchObject({ verdict: 'VALID', entries: size, newestCheckpoint: { size } });
      expect(reader.entryCount()).toBe(size);
      reader.close();
      sizes.push(size);
    }
    expect(writer.said).toEqual(['open']);
    expect(new Set(sizes).size).toBeGreaterThan(3);
  });

  test('the file is swapped: the report is on the first one, and it is said that the path names another', () => {
    const path = copyLedger(built.path);
    const reader = LedgerReader.open(path);
    onTestFinished(() => reader.close());
    expect(reader.isSameFile()).toBe(true);
    const tampered = attack(built.path, (db) => editEntry(db, 7, (b) => replaceOctets(b, 'request', 'requesT')));
    renameSync(tampered, path);
    expect(verifyLedger(reader, { key: built.key })).toMatchObject({ verdict: 'VALID', entries: 61 });
    expect(reader.isSameFile()).toBe(false);
  });

  test('the file is removed: that is said, not thrown', () => {
    const path = copyLedger(built.path);
    const reader = LedgerReader.open(path);
    onTestFinished(() => reader.close());
    rmSync(path);
    expect(reader.isSameFile()).toBe(false);
  });

  test.each([4096, 40_960])('the file is truncated to %i octets: INVALID or an error', (octets) => {
    const path = copyLedger(built.path);
    const reader = LedgerReader.open(path);
    onTestFinished(() => reader.close());
    truncateSync(path, octets);
    let outcome: string;
    try {
      outcome = verifyLedger(reader, { key: built.key }).verdict;
    } catch (error) {
      outcome = (error as { code: string }).code;
    }
    expect(['INVALID', 'corrupt', 'io']).toContain(outcome);
  });
});
