/** Random edits by SQL, with every guard of SQLite's off: of values, of rows, of the schema, of an index by itself. */
import type Sqlite from 'better-sqlite3';
import { editIndexInPlace, editInPlace, editUntypedInPlace, openFreely } from './edits.js';
import type { Random, RandomEdit } from './random-edits.js';
import { anotherValue, type Value } from './random-values.js';

type Db = Sqlite.Database;

interface Row {
  readonly table: string;
  /** Condition that names the row. */
  readonly where: string;
  readonly columns: readonly string[];
}

/** Names of all tables, that of the entries more than once. */
function tablesOf(db: Db): string[] {
  const names = ofType(db, 'table').filter((name) => !name.startsWith('sqlite_'));
  return ['entries', 'entries', ...names];
}

function ofType(db: Db, type: 'table' | 'index' | 'trigger'): string[] {
  const sql = 'SELECT name FROM sqlite_schema WHERE type = ? AND sql IS NOT NULL ORDER BY name';
  return db.prepare(sql).pluck().all(type) as string[];
}

function columnsOf(db: Db, table: string): { name: string; pk: number }[] {
  return db.pragma(`table_info(${table})`) as { name: string; pk: number }[];
}

/** A row anywhere, the first and the last more often. */
function anyRow(db: Db, random: Random, table = random.oneOf(tablesOf(db))): Row {
  const columns = columnsOf(db, table);
  const keys = columns.filter(({ pk }) => pk > 0).map(({ name }) => name);
  const count = db.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number;
  const place = random.oneOf([0, count - 1, random.below(count), random.below(count), random.below(count)]);
  const key = db
    .prepare(
      `SELECT ${keys.map((name) => `quote(${name})`).join(', ')} FROM ${table} ORDER BY ${keys.join(', ')} LIMIT 1 OFFSET ?`,
    )
    .raw()
    .get(place) as string[];
  const where = keys.map((name, i) => `${name} IS ${key[i]}`).join(' AND ');
  return { table, where, columns: columns.map(({ name }) => name) };
}

function read(db: Db, { table, where }: Row, column: string): { value: Buffer | bigint | null; isText: boolean } {
  const sql = `SELECT typeof(${column}), CASE typeof(${column}) WHEN 'text' THEN CAST(${column} AS BLOB) ELSE ${column} END FROM ${table} WHERE ${where}`;
  const [type, value] = db.prepare(sql).safeIntegers().raw().get() as [string, Buffer | bigint | null];
  return { value, isText: type === 'text' };
}

function write(db: Db, { table, where }: Row, column: string, value: Value, isText: boolean): void {
  const place = isText && Buffer.isBuffer(value) ? 'CAST(? AS TEXT)' : '?';
  db.prepare(`UPDATE ${table} SET ${column} = ${place} WHERE ${where}`).run(value);
}

function changeValue(db: Db, random: Random): void {
  const row = anyRow(db, random);
  const column = random.oneOf(row.columns);
  const { value, isText } = read(db, row, column);
  write(db, row, column, anotherValue(value, isText, random), isText);
}

function changeStorageClass(db: Db, random: Random): void {
  const row = anyRow(db, random);
  const column = random.oneOf(row.columns);
  const type = random.oneOf(['BLOB', 'TEXT', 'INTEGER', 'REAL', 'NUMERIC']);
  db.exec(`UPDATE ${row.table} SET ${column} = CAST(${column} AS ${type}) WHERE ${row.where}`);
}

function changeColumn(db: Db, random: Random): void {
  const table = random.oneOf(tablesOf(db));
  const columns = columnsOf(db, table).map(({ name }) => name);
  const column = random.oneOf(columns);
  db.exec(
    `UPDATE ${table} SET ${column} = ${random.oneOf(['NULL', "''", "x''", '0', `${column} || 'x'`, random.oneOf(columns)])}`,
  );
}

