/** Attack matrix: what a writer must not sign on top of. It refuses, and nothing is written. */
import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { encodeCheckpoint, encodeNote, parseCheckpoint, parseNote, utf8Of } from '@infrafabric/format';
import { Ledger, loadSigner, signerOfSeed } from '@infrafabric/ledger';
import { beforeAll, describe, expect, test } from 'vitest';
import { attack, editBlob, editEntry, type FreeHands, flipBit, openFreely, replaceOctets } from './edits.js';
import { type Built, buildLedger, copyLedger, spanDraft, verifyFile, vkeyOf } from './ledger-files.js';

/** 600 entries: its frontier is one stored node of level 9 and 88 leaves. */
let built: Built;
let vkey: string;
beforeAll(async () => {
  built = await buildLedger({ batches: [299, 300] });
  vkey = vkeyOf(built.path);
});

/** What becomes of an append to a tampered copy; the remembered head left beside it, or not. */
async function append(path: string, head: boolean): Promise<unknown> {
  if (!head) rmSync(`${path}.head`, { force: true });
  const ledger = await Ledger.open({ home: built.home, ledger: path });
  try {
    await ledger.append([spanDraft(9_999)]);
    return 'appended';
  } catch (error) {
    return (error as { code: string }).code;
  } finally {
    await ledger.close();
    const db = openFreely(path);
    expect(db.prepare('SELECT count(*) FROM entries WHERE seq > 599 AND seq < 1000').pluck().get()).toBe(0);
    db.close();
  }
}

const TAMPERED: readonly (readonly [what: string, edit: (db: FreeHands) => void | Promise<void>])[] = [
  ['the stored node of its frontier altered', (db) => db.exec('UPDATE nodes SET hash = zeroblob(32) WHERE level = 9')],
  ['the stored node of its frontier cut short', (db) => db.exec("UPDATE nodes SET hash = x'00' WHERE level = 9")],
  ['the stored node of its frontier missing', (db) => db.exec('DELETE FROM nodes WHERE level = 9')],
  ['its newest entry altered', (db) => editEntry(db, 599, (b) => replaceOctets(b, 'request', 'requesT'))],
  ['an entry of its frontier altered', (db) => editEntry(db, 520, (b) => replaceOctets(b, 'request', 'requesT'))],
  ['its newest entry deleted', (db) => db.exec('DELETE FROM entries WHERE seq = 599')],
  [
    'an entry hung on',
    (db) => db.exec("INSERT INTO entries (seq, segment, type, entry) VALUES (1000, 0, 'gap', '{}')"),
  ],
  ['an entry missing near its end', (db) => db.exec('DELETE FROM entries WHERE seq = 590')],
  ['genesis deleted', (db) => db.exec('DELETE FROM entries WHERE seq = 0')],
  ['genesis naming another origin', (db) => editEntry(db, 0, (b) => replaceOctets(b, '"origin":"if', '"origin":"fi'))],
  ['its newest checkpoint deleted', (db) => db.exec('DELETE FROM checkpoints WHERE size = 600')],
  ['every checkpoint deleted', (db) => db.exec('DELETE FROM checkpoints')],
  [
    'one bit of the newest signature',
    (db) => editBlob(db, 'checkpoints', 'note', 600, (b) => flipBit(b, b.length - 30)),
  ],
  [
    'a stranger’s line below the newest signature',
    (db) => editBlob(db, 'checkpoints', 'note', 600, (b) => Buffer.concat([b, Buffer.from('— other/log AAAAAAAA\n')])),
  ],
  [
    'a checkpoint of a size that is not there',
    (db) => db.exec('INSERT INTO checkpoints SELECT 700, note FROM checkpoints WHERE size = 600'),
  ],
  [
    'an older checkpoint under the newest size',
    (db) => db.exec('UPDATE checkpoints SET note = (SELECT note FROM checkpoints WHERE size = 300) WHERE size = 600'),
  ],
];

describe.each(TAMPERED)('a ledger with %s', (_, edit) => {
  test.each([true, false])('is not continued (remembered head: %s)', async (head) => {
    const path = attack(built.path, (db) => void edit(db));
    expect(['tampered', 'behind-head', 'corrupt']).toContain(await append(path, head));
  });
});

test('a ledger whose newest checkpoint is properly signed over another root is not continued', async () => {
  const signer = loadSigner(built.home, built.key.name, vkey);
  const note = Buffer.from(readFileSync(`${built.path}.head`));
  const text = encodeCheckpoint({ ...parseCheckpoint(parseNote(note).text), rootHex: 'ab'.repeat(32) });
  const signature = await signer.sign(utf8Of(text));
  const signed = Buffer.from(encodeNote(text, [{ name: built.key.name, keyIdHex: signer.keyIdHex, signature }]));
  const path = attack(built.path, (db) => editBlob(db, 'checkpoints', 'note', 600, () => signed));
  expect(await append(path, false)).toBe('tampered');
});

test('a ledger whose key was replaced throughout is not continued: its private key is not here', async () => {
  const stranger = await buildLedger({ batches: [3], seed: 'a stranger' });
  const path = copyLedger(stranger.path);
  const ledger = await Ledger.open({ home: built.home, ledger: path });
  await expect(ledger.append([spanDraft(7_000)])).rejects.toMatchObject({ code: 'key.missing' });
  await ledger.close();
  expect(verifyFile(path, { key: stranger.key })).toMatchObject({ verdict: 'VALID', entries: 4 });
});

test('a writer with another key than the ledger’s refuses', async () => {
  const path = copyLedger(built.path);
  const signer = signerOfSeed(built.key.name, new Uint8Array(32).fill(9));
  const empty = `${path}.home`;
  const ledger = await Ledger.open({ home: empty, ledger: path, signer });
  await expect(ledger.append([spanDraft(7_000)])).rejects.toMatchObject({ code: 'key.missing' });
  await ledger.close();
});

test('a file that is moved away and replaced while it is open is not written', async () => {
  const path = copyLedger(built.path);
  const ledger = await Ledger.open({ home: built.home, ledger: path });
  await ledger.append([spanDraft(5_000)]);
  const other = copyLedger(built.path);
  rmSync(path);
  await expect(ledger.append([spanDraft(5_001)])).rejects.toMatchObject({ code: 'gone' });
  copyFileSync(other, path);
  await expect(ledger.append([spanDraft(5_002)])).rejects.toMatchObject({ code: 'gone' });
  await ledger.close();
  expect(readFileSync(path)).toEqual(readFileSync(other));
});

test('a writer that is running does not take its own state from what an attacker puts into the file', async () => {
  const path = copyLedger(built.path);
  const ledger = await Ledger.open({ home: built.home, ledger: path });
  await ledger.append([spanDraft(5_000)]);
  const db = openFreely(path);
  db.exec('DROP TRIGGER checkpoints_no_update; DROP TRIGGER entries_no_update');
  db.exec("UPDATE entries SET entry = replace(entry, 'request', 'requesT') WHERE seq = 600");
  db.exec('UPDATE nodes SET hash = zeroblob(32)');
  db.close();
  await ledger.append([spanDraft(5_001)]);
  await ledger.close();
  const report = verifyFile(path, { key: built.key });
  expect(report.verdict).toBe('INVALID');
  expect(report.problems).toContainEqual(expect.objectContaining({ code: 'entry.prev', seq: 600 }));
});
