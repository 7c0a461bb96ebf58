/**
 * The judge of `@infrafabric/verify` and verify.py, which share no code, give the same verdict on golden ledgers and on
 * whatever an attacker makes of them.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { base64Of, bytesOfBase64, parseVkey, SCHEMA } from '@infrafabric/format';
import { Ledger, localKeys } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { verifyLedger } from '@infrafabric/verify';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { peer } from '../peers.js';
import { fixedSources } from '../vectors/fixed-sources.mjs';

type Verdict = 'VALID' | 'INVALID' | 'INCOMPLETE';
type Db = Sqlite.Database;

const python = peer('python3', ['python3', '-c', 'import sqlite3']);
const openssl = peer('openssl', ['openssl', 'pkeyutl', '-help']);
const script = fileURLToPath(new URL('verify.py', import.meta.url));
const golden = fileURLToPath(new URL('../vectors/witness.db', import.meta.url));
const goldenVkey = (
  JSON.parse(readFileSync(new URL('../vectors/ledger.json', import.meta.url), 'utf8')) as { vkey: string }
).vkey;

const VERDICTS: readonly (Verdict | undefined)[] = ['VALID', 'INVALID', undefined, 'INCOMPLETE'];

let folder: string;
let copy: string;
/** A ledger of 600 entries, which has stored tree nodes, and its key. */
let large: { readonly file: string; readonly vkey: string };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'second-verifier-'));
  copy = join(folder, 'copy.db');
  const { sources } = fixedSources('second verifier', 1_700_000_000_000_000_000n);
  const ledger = await Ledger.open({ home: join(folder, 'home'), sources });
  for (const count of [1, 300, 298]) {
    const body = { count, reason: 'test', since: '0', source: 'test', until: '0' };
    await ledger.append(Array.from({ length: count }, () => ({ type: 'gap', body })));
  }
  await ledger.close();
  const [key] = localKeys(join(folder, 'home'), ledger.origin());
  large = { file: ledger.paths.ledger, vkey: key!.vkey };
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

beforeEach((context) => {
  python.need(context);
  openssl.need(context);
});

/** Both verdicts on the copy. */
function verdicts(vkey: string | undefined): [judge: Verdict, second: Verdict] {
  const reader = LedgerReader.open(copy);
  let judge: Verdict;
  try {
    judge = verifyLedger(reader, vkey === undefined ? {} : { key: parseVkey(vkey) }).verdict;
  } finally {
    reader.close();
  }
  const run = spawnSync('python3', [script, copy, ...(vkey === undefined ? [] : ['--key', vkey])], {
    encoding: 'utf8',
  });
  expect(run.stderr).toBe('');
  const second = VERDICTS[run.status ?? 2];
  expect(run.stdout.startsWith(`${second}: `)).toBe(true);
  return [judge, second!];
}

/** Edits a copy of a ledger as somebody would who takes the guards off and puts them back. */
function edit(from: string, change: (db: Db) => void): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(copy + suffix, { force: true });
  copyFileSync(from, copy);
  if (existsSync(`${from}-wal`)) copyFileSync(`${from}-wal`, `${copy}-wal`);
  const db = new Sqlite(copy);
  try {
    const triggers = SCHEMA.filter(({ type }) => type === 'trigger');
    for (const { name } of triggers) db.exec(`DROP TRIGGER ${name}`);
    change(db);
    for (const { sql } of triggers) db.exec(sql!);
  } finally {
    db.close();
  }
}

const sql =
  (...statements: string[]) =>
  (db: Db): void => {
    for (const statement of statements)
      expect([statement, db.prepare(statement).run().changes > 0]).toEqual([statement, true]);
  };

/** Rewrites the note of a size. */
const note =
  (size: number, change: (text: string) => string) =>
  (db: Db): void => {
    const stored = db.prepare('SELECT note FROM checkpoints WHERE size = ?').pluck().get(size) as Buffer;
    const changed = change(stored.toString('utf8'));
    expect(changed).not.toBe(stored.toString('utf8'));
    db.prepare('UPDATE checkpoints SET note = ? WHERE size = ?').run(Buffer.from(changed), size);
  };