function exchange(db: Db, random: Random): void {
  const table = random.oneOf(tablesOf(db));
  const [a, b] = [anyRow(db, random, table), anyRow(db, random, table)];
  const keys = columnsOf(db, table).flatMap(({ name, pk }) => (pk > 0 ? [] : [name]));
  const columns = random.below(2) === 0 ? keys : [random.oneOf(keys)];
  const values = columns.map((column) => [read(db, a, column), read(db, b, column)] as const);
  if (a.where === b.where) throw new Error('one row');
  for (const [i, column] of columns.entries()) {
    const [ofA, ofB] = values[i]!;
    write(db, a, column, ofB.value, ofB.isText);
    write(db, b, column, ofA.value, ofA.isText);
  }
}

function deleteRows(db: Db, random: Random): void {
  const { table, where } = anyRow(db, random);
  const comparison = random.oneOf([' IS ', ' IS ', ' IS ', ' >= ', ' < ']);
  db.exec(`DELETE FROM ${table} WHERE ${where.replaceAll(' IS ', comparison)}`);
}

function copyRow(db: Db, random: Random): void {
  const { table, where, columns } = anyRow(db, random, random.oneOf(['entries', 'payloads', 'checkpoints']));
  const [key, ...others] = columns;
  const place = random.oneOf([
    `(SELECT max(${key}) + 1 FROM ${table})`,
    '-1',
    '9007199254740993',
    '9223372036854775807',
  ]);
  db.exec(`INSERT INTO ${table} SELECT ${place}, ${others.join(', ')} FROM ${table} WHERE ${where}`);
}

function renumber(db: Db, random: Random): void {
  const { table, where, columns } = anyRow(db, random, random.oneOf(['entries', 'payloads', 'checkpoints']));
  const key = columns[0]!;
  const later = where.replace(' IS ', ' >= ');
  db.exec(`UPDATE ${table} SET ${key} = -${key} - 1000000 WHERE ${later}`);
  db.exec(
    `UPDATE ${table} SET ${key} = -${key} - 1000000 + ${random.oneOf(['1', '-1', '100'])} WHERE ${key} <= -1000000`,
  );
}

/** Everything after a checkpoint gone, and nothing left that says so: an older state, but for the remembered head. */
function cutToCheckpoint(db: Db, random: Random): void {
  const sizes = db.prepare('SELECT size FROM checkpoints ORDER BY size').pluck().all() as number[];
  const size = random.oneOf(sizes.slice(0, -1));
  for (const [table, key] of [
    ['entries', 'seq'],
    ['payloads', 'seq'],
  ])
    db.exec(`DELETE FROM ${table} WHERE ${key} >= ${size}`);
  db.exec(`DELETE FROM checkpoints WHERE size > ${size}`);
  db.exec(`DELETE FROM nodes WHERE (node + 1) << level > ${size}`);
}

function changeIndex(path: string, random: Random): void {
  const free = openFreely(path);
  const index = random.oneOf(ofType(free, 'index'));
  free.close();
  editIndexInPlace(path, index, (db) => {
    const columns = columnsOf(db, 'index_rows').map(({ name }) => name);
    const keys = db
      .prepare(`SELECT ${columns.at(-1)} FROM index_rows`)
      .pluck()
      .all() as number[];
    const where = `${columns.at(-1)} = ${random.oneOf(keys)}`;
    const row = { table: 'index_rows', where, columns };
    const column = random.oneOf(columns);
    const { value, isText } = read(db, row, column);
    if (random.below(2) === 0) db.exec(`DELETE FROM index_rows WHERE ${where}`);
    else write(db, row, column, anotherValue(value, isText, random), isText);
  });
}

type SchemaEdit = (db: Db, random: Random) => void;

/** An object's text, as it stands in sqlite_schema, changed without anything else. */
function rewrite(type: 'table' | 'index' | 'trigger', change: (sql: string, random: Random) => string): SchemaEdit {
  return (db, random) => {
    const name = random.oneOf(ofType(db, type));
    const sql = db.prepare('SELECT sql FROM sqlite_schema WHERE name = ?').pluck().get(name) as string;
    db.pragma('writable_schema = ON');
    db.prepare('UPDATE sqlite_schema SET sql = ? WHERE name = ?').run(change(sql, random), name);
    db.pragma('writable_schema = OFF');
  };
}

