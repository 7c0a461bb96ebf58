/**
 * The file of derived accounts: which calls count, and sums of them. Everything in it follows from the ledger and is made
 * again when it is missing, older or of another ledger; nothing in it is signed, and nothing is proved by it.
 */

/** Changes whenever the tables or the rules that fill them do; a file of another version is made again. */
export const ACCOUNTS_VERSION = '3';

/** Width of a sum's interval: every time zone's day starts on a quarter of an hour. Nanoseconds. */
export const BUCKET_NANO = 900_000_000_000n;

/** Statements that make an empty file. */
export const ACCOUNTS_SCHEMA = `
CREATE TABLE state (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What the entries of a sum have in common: a JSON array of component, model, provider, service, rate card, match.
CREATE TABLE groups (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

-- Every span that speaks of usage, of money or of a model call.
CREATE TABLE calls (
  seq INTEGER PRIMARY KEY,
  trace BLOB NOT NULL,
  span BLOB NOT NULL,
  scope TEXT NOT NULL,
  -- 1 where nothing relates it to other calls of its trace: no parent, no response id, no earlier entry of the same span.
  plain INTEGER NOT NULL,
  start INTEGER NOT NULL,
  finish INTEGER NOT NULL,
  input INTEGER,
  output INTEGER,
  response TEXT,
  business TEXT,
  session TEXT,
  person TEXT,
  grp INTEGER NOT NULL,
  facts TEXT NOT NULL,
  verdict TEXT
) STRICT;
CREATE INDEX calls_by_trace ON calls (trace, plain, scope);
CREATE INDEX calls_by_response ON calls (response) WHERE response IS NOT NULL;
CREATE INDEX calls_by_counts ON calls (input, output, scope, start) WHERE input IS NOT NULL;
CREATE INDEX calls_by_start ON calls (start);

-- Business flows that name a parent.
CREATE TABLE flows (
  business TEXT PRIMARY KEY,
  parent TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Sums over the calls that count, by quarter of an hour of their start; see sums.ts.
CREATE TABLE rollup (
  bucket INTEGER NOT NULL,
  grp INTEGER NOT NULL,
  currency TEXT NOT NULL,
  sums TEXT NOT NULL,
  PRIMARY KEY (bucket, grp, currency)
) STRICT, WITHOUT ROWID;
`;
