/**
 * The SQLite file of a ledger: its schema, byte for byte. The writer creates it from these texts, the judge compares
 * `sqlite_schema` with them as a set, so nothing can be added, dropped or replaced unseen. docs/format.md §Store.
 */

/** `PRAGMA application_id`: the ASCII letters "IFWL". */
export const APPLICATION_ID = 0x4946574c;

/** `PRAGMA user_version`: the version of the schema that writers make, and bring older files to. */
export const SCHEMA_VERSION = 2;

/** Entries are looked up by (segment, id) so that no index starts with a random value; a segment is 65,536 entries. */
export const SEGMENT_BITS = 16;

/** Only tree nodes of this level and above are stored; a proof recomputes at most 256 leaf hashes. */
export const LOWEST_STORED_LEVEL = 8;

/** One object of the schema as `sqlite_schema` shows it; `sql` is null for the indexes that SQLite makes by itself. */
export interface SchemaObject {
  readonly type: 'table' | 'index' | 'trigger' | 'view';
  readonly name: string;
  readonly table: string;
  readonly sql: string | null;
}

const TABLES: Readonly<Record<string, string>> = {
  entries: `CREATE TABLE entries (
  seq INTEGER PRIMARY KEY,
  segment INTEGER NOT NULL,
  type TEXT NOT NULL,
  trace_id BLOB,
  span_id BLOB,
  business TEXT,
  business_parent TEXT,
  entry TEXT NOT NULL
) STRICT`,
  payloads: `CREATE TABLE payloads (
  seq INTEGER PRIMARY KEY,
  salt BLOB NOT NULL,
  payload BLOB NOT NULL
) STRICT`,
  contexts: `CREATE TABLE contexts (
  digest BLOB NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  context BLOB NOT NULL
) STRICT, WITHOUT ROWID`,
  checkpoints: `CREATE TABLE checkpoints (
  size INTEGER PRIMARY KEY,
  note BLOB NOT NULL
) STRICT`,
  nodes: `CREATE TABLE nodes (
  level INTEGER NOT NULL,
  node INTEGER NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (level, node)
) STRICT, WITHOUT ROWID`,
  erased: `CREATE TABLE erased (
  seq INTEGER PRIMARY KEY,
  redaction INTEGER NOT NULL
) STRICT`,
  cosignatures: `CREATE TABLE cosignatures (
  size INTEGER NOT NULL,
  witness TEXT NOT NULL,
  line TEXT NOT NULL,
  PRIMARY KEY (size, witness)
) STRICT, WITHOUT ROWID`,
};

const INDEXES: Readonly<Record<string, string>> = {
  entries_by_span: 'CREATE INDEX entries_by_span ON entries (segment, trace_id, span_id)',
  entries_by_business: 'CREATE INDEX entries_by_business ON entries (segment, business) WHERE business IS NOT NULL',
  entries_by_business_parent:
    'CREATE INDEX entries_by_business_parent ON entries (segment, business_parent) WHERE business_parent IS NOT NULL',
  entries_control: "CREATE INDEX entries_control ON entries (type) WHERE type <> 'span'",
};

const ERASED = 'NOT EXISTS (SELECT 1 FROM erased WHERE seq = OLD.seq)';
const ANY_REDACTION = "EXISTS (SELECT 1 FROM entries WHERE type = 'redaction' AND type <> 'span')";

function refuse(name: string, when: string, table: string, message: string, condition = ''): [string, string, string] {
  const guard = condition === '' ? '' : `\nWHEN ${condition}`;
  return [
    name,
    table,
    `CREATE TRIGGER ${name} BEFORE ${when} ON ${table}${guard}\nBEGIN SELECT RAISE(ABORT, '${message}'); END`,
  ];
}

