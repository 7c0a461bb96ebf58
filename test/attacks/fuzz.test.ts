/** Attack matrix: crafted database files that no SQLite ever wrote. No crash, no hang, no exception but a `LedgerError`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { beforeAll, describe, expect, test } from 'vitest';
import { contentOf } from './content.js';
import { outcomeOf } from './every-byte.js';
import { type Built, buildLedger, newDirectory } from './ledger-files.js';

const PAGE = 4096;

let built: Built;
let octets: Buffer;
let content: string;
beforeAll(async () => {
  built = await buildLedger({ batches: [100, 200, 40] });
  octets = readFileSync(built.path);
  content = contentOf(built.path);
});

/** What comes of a file of these octets, and how long it took. */
function judge(file: Buffer): { outcome: string; ms: number } {
  const path = join(newDirectory(), 'witness.db');
  writeFileSync(path, file);
  const start = performance.now();
  const outcome = outcomeOf(path, built.key, content);
  return { outcome, ms: performance.now() - start };
}

describe('pages that lead to one page again and again', () => {
  /** The tree of a table under inner pages of which each names the next one hundreds of times: 400 ^ depth rows. */
  function multiplied(table: string, depth: number): Buffer {
    const db = new Sqlite(built.path, { readonly: true });
    const root =
      table === 'sqlite_schema'
        ? 1
        : (db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').pluck().get(table) as number);
    db.close();
    const pages = [octets];
    let next = octets.length / PAGE;
    const at = (root - 1) * PAGE;
    const bottom = Buffer.from(octets.subarray(at, at + PAGE));
    if (root === 1) throw new Error('page 1 has a head of its own');
    pages.push(bottom);
    let child = ++next;
    for (let level = 1; level < depth; level++) {
      pages.push(inner(child, bottom));
      child = ++next;
    }
    const file = Buffer.concat(pages);
    inner(child, bottom).copy(file, at);
    file.writeUInt32BE(next, 28);
    return file;
  }

  /** An inner page full of cells that name `child`; of a table, or of an index when `like` is a page of one. */
  function inner(child: number, like: Buffer): Buffer {
    const page = Buffer.alloc(PAGE);
    const ofTable = like[0] === 5 || like[0] === 13;
    const cell = Buffer.alloc(ofTable ? 6 : 4);
    cell.writeUInt32BE(child);
    if (ofTable) cell.set([0x87, 0x68], 4);
    const start = like.readUInt16BE(8 + (like[0] === 10 ? 0 : 4)) + (like[0] === 10 ? 0 : 4);
    const whole = ofTable ? cell : Buffer.concat([cell, like.subarray(start, start + 1 + like[start]!)]);
    const count = Math.floor((PAGE - 12) / (whole.length + 2));
    page[0] = ofTable ? 5 : 2;
    page.writeUInt16BE(count, 3);
    page.writeUInt16BE(PAGE - count * whole.length, 5);
    page.writeUInt32BE(child, 8);
    for (let i = 0; i < count; i++) {
      whole.copy(page, PAGE - (i + 1) * whole.length);
      page.writeUInt16BE(PAGE - (i + 1) * whole.length, 12 + 2 * i);
    }
    return page;
  }

  test.each(['entries', 'payloads', 'contexts', 'checkpoints', 'nodes'])(
    'in the table %s end in a verdict',
    { timeout: 60_000 },
    (table) => {
      const { outcome, ms } = judge(multiplied(table, 8));
      expect(outcome).toMatch(/^(INVALID|error corrupt)$/);
      expect(ms).toBeLessThan(30_000);
    },
  );

  test.each(['entries_by_span', 'entries_by_business', 'entries_control'])(
    'in the index %s end in a verdict',
    { timeout: 60_000 },
    (index) => {
      const { outcome, ms } = judge(multiplied(index, 8));
      expect(outcome).toMatch(/^(INVALID|error corrupt)$/);
      expect(ms).toBeLessThan(30_000);
    },
  );
});
