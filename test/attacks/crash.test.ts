/** Attack matrix: kill -9, power cut, full disk, I/O errors. What was acknowledged is there, and the file is VALID. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Draft, Ledger } from '@infrafabric/ledger';
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

describe('a power cut', () => {
  test('at every 512 octets of the write-ahead log gives an older state, which the head shows, or an error', {
    timeout: 60_000,
  }, async () => {
    const home = newDirectory();
    const ledger = await Ledger.open({ home, sources: seededSources('power') });
    onTestFinished(() => ledger.close());
    const path = ledger.paths.ledger;
    const states = [contentOf(copyLedger(path))];
    for (const n of [1, 2, 3, 4]) {
      await ledger.append([spanDraft(2 * n), spanDraft(2 * n + 1)]);
      states.push(contentOf(copyLedger(path)));
    }
    const key = keyOf(home, ledger.origin());
    const log = readFileSync(`${path}-wal`);
    const seen = new Map<string, number>();
    for (const cut of [...Array(Math.ceil(log.length / 512)).keys()].map((i) => i * 512).concat(log.length)) {
      const copy = copyLedger(path);
      truncateSync(`${copy}-wal`, cut);
      const outcome = outcomeOf(copy, key, ...states);
      expect(outcome).toMatch(/^(same content|INVALID)$/);
      const state = outcome === 'same content' ? states.indexOf(contentOf(copy)) : -1;
      const name = state < 0 ? outcome : `VALID, state ${state}`;
      seen.set(name, (seen.get(name) ?? 0) + 1);
      if (state < 0) continue;
      const report = verifyAgainstHead(copy, { key });
      if (state === states.length - 1) expect(report).toMatchObject({ verdict: 'VALID', head: 'agrees' });
      else expect(found(report)).toEqual([`rollback@${1 + 2 * state}`]);
    }
    console.log(`log of ${log.length} octets cut at every 512:`, Object.fromEntries(seen));
    expect([...seen.keys()]).toEqual(expect.arrayContaining(states.map((_, i) => `VALID, state ${i}`)));
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

describe('an I/O error', () => {
  const strace = spawnSync('strace', ['-f', '-e', 'trace=none', 'true']).status === 0;
  /** How many calls of each kind fail, one a run: by default about as many as one run of the writer makes of the rarest. */
  const CALLS: readonly (readonly [call: string, calls: number])[] =
    process.env.SLOW === '1'
      ? ['pwrite64', 'fsync', 'fdatasync', 'pread64', 'write', 'ftruncate', 'rename', 'openat'].map((call) => [
          call,
          60,
        ])
      : [
          ['pwrite64', 6],
          ['fsync', 5],
          ['pread64', 3],
        ];

  test.skipIf(!strace).each(CALLS)(
    '(strace) of %s, number 1 to %i, loses nothing that was acknowledged',
    { timeout: 600_000 },
    async (call, calls) => {
      let outcomes = '';
      for (let nth = 1; nth <= calls; nth++) {
        const home = newDirectory();
        const inject = [
          'strace',
          '-f',
          '-qq',
          '-o',
          '/dev/null',
          '--seccomp-bpf',
          '-P',
          `${home}/witness.db`,
          '-P',
          `${home}/witness.db-wal`,
          '-P',
          home,
          '-e',
          `trace=${call}`,
          '-e',
          `inject=${call}:error=EIO:when=${nth}`,
        ];
        const writer = startWriter(home, { first: 1, batches: 4, size: 3 }, inject);
        await writer.ended;
        outcomes += writer.said.includes('failed io') ? 'E' : '.';
        // The same writer again, without errors: retries are recognised, nothing is there twice.
        const again = startWriter(home, { first: 1, batches: 4, size: 3 });
        await again.ended;
        expect(again.said).toEqual(['open']);
        expectWhole(home, [...writer.acknowledged, ...again.acknowledged]);
      }
      console.log(`EIO of ${call} number 1 to ${calls}: ${outcomes}`);
    },
  );
});
