/** The schema texts are what SQLite keeps of them, and the guards do what they say. */
import Sqlite from 'better-sqlite3';
import { beforeEach, describe, expect, test } from 'vitest';
import { APPLICATION_ID, SCHEMA, SCHEMA_VERSION } from '../dist/index.js';

let db: Sqlite.Database;

beforeEach(() => {
  db = new Sqlite(':memory:');
  db.pragma('trusted_schema = OFF');
  for (const { sql } of SCHEMA) if (sql !== null) db.exec(sql);
});

test('what SQLite shows after executing the schema is the schema', () => {
  const shown = db.prepare('SELECT type, name, tbl_name AS "table", sql FROM sqlite_schema').all();
  const byName = (a: unknown, b: unknown): number => JSON.stringify(a).localeCompare(JSON.stringify(b));
  expect(shown.sort(byName)).toEqual(SCHEMA.map((object) => ({ ...object })).sort(byName));
});

test('application_id is the ASCII letters IFWL', () => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(APPLICATION_ID);
  expect(bytes.toString('latin1')).toBe('IFWL');
  expect(SCHEMA_VERSION).toBe(2);
});

test('every table is STRICT', () => {
  const tables = db.pragma('table_list') as { name: string; type: string; strict: number }[];
  for (const { name, strict } of tables.filter(({ name, type }) => type === 'table' && !name.startsWith('sqlite_'))) {
    expect([name, strict]).toEqual([name, 1]);
  }
});

describe('the guards', () => {
  const entry = '\'{"body":{}}\'';

  beforeEach(() => {
    db.exec(`INSERT INTO entries VALUES (0, 0, 'genesis', NULL, NULL, NULL, NULL, ${entry}),
      (1, 0, 'span', x'01', x'02', 'b', NULL, ${entry}), (2, 0, 'span', x'01', x'03', 'b', NULL, ${entry})`);
    db.exec("INSERT INTO payloads VALUES (1, x'00', x'01'), (2, x'00', x'01')");
    db.exec("INSERT INTO contexts VALUES (x'aa', 'resource', x'')");
    db.exec("INSERT INTO checkpoints VALUES (1, x'00'), (3, x'00')");
  });

  test.each([
    ["UPDATE entries SET entry = 'x' WHERE seq = 1", 'entries are never changed'],
    ['UPDATE entries SET seq = 9 WHERE seq = 1', 'entries are never changed'],
    ['DELETE FROM entries', 'entries are never deleted'],
    [`INSERT INTO entries VALUES (1, 0, 'span', NULL, NULL, NULL, NULL, ${entry})`, 'entries are never replaced'],
    [`REPLACE INTO entries VALUES (1, 0, 'span', NULL, NULL, NULL, NULL, ${entry})`, 'entries are never replaced'],
    [
      `INSERT INTO entries VALUES (2, 0, 'span', NULL, NULL, NULL, NULL, 'x') ON CONFLICT DO UPDATE SET entry = 'x'`,
      'entries are never replaced',
    ],
    ["UPDATE checkpoints SET note = x'01'", 'checkpoints are never changed'],
    ['DELETE FROM checkpoints WHERE size = 1', 'checkpoints are never deleted'],
    ["INSERT OR REPLACE INTO checkpoints VALUES (3, x'01')", 'checkpoints are never replaced'],
    ["INSERT INTO checkpoints VALUES (2, x'01')", 'checkpoints are never replaced'],
    ["UPDATE payloads SET payload = x'02'", 'payloads are never changed'],
    ['DELETE FROM payloads WHERE seq = 1', 'a payload is erased by if-witness redact'],
    ["INSERT OR REPLACE INTO payloads VALUES (2, x'00', x'02')", 'payloads are never replaced'],
    ["UPDATE contexts SET context = x'02'", 'contexts are never changed'],
    ['DELETE FROM contexts', 'a context goes with the last payload that names it'],
    ["INSERT OR REPLACE INTO contexts VALUES (x'aa', 'scope', x'')", 'contexts are never replaced'],
  ])('%s', (sql, message) => {
    expect(() => db.exec(sql)).toThrow(message);
  });

  test('let through what the writer does', () => {
    db.exec(`INSERT INTO entries VALUES (3, 0, 'span', x'01', x'04', NULL, NULL, ${entry})`);
    db.exec("INSERT INTO payloads VALUES (3, x'00', x'01')");
    db.exec("INSERT INTO contexts VALUES (x'ab', 'scope', x'')");
    db.exec("INSERT INTO checkpoints VALUES (4, x'00')");
    db.exec("INSERT INTO nodes VALUES (8, 0, x'00')");
  });

  test('let a payload go once it is said to be erased, and no other', () => {
    db.exec(`INSERT INTO entries VALUES (3, 0, 'redaction', NULL, NULL, NULL, NULL, '{"body":{"target":1}}')`);
    expect(() => db.exec('DELETE FROM payloads WHERE seq = 1')).toThrow('redact');
    db.exec('INSERT INTO erased VALUES (1, 3)');
    db.exec('DELETE FROM payloads WHERE seq = 1');
    expect(() => db.exec('DELETE FROM payloads WHERE seq = 2')).toThrow('redact');
    db.exec('DELETE FROM contexts');
  });

  test('let nobody take back that something was erased', () => {
    db.exec('INSERT INTO erased VALUES (1, 3)');
    expect(() => db.exec('UPDATE erased SET redaction = 2')).toThrow('stays erased');
    expect(() => db.exec('DELETE FROM erased')).toThrow('stays erased');
  });
});

test('the view shows the business trace id, tokens and cost of spans', () => {
  const body = {
    business: 'b',
    charge: { cost: '1', currency: 'USD', source: 'reported' },
    event: 'e',
    usage: { model: 'm', tokens: { input: 3, output: 4 } },
  };
  db.prepare("INSERT INTO entries VALUES (1, 0, 'span', x'01', x'02', 'b', NULL, ?)").run(JSON.stringify({ body }));
  expect(db.prepare('SELECT * FROM spans').get()).toMatchObject({
    seq: 1,
    business_trace_id: 'b',
    event: 'e',
    model: 'm',
    input_tokens: 3,
    output_tokens: 4,
    cost_pico: '1',
    cost_source: 'reported',
  });
});