/** One octet of a blob, or of a text as it is stored, with one bit turned. */
const bit =
  (table: string, column: string, where: string, octet = 0) =>
  (db: Db): void => {
    const [klass, stored] = db
      .prepare(`SELECT typeof(${column}), CAST(${column} AS BLOB) FROM ${table} WHERE ${where}`)
      .raw()
      .get() as [string, Buffer];
    stored[octet < 0 ? stored.length + octet : octet]! ^= 1;
    const value = klass === 'text' ? 'CAST(? AS TEXT)' : '?';
    db.prepare(`UPDATE ${table} SET ${column} = ${value} WHERE ${where}`).run(stored);
  };

/** Octets of a TEXT put in place of others, which a lenient decoder may not see. */
const octets =
  (column: string, seq: number, from: string, to: string) =>
  (db: Db): void => {
    const stored = db.prepare(`SELECT CAST(${column} AS BLOB) FROM entries WHERE seq = ?`).pluck().get(seq) as Buffer;
    const hex = stored.toString('hex');
    expect(hex).toContain(from);
    db.prepare(`UPDATE entries SET ${column} = CAST(? AS TEXT) WHERE seq = ?`).run(
      Buffer.from(hex.replace(from, to), 'hex'),
      seq,
    );
  };

/** Everything from a size on, as an older copy of the file would lack it. */
const cutTo =
  (size: number) =>
  (db: Db): void => {
    db.exec(`DELETE FROM entries WHERE seq >= ${size}; DELETE FROM checkpoints WHERE size > ${size};
      DELETE FROM payloads WHERE seq >= ${size}; DELETE FROM nodes WHERE (node + 1) << level > ${size};
      DELETE FROM contexts WHERE NOT EXISTS (SELECT 1 FROM payloads
        WHERE substr(payload, 1, 32) = digest OR substr(payload, 33, 32) = digest)`);
  };

const nothing = (): void => undefined;

describe('a ledger as it was written', () => {
  test.each([
    ['with its key', goldenVkey, nothing, 'VALID'],
    ['without a key', undefined, nothing, 'INCOMPLETE'],
    ['with a key of the same name', goldenVkey, nothing, 'VALID'],
    ['after VACUUM and ANALYZE', goldenVkey, (db: Db) => db.exec('VACUUM; ANALYZE'), 'VALID'],
  ] as const)('%s', (_, vkey, change, verdict) => {
    edit(golden, change);
    expect(verdicts(vkey)).toEqual([verdict, verdict]);
  });

  test('with another ledger’s key', () => {
    edit(golden, nothing);
    expect(verdicts(large.vkey)).toEqual(['INVALID', 'INVALID']);
  });

  test('with stored tree nodes', () => {
    edit(large.file, nothing);
    expect(verdicts(large.vkey)).toEqual(['VALID', 'VALID']);
  });
});

describe('entries', () => {
  test.each([0, 1, 4, 10, 11])('one bit of entry %i', (seq) => {
    edit(golden, bit('entries', 'entry', `seq = ${seq}`, 9));
    expect(verdicts(goldenVkey)).toEqual(['INVALID', 'INVALID']);
  });

  test.each([
    ['prev changed in the middle', bit('entries', 'entry', 'seq = 5', -30)],
    ['prev changed in the last', bit('entries', 'entry', 'seq = 11', -40)],
    ['a raw control character', octets('entry', 9, '5c753030303022', '0022')],
    ['a malformed octet for U+FFFD', octets('entry', 9, 'efbfbd', 'f09080')],
    ['another malformed octet for U+FFFD', octets('entry', 9, 'efbfbd', 'ff')],
    ['a space', octets('entry', 6, '2c22626f6479', '2c2022626f6479')],
    ['deleted first', sql('DELETE FROM entries WHERE seq = 0')],
    ['deleted in the middle', sql('DELETE FROM entries WHERE seq = 6')],
    ['deleted last', sql('DELETE FROM entries WHERE seq = 11')],
    ['deleted at the end, checkpoints left', sql('DELETE FROM entries WHERE seq >= 9')],
    [
      'swapped',
      sql(
        'UPDATE entries SET seq = -1 WHERE seq = 4',
        'UPDATE entries SET seq = 4 WHERE seq = 6',
        'UPDATE entries SET seq = 6 WHERE seq = -1',
      ),
    ],
    ['renumbered', sql('UPDATE entries SET seq = 13 WHERE seq = 11')],
    [
      'inserted at the end',
      sql('INSERT INTO entries SELECT 12, 0, type, NULL, NULL, NULL, NULL, entry FROM entries WHERE seq = 6'),
    ],
    [
      'inserted before the first',
      sql('INSERT INTO entries SELECT -1, 0, type, NULL, NULL, NULL, NULL, entry FROM entries WHERE seq = 6'),
    ],
    ['all deleted', sql('DELETE FROM entries')],
    ['everything deleted', cutTo(0)],
  ])('%s', (_, change) => {
    edit(golden, change);
    expect(verdicts(goldenVkey)).toEqual(['INVALID', 'INVALID']);
  });
});