const SCHEMA_EDITS: readonly SchemaEdit[] = [
  (db, random) => db.exec(`DROP TRIGGER ${random.oneOf(ofType(db, 'trigger'))}`),
  (db, random) => db.exec(`DROP INDEX ${random.oneOf(ofType(db, 'index'))}`),
  (db, random) => db.exec(`CREATE TRIGGER more AFTER INSERT ON ${random.oneOf(tablesOf(db))} BEGIN SELECT 1; END`),
  (db, random) => db.exec(`CREATE INDEX more ON ${random.oneOf(tablesOf(db))} (${random.oneOf(['1', "'x'"])})`),
  (db) => db.exec('CREATE TABLE more (a TEXT); INSERT INTO more VALUES (1)'),
  (db) => db.exec('CREATE VIEW more AS SELECT 1'),
  (db, random) => db.exec(`ALTER TABLE ${random.oneOf(tablesOf(db))} ADD COLUMN more TEXT`),
  (db, random) => db.pragma(`user_version = ${random.below(9)}`),
  (db, random) => db.pragma(`application_id = ${random.below(9)}`),
  rewrite('trigger', (sql, random) =>
    random.oneOf([sql.replace('ABORT', 'IGNORE'), sql.replace(' ', '  '), `${sql} `]),
  ),
  rewrite('index', (sql, random) =>
    random.oneOf([`${sql} `, sql.replace(/\)(?=[^)]*$)/, ' COLLATE NOCASE)'), sql.replace(/\)(?=[^)]*$)/, ' DESC)')]),
  ),
  rewrite('table', (sql, random) =>
    random.oneOf([`${sql} `, sql.replace(' STRICT', ''), sql.replace('TEXT', 'ANY'), sql.replace('\n', '')]),
  ),
  (db, random) => {
    // Two trees change places: each table shows the rows of the other.
    const objects = db
      .prepare("SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0 AND name NOT LIKE 'sqlite_%'")
      .raw()
      .all() as [string, number][];
    const [a, b] = [random.oneOf(objects), random.oneOf(objects)];
    db.pragma('writable_schema = ON');
    const move = db.prepare('UPDATE sqlite_schema SET rootpage = ? WHERE name = ?');
    move.run(b[1], a[0]);
    move.run(a[1], b[0]);
    db.pragma('writable_schema = OFF');
  },
  (db, random) => {
    const table = random.oneOf(tablesOf(db));
    db.pragma('legacy_alter_table = ON');
    db.exec(`ALTER TABLE ${table} RENAME TO hidden; CREATE VIEW ${table} AS SELECT * FROM hidden`);
  },
  // These change nothing that is content.
  (db) => db.exec('ANALYZE'),
  (db) => db.exec('VACUUM'),
  (db) => db.exec('REINDEX'),
];

function changeSchema(path: string, random: Random): void {
  const db = openFreely(path);
  try {
    random.oneOf(SCHEMA_EDITS)(db, random);
  } finally {
    db.close();
  }
}

const bySql =
  (edit: (db: Db, random: Random) => void) =>
  (path: string, random: Random): void =>
    editInPlace(path, (db) => edit(db, random));

export const SQL_EDITS: readonly RandomEdit[] = [
  { name: 'a value', weight: 12, apply: bySql(changeValue) },
  {
    name: 'a value of any type',
    weight: 5,
    apply: (path, random) => editUntypedInPlace(path, (db) => changeValue(db, random)),
  },
  {
    name: 'a storage class',
    weight: 5,
    apply: (path, random) => editUntypedInPlace(path, (db) => changeStorageClass(db, random)),
  },
  { name: 'a whole column', weight: 3, apply: bySql(changeColumn) },
  { name: 'two rows exchanged', weight: 5, apply: bySql(exchange) },
  { name: 'rows deleted', weight: 5, apply: bySql(deleteRows) },
  { name: 'a row copied', weight: 4, apply: bySql(copyRow) },
  { name: 'rows renumbered', weight: 2, apply: bySql(renumber) },
  { name: 'cut to a checkpoint', weight: 2, apply: bySql(cutToCheckpoint) },
  { name: 'an index by itself', weight: 6, apply: changeIndex },
  { name: 'the schema', weight: 9, apply: changeSchema },
];
