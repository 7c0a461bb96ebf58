/** Attack matrix: the table of checkpoints, the signatures in it, and the key that they are checked with. */

import { rmSync } from 'node:fs';
import {
  EMPTY_ROOT_HEX,
  encodeCheckpoint,
  encodeNote,
  leafHashHex,
  MerkleFrontier,
  parseCheckpoint,
  parseNote,
  utf8Of,
} from '@infrafabric/format';
import { Ledger, loadSigner } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { beforeAll, describe, expect, test } from 'vitest';
import { attack, attackUntyped, editBlob, editEntry, replaceOctets } from './edits.js';
import {
  at,
  type Built,
  buildLedger,
  chainProblems,
  found,
  newestNote,
  spanDraft,
  verifyFile,
  vkeyOf,
} from './ledger-files.js';

/** 31 batches after genesis, checkpoints at 1, 4, 7 … 94. */
const SIZES = Array.from({ length: 32 }, (_, i) => 1 + 3 * i);
const NEWEST = 94;
let built: Built;
/** A second ledger, written with the very same key under another origin. */
let other: Built;
beforeAll(async () => {
  built = await buildLedger({ batches: Array(31).fill(3) });
  other = await buildLedger({ batches: Array(31).fill(3), seed: 'other' });
});

const report = (path: string) => verifyFile(path, { key: built.key });

/** The chain's problems when one signature of ten is looked at. */
function sampledProblems(path: string): string[] {
  const reader = LedgerReader.open(path);
  try {
    return chainProblems(reader, 3).map(({ code, seq }) => `${code}@${seq}`);
  } finally {
    reader.close();
  }
}

/** `note`, signed again as it should be, around another text. */
async function signed(note: Uint8Array, change: (text: string) => string): Promise<Buffer> {
  const text = change(parseNote(note).text);
  const signer = loadSigner(built.home, built.key.name, vkeyOf(built.path));
  const signature = await signer.sign(utf8Of(text));
  return Buffer.from(encodeNote(text, [{ name: built.key.name, keyIdHex: signer.keyIdHex, signature }]));
}

/** Of those that are looked at when one signature of eleven is, and their neighbours. */
describe.each([0, 1, 9, 10, 11, 21, 30].map((i) => SIZES[i]!))('the old checkpoint of size %i', (size) => {
  const expectNamed = (path: string, problem: string): void => {
    const result = report(path);
    expect(result).toMatchObject({ verdict: 'INVALID' });
    expect(found(result)).toContain(problem);
    expect(sampledProblems(path)).toContain(problem);
  };

  test('deleted is named', () => {
    expectNamed(
      attack(built.path, (db) => db.exec(`DELETE FROM checkpoints WHERE size = ${size}`)),
      at('checkpoint.missing', size),
    );
  });

  test('with one bit of its signature changed is named', () => {
    const path = attack(built.path, (db) => editBlob(db, 'checkpoints', 'note', size, (note) => flipBase64(note)));
    expectNamed(path, at('checkpoint.altered', size));
  });

  test('with a signature line more is named', () => {
    const line = Buffer.from('— other/log AAAAAAAA\n');
    const path = attack(built.path, (db) =>
      editBlob(db, 'checkpoints', 'note', size, (note) => Buffer.concat([note, line])),
    );
    expectNamed(path, at('checkpoint.altered', size));
  });

  test('signed again over another root is named', async () => {
    const note = await signed(noteOf(built, size), (text) =>
      encodeCheckpoint({ ...parseCheckpoint(text), rootHex: EMPTY_ROOT_HEX }),
    );
    const path = attack(built.path, (db) => editBlob(db, 'checkpoints', 'note', size, () => note));
    expectNamed(path, at('checkpoint.altered', size));
    expectNamed(path, at('checkpoint.root', size - 1));
  });

  test('signed again with an extension line is named', async () => {
    const note = await signed(noteOf(built, size), (text) => `${text}extension\n`);
    const path = attack(built.path, (db) => editBlob(db, 'checkpoints', 'note', size, () => note));
    expectNamed(path, at('checkpoint.altered', size));
  });

  test('moved to another size is named', () => {
    const path = attack(built.path, (db) => db.exec(`UPDATE checkpoints SET size = ${size + 1} WHERE size = ${size}`));
    expectNamed(path, at('checkpoint.size', size));
    expectNamed(path, at('checkpoint.extra', size + 1));
    expectNamed(path, at('checkpoint.missing', size));
  });
});

