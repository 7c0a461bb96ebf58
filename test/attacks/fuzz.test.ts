/** Attack matrix: database files that no SQLite ever wrote. No crash, no hang, no exception but a `LedgerError`, never VALID. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { beforeAll, describe, expect, test } from 'vitest';
import { contentOf } from './content.js';
import { outcomeOf } from './every-byte.js';
import { type Built, buildLedger, newDirectory, randomOf } from './ledger-files.js';

const PAGE = 4096;
const ROUNDS = Number(process.env.ROUNDS ?? 400);
const SEED = Number(process.env.SEED ?? 11);

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

describe('random damage', () => {
  type Damage = (file: Buffer, random: (below: number) => number) => Buffer;
  const noise = (length: number, random: (below: number) => number): Buffer =>
    Buffer.from(Array.from({ length }, () => random(256)));
  const DAMAGES: Record<string, Damage> = {
    'a few octets': (file, random) => {
      for (let i = 1 + random(8); i > 0; i--) file[random(file.length)] = random(256);
      return file;
    },
    'a run of octets': (file, random) => {
      noise(1 + random(2000), random).copy(file, random(file.length));
      return file;
    },
    'the head of a page': (file, random) => {
      noise(12, random).copy(file, PAGE * random(file.length / PAGE));
      return file;
    },
    'cell pointers of a page': (file, random) => {
      const at = PAGE * (1 + random(file.length / PAGE - 1)) + 8;
      for (let i = 0; i < 20; i++) file.writeUInt16BE(random(PAGE + 20), at + 2 * i);
      return file;
    },
    'a page in place of another': (file, random) => {
      const [from, to] = [PAGE * random(file.length / PAGE), PAGE * random(file.length / PAGE)];
      file.copy(file, to, from, from + PAGE);
      return file;
    },
    'child pages': (file, random) => {
      const at = PAGE * (1 + random(file.length / PAGE - 1));
      if (file[at] === 5 || file[at] === 2) file.writeUInt32BE(random(file.length / PAGE + 2), at + 8);
      return file;
    },
    'the header': (file, random) => {
      file[random(100)] = random(256);
      return file;
    },
    'the end': (file, random) => file.subarray(0, random(file.length)),
    everything: (file, random) => Buffer.concat([file.subarray(0, 100), noise(5000, random)]),
  };

  test(`of ${ROUNDS} files, seed ${SEED}, is never VALID with another content`, {
    timeout: 60_000 + ROUNDS * 200,
  }, () => {
    const number = randomOf(SEED);
    const random = (below: number): number => Math.floor(number() * below);
    const counts: Record<string, number> = {};
    let slowestMs = 0;
    const before = process.memoryUsage().rss;
    for (let round = 0; round < ROUNDS; round++) {
      const [name, damage] = Object.entries(DAMAGES)[round % Object.keys(DAMAGES).length]!;
      const { outcome, ms } = judge(damage(Buffer.from(octets), random));
      expect(outcome, `round ${round}: ${name}`).toMatch(
        /^(INVALID|INCOMPLETE|same content|error (corrupt|gone|io|schema))$/,
      );
      counts[outcome] = (counts[outcome] ?? 0) + 1;
      slowestMs = Math.max(slowestMs, ms);
    }
    console.log(`${ROUNDS} damaged files (seed ${SEED}), slowest ${Math.round(slowestMs)} ms:`, counts);
    expect(slowestMs).toBeLessThan(10_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(700_000_000);
  });
});

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
