/** Attack matrix: only what stands around the signed bytes is altered: columns, tree nodes, indexes, schema. */
import { LedgerReader } from '@infrafabric/ledger/reader';
import { beforeAll, describe, expect, test } from 'vitest';
import { attack, attackIndex, attackUntyped, type FreeHands, openFreely } from './edits.js';
import { at, type Built, buildLedger, copyLedger, found, verifyFile } from './ledger-files.js';

/** 600 entries: two full nodes of level 8, one of level 9, and all that lies beside them. */
let built: Built;
beforeAll(async () => {
  built = await buildLedger({ batches: [99, 300, 200] });
});

const report = (path: string) => verifyFile(path, { key: built.key });

describe('a stored column alone', () => {
  const COLUMNS: readonly (readonly [column: string, value: string])[] = [
    ['segment', 'segment + 1'],
    ['type', "'gap'"],
    ['type', "'spam'"],
    ['trace_id', "x'00112233445566778899aabbccddeeff'"],
    ['trace_id', 'NULL'],
    ['trace_id', 'CAST(trace_id || trace_id AS BLOB)'],
    ['span_id', 'zeroblob(8)'],
    ['span_id', 'NULL'],
    ['business', "business || 'x'"],
    ['business', "replace(business, 's', 'ѕ')"],
    ['business', 'NULL'],
    ['business', "''"],
    ['business_parent', 'business'],
    ['business_parent', "''"],
  ];

  test.each(COLUMNS)('%s set to %s is named with its seq', (column, value) => {
    for (const seq of [1, 301, 599]) {
      const path = attack(built.path, (db) => {
        const before = db.prepare(`SELECT quote(${column}) FROM entries WHERE seq = ${seq}`).pluck().get();
        db.exec(`UPDATE entries SET ${column} = ${value} WHERE seq = ${seq}`);
        expect(db.prepare(`SELECT quote(${column}) FROM entries WHERE seq = ${seq}`).pluck().get()).not.toBe(before);
      });
      expect(report(path)).toMatchObject({ verdict: 'INVALID', problems: [{ code: 'entry.column', seq, column }] });
    }
  });

  test.each(['segment', 'type', 'trace_id', 'span_id', 'business', 'business_parent', 'entry'])(
    '%s in another storage class is named',
    (column) => {
      const path = attackUntyped(built.path, (db) => {
        const to = column === 'segment' ? 'TEXT' : column.endsWith('_id') ? 'TEXT' : 'BLOB';
        db.exec(`UPDATE entries SET ${column} = CAST(${column} AS ${to}) WHERE seq = 300`);
      });
      const code = column === 'entry' ? 'entry.unreadable' : 'entry.column';
      expect(found(report(path))).toContain(at(code, 300));
    },
  );

  test('two spans with their trace ids exchanged are both named', () => {
    const path = attack(built.path, (db) => {
      const id = db.prepare('SELECT trace_id FROM entries WHERE seq = ?').pluck();
      const [a, b] = [id.get(10), id.get(11)];
      const set = db.prepare('UPDATE entries SET trace_id = ? WHERE seq = ?');
      set.run(b, 10);
      set.run(a, 11);
    });
    expect(found(report(path))).toEqual([at('entry.column', 10), at('entry.column', 11)]);
  });

  test('a column of genesis that must be NULL is named', () => {
    const path = attack(built.path, (db) => db.exec("UPDATE entries SET business = 'x' WHERE seq = 0"));
    expect(report(path).problems).toMatchObject([{ code: 'entry.column', seq: 0, column: 'business' }]);
  });

  test.each(['type', 'business', 'business_parent'])('%s of 10 MB is named without being read', (column) => {
    const path = attack(built.path, (db) =>
      db.exec(`UPDATE entries SET ${column} = CAST(zeroblob(10000000) AS TEXT) WHERE seq = 300`),
    );
    expect(report(path).problems).toMatchObject([{ code: 'entry.column', seq: 300, column }]);
    const reader = LedgerReader.open(path);
    const [row] = [...reader.entries(300, 301)].flat();
    expect(row?.[3]?.length).toBeLessThan(70_000);
    expect(reader.entryOctets(300)[column === 'business_parent' ? 'businessParent' : (column as 'type')]).toBeNull();
    reader.close();
  });
});