describe('columns', () => {
  test.each([
    ['segment', sql('UPDATE entries SET segment = 1 WHERE seq = 2')],
    ['type', sql("UPDATE entries SET type = 'gap' WHERE seq = 2")],
    ['type of a gap', sql("UPDATE entries SET type = 'span' WHERE seq = 6")],
    ['trace_id', bit('entries', 'trace_id', 'seq = 2')],
    ['trace_id removed', sql('UPDATE entries SET trace_id = NULL WHERE seq = 2')],
    ['span_id', bit('entries', 'span_id', 'seq = 2', 7)],
    ['business', sql("UPDATE entries SET business = 'session-flow-002' WHERE seq = 1")],
    ['business removed', sql('UPDATE entries SET business = NULL WHERE seq = 1')],
    ['business added', sql("UPDATE entries SET business = 'b' WHERE seq = 3")],
    ['business_parent', sql('UPDATE entries SET business_parent = business WHERE seq = 1')],
    ['business octets that decode alike', octets('business', 9, 'efbfbd', 'ed')],
  ])('%s', (_, change) => {
    edit(golden, change);
    expect(verdicts(goldenVkey)).toEqual(['INVALID', 'INVALID']);
  });
});

describe('checkpoints', () => {
  const swapSignature = (text: string, signature: string): string => text.replace(/ \S+\n$/, ` ${signature}\n`);

  test.each([
    ['an old root', note(4, (text) => text.replace(/^([^\n]+\n[^\n]+\n).{4}/, '$1AAAA')), 'INVALID'],
    ['the newest root', note(12, (text) => text.replace(/^([^\n]+\n[^\n]+\n).{4}/, '$1AAAA')), 'INVALID'],
    ['the newest size', note(12, (text) => text.replace('\n12\n', '\n11\n')), 'INVALID'],
    ['the newest origin', note(12, (text) => text.replace('if-witness', 'if-witnes5')), 'INVALID'],
    ['an extension line that nobody signed', note(12, (text) => text.replace('\n\n', '\nextension\n\n')), 'INVALID'],
    ['an old signature line more', note(4, (text) => `${text}— other AAAAAAAA\n`), 'INVALID'],
    ['a signature line of another key, on the newest', note(12, (text) => `${text}— other AAAAAAAA\n`), 'INVALID'],
    ['101 signature lines, on the newest', note(12, (text) => text + '— other AAAAAAAA\n'.repeat(100)), 'INVALID'],
    ['a malformed signature line, on the newest', note(12, (text) => `${text}— other AAAA\n`), 'INVALID'],
    ['a key name with a no-break space, on the newest', note(12, (text) => `${text}— o\u00a0r AAAAAAAA\n`), 'INVALID'],
    ['no signature, on the newest', note(12, (text) => text.slice(0, text.indexOf('—'))), 'INVALID'],
    ['another key’s signature only', note(12, (text) => text.replace(/— \S+/, '— other')), 'INVALID'],
    ['a bit of the signature', note(12, (text) => swapSignature(text, changedBit(text))), 'INVALID'],
    [
      'a good and a bad signature',
      note(12, (text) => text + swapSignature(text, changedBit(text)).slice(text.indexOf('—'))),
      'INVALID',
    ],
    [
      'base64 that is not canonical',
      note(12, (text) => text.replace(/.=\n$/, (end) => `${nextLetter(end[0]!)}=\n`)),
      'INVALID',
    ],
    ['no final newline', note(12, (text) => text.slice(0, -1)), 'INVALID'],
    ['an old one removed', sql('DELETE FROM checkpoints WHERE size = 6'), 'INVALID'],
    ['the first removed', sql('DELETE FROM checkpoints WHERE size = 1'), 'INVALID'],
    ['the newest removed', sql('DELETE FROM checkpoints WHERE size = 12'), 'INVALID'],
    ['all removed', sql('DELETE FROM checkpoints'), 'INVALID'],
    ['one more', sql('INSERT INTO checkpoints SELECT 5, note FROM checkpoints WHERE size = 4'), 'INVALID'],
    ['one of size 0', sql('INSERT INTO checkpoints SELECT 0, note FROM checkpoints WHERE size = 4'), 'INVALID'],
    ['one beyond the end', sql('INSERT INTO checkpoints SELECT 13, note FROM checkpoints WHERE size = 12'), 'INVALID'],
    [
      'an older one in place of the newest',
      sql('UPDATE checkpoints SET note = (SELECT note FROM checkpoints WHERE size = 9) WHERE size = 12'),
      'INVALID',
    ],
  ] as const)('%s', (_, change, verdict) => {
    edit(golden, change);
    expect(verdicts(goldenVkey)).toEqual([verdict, verdict]);
  });

  function changedBit(text: string): string {
    const signature = bytesOfBase64(/ (\S+)\n$/.exec(text)![1]!);
    signature[40]! ^= 4;
    return base64Of(signature);
  }

  /** The last letter before one `=` has two bits that belong to no octet. */
  function nextLetter(letter: string): string {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    return alphabet[alphabet.indexOf(letter) + 1]!;
  }
});

