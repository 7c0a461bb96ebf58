/** What happens to spans, and to the application, when the ledger cannot take them. */
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { spoolDirectory } from '@infrafabric/ledger';
import { describe, expect, test } from 'vitest';
import { type ExportResult, WitnessSpanExporter, WitnessSpanProcessor } from '../dist/index.js';
import {
  countSpans,
  emptyLedger,
  endSpans,
  finishedSpans,
  gaps,
  ledgerOf,
  lock,
  provider,
  remount,
  smallDisk,
  spoolFiles,
  tempHome,
  until,
} from './support.js';

function exported(exporter: WitnessSpanExporter, count: number): Promise<ExportResult> {
  return new Promise((resolve) => exporter.export(finishedSpans(count), resolve));
}

describe('a ledger that another process has locked', () => {
  test('sends spans to the spool, readable by their owner only, and has them after the lock is gone', async () => {
    const home = tempHome();
    const ledger = await emptyLedger(home);
    const held = lock(ledger);
    const said: string[] = [];
    const exporter = new WitnessSpanExporter({ home, timeoutMs: 100, warn: (message) => said.push(message) });
    for (let i = 0; i < 3; i++)
      expect(await exported(exporter, 10)).toMatchObject({ code: 1, error: { code: 'locked' } });
    expect(exporter.counts).toMatchObject({ witnessed: 0, spooled: 30, lost: 0 });
    expect(spoolFiles(home).map(({ mode }) => mode)).toEqual([0o600, 0o600, 0o600]);
    expect(statSync(spoolDirectory(home, ledger)).mode & 0o777).toBe(0o700);
    held.release();
    await until(() => countSpans(ledger) === 30);
    await until(() => spoolFiles(home).length === 0);
    expect(await exported(exporter, 5)).toEqual({ code: 0 });
    expect(exporter.counts).toMatchObject({ witnessed: 5, spooled: 30, drained: 30, duplicates: 0, lost: 0 });
    expect(said).toEqual([expect.stringContaining('locked')]);
    await exporter.shutdown();
  });

  test('for less than the timeout only delays SUCCESS', async () => {
    const home = tempHome();
    const held = lock(await emptyLedger(home));
    const exporter = new WitnessSpanExporter({ home });
    const result = exported(exporter, 10);
    await sleep(300);
    held.release();
    expect(await result).toEqual({ code: 0 });
    expect(exporter.counts).toMatchObject({ witnessed: 10, spooled: 0 });
    await exporter.shutdown();
  });

  test('never stops the event loop', async () => {
    const home = tempHome();
    const held = lock(await emptyLedger(home));
    const processor = new WitnessSpanProcessor({ home, timeoutMs: 1_000, scheduledDelayMs: 20 });
    const tracers = provider(processor);
    let longestMs = 0;
    const began = Date.now();
    for (let last = began; processor.counts.spooled === 0 && last - began < 15_000; ) {
      endSpans(tracers, 5);
      await sleep(5);
      longestMs = Math.max(longestMs, Date.now() - last);
      last = Date.now();
    }
    expect(processor.counts.spooled).toBeGreaterThan(0);
    expect(Date.now() - began).toBeGreaterThanOrEqual(1_000);
    // Waiting for the lock on this thread would have stopped it for the whole of its timeout.
    expect(longestMs).toBeLessThan(700);
    held.release();
    await tracers.shutdown();
  });

  test('is tried again by the next process, which drains what this one left', async () => {
    const home = tempHome();
    const ledger = await emptyLedger(home);
    const held = lock(ledger);
    const first = provider(new WitnessSpanProcessor({ home, timeoutMs: 50 }));
    endSpans(first, 20);
    await first.shutdown();
    expect(spoolFiles(home)).toHaveLength(1);
    held.release();
    const second = new WitnessSpanExporter({ home });
    await until(() => countSpans(ledger) === 20);
    await until(() => second.counts.drained === 20);
    expect(spoolFiles(home)).toEqual([]);
    await second.shutdown();
  });
});

