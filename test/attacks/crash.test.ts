/** Attack matrix: kill -9, power cut, full disk. What was acknowledged is there, and the file is VALID. I/O errors: ../faults. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Draft, Ledger } from '@infrafabric/ledger';
import Sqlite from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { contentOf } from './content.js';
import { outcomeOf } from './every-byte.js';
import {
  copyLedger,
  found,
  keyOf,
  newDirectory,
  randomOf,
  seededSources,
  spanDraft,
  verifyAgainstHead,
} from './ledger-files.js';
import { expectWhole, startWriter } from './writer-process.js';

describe('kill -9', () => {
  test('at a random moment of an append, twenty times, loses nothing that was acknowledged', {
    timeout: 120_000,
  }, async () => {
    const home = newDirectory();
    const random = randomOf(Number(process.env.SEED ?? 7));
    const acknowledged: number[] = [];
    for (let kill = 0; kill < 20; kill++) {
      const writer = startWriter(home, {
        first: 1 + kill * 100_000,
        batches: 10_000,
        size: 1 + Math.floor(random() * 40),
      });
      while (writer.acknowledged.length === 0 && writer.child.exitCode === null) await sleep(1);
      await sleep(random() * 40);
      writer.child.kill('SIGKILL');
      await writer.ended;
      expect(writer.child.signalCode).toBe('SIGKILL');
      acknowledged.push(...writer.acknowledged);
      expectWhole(home, acknowledged);
    }
  });

  test('while the ledger is being created leaves one that opens, or none', { timeout: 60_000 }, async () => {
    const random = randomOf(8);
    for (let kill = 0; kill < 10; kill++) {
      const home = newDirectory();
      const writer = startWriter(home, { first: 1, batches: 3, size: 2 });
      await sleep(60 + random() * 120);
      writer.child.kill('SIGKILL');
      await writer.ended;
      const again = startWriter(home, { first: 1, batches: 3, size: 2 });
      await again.ended;
      expect(again.said).toEqual(['open']);
      expectWhole(home, [1, 2, 3, 4, 5, 6]);
    }
  });
});

/** Lets SQLite move a log into its file, so that the next commit starts it over. */
function moveLog(path: string): void {
  const db = new Sqlite(path);
  const [[busy, frames, moved]] = db.prepare('PRAGMA wal_checkpoint(PASSIVE)').raw().all() as [number[]];
  expect({ busy, moved }).toEqual({ busy: 0, moved: frames });
  db.close();
}

