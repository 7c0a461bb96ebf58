/** Attack matrix: only what stands around the signed bytes is altered: columns, tree nodes, indexes. */
import { LedgerReader } from '@infrafabric/ledger/reader';
import { beforeAll, describe, expect, test } from 'vitest';
import { attack, attackIndex, attackUntyped, type FreeHands } from './edits.js';
import { at, type Built, buildLedger, found, verifyFile } from './ledger-files.js';

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
    ['trace_id', "x''"],
    ['span_id', "x''"],
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

  test.each([
    ['segment', 'TEXT', 'non-INTEGER value in entries.segment'],
    ['type', 'BLOB', 'non-TEXT value in entries.type'],
    ['trace_id', 'TEXT', 'entry.column'],
    ['span_id', 'TEXT', 'entry.column'],
    ['business', 'BLOB', 'non-TEXT value in entries.business'],
    ['business_parent', 'BLOB', 'non-TEXT value in entries.business_parent'],
    ['entry', 'BLOB', 'entry.unreadable'],
  ])('%s in another storage class is named', (column, to, name) => {
    const path = attackUntyped(built.path, (db) =>
      db.exec(`UPDATE entries SET ${column} = CAST(${column} AS ${to}) WHERE seq = 300`),
    );
    const { verdict, problems } = report(path);
    expect(verdict).toBe('INVALID');
    expect(problems.map(({ code, message }) => `${code}: ${message}`).join('\n')).toContain(name);
  });

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

  test.each([
    ['trace_id', "x''"],
    ['span_id', "x''"],
    ['trace_id', 'zeroblob(16)'],
    ['span_id', "x'00'"],
    ['business', "''"],
    ['business_parent', "''"],
  ])('%s of genesis set to %s, in the place of NULL, is named', (column, value) => {
    const path = attack(built.path, (db) => db.exec(`UPDATE entries SET ${column} = ${value} WHERE seq = 0`));
    expect(report(path).problems).toMatchObject([{ code: 'entry.column', seq: 0, column }]);
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
    expect(row?.[2]?.length).toBeLessThan(70_000);
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

  test.each(['level', 'node'])('whose %s is the same number as REAL is INVALID', (column) => {
    const path = attackUntyped(built.path, (db) => db.exec(`UPDATE nodes SET ${column} = CAST(${column} AS REAL)`));
    expect(found(report(path))).toContain('store.integrity');
  });

  test('of another storage class is INVALID', () => {
    const path = attackUntyped(built.path, (db) => db.exec('UPDATE nodes SET hash = hex(hash) WHERE node = 1'));
    expect(found(report(path))).toContain(at('tree.node', 256));
  });
});

describe('an index edited by itself, every page well-formed', () => {
  const INDEXES = ['entries_by_span', 'entries_by_business', 'entries_by_business_parent', 'entries_control'];

  test.each(INDEXES)('a row gone from %s is INVALID', (index) => {
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