function noteOf({ path }: Built, size: number): Uint8Array {
  const reader = LedgerReader.open(path);
  try {
    return [...reader.checkpoints(0)].flat().find((row) => row.size === size)!.note!;
  } finally {
    reader.close();
  }
}

/** The note with one bit of its base64 signature changed, still canonical base64. */
function flipBase64(note: Buffer): Buffer {
  const last = note.lastIndexOf(' ') + 30;
  const changed = Buffer.from(note);
  changed[last] = changed[last] === 0x41 ? 0x42 : 0x41;
  return changed;
}

describe('an added checkpoint', () => {
  test.each([2, 3, 60])('of size %i, properly signed, is named', async (size) => {
    const path = attack(built.path, () => {});
    const reader = LedgerReader.open(path);
    const root = rootAt(reader, size);
    reader.close();
    const note = await signed(newestNote(path), () =>
      encodeCheckpoint({ origin: built.key.name, size, rootHex: root }),
    );
    const added = attack(path, (db) => db.prepare('INSERT INTO checkpoints VALUES (?, ?)').run(size, note));
    expect(found(report(added))).toEqual([at('checkpoint.extra', size)]);
    expect(sampledProblems(added)).toEqual([at('checkpoint.extra', size)]);
  });

  test.each<[bigint, string]>([
    [0n, 'checkpoint.size@0'],
    [-1n, 'checkpoint.size@0'],
    [-(2n ** 63n), 'checkpoint.size@0'],
    [95n, 'entry.missing@94'],
    [2n ** 53n + 1n, 'entry.missing@94'],
    [2n ** 63n - 1n, 'entry.missing@94'],
  ])('at size %i is named', (size, problem) => {
    const path = attack(built.path, (db) =>
      db.prepare('INSERT INTO checkpoints SELECT ?, note FROM checkpoints WHERE size = 94').run(size),
    );
    expect(found(report(path))).toContain(problem);
    expect(sampledProblems(path)).toContain(problem);
  });
});

function rootAt(reader: LedgerReader, size: number): string {
  const frontier = new MerkleFrontier();
  for (const [, text] of [...reader.entries(0, size)].flat()) frontier.push(leafHashHex(text as string));
  return frontier.rootHex();
}