/** Guards against accidents, not against an attacker: whoever can write the file can drop them, and the judge sees that. */
const TRIGGERS: readonly [name: string, table: string, sql: string][] = [
  refuse('entries_no_update', 'UPDATE', 'entries', 'entries are never changed'),
  refuse('entries_no_delete', 'DELETE', 'entries', 'entries are never deleted'),
  refuse(
    'entries_no_replace',
    'INSERT',
    'entries',
    'entries are never replaced',
    'NEW.seq <= (SELECT max(seq) FROM entries)',
  ),
  refuse('checkpoints_no_update', 'UPDATE', 'checkpoints', 'checkpoints are never changed'),
  refuse('checkpoints_no_delete', 'DELETE', 'checkpoints', 'checkpoints are never deleted'),
  refuse(
    'checkpoints_no_replace',
    'INSERT',
    'checkpoints',
    'checkpoints are never replaced',
    'NEW.size <= (SELECT max(size) FROM checkpoints)',
  ),
  refuse('payloads_no_update', 'UPDATE', 'payloads', 'payloads are never changed'),
  refuse('payloads_no_delete', 'DELETE', 'payloads', 'a payload is erased by if-witness redact', ERASED),
  refuse('erased_no_update', 'UPDATE', 'erased', 'what was erased stays erased'),
  refuse('erased_no_delete', 'DELETE', 'erased', 'what was erased stays erased'),
  refuse('contexts_no_update', 'UPDATE', 'contexts', 'contexts are never changed'),
  refuse(
    'contexts_no_delete',
    'DELETE',
    'contexts',
    'a context goes with the last payload that names it',
    `NOT ${ANY_REDACTION}`,
  ),
  refuse(
    'contexts_no_replace',
    'INSERT',
    'contexts',
    'contexts are never replaced',
    'EXISTS (SELECT 1 FROM contexts WHERE digest = NEW.digest)',
  ),
  refuse(
    'payloads_no_replace',
    'INSERT',
    'payloads',
    'payloads are never replaced',
    'NEW.seq <= (SELECT max(seq) FROM payloads)',
  ),
];

/** For people with a SQLite shell: what was signed, one column a field. Nothing in this project reads it. */
const VIEWS: Readonly<Record<string, string>> = {
  spans: `CREATE VIEW spans AS SELECT
  seq,
  json_extract(entry, '$.body.business') AS business_trace_id,
  json_extract(entry, '$.body.event') AS event,
  json_extract(entry, '$.body.component') AS component,
  json_extract(entry, '$.body.service') AS service,
  json_extract(entry, '$.body.start') AS start_unix_nano,
  json_extract(entry, '$.body.end') AS end_unix_nano,
  json_extract(entry, '$.body.status') AS status,
  json_extract(entry, '$.body.usage.model') AS model,
  json_extract(entry, '$.body.usage.tokens.input') AS input_tokens,
  json_extract(entry, '$.body.usage.tokens.output') AS output_tokens,
  json_extract(entry, '$.body.charge.cost') AS cost_pico,
  json_extract(entry, '$.body.charge.currency') AS currency,
  json_extract(entry, '$.body.charge.source') AS cost_source,
  json_extract(entry, '$.body.trace') AS trace_id,
  json_extract(entry, '$.body.span') AS span_id
FROM entries WHERE type = 'span'`,
};

/** Every object of the schema, in the order in which they are created. */
export const SCHEMA: readonly SchemaObject[] = [
  ...Object.entries(TABLES).map(([name, sql]): SchemaObject => ({ type: 'table', name, table: name, sql })),
  ...Object.entries(INDEXES).map(([name, sql]): SchemaObject => ({ type: 'index', name, table: 'entries', sql })),
  ...TRIGGERS.map(([name, table, sql]): SchemaObject => ({ type: 'trigger', name, table, sql })),
  ...Object.entries(VIEWS).map(([name, sql]): SchemaObject => ({ type: 'view', name, table: name, sql })),
];

/** What version 2 has that version 1 had not. */
const SINCE_2: ReadonlySet<string> = new Set(['cosignatures', 'erased', 'erased_no_update', 'erased_no_delete']);
/** The guard of payloads, as version 1 had it. */
const PAYLOADS_NO_DELETE_1 = refuse(
  'payloads_no_delete',
  'DELETE',
  'payloads',
  'a payload is erased by if-witness redact',
  `NOT EXISTS (
    SELECT 1 FROM entries WHERE type = 'redaction' AND type <> 'span' AND json_extract(entry, '$.body.target') = OLD.seq
  )`,
)[2];

const SCHEMA_1: readonly SchemaObject[] = SCHEMA.filter(({ name }) => !SINCE_2.has(name)).map((object) =>
  object.name === 'payloads_no_delete' ? { ...object, sql: PAYLOADS_NO_DELETE_1 } : object,
);

/** The schema of a version; undefined for one that this program does not know. */
export function schemaOf(version: number): readonly SchemaObject[] | undefined {
  return version === 1 ? SCHEMA_1 : version === SCHEMA_VERSION ? SCHEMA : undefined;
}

/** Statements that make the schema of version 2 out of that of version 1. Entries stay as they are. */
export const UPGRADE_TO_2: readonly string[] = [
  'DROP TRIGGER payloads_no_delete',
  ...SCHEMA.filter(({ name }) => SINCE_2.has(name) || name === 'payloads_no_delete').map(({ sql }) => sql!),
];