describe('what nobody vouches for', () => {
  test.each([9, 7, 6, 4, 1])('a ledger cut to an older checkpoint, of size %i, looks like an older copy', (size) => {
    edit(golden, cutTo(size));
    expect(verdicts(goldenVkey)).toEqual(['VALID', 'VALID']);
  });

  test('a cut between checkpoints does not', () => {
    edit(golden, cutTo(8));
    expect(verdicts(goldenVkey)).toEqual(['INVALID', 'INVALID']);
  });

  test('a ledger cut to an older checkpoint, tree nodes too', () => {
    edit(large.file, cutTo(302));
    expect(verdicts(large.vkey)).toEqual(['VALID', 'VALID']);
  });
});

describe('tree nodes', () => {
  test.each([
    ['a bit', bit('nodes', 'hash', 'level = 8 AND node = 1', 31)],
    ['a bit of a higher one', bit('nodes', 'hash', 'level = 9')],
    ['removed', sql('DELETE FROM nodes WHERE level = 8 AND node = 0')],
    ['all removed', sql('DELETE FROM nodes')],
    ['one more', sql('INSERT INTO nodes VALUES (8, 2, zeroblob(32))')],
    ['swapped', sql('UPDATE nodes SET node = 1 - node WHERE level = 8 AND node = 5', 'DELETE FROM nodes').bind(null)],
    ['33 octets', sql("UPDATE nodes SET hash = CAST(hash || x'00' AS BLOB) WHERE level = 9")],
  ])('%s', (name, change) => {
    edit(large.file, name === 'swapped' ? swapNodes : change);
    expect(verdicts(large.vkey)).toEqual(['INVALID', 'INVALID']);
  });

  function swapNodes(db: Db): void {
    db.exec(
      'UPDATE nodes SET node = 7 WHERE level = 8 AND node = 0; UPDATE nodes SET node = 0 WHERE level = 8 AND node = 1',
    );
    db.exec('UPDATE nodes SET node = 1 WHERE level = 8 AND node = 7');
  }
});