describe('a power cut', () => {
  test.each(['that is new', 'that was started over, its old frames behind the new ones'])(
    'at every 512 octets of a write-ahead log %s gives an older state, which the head shows, or an error',
    { timeout: 120_000 },
    async (kind) => {
      const home = newDirectory();
      const ledger = await Ledger.open({ home, sources: seededSources('power') });
      onTestFinished(() => ledger.close());
      const path = ledger.paths.ledger;
      let next = 1;
      const append = (): Promise<unknown> => ledger.append([spanDraft(next++), spanDraft(next++)]);
      if (kind !== 'that is new') {
        for (let i = 0; i < 6; i++) await append();
        moveLog(path);
      }
      const before = next - 1;
      const states = [contentOf(copyLedger(path))];
      for (let i = 0; i < 4; i++) {
        await append();
        states.push(contentOf(copyLedger(path)));
      }
      const key = keyOf(home, ledger.origin());
      const log = readFileSync(`${path}-wal`);
      const seen = new Map<string, number>();
      // Behind the newest commit nothing counts any more: there, larger steps.
      const step = (): number => (seen.has(`VALID, state ${states.length - 1}`) ? 16 * 512 : 512);
      for (let cut = 0; cut < log.length + 512; cut += step()) {
        const copy = copyLedger(path);
        truncateSync(`${copy}-wal`, Math.min(cut, log.length));
        const outcome = outcomeOf(copy, key, ...states);
        expect(outcome).toMatch(/^(same content|INVALID)$/);
        const state = outcome === 'same content' ? states.indexOf(contentOf(copy)) : -1;
        const name = state < 0 ? outcome : `VALID, state ${state}`;
        seen.set(name, (seen.get(name) ?? 0) + 1);
        if (state < 0) continue;
        const report = verifyAgainstHead(copy, { key });
        if (state === states.length - 1) expect(report).toMatchObject({ verdict: 'VALID', head: 'agrees' });
        else expect(found(report)).toEqual([`rollback@${1 + before + 2 * state}`]);
      }
      console.log(`log of ${log.length} octets cut at every 512:`, Object.fromEntries(seen));
      expect([...seen.keys()]).toEqual(expect.arrayContaining(states.map((_, i) => `VALID, state ${i}`)));
    },
  );

  test('at every 512 octets of moving the log into the file loses nothing', { timeout: 120_000 }, async () => {
    const home = newDirectory();
    const ledger = await Ledger.open({ home, sources: seededSources('moving') });
    onTestFinished(() => ledger.close());
    const path = ledger.paths.ledger;
    for (const n of [1, 2, 3]) await ledger.append([spanDraft(2 * n), spanDraft(2 * n + 1)]);
    const whole = contentOf(copyLedger(path));
    const before = copyLedger(path);
    moveLog(path);
    const [old, moved] = [readFileSync(before), readFileSync(path)];
    expect(moved.length).toBeGreaterThan(old.length);
    const key = keyOf(home, ledger.origin());
    for (let done = 0; done <= moved.length; done += 512) {
      const copy = copyLedger(before);
      writeFileSync(copy, Buffer.concat([moved.subarray(0, done), old.subarray(done)]));
      expect(outcomeOf(copy, key, whole), `${done} octets`).toBe('same content');
    }
  });

  test('that leaves octets of the log at random values never gives a VALID of something changed', async () => {
    const home = newDirectory();
    const ledger = await Ledger.open({ home, sources: seededSources('torn') });
    onTestFinished(() => ledger.close());
    const path = ledger.paths.ledger;
    const states = [contentOf(copyLedger(path))];
    for (const n of [1, 2]) {
      await ledger.append([spanDraft(n)]);
      states.push(contentOf(copyLedger(path)));
    }
    const key = keyOf(home, ledger.origin());
    const random = randomOf(9);
    const log = readFileSync(`${path}-wal`);
    for (let i = 0; i < 200; i++) {
      const copy = copyLedger(path);
      const torn = Buffer.from(log);
      const from = Math.floor(random() * torn.length);
      for (let at = from; at < Math.min(torn.length, from + 512); at++) torn[at] = Math.floor(random() * 256);
      writeFileSync(`${copy}-wal`, torn);
      expect(outcomeOf(copy, key, ...states)).toMatch(/^(same content|INVALID)$/);
    }
  });
});

describe('a full disk', () => {
  const canMount = process.getuid?.() === 0 && process.platform === 'linux';

  test.skipIf(!canMount)(
    '(a small tmpfs; root only) fails with "full", loses nothing, and recovers',
    { timeout: 60_000 },
    async () => {
      const mount = newDirectory();
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mount]);
      onTestFinished(() => void spawnSync('umount', ['-l', mount]));
      const home = join(mount, 'home');
      const ledger = await Ledger.open({ home });
      const acknowledged: number[] = [];
      let next = 1;
      const append = async (): Promise<void> => {
        const drafts: Draft[] = [0, 1, 2, 3].map((i) => spanDraft(next + i));
        await ledger.append(drafts);
        for (const i of [0, 1, 2, 3]) acknowledged.push(next + 1 + i);
        next += 4;
      };
      const fill = async (): Promise<unknown> => {
        for (;;) {
          try {
            await append();
          } catch (error) {
            return error;
          }
        }
      };
      expect(await fill()).toMatchObject({ code: 'full' });
      expect(acknowledged.length).toBeGreaterThan(8);
      // Still full: the next one fails alike, and does no harm.
      await expect(append()).rejects.toMatchObject({ code: 'full' });
      expectWhole(home, acknowledged);
      execFileSync('mount', ['-o', 'remount,size=4m', mount]);
      await append();
      await append();
      expectWhole(home, acknowledged);
      await ledger.close();
      expectWhole(home, acknowledged);
    },
  );
});