describe('a tree node', () => {
  const NODES: readonly (readonly [what: string, sql: string, seq: number | undefined])[] = [
    ['altered', 'UPDATE nodes SET hash = zeroblob(32) WHERE level = 8 AND node = 1', 256],
    ['altered, its root', 'UPDATE nodes SET hash = randomblob(32) WHERE level = 9', 0],
    ['cut short', 'UPDATE nodes SET hash = substr(hash, 1, 31) WHERE level = 8 AND node = 0', 0],
    ['made longer', "UPDATE nodes SET hash = CAST(hash || x'00' AS BLOB) WHERE level = 8 AND node = 0", 0],
    ['missing', 'DELETE FROM nodes WHERE level = 8 AND node = 1', 256],
    ['all missing', 'DELETE FROM nodes', 0],
    ['extra, above the root', 'INSERT INTO nodes VALUES (10, 0, randomblob(32))', undefined],
    ['extra, not complete', 'INSERT INTO nodes VALUES (8, 2, randomblob(32))', undefined],
    ['extra, below the stored levels', 'INSERT INTO nodes VALUES (7, 0, randomblob(32))', undefined],
    ['extra, left of the tree', 'INSERT INTO nodes VALUES (8, -1, randomblob(32))', undefined],
    ['extra, far left of it', 'INSERT INTO nodes VALUES (8, -9223372036854775808, randomblob(32))', undefined],
    [
      'extra, below level 0',
      'INSERT INTO nodes VALUES (-9223372036854775808, -9223372036854775808, randomblob(32))',
      undefined,
    ],
    [
      'extra, far right',
      'INSERT INTO nodes VALUES (9223372036854775807, 9223372036854775807, randomblob(32))',
      undefined,
    ],
    [
      'twice, under a place that another arithmetic calls the same',
      'INSERT INTO nodes SELECT 9, node - 35184372088832, hash FROM nodes WHERE level = 8 AND node = 0',
      undefined,
    ],
    [
      'twice, the other way',
      'INSERT INTO nodes SELECT 7, node + 35184372088832, hash FROM nodes WHERE level = 8 AND node = 0',
      undefined,
    ],
    ['moved', 'UPDATE nodes SET node = 5 WHERE level = 8 AND node = 1', 256],
  ];

  test.each(NODES)('%s is INVALID', (_, sql, seq) => {
    const path = attack(built.path, (db) => db.exec(sql));
    const result = report(path);
    expect(result).toMatchObject({ verdict: 'INVALID' });
    // A level that no number of ours can hold is not read at all.
    const expected = /\((-?)9223372036854775807|\(-9223372036854775808,/.test(sql) ? 'store.corrupt' : 'tree.node';
    expect(found(result)).toContain(seq === undefined ? expected : at('tree.node', seq));
  });

  test('of another storage class is INVALID', () => {
    const path = attackUntyped(built.path, (db) => db.exec('UPDATE nodes SET hash = hex(hash) WHERE node = 1'));
    expect(found(report(path))).toContain(at('tree.node', 256));
  });
});

describe('an index edited by itself, every page well-formed', () => {
  const INDEXES = ['entries_by_span', 'entries_by_business', 'entries_by_business_parent', 'entries_control'];

  test.each([...INDEXES, 'sqlite_autoindex_contexts_1'])('a row gone from %s is INVALID', (index) => {
    const path = attackIndex(built.path, index, (db) => {
      expect(db.prepare(`DELETE FROM index_rows${ofOne(db)}`).run().changes).toBe(1);
    });
    expect(found(report(path))).toContain('store.integrity');
  });

  test.each(INDEXES)('a key of %s that says something else is INVALID', (index) => {
    const path = attackIndex(built.path, index, (db) => {
      const change = index === 'entries_control' ? "c0 = 'gap'" : 'c0 = 3';
      expect(db.prepare(`UPDATE index_rows SET ${change}${ofOne(db)}`).run().changes).toBe(1);
    });
    expect(found(report(path))).toContain('store.integrity');
  });

  /** A condition that picks one row in the middle. */
  function ofOne(db: FreeHands): string {
    const columns = db.pragma('table_info(index_rows)') as { name: string }[];
    const last = columns.at(-1)!.name;
    const keys = db.prepare(`SELECT ${last} FROM index_rows`).pluck().all() as number[];
    return ` WHERE ${last} = ${keys[Math.floor(keys.length / 2)]}`;
  }
});

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
    ['the user version', (db) => db.pragma('user_version = 2')],
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