describe('the newest checkpoint', () => {
  const edited = (change: (note: Buffer) => Buffer): string =>
    attack(built.path, (db) => editBlob(db, 'checkpoints', 'note', NEWEST, change));
  const newest = at('checkpoint.signature', NEWEST - 1);

  test.each<[string, (note: Buffer) => Buffer, string]>([
    ['one bit of its signature changed', flipBase64, newest],
    [
      'its signature removed',
      (note) => note.subarray(0, note.lastIndexOf('—')),
      at('checkpoint.malformed', NEWEST - 1),
    ],
    [
      'another name on its signature',
      (note) => replaceOctets(note, '— if', '— fi'),
      at('checkpoint.unsigned', NEWEST - 1),
    ],
    ['another key id on its signature', (note) => otherKeyId(note), at('checkpoint.unsigned', NEWEST - 1)],
    [
      'a stranger’s signature beside its own',
      (note) => Buffer.concat([note, Buffer.from('— other/log AAAAAAAA\n')]),
      newest,
    ],
    ['its own signature twice', (note) => Buffer.concat([note, note.subarray(note.lastIndexOf('—'))]), newest],
    [
      'a false signature of the same key before its own',
      (note) =>
        Buffer.concat([
          note.subarray(0, note.lastIndexOf('—')),
          flipBase64(note).subarray(note.lastIndexOf('—')),
          note.subarray(note.lastIndexOf('—')),
        ]),
      newest,
    ],
    ['another size', (note) => replaceOctets(note, '\n94\n', '\n95\n'), newest],
    [
      'a leading zero in its size',
      (note) => replaceOctets(note, '\n94\n', '\n094\n'),
      at('checkpoint.malformed', NEWEST - 1),
    ],
    ['an extension line that was not signed', (note) => replaceOctets(note, '\n\n', '\nx\n\n'), newest],
    ['nothing in it', () => Buffer.alloc(0), at('checkpoint.malformed', NEWEST - 1)],
    [
      'more than a million octets',
      (note) => Buffer.concat([note, Buffer.alloc(1_000_000, 0x0a)]),
      at('checkpoint.malformed', NEWEST - 1),
    ],
  ])('with %s is named', (_, change, problem) => {
    const result = report(edited(change));
    expect(result).toMatchObject({ verdict: 'INVALID', exitCode: 1 });
    expect(found(result)).toContain(problem);
  });

  test('of another storage class is named', () => {
    const path = attackUntyped(built.path, (db) =>
      db.exec('UPDATE checkpoints SET note = CAST(note AS TEXT) WHERE size = 94'),
    );
    expect(found(report(path))).toContain(at('checkpoint.malformed', NEWEST - 1));
  });
});

function otherKeyId(note: Buffer): Buffer {
  const start = note.lastIndexOf(' ') + 1;
  const changed = Buffer.from(note);
  changed[start] = changed[start] === 0x41 ? 0x42 : 0x41;
  return changed;
}

describe('another ledger', () => {
  test('of another origin: its checkpoint in place of ours is named', () => {
    const note = noteOf(other, NEWEST);
    const path = attack(built.path, (db) => editBlob(db, 'checkpoints', 'note', NEWEST, () => Buffer.from(note)));
    expect(found(report(path))).toEqual([at('checkpoint.origin', 93), at('checkpoint.unsigned', 93)]);
  });

  test('of the same key and origin: its checkpoint in place of ours is named', async () => {
    const twin = await twinOf(built);
    const note = newestNote(twin);
    const path = attack(built.path, (db) => editBlob(db, 'checkpoints', 'note', NEWEST, () => Buffer.from(note)));
    expect(found(report(path))).toEqual([at('checkpoint.root', 93)]);
  });

  test('of the same key: one entry of it in place of ours is named', async () => {
    const twin = await twinOf(built);
    const reader = LedgerReader.open(twin);
    const text = reader.entry(50)!.text;
    reader.close();
    const path = attack(built.path, (db) => editEntry(db, 50, () => text));
    expect(found(report(path))).toContain(at('entry.prev', 50));
  });

  test('whole, in place of ours, is not VALID under our key', () => {
    expect(report(other.path)).toMatchObject({
      verdict: 'INVALID',
      problems: [{ code: 'key.origin' }, ...unsignedOf(other)],
    });
  });

  function unsignedOf(_: Built) {
    return SIZES.map((size) => ({ code: 'checkpoint.unsigned', seq: size - 1 }));
  }
});

/** A ledger of the same key and origin whose spans are others: what the key holder could write instead. */
async function twinOf({ home, path }: Built): Promise<string> {
  const start = attack(path, (db) => {
    db.exec(
      'DELETE FROM entries WHERE seq > 0; DELETE FROM payloads; DELETE FROM contexts; DELETE FROM nodes; DELETE FROM checkpoints WHERE size > 1',
    );
  });
  rmSync(`${start}.head`);
  const ledger = await Ledger.open({ home, ledger: start });
  for (let i = 0; i < 31; i++) await ledger.append([1, 2, 3].map((n) => spanDraft(1_000 + 3 * i + n)));
  await ledger.close();
  return start;
}