describe('a ledger that cannot be opened', () => {
  test('because its name is that of a directory, sends spans to the spool until it is mended', async () => {
    const home = tempHome();
    const ledger = join(home, 'elsewhere', 'ledger.db');
    mkdirSync(ledger, { recursive: true });
    const exporter = new WitnessSpanExporter({ home, ledger });
    expect(await exported(exporter, 10)).toMatchObject({ code: 1 });
    expect(spoolFiles(home, ledger)).toHaveLength(1);
    rmSync(ledger, { recursive: true });
    await until(() => exporter.counts.drained === 10);
    expect(countSpans(ledger)).toBe(10);
    await exporter.shutdown();
  });

  test('because its disk is read-only, sends spans to the spool until it is not', async (context) => {
    const disk = smallDisk(8 * 1024 * 1024);
    if (disk === undefined) return context.skip('this user may not mount a file system of its own');
    const home = tempHome();
    const ledger = await emptyLedger(home, join(disk, 'ledger.db'));
    remount(disk, 'ro');
    const exporter = new WitnessSpanExporter({ home, ledger });
    expect(await exported(exporter, 10)).toMatchObject({ code: 1, error: { code: 'readonly' } });
    expect(await exported(exporter, 10)).toMatchObject({ code: 1, error: { code: 'readonly' } });
    remount(disk, 'rw');
    await until(() => exporter.counts.drained === 20);
    expect(countSpans(ledger)).toBe(20);
    await exporter.shutdown();
  });

  test('because this user may not write it, sends spans to the spool until it may', async (context) => {
    if (process.getuid?.() === 0) return context.skip('root may write every file');
    const home = tempHome();
    const ledger = await emptyLedger(home, join(home, 'elsewhere', 'ledger.db'));
    chmodSync(ledger, 0o400);
    chmodSync(dirname(ledger), 0o500);
    const exporter = new WitnessSpanExporter({ home, ledger });
    expect(await exported(exporter, 10)).toMatchObject({ code: 1, error: { code: 'readonly' } });
    chmodSync(dirname(ledger), 0o700);
    chmodSync(ledger, 0o600);
    await until(() => exporter.counts.drained === 10);
    await exporter.shutdown();
  });
});

describe('a ledger that is removed while it is open', () => {
  test('sends spans to the spool, and has all of them when it is put back', async () => {
    const home = tempHome();
    const ledger = ledgerOf(home);
    const exporter = new WitnessSpanExporter({ home });
    expect(await exported(exporter, 10)).toEqual({ code: 0 });
    const aside = join(home, 'aside');
    mkdirSync(aside);
    const files = ['', '-wal', '-shm'].map((suffix) => `${ledger}${suffix}`);
    for (const file of files) renameSync(file, file.replace(home, aside));
    expect(await exported(exporter, 10)).toMatchObject({ code: 1, error: { code: 'gone' } });
    expect(await exported(exporter, 10)).toMatchObject({ code: 1 });
    expect(spoolFiles(home).length).toBeGreaterThan(0);
    for (const file of files) {
      if (statSync(file.replace(home, aside), { throwIfNoEntry: false })) renameSync(file.replace(home, aside), file);
    }
    await until(() => exporter.counts.drained === 20);
    expect(countSpans(ledger)).toBe(30);
    await exporter.shutdown();
  });
});

