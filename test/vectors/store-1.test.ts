/** Files of an older schema verify as they are, and go on as files of this one. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseVkey, schemaOf } from '@infrafabric/format';
import { createKey, Ledger } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { verifyLedger } from '@infrafabric/verify';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { spanDraft } from '../attacks/ledger-files.js';
import { fixedSources } from './fixed-sources.mjs';

const { vkey } = JSON.parse(readFileSync(new URL('ledger.json', import.meta.url), 'utf8')) as { vkey: string };
const key = parseVkey(vkey);
let home: string;
let path: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'store-1-'));
  path = join(home, 'witness.db');
  copyFileSync(fileURLToPath(new URL('witness-store-1.db', import.meta.url)), path);
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

function judged(): { code: string; problems: readonly unknown[]; userVersion: number; entries: number } {
  const reader = LedgerReader.open(path);
  try {
    const { code, problems, entries } = verifyLedger(reader, { key });
    return { code, problems, entries, userVersion: reader.summary().userVersion };
  } finally {
    reader.close();
  }
}

test('a file of version 1 verifies, and reading leaves it as it is', () => {
  expect(judged()).toMatchObject({ code: 'valid.unanchored', problems: [], userVersion: 1 });
  const db = new Sqlite(path, { readonly: true });
  expect(db.prepare('SELECT count(*) FROM sqlite_schema WHERE sql IS NOT NULL').pluck().get()).toBe(
    schemaOf(1)!.length,
  );
  db.close();
});

test('opened for writing it becomes one of version 2, with all its entries, and goes on', async () => {
  const before = judged();
  const reader = LedgerReader.open(path);
  const origin = String(reader.genesis()!.entry.body.origin);
  reader.close();
  // As the vector was made: octets for the origin, then the key.
  const { sources } = fixedSources('ledger', 0n);
  sources.randomBytes(10);
  createKey(home, origin, sources.randomBytes(32));
  const ledger = await Ledger.open({ home });
  expect(judged()).toEqual({ ...before, userVersion: 2 });
  await ledger.append([spanDraft(1)]);
  await ledger.close();
  expect(judged()).toMatchObject({ code: 'valid.unanchored', problems: [], userVersion: 2, entries: before.entries + 1 });
});

test('a file of version 1 that says it is of version 2 is INVALID', async () => {
  const db = new Sqlite(path);
  db.pragma('user_version = 2');
  db.close();
  expect(judged().problems).toContainEqual(expect.objectContaining({ code: 'store.schema' }));
});
