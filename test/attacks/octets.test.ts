/** Attack matrix: octets that a forgiving decoder reads as the same text, in every place where text is stored. */
import { beforeAll, describe, expect, test } from 'vitest';
import { attack, editBlob, editEntry, editText, replaceOctets } from './edits.js';
import { at, type Built, buildLedger, found, verifyFile } from './ledger-files.js';

const REPLACEMENT = Buffer.from('\ufffd');
/** Each decodes to one U+FFFD, or to several, in SQLite, V8 or `TextDecoder`. */
const MALFORMED: readonly (readonly [what: string, hex: string])[] = [
  ['a lone octet FF', 'ff'],
  ['a truncated sequence of three', 'e280'],
  ['a truncated sequence of four', 'f09080'],
  ['a lone continuation octet', '80'],
  ['an overlong NUL', 'c080'],
  ['an overlong solidus', 'e080af'],
  ['a lead surrogate', 'eda080'],
  ['a surrogate pair in six octets', 'eda080edb080'],
  ['a scalar beyond U+10FFFF', 'f4908080'],
];
/** Entry 4 has U+FFFD in its event and business trace id, entry 12 also in its parent's. */
const SEQ = 12;

let built: Built;
beforeAll(async () => {
  built = await buildLedger({ batches: [8, 8] });
});

test('the ledger as written holds U+FFFD and is VALID', () => {
  attack(built.path, (db) => {
    const row = db.prepare('SELECT entry, business, business_parent FROM entries WHERE seq = ?').raw().get(SEQ);
    for (const text of row as string[]) expect(text).toContain('\ufffd');
  });
  expect(verifyFile(built.path, { key: built.key })).toMatchObject({ verdict: 'VALID', problems: [] });
});

describe.each(MALFORMED)('%s in place of U+FFFD', (_, hex) => {
  const swap = (octets: Buffer): Buffer => replaceOctets(octets, REPLACEMENT, Buffer.from(hex, 'hex'));

  test('in an entry is INVALID', () => {
    const path = attack(built.path, (db) => editEntry(db, SEQ, swap));
    expect(found(verifyFile(path, { key: built.key }))).toContain(at('entry.octets', SEQ));
  });

  test.each(['business', 'business_parent'])('in the column %s is INVALID', (column) => {
    const path = attack(built.path, (db) => editText(db, 'entries', column, SEQ, swap));
    const report = verifyFile(path, { key: built.key });
    expect(report.problems).toMatchObject([{ code: 'entry.column', seq: SEQ, column }]);
  });

  test('in a payload is INVALID', () => {
    const path = attack(built.path, (db) => editBlob(db, 'payloads', 'payload', SEQ, swap));
    expect(found(verifyFile(path, { key: built.key }))).toContain(at('payload.digest', SEQ));
  });

  test('in a note is INVALID', () => {
    const newest = attack(built.path, (db) =>
      editBlob(db, 'checkpoints', 'note', 17, (note) =>
        Buffer.concat([note.subarray(0, 5), Buffer.from(hex, 'hex'), note.subarray(5)]),
      ),
    );
    expect(found(verifyFile(newest, { key: built.key }))).toContain(at('checkpoint.malformed', 16));
  });
});

describe('a byte order mark', () => {
  const BOM = Buffer.from('\ufeff');
  const prepend = (octets: Buffer): Buffer => Buffer.concat([BOM, octets]);

  test('before an entry is INVALID', () => {
    const path = attack(built.path, (db) => editEntry(db, SEQ, prepend));
    expect(found(verifyFile(path, { key: built.key }))).toContain(at('entry.malformed', SEQ));
  });

  test.each(['type', 'business', 'business_parent'])('before the column %s is INVALID', (column) => {
    const path = attack(built.path, (db) => editText(db, 'entries', column, SEQ, prepend));
    expect(verifyFile(path, { key: built.key }).problems).toContainEqual(
      expect.objectContaining({ code: 'entry.column', seq: SEQ, column }),
    );
  });

  test('before a note is INVALID', () => {
    const path = attack(built.path, (db) => editBlob(db, 'checkpoints', 'note', 17, prepend));
    expect(found(verifyFile(path, { key: built.key }))).toContain(at('checkpoint.origin', 16));
  });
});

describe.each(['\0', '\0hidden', '\n', ' ', '\u200b'])('%j after a text', (more) => {
  const append = (octets: Buffer): Buffer => Buffer.concat([octets, Buffer.from(more)]);

  test('makes an entry INVALID', () => {
    const path = attack(built.path, (db) => editEntry(db, SEQ, append));
    expect(verifyFile(path, { key: built.key }).problems[0]).toMatchObject({ seq: SEQ });
  });

  test.each(['type', 'business', 'business_parent'])('makes the column %s INVALID', (column) => {
    const path = attack(built.path, (db) => editText(db, 'entries', column, SEQ, append));
    expect(verifyFile(path, { key: built.key }).problems).toContainEqual(
      expect.objectContaining({ code: 'entry.column', seq: SEQ, column }),
    );
  });
});
