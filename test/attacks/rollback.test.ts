/** Attack matrix: what a chain cannot show by itself. An older state, a fork, a history written anew with the real key. */
import { copyFileSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { Ledger } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { openAnchor } from '@infrafabric/verify';
import { beforeAll, describe, expect, test } from 'vitest';
import { attack } from './edits.js';
import {
  type Built,
  buildLedger,
  copyLedger,
  found,
  keyOf,
  newestNote,
  seededSources,
  spanDraft,
  verifyAgainstHead,
  verifyFile,
} from './ledger-files.js';

/** Checkpoints at 1, 5, 9 and 13. */
let built: Built;
/** The notes of all checkpoints, oldest first. */
let notes: Uint8Array[];
beforeAll(async () => {
  built = await buildLedger({ batches: [4, 4, 4] });
  const reader = LedgerReader.open(built.path);
  notes = [...reader.checkpoints(0)].flat().map(({ note }) => Uint8Array.from(note!));
  reader.close();
});

const how = () => ({ key: built.key });

/** A consistent older state: entries and checkpoints cut together. */
function cutTo(size: number): string {
  return attack(built.path, (db) => {
    db.exec(`DELETE FROM entries WHERE seq >= ${size}; DELETE FROM payloads WHERE seq >= ${size}`);
    db.exec(`DELETE FROM checkpoints WHERE size > ${size}`);
    if (size === 1) db.exec('DELETE FROM contexts');
  });
}

describe.each([1, 5, 9])('entries and checkpoints cut together to %i', (size) => {
  test('is INVALID against the remembered head, with both notes as evidence', () => {
    const report = verifyAgainstHead(cutTo(size), how());
    expect(report).toMatchObject({ verdict: 'INVALID', exitCode: 1, head: 'disagrees', entries: size });
    expect(report.problems).toMatchObject([{ code: 'rollback', seq: size }]);
    const evidence = report.problems[0]?.evidence ?? [];
    expect(evidence).toHaveLength(2);
    expect(evidence[0]).toContain('\n13\n');
    expect(evidence[1]).toContain(`\n${size}\n`);
  });

  test('is INVALID against a later anchor', () => {
    const report = verifyFile(cutTo(size), { ...how(), anchors: [notes[3]!] });
    expect(report.problems).toMatchObject([{ code: 'rollback', seq: size }]);
  });

  test('is VALID (anchored) against an earlier anchor, which says for how many entries', () => {
    const report = verifyFile(cutTo(size), { ...how(), anchors: [notes[0]!] });
    expect(report).toMatchObject({ verdict: 'VALID', code: 'valid.anchored', anchors: [1] });
    if (size > 1) expect(report.notVouchedFor.join()).toContain(`the ${size - 1} entries after the newest anchor`);
  });

  test('is VALID (unanchored) without either, and the limit is said', () => {
    const report = verifyFile(cutTo(size), how());
    expect(report).toMatchObject({ verdict: 'VALID', code: 'valid.unanchored', exitCode: 0, problems: [] });
    expect(report.notVouchedFor.join()).toContain('nothing outside this ledger vouches for its end');
  });

  test('is VALID where the head is missing, and that is said', () => {
    const path = cutTo(size);
    rmSync(`${path}.head`);
    const report = verifyAgainstHead(path, how());
    expect(report).toMatchObject({ verdict: 'VALID', head: 'missing' });
    expect(report.notVouchedFor.join()).toContain('no head is remembered here');
  });
});

describe('an older copy', () => {
  test('put back whole is INVALID (rollback) against the head, and the writer refuses it', async () => {
    const old = await buildLedger({ batches: [4], seed: 'grows' });
    const kept = copyLedger(old.path);
    const ledger = await Ledger.open({ home: old.home });
    await ledger.append([spanDraft(100), spanDraft(101)]);
    await ledger.close();
    copyFileSync(kept, old.path);
    expect(verifyAgainstHead(old.path, { key: old.key }).problems).toMatchObject([{ code: 'rollback', seq: 5 }]);
    const reopened = await Ledger.open({ home: old.home });
    await expect(reopened.append([spanDraft(102)])).rejects.toMatchObject({ code: 'behind-head' });
    await reopened.close();
    expect(verifyFile(old.path, { key: old.key })).toMatchObject({ verdict: 'VALID', entries: 5 });
  });

  test('without its write-ahead log, or with half of it, is INVALID (rollback)', async () => {
    const home = copyLedger(built.path).replace(/\/witness\.db$/, '/home');
    const ledger = await Ledger.open({ home, sources: seededSources('wal') });
    await ledger.append([spanDraft(1), spanDraft(2)]);
    await ledger.append([spanDraft(3)]);
    const { ledger: path } = ledger.paths;
    expect(readFileSync(`${path}-wal`).length).toBeGreaterThan(0);
    const key = keyOf(home, ledger.origin());
    const whole = copyLedger(path);
    const gone = copyLedger(path);
    rmSync(`${gone}-wal`);
    const half = copyLedger(path);
    truncateSync(`${half}-wal`, readFileSync(`${half}-wal`).length - 4096);
    await ledger.close();
    expect(verifyAgainstHead(whole, { key })).toMatchObject({ verdict: 'VALID', head: 'agrees', entries: 4 });
    expect(found(verifyAgainstHead(half, { key }))).toContain('rollback@3');
    expect(verifyFile(half, { key })).toMatchObject({ verdict: 'VALID', entries: 3 });
    expect(verifyAgainstHead(gone, { key })).toMatchObject({ verdict: 'INVALID' });
    expect(verifyFile(gone, { key })).toMatchObject({ verdict: 'INVALID' });
  });
});

describe('a fork: rolled back, then continued', () => {
  /** Continued from 5 entries by the real writer, which was not told of the head. */
  async function forked(entries: number): Promise<string> {
    const path = cutTo(5);
    rmSync(`${path}.head`);
    const ledger = await Ledger.open({ home: built.home, ledger: path });
    await ledger.append(Array.from({ length: entries }, (_, i) => spanDraft(500 + i)));
    await ledger.close();
    rmSync(`${path}.head`, { force: true });
    copyFileSync(`${built.path}.head`, `${path}.head`);
    return path;
  }

  test.each([8, 20])('with %i entries is INVALID against the head, with both notes as evidence', async (entries) => {
    const path = await forked(entries);
    expect(verifyFile(path, how())).toMatchObject({ verdict: 'VALID', code: 'valid.unanchored' });
    const report = verifyAgainstHead(path, how());
    expect(report).toMatchObject({ verdict: 'INVALID', head: 'disagrees' });
    expect(report.problems).toMatchObject([{ code: 'fork' }]);
    const evidence = report.problems[0]?.evidence ?? [];
    expect(evidence[0]).toContain('\n13\n');
    expect(evidence).toHaveLength(2);
  });

  test('shorter than the head is INVALID (rollback)', async () => {
    expect(found(verifyAgainstHead(await forked(3), how()))).toEqual(['rollback@8']);
  });

  test('is INVALID against any anchor after the point of the fork, VALID against one before', async () => {
    const path = await forked(20);
    const verdicts = notes.map((note) => verifyFile(path, { ...how(), anchors: [note] }));
    expect(verdicts.map(({ code }) => code)).toEqual(['valid.anchored', 'valid.anchored', 'invalid', 'invalid']);
    for (const { problems } of verdicts.slice(2)) expect(problems).toMatchObject([{ code: 'fork' }]);
  });
});

describe('everything written anew with the stolen key', () => {
  /** Same seed, so same key and origin; other spans. */
  async function rewritten(): Promise<string> {
    const forged = await buildLedger({ batches: [4, 4, 4, 4], draft: (seq) => spanDraft(seq + 900) });
    expect(forged.key).toEqual(built.key);
    return forged.path;
  }

  test('is INVALID against any anchor, the one of genesis excepted when genesis was left', async () => {
    const path = await rewritten();
    const codes = notes.map((note) => verifyFile(path, { ...how(), anchors: [note] }).problems.map(({ code }) => code));
    expect(codes).toEqual([[], ['fork'], ['fork'], ['fork']]);
  });

  test('is INVALID against the remembered head', async () => {
    const path = await rewritten();
    copyFileSync(`${built.path}.head`, `${path}.head`);
    expect(found(verifyAgainstHead(path, how()))).toEqual(['fork']);
  });

  test('cannot be seen without either, and the verdict says so', async () => {
    const report = verifyFile(await rewritten(), how());
    expect(report).toMatchObject({ verdict: 'VALID', code: 'valid.unanchored' });
    expect(report.notVouchedFor.join()).toContain('whoever holds the private key can write a new history');
  });
});

describe('the remembered head', () => {
  const withHead = (head: string | Uint8Array): string => {
    const path = copyLedger(built.path);
    writeFileSync(`${path}.head`, head);
    return path;
  };

  test('that was damaged is INVALID', () => {
    expect(found(verifyAgainstHead(withHead('not a note'), how()))).toEqual(['head.malformed']);
    expect(found(verifyAgainstHead(withHead(''), how()))).toEqual(['head.malformed']);
  });

  test('whose signature was changed is INVALID', () => {
    const head = readFileSync(`${built.path}.head`, 'utf8').replace(/\n13\n/, '\n14\n');
    expect(found(verifyAgainstHead(withHead(head), how()))).toEqual(['head.signature']);
  });

  test('of another ledger is INVALID', async () => {
    const other = await buildLedger({ batches: [4], seed: 'another' });
    const report = verifyAgainstHead(withHead(readFileSync(`${other.path}.head`)), how());
    expect(found(report)).toContain('head.origin');
  });

  test('that is older agrees, and is no anchor', () => {
    const report = verifyAgainstHead(withHead(notes[1]!), how());
    expect(report).toMatchObject({ verdict: 'VALID', code: 'valid.unanchored', head: 'agrees' });
  });

  test('keeps a ledger from being created anew where one was', async () => {
    const home = (await buildLedger({ batches: [1] })).home;
    rmSync(`${home}/witness.db`);
    await expect(Ledger.open({ home })).rejects.toMatchObject({ code: 'behind-head' });
    expect(existsSync(`${home}/witness.db`)).toBe(false);
  });
});

describe('an anchor', () => {
  test('signed by nobody we know is no anchor of this ledger, and says nothing about it', async () => {
    const other = await buildLedger({ batches: [4], seed: 'another' });
    expect(openAnchor(newestNote(other.path), built.key, 'a')).toMatchObject({ ok: false });
  });

  test('whose text was changed is no anchor', () => {
    const text = Buffer.from(notes[3]!).toString().replace('\n13\n', '\n14\n');
    expect(openAnchor(Buffer.from(text), built.key, 'a')).toMatchObject({ ok: false });
  });

  test('that is asked for and absent makes the verdict INCOMPLETE', () => {
    const report = verifyFile(built.path, { ...how(), requireAnchor: true });
    expect(report).toMatchObject({ verdict: 'INCOMPLETE', code: 'incomplete.anchor-required', exitCode: 3 });
  });
});