describe('a full disk', () => {
  /** Takes what is left of it. */
  function fill(disk: string): string {
    const filler = join(disk, 'filler');
    writeFileSync(filler, '');
    try {
      for (;;) appendFileSync(filler, Buffer.alloc(64 * 1024));
    } catch {
      // Full.
    }
    try {
      for (;;) appendFileSync(filler, Buffer.alloc(512));
    } catch {
      // Full to the last block.
    }
    return filler;
  }

  test('under the ledger sends spans to the spool until there is room', async (context) => {
    const disk = smallDisk(8 * 1024 * 1024);
    if (disk === undefined) return context.skip('this user may not mount a file system of its own');
    const home = tempHome();
    const ledger = await emptyLedger(home, join(disk, 'ledger.db'));
    const filler = fill(disk);
    const said: string[] = [];
    const exporter = new WitnessSpanExporter({ home, ledger, warn: (message) => said.push(message) });
    expect(await exported(exporter, 500)).toMatchObject({ code: 1 });
    expect(exporter.counts).toMatchObject({ spooled: 500, lost: 0 });
    truncateSync(filler, 0);
    await until(() => exporter.counts.drained === 500);
    expect(countSpans(ledger)).toBe(500);
    expect(said).toHaveLength(1);
    await exporter.shutdown();
  });

  test('under the spool too keeps spans in memory, and records as a gap what does not fit there', async (context) => {
    const disk = smallDisk(8 * 1024 * 1024);
    if (disk === undefined) return context.skip('this user may not mount a file system of its own');
    const ledger = await emptyLedger(disk);
    const filler = fill(disk);
    const said: string[] = [];
    const exporter = new WitnessSpanExporter({
      home: disk,
      memoryMaxBytes: 10_000,
      warn: (message) => said.push(message),
    });
    expect(await exported(exporter, 50)).toMatchObject({ code: 1 });
    expect(exporter.counts).toMatchObject({ witnessed: 0, spooled: 0, lost: 0 });
    expect(await exported(exporter, 200)).toMatchObject({ code: 1 });
    expect(exporter.counts).toMatchObject({ lost: 200 });
    expect(said.filter((message) => message.includes('spans are lost'))).toHaveLength(1);
    truncateSync(filler, 0);
    await until(() => exporter.counts.witnessed === 50);
    await until(() => gaps(ledger).length === 1);
    expect(gaps(ledger)).toMatchObject([
      { count: 200, reason: 'spool.full', source: expect.stringContaining('unknown_service') },
    ]);
    expect(countSpans(ledger)).toBe(50);
    await exporter.shutdown();
  });
});

describe('a spool', () => {
  test('that holds all it may refuses more; what memory cannot hold then is counted as lost', async () => {
    const home = tempHome();
    const held = lock(await emptyLedger(home));
    const exporter = new WitnessSpanExporter({ home, timeoutMs: 20, spoolMaxBytes: 10_000, memoryMaxBytes: 10_000 });
    for (let i = 0; i < 12; i++) await exported(exporter, 30);
    const { spooled, lost } = exporter.counts;
    expect(spooled).toBeGreaterThan(0);
    expect(lost).toBeGreaterThan(0);
    held.release();
    await until(() => countSpans(ledgerOf(home)) === 360 - lost);
    await until(() => gaps(ledgerOf(home)).length === 1);
    expect(gaps(ledgerOf(home))[0]!.count).toBe(lost);
    await exporter.shutdown();
  });

  test('with a file that cannot be read keeps it as .bad, counts it, and drains the others', async () => {
    const home = tempHome();
    const ledger = await emptyLedger(home);
    const held = lock(ledger);
    const first = new WitnessSpanExporter({ home, timeoutMs: 20 });
    for (let i = 0; i < 2; i++) await exported(first, 10);
    await first.shutdown();
    held.release();
    const directory = spoolDirectory(home, ledger);
    writeFileSync(join(directory, '0-000000-1-garbage.otlp'), 'garbage');
    writeFileSync(join(directory, '0-000001-1-empty.otlp'), '');
    // Framed as a request, with a span in it that is none.
    writeFileSync(join(directory, '0-000002-1-misshapen.otlp'), Uint8Array.of(0x0a, 0x04, 0x12, 0x02, 0x12, 0x00));
    const second = new WitnessSpanExporter({ home });
    await until(() => second.counts.filesSetAside === 3);
    await until(() => second.counts.drained === 20);
    expect(countSpans(ledger)).toBe(20);
    expect(
      spoolFiles(home)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['0-000000-1-garbage.otlp.bad', '0-000001-1-empty.otlp.bad', '0-000002-1-misshapen.otlp.bad']);
    await second.shutdown();
  });

  test('that was drained by a process which died before removing the file gives duplicates, not entries', async () => {
    const home = tempHome();
    const ledger = await emptyLedger(home);
    const held = lock(ledger);
    const first = new WitnessSpanExporter({ home, timeoutMs: 20 });
    const spans = finishedSpans(10);
    await new Promise((resolve) => first.export(spans, resolve));
    await first.shutdown();
    held.release();
    const second = new WitnessSpanExporter({ home });
    expect(await new Promise((resolve) => second.export(spans, resolve))).toEqual({ code: 0 });
    await until(() => second.counts.drained === 10);
    expect(second.counts.duplicates).toBe(10);
    expect(countSpans(ledger)).toBe(10);
    await second.shutdown();
  });
});