describe('payloads and contexts', () => {
  test.each([
    ['a bit of a payload', bit('payloads', 'payload', 'seq = 1', -1), 'INVALID'],
    ['a bit of a salt', bit('payloads', 'salt', 'seq = 1'), 'INVALID'],
    [
      'an octet moved from the salt to the payload',
      sql(
        'UPDATE payloads SET salt = substr(salt, 1, 31), payload = CAST(substr(salt, 32) || payload AS BLOB) WHERE seq = 1',
      ),
      'INVALID',
    ],
    [
      'an octet moved from the payload to the salt',
      sql(
        'UPDATE payloads SET salt = CAST(salt || substr(payload, 1, 1) AS BLOB), payload = substr(payload, 2) WHERE seq = 1',
      ),
      'INVALID',
    ],
    ['a payload removed', sql('DELETE FROM payloads WHERE seq = 1'), 'INCOMPLETE'],
    [
      'a payload removed together with a changed entry',
      sql('DELETE FROM payloads WHERE seq = 1', 'UPDATE entries SET segment = 1 WHERE seq = 1'),
      'INVALID',
    ],
    ['a payload for a gap', sql('INSERT INTO payloads SELECT 6, salt, payload FROM payloads WHERE seq = 1'), 'INVALID'],
    [
      'a payload for no entry',
      sql('INSERT INTO payloads SELECT 12, salt, payload FROM payloads WHERE seq = 1'),
      'INVALID',
    ],
    [
      'two payloads swapped',
      sql(
        'UPDATE payloads SET seq = 99 WHERE seq = 1',
        'UPDATE payloads SET seq = 1 WHERE seq = 2',
        'UPDATE payloads SET seq = 2 WHERE seq = 99',
      ),
      'INVALID',
    ],
    ['a bit of a context', bit('contexts', 'context', "kind = 'resource' AND length(context) > 0"), 'INVALID'],
    ['a context of another kind', sql("UPDATE contexts SET kind = 'scope' WHERE kind = 'resource'"), 'INVALID'],
    ['a context of no kind', sql("UPDATE contexts SET kind = 'payload' WHERE kind = 'resource'"), 'INVALID'],
    ['a context removed', sql("DELETE FROM contexts WHERE kind = 'scope' AND length(context) > 0"), 'INVALID'],
    ['a context more', sql("INSERT INTO contexts VALUES (zeroblob(32), 'scope', x'00')"), 'INVALID'],
  ] as const)('%s', (_, change, verdict) => {
    edit(golden, change);
    expect(verdicts(goldenVkey)).toEqual([verdict, verdict]);
  });
});

describe('the database around them', () => {
  test.each([
    ['application_id', (db: Db) => db.pragma('application_id = 1')],
    ['user_version', (db: Db) => db.pragma('user_version = 3')],
    ['user_version, an older one', (db: Db) => db.pragma('user_version = 1')],
    ['a table more', sql.bind(null)],
    ['an index dropped', (db: Db) => db.exec('DROP INDEX entries_by_span')],
    ['a view dropped', (db: Db) => db.exec('DROP VIEW spans')],
    ['a trigger more', (db: Db) => db.exec('CREATE TRIGGER more AFTER INSERT ON entries BEGIN SELECT 1; END')],
  ] as const)('%s', (name, change) => {
    edit(golden, name === 'a table more' ? (db) => db.exec('CREATE TABLE more (x)') : (change as (db: Db) => void));
    expect(verdicts(goldenVkey)).toEqual(['INVALID', 'INVALID']);
  });
});

describe('any value of any row', () => {
  const CASES = 24;

  test(`both say the same of ${CASES} random edits`, { timeout: 60_000 }, () => {
    let state = 1;
    const random = (below: number): number => {
      // Numerical Recipes' generator: the same edits every time.
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const found = { VALID: 0, INVALID: 0, INCOMPLETE: 0 };
    for (let i = 0; i < CASES; i++) {
      let what = '';
      edit(golden, (db) => {
        what = randomEdit(db, random);
      });
      const [judge, second] = verdicts(goldenVkey);
      expect([what, second]).toEqual([what, judge]);
      found[judge]++;
    }
    expect(found.VALID).toBe(0);
  });

  function sqlText(value: unknown): string {
    return typeof value === 'number' ? String(value) : `'${String(value).replaceAll("'", "''")}'`;
  }

  function randomEdit(db: Db, random: (below: number) => number): string {
    const tables = ['entries', 'entries', 'payloads', 'contexts', 'checkpoints'];
    const table = tables[random(tables.length)]!;
    const columns = (db.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => name);
    const column = columns[random(columns.length)]!;
    // `contexts` has no rowid.
    const key = table === 'contexts' ? 'quote(digest)' : 'rowid';
    const keys = db
      .prepare(`SELECT ${key} FROM ${table} WHERE octet_length(${column}) > 0 ORDER BY ${key}`)
      .pluck()
      .all();
    const row = `${key} = ${sqlText(keys[random(keys.length)])}`;
    const before = db.prepare(`SELECT ${column} FROM ${table} WHERE ${row}`).pluck().get();
    if (typeof before === 'number') {
      db.prepare(`UPDATE ${table} SET ${column} = ${column} + 100 WHERE ${row}`).run();
      return `${table}.${column} where ${row} plus 100`;
    }
    const octet = random(Buffer.from(before as string | Buffer).length);
    bit(table, column, row, octet)(db);
    return `${table}.${column} where ${row}, octet ${octet}`;
  }
});
