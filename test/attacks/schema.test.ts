/** Attack matrix: tables, views, triggers and indexes are those of this version, to the letter. */
import { beforeAll, describe, expect, test } from 'vitest';
import { attack, type FreeHands, openFreely } from './edits.js';
import { at, type Built, buildLedger, copyLedger, found, verifyFile } from './ledger-files.js';

let built: Built;
beforeAll(async () => {
  built = await buildLedger({ batches: [99, 300, 200] });
});

const report = (path: string) => verifyFile(path, { key: built.key });

describe('the schema', () => {
  const triggerText = (db: FreeHands, name: string): string =>
    db.prepare('SELECT sql FROM sqlite_schema WHERE name = ?').pluck().get(name) as string;
  const edit = (change: (db: FreeHands) => void): string => {
    const path = copyLedger(built.path);
    const db = openFreely(path);
    change(db);
    db.close();
    return path;
  };
  const rewritten = (name: string, change: (sql: string) => string) => (db: FreeHands) => {
    db.pragma('writable_schema = ON');
    db.prepare('UPDATE sqlite_schema SET sql = ? WHERE name = ?').run(change(triggerText(db, name)), name);
  };

  const CHANGES: readonly (readonly [what: string, change: (db: FreeHands) => void])[] = [
    ['a trigger dropped', (db) => db.exec('DROP TRIGGER entries_no_update')],
    [
      'a trigger that ignores instead of refusing',
      (db) => {
        const sql = triggerText(db, 'entries_no_delete');
        db.exec('DROP TRIGGER entries_no_delete');
        db.exec(sql.replace(/RAISE\(ABORT, '[^']*'\)/, 'RAISE(IGNORE)'));
      },
    ],
    [
      'a trigger that is never reached',
      (db) => {
        const sql = triggerText(db, 'entries_no_update');
        db.exec('DROP TRIGGER entries_no_update');
        db.exec(sql.replace('BEGIN', 'WHEN 0 BEGIN'));
      },
    ],
    ['an extra trigger', (db) => db.exec('CREATE TRIGGER extra AFTER INSERT ON entries BEGIN SELECT 1; END')],
    [
      'an extra trigger that drops half of what is appended',
      (db) =>
        db.exec('CREATE TRIGGER extra BEFORE INSERT ON payloads WHEN NEW.seq % 2 BEGIN SELECT RAISE(IGNORE); END'),
    ],
    ['an index dropped', (db) => db.exec('DROP INDEX entries_by_business')],
    [
      'an index made partial',
      (db) =>
        db.exec(
          'DROP INDEX entries_by_span; CREATE INDEX entries_by_span ON entries (segment, trace_id, span_id) WHERE seq % 7',
        ),
    ],
    [
      'an index in descending order',
      (db) =>
        db.exec(
          'DROP INDEX entries_by_span; CREATE INDEX entries_by_span ON entries (segment, trace_id, span_id DESC)',
        ),
    ],
    [
      'an index with another collation',
      (db) =>
        db.exec(
          'DROP INDEX entries_by_business; CREATE INDEX entries_by_business ON entries (segment, business COLLATE NOCASE) WHERE business IS NOT NULL',
        ),
    ],
    ['an extra index', (db) => db.exec('CREATE INDEX extra ON entries (type)')],
    ['an extra table', (db) => db.exec('CREATE TABLE extra (a)')],
    ['an extra view', (db) => db.exec('CREATE VIEW extra AS SELECT 1')],
    ['an extra column', (db) => db.exec('ALTER TABLE entries ADD COLUMN extra TEXT')],
    ['an extra generated column', (db) => db.exec('ALTER TABLE entries ADD COLUMN extra TEXT AS (upper(entry))')],
    ['a column renamed', (db) => db.exec('DROP VIEW spans; ALTER TABLE payloads RENAME COLUMN payload TO content')],
    ['a table dropped', (db) => db.exec('DROP TABLE contexts')],
    ['the view of spans replaced', (db) => db.exec('DROP VIEW spans; CREATE VIEW spans AS SELECT 1 AS seq')],
    ['white space in a table', rewritten('entries', (sql) => sql.replace('entries (', 'entries  ('))],
    ['white space behind an index', rewritten('entries_control', (sql) => `${sql} `)],
    ['STRICT taken away', rewritten('payloads', (sql) => sql.replace(' STRICT', ''))],
    ['the application id', (db) => db.pragma('application_id = 1')],
    ['the user version', (db) => db.pragma('user_version = 3')],
    ['the user version, an older one', (db) => db.pragma('user_version = 1')],
    [
      'statistics in a table of another shape',
      (db) => {
        db.exec('ANALYZE');
        rewritten('sqlite_stat1', (sql) => sql.replace('stat)', 'stat,note)'))(db);
      },
    ],
  ];

  test.each(CHANGES)('%s is INVALID', (_, change) => {
    const result = report(edit(change));
    expect(result).toMatchObject({ verdict: 'INVALID', exitCode: 1 });
    expect(found(result)).toContain('store.schema');
  });

  test.each(['entries', 'payloads', 'contexts', 'checkpoints', 'nodes'])(
    'table %s replaced by a view is INVALID',
    (table) => {
      const path = edit((db) => {
        db.pragma('legacy_alter_table = ON');
        for (const name of db.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").pluck().all())
          db.exec(`DROP TRIGGER ${name}`);
        db.exec(`ALTER TABLE ${table} RENAME TO ${table}_x; CREATE VIEW ${table} AS SELECT * FROM ${table}_x`);
      });
      expect(found(report(path))).toContain('store.schema');
    },
  );

  test('table entries replaced by a view that never ends is INVALID', () => {
    const path = edit((db) => {
      db.pragma('legacy_alter_table = ON');
      for (const name of db.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").pluck().all())
        db.exec(`DROP TRIGGER ${name}`);
      db.exec(`ALTER TABLE entries RENAME TO entries_x;
        CREATE VIEW entries AS WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i FROM n)
        SELECT i AS seq, 0 AS segment, 'span' AS type, NULL AS trace_id, NULL AS span_id, NULL AS business, NULL AS business_parent, '' AS entry FROM n WHERE i > 0`);
    });
    expect(found(report(path))).toContain('store.schema');
  });

  test.each([
    'ANALYZE',
    'VACUUM',
    'REINDEX',
    'PRAGMA optimize',
    'PRAGMA wal_checkpoint(TRUNCATE)',
    'PRAGMA journal_mode = DELETE',
  ])('%s changes no verdict', (sql) => {
    expect(report(edit((db) => db.exec(sql)))).toMatchObject({ verdict: 'VALID', problems: [] });
  });

  test('a table rebuilt under its own schema without one row is INVALID', () => {
    const path = attack(built.path, (db) => {
      db.pragma('legacy_alter_table = ON');
      const sql = triggerText(db, 'payloads');
      db.exec('ALTER TABLE payloads RENAME TO old');
      db.exec(sql);
      db.exec('INSERT INTO payloads SELECT * FROM old WHERE seq <> 300; DROP TABLE old');
    });
    expect(report(path)).toMatchObject({ verdict: 'INCOMPLETE', code: 'incomplete.payloads' });
    expect(found(report(path))).toEqual([at('payload.missing', 300)]);
  });

  test('root pages of two tables exchanged is INVALID', () => {
    const path = attack(built.path, (db) => {
      db.pragma('writable_schema = ON');
      const page = db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').pluck();
      const [a, b] = [page.get('payloads'), page.get('checkpoints')];
      const set = db.prepare('UPDATE sqlite_schema SET rootpage = ? WHERE name = ?');
      set.run(b, 'payloads');
      set.run(a, 'checkpoints');
      db.pragma('writable_schema = RESET');
    });
    expect(report(path)).toMatchObject({ verdict: 'INVALID' });
  });

  test('text that is not UTF-8 in the schema is INVALID', () => {
    const path = attack(built.path, (db) => {
      db.pragma('writable_schema = ON');
      editSchemaText(db);
      db.pragma('writable_schema = RESET');
    });
    expect(found(report(path))).toContain('store.schema');
  });

  function editSchemaText(db: FreeHands): void {
    db.prepare(
      "UPDATE sqlite_schema SET sql = CAST(CAST(sql AS BLOB) || x'202d2dff' AS TEXT) WHERE name = 'spans'",
    ).run();
  }
});
