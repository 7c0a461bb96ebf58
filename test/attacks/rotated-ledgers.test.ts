/** Attack matrix: what a stolen old key is good for after a rotation, and rollbacks across one. Ledgers of the real writer. */
import { copyFileSync, cpSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { encodeCheckpoint, encodeNote, parseVkey, sha256Hex, utf8Of, type VerifierKey } from '@infrafabric/format';
import { Ledger, loadSigner, readHead } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { claimedEpochs, openAnchor, verifyLedger, vouchingKeys } from '@infrafabric/verify';
import { beforeAll, describe, expect, test } from 'vitest';
import { flipBit, openFreely } from './edits.js';
import {
  at,
  copyLedger,
  found,
  newDirectory,
  spanDraft,
  verifyAgainstHead,
  verifyFile,
  vkeyOf,
} from './ledger-files.js';

let home: string;
let path: string;
let oldKey: VerifierKey;
let newKey: VerifierKey;
/** Copies from before the rotation, and a home that has the old private half only: what a thief took. */
let before: string;
let thief: string;
/** Newest notes from before and after the rotation. */
let oldAnchor: Uint8Array;
let newAnchor: Uint8Array;
/** Entries 0 to 2 before the rotation, the rotation is entry 3, then one more. */
beforeAll(async () => {
  home = newDirectory();
  const ledger = await Ledger.open({ home });
  await ledger.append([spanDraft(1), spanDraft(2)]);
  path = ledger.paths.ledger;
  oldKey = parseVkey(vkeyOf(path));
  before = copyLedger(path, { head: false });
  oldAnchor = readHead(path)!;
  thief = newDirectory();
  const file = join('keys', sha256Hex(ledger.origin()), `${oldKey.keyIdHex}.key`);
  mkdirSync(dirname(join(thief, file)), { recursive: true });
  copyFileSync(join(home, file), join(thief, file));
  newKey = parseVkey((await ledger.rotate())!.newVkey);
  await ledger.append([spanDraft(3)]);
  newAnchor = readHead(path)!;
  await ledger.close();
});

/** The copy from before, continued by the thief; with the owner's head beside it, or not. */
async function continued(head: boolean, rotate = false): Promise<string> {
  const copy = copyLedger(before, { head: false });
  // A home of its own: a rotation destroys the old key there too.
  const own = newDirectory();
  cpSync(thief, own, { recursive: true });
  const ledger = await Ledger.open({ home: own, ledger: copy });
  // Longer than the real one.
  for (const n of [4, 5, 6]) await ledger.append([spanDraft(n)]);
  if (rotate) await ledger.rotate();
  await ledger.close();
  rmSync(`${copy}.head`);
  if (head) copyFileSync(`${path}.head`, `${copy}.head`);
  return copy;
}

describe('a continuation by whoever has the old key', () => {
  test.each([false, true])('is INVALID under the new key (with a rotation of his own: %s)', async (rotate) => {
    const report = verifyFile(await continued(false, rotate), { key: newKey });
    expect(report.verdict).toBe('INVALID');
    expect(found(report)).toContain('key.origin');
  });

  test('is INVALID where the new key is held beside the old one, as in the home that rotated', async () => {
    const report = verifyFile(await continued(false), { key: oldKey, alsoHeld: [newKey], secondOpinion: false });
    expect(found(report)).toEqual(['rotation.missing']);
  });

  test('is INVALID against the remembered head, both notes as evidence', async () => {
    const report = verifyAgainstHead(await continued(true), { key: oldKey, alsoHeld: [newKey] });
    expect(found(report)).toEqual(['fork', 'rotation.missing']);
    expect(report.problems[0]?.evidence).toHaveLength(2);
  });

  test('is INVALID against the remembered head also where only the old key is held: another key signed that', async () => {
    const report = verifyAgainstHead(await continued(true), { key: oldKey });
    expect(found(report)).toEqual(['head.signature']);
  });

  test('is INVALID against an anchor from after the rotation, under the new key', async () => {
    const report = verifyFile(await continued(false), { key: newKey, anchors: [newAnchor] });
    expect(found(report)).toContain('fork');
  });

  test('is VALID under the old key where nothing newer is known: hold the newest key', async () => {
    const copy = await continued(false, true);
    expect(verifyFile(copy, { key: oldKey, anchors: [oldAnchor] })).toMatchObject({
      verdict: 'VALID',
      key: { reachedByRotations: 1 },
      notVouchedFor: expect.arrayContaining([expect.stringContaining('handed over')]),
    });
  });

  test('of the real file is refused to him: the writer has only the old key', async () => {
    const copy = copyLedger(path);
    const ledger = await Ledger.open({ home: thief, ledger: copy });
    await expect(ledger.append([spanDraft(7)])).rejects.toMatchObject({ code: 'key.missing' });
    await ledger.close();
    expect(verifyAgainstHead(copy, { key: newKey })).toMatchObject({ verdict: 'VALID', entries: 5 });
  });
});

describe('a rollback across a rotation', () => {
  test.each([true, false])('is INVALID against the remembered head (the new key is held too: %s)', (both) => {
    const copy = copyLedger(before, { head: false });
    copyFileSync(`${path}.head`, `${copy}.head`);
    const report = verifyAgainstHead(copy, { key: oldKey, ...(both ? { alsoHeld: [newKey] } : {}) });
    expect(found(report)).toEqual(both ? ['rotation.missing', at('rollback', 3)] : ['head.signature']);
  });

  test('is INVALID under the new key, and against an anchor that it signed', () => {
    expect(found(verifyFile(before, { key: newKey }))).toContain('key.origin');
    expect(found(verifyFile(before, { key: newKey, anchors: [newAnchor] }))).toContain(at('rollback', 3));
  });

  test('is VALID under the old key alone: a copy from before is what it is', () => {
    expect(verifyFile(before, { key: oldKey })).toMatchObject({ verdict: 'VALID', entries: 3 });
  });
});

describe('anchors and heads', () => {
  test('of either epoch are met, whichever key is held', () => {
    for (const key of [oldKey, newKey]) {
      const report = verifyAgainstHead(path, { key, anchors: [oldAnchor, newAnchor] });
      expect(report).toMatchObject({ verdict: 'VALID', code: 'valid.anchored', head: 'agrees', anchors: [3, 5] });
    }
    const older = copyLedger(path, { head: false });
    expect(verifyFile(older, { key: newKey, head: oldAnchor })).toMatchObject({ verdict: 'VALID', head: 'agrees' });
  });

  test('made with the stolen old key for a size of the new epoch are none: nobody can discredit a good ledger', async () => {
    const signer = loadSigner(thief, oldKey.name, vkeyOf(path));
    const made = async (size: number): Promise<Uint8Array> => {
      const text = encodeCheckpoint({ origin: oldKey.name, size, rootHex: 'ab'.repeat(32) });
      const signature = await signer.sign(utf8Of(text));
      return utf8Of(encodeNote(text, [{ name: oldKey.name, keyIdHex: oldKey.keyIdHex, signature }]));
    };
    const reader = LedgerReader.open(path);
    const keysFor = vouchingKeys(newKey, [], claimedEpochs(reader));
    reader.close();
    for (const size of [5, 6, 100]) {
      expect(openAnchor(await made(size), newKey, 'a', keysFor)).toMatchObject({ ok: false });
      expect(found(verifyFile(path, { key: newKey, head: await made(size) }))).toEqual(['head.signature']);
    }
    // For a size of its own epoch the old key has then signed two histories: that is for people to look into.
    expect(found(verifyFile(path, { key: newKey, anchors: [await made(2)] }))).toEqual(['fork']);
  });
});

test('one flipped bit in any octet of the rotation or of the checkpoint behind it is INVALID, whichever key is held', {
  timeout: 120_000,
}, () => {
  const copy = copyLedger(path, { head: false });
  const places = [
    ['checkpoints', 'note', 'size = 4'],
    ['entries', 'entry', 'seq = 3'],
  ] as const;
  let flips = 0;
  for (const [table, column, where] of places) {
    const db = openFreely(copy);
    // Hundreds of edits: none of them has to survive a power cut.
    db.pragma('synchronous = OFF');
    const octets = db.prepare(`SELECT CAST(${column} AS BLOB) FROM ${table} WHERE ${where}`).pluck().get() as Buffer;
    const guards = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").raw().all() as string[][];
    const value = table === 'entries' ? 'CAST(? AS TEXT)' : '?';
    const change = db.transaction((changed: Buffer) => {
      for (const [name] of guards) db.exec(`DROP TRIGGER ${name}`);
      db.prepare(`UPDATE ${table} SET ${column} = ${value} WHERE ${where}`).run(changed);
      for (const [, sql] of guards) db.exec(sql!);
    });
    for (let i = 0; i < octets.length; i++) {
      change(flipBit(octets, i, i % 8));
      const reader = LedgerReader.open(copy);
      const verdicts = [oldKey, newKey].map((key) => verifyLedger(reader, { key }).verdict);
      reader.close();
      expect([table, i, ...verdicts]).toEqual([table, i, 'INVALID', 'INVALID']);
      flips++;
    }
    change(octets);
    db.close();
  }
  expect(flips).toBeGreaterThan(600);
  expect(verifyFile(copy, { key: newKey })).toMatchObject({ verdict: 'VALID' });
});
