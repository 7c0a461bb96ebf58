/** Homes, ledgers and spans for these tests: real files, read back as any reader would. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Ledger, spoolDirectory } from '@infrafabric/ledger';
import { decodeResourceContext, decodeScopeContext, decodeSpan, type SpanRecord } from '@infrafabric/otlp';
import { BasicTracerProvider, type ReadableSpan, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import Database from 'better-sqlite3';
import { onTestFinished } from 'vitest';

/** A witness home that is gone after the test. */
export function tempHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'exporter-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  return home;
}

export function ledgerOf(home: string): string {
  return join(home, 'witness.db');
}

function query<T>(ledger: string, read: (db: Database.Database) => T): T {
  const db = new Database(ledger, { readonly: true });
  try {
    return read(db);
  } finally {
    db.close();
  }
}

/** Every span in a ledger, rebuilt from its payload, in the order of the entries. None when there is no ledger. */
export function witnessed(ledger: string): SpanRecord[] {
  if (!existsSync(ledger)) return [];
  return query(ledger, (db) => {
    const contexts = new Map(
      db
        .prepare('SELECT lower(hex(digest)), context FROM contexts')
        .raw()
        .all()
        .map((row) => row as [string, Buffer]),
    );
    const payloads = db.prepare('SELECT payload FROM payloads ORDER BY seq').pluck().all() as Buffer[];
    return payloads.map((payload) => {
      const [resource, scope] = [payload.subarray(0, 32), payload.subarray(32, 64)].map(
        (digest) => contexts.get(digest.toString('hex'))!,
      );
      return decodeSpan(payload.subarray(64), decodeResourceContext(resource!), decodeScopeContext(scope!));
    });
  });
}

/** How many spans a ledger holds; none before it is created. */
export function countSpans(ledger: string): number {
  if (!existsSync(ledger)) return 0;
  return query(ledger, (db) => {
    const isCreated = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'entries'").get() !== undefined;
    return isCreated ? (db.prepare("SELECT count(*) FROM entries WHERE type = 'span'").pluck().get() as number) : 0;
  });
}

/** Bodies of the gap entries. */
export function gaps(ledger: string): { count: number; reason: string; source: string }[] {
  return query(ledger, (db) => {
    const entries = db.prepare("SELECT entry FROM entries WHERE type = 'gap' ORDER BY seq").pluck().all() as string[];
    return entries.map((entry) => JSON.parse(entry).body);
  });
}

/** Signed bodies of the span entries. */
export function bodies(ledger: string): Record<string, unknown>[] {
  return query(ledger, (db) =>
    (db.prepare("SELECT entry FROM entries WHERE type = 'span' ORDER BY seq").pluck().all() as string[]).map(
      (entry) => JSON.parse(entry).body,
    ),
  );
}

/** A ledger without spans. */
export async function emptyLedger(home: string, ledger: string = ledgerOf(home)): Promise<string> {
  await (await Ledger.open({ home, ledger })).close();
  return ledger;
}

/** Holds the write lock of a ledger, as another process would. */
export function lock(ledger: string): { release(): void } {
  const db = new Database(ledger);
  db.exec('BEGIN IMMEDIATE');
  let isOpen = true;
  const release = (): void => {
    if (!isOpen) return;
    isOpen = false;
    db.exec('ROLLBACK');
    db.close();
  };
  onTestFinished(release);
  return { release };
}

/** Waiting spool files with their modes; those set aside included. */
export function spoolFiles(home: string, ledger: string = ledgerOf(home)): { name: string; mode: number }[] {
  const directory = spoolDirectory(home, ledger);
  if (!existsSync(directory)) return [];
  return readdirSync(directory).map((name) => ({ name, mode: statSync(join(directory, name)).mode & 0o777 }));
}

export function provider(...spanProcessors: SpanProcessor[]): BasicTracerProvider {
  return new BasicTracerProvider({ spanProcessors });
}

/** Starts and ends spans within one tick. */
export function endSpans(tracers: BasicTracerProvider, count: number, name = 'span'): void {
  const tracer = tracers.getTracer('test', '1.0');
  for (let i = 0; i < count; i++) tracer.startSpan(`${name} ${i}`, { attributes: { i } }).end();
}

/** Finished spans without a processor in between. */
export function finishedSpans(count: number, name = 'span'): ReadableSpan[] {
  const spans: ReadableSpan[] = [];
  const collector: SpanProcessor = {
    onStart: () => undefined,
    onEnd: (span) => spans.push(span),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
  endSpans(provider(collector), count, name);
  return spans;
}

/** Waits until it is so. */
export async function until(isSo: () => boolean, timeoutMs = 15_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`not so within ${timeoutMs} ms: ${isSo}`);
    await sleep(20);
  }
}

/** A file system of its own that is soon full; undefined where the user may not mount one. */
export function smallDisk(bytes: number): string | undefined {
  const path = mkdtempSync(join(tmpdir(), 'exporter-disk-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path]).status === 0;
  onTestFinished(() => {
    if (mounted) spawnSync('umount', ['-l', path]);
    rmSync(path, { recursive: true, force: true });
  });
  return mounted ? path : undefined;
}

/** Of a {@link smallDisk}. */
export function remount(disk: string, mode: 'ro' | 'rw'): void {
  const { status, stderr } = spawnSync('mount', ['-o', `remount,${mode}`, disk], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mount: ${stderr}`);
}

/** Bodies of the alert entries. */
export function alertsIn(ledger: string): { level: string; spent: string }[] {
  return query(ledger, (db) =>
    (db.prepare("SELECT entry FROM entries WHERE type = 'alert' ORDER BY seq").pluck().all() as string[]).map(
      (entry) => JSON.parse(entry).body,
    ),
  );
}
