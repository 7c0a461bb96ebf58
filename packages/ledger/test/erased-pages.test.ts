/**
 * SQLite's `secure_delete` zeroes what is deleted where it lies, but not the copies that it leaves in pages from which it
 * moved a row. Each test has its control: by SQLite alone some are left, so it can fail.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { newDirectory, randomOf } from '../../../test/attacks/ledger-files.js';
import { type Connection, createSchema, openForWriting } from '../dist/database.js';
import { deletePayloads } from '../dist/erasure/delete-payloads.js';
import { rewriteContexts } from '../dist/erasure/rewrite-contexts.js';

/** A store without entries, and afterwards its octets: no other process has it open. */
function storeAfter(work: (db: Connection) => void): string {
  const path = join(newDirectory(), 'store.db');
  const db = openForWriting(path, 100);
  // Nothing here survives the test anyway.
  db.pragma('synchronous = OFF');
  db.transaction(() => createSchema(db))();
  work(db);
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
  return readFileSync(path).toString('latin1');
}

const marker = (n: number): string => `<<secret-${n}->>`;
/** Text of about so many octets, marked all along, so that a part of it tells as well. */
const secret = (n: number, octets: number): Buffer => Buffer.from(marker(n).repeat(1 + Math.ceil(octets / 20)));

/** Of which texts the octets hold some. */
function secretsIn(raw: string): ReadonlySet<number> {
  return new Set([...raw.matchAll(/<<secret-(\d+)->>/g)].map(([, n]) => Number(n)));
}

function shuffled(count: number, random: () => number): number[] {
  const order = Array.from({ length: count }, (_, n) => n);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

describe('payloads deleted in any order', { timeout: 120_000 }, () => {
  const COUNT = 3_000;
  const SIZES = [20, 60, 120, 300, 800, 1_700, 3_700, 3_900, 9_000];

  /** How many that were deleted are still there, whole or in part; those that were not must be. */
  function leftAfter(seed: number, remove: (db: Connection, seqs: readonly number[]) => void): number {
    const random = randomOf(seed);
    const kept: Buffer[] = [];
    let gone: number[] = [];
    let after: [number, Buffer, Buffer][] = [];
    const raw = storeAfter((db) => {
      const insert = db.prepare('INSERT INTO payloads VALUES (?, ?, ?)');
      db.transaction(() => {
        for (let n = 0; n < COUNT; n++) {
          kept[n] = secret(n, SIZES[Math.floor(random() * SIZES.length)]!);
          insert.run(n, Buffer.alloc(32, n % 251), kept[n]);
        }
      })();
      const order = shuffled(COUNT, random);
      gone = order.slice(0, COUNT * 0.8);
      const list = db.prepare('INSERT INTO erased VALUES (?, 9999)');
      for (let at = 0; at < gone.length; ) {
        const some = gone.slice(at, at + 1 + Math.floor(random() * 8)).sort((a, b) => a - b);
        db.transaction(() => {
          for (const seq of some) list.run(seq);
          remove(db, some);
        })();
        at += some.length;
      }
      after = db.prepare('SELECT seq, salt, payload FROM payloads ORDER BY seq').raw().all() as typeof after;
    });
    const isGone = new Set(gone);
    // What stays is what it was, octet for octet.
    expect(after.map(([seq]) => seq).sort((a, b) => a - b)).toEqual(
      Array.from({ length: COUNT }, (_, n) => n).filter((n) => !isGone.has(n)),
    );
    for (const [seq, salt, payload] of after) {
      expect(salt.equals(Buffer.alloc(32, seq % 251)) && payload.equals(kept[seq]!)).toBe(true);
    }
    const found = secretsIn(raw);
    return gone.filter((n) => found.has(n)).length;
  }

  test.each([1, 2])('leave nothing behind (seed %i)', (seed) => {
    const alone = leftAfter(seed, (db, seqs) => {
      for (const seq of seqs) db.prepare('DELETE FROM payloads WHERE seq = ?').run(seq);
    });
    expect(alone).toBeGreaterThan(0);
    expect(leftAfter(seed, deletePayloads)).toBe(0);
  });
});

describe('contexts deleted in any order', { timeout: 60_000 }, () => {
  function leftAfter(seed: number, rewrite: (db: Connection) => void): number {
    const random = randomOf(seed);
    const digest = (n: number): Buffer => {
      const octets = Buffer.alloc(32);
      octets.writeUInt32BE(Math.floor(randomOf(seed * 1_000 + n)() * 2 ** 32));
      octets.writeUInt32BE(n, 28);
      return octets;
    };
    const COUNT = 400;
    let gone: number[] = [];
    const raw = storeAfter((db) => {
      const insert = db.prepare("INSERT INTO contexts VALUES (?, 'scope', ?)");
      for (let n = 0; n < COUNT; n++) insert.run(digest(n), secret(n, 50 + Math.floor(random() * 900)));
      // The guard wants a redaction.
      db.exec(`INSERT INTO entries VALUES (0, 0, 'redaction', NULL, NULL, NULL, NULL, '{}')`);
      gone = shuffled(COUNT, random).slice(0, COUNT / 2);
      for (const n of gone) db.prepare('DELETE FROM contexts WHERE digest = ?').run(digest(n));
      db.transaction(() => rewrite(db))();
      expect(db.prepare('SELECT count(*) FROM contexts').pluck().get()).toBe(COUNT / 2);
    });
    const found = secretsIn(raw);
    return gone.filter((n) => found.has(n)).length;
  }

  test.each([1, 2, 3])('leave nothing behind (seed %i)', (seed) => {
    expect(leftAfter(seed, () => undefined)).toBeGreaterThan(0);
    expect(leftAfter(seed, rewriteContexts)).toBe(0);
  });
});
