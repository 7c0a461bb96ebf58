/** When the ledger cannot be written senders are told so, in time, and the same process takes the same spans later. */
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { VerifierKey } from '@infrafabric/format';
import { Ledger } from '@infrafabric/ledger';
import type { SpanRecord } from '@infrafabric/otlp';
import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { sampleValue } from '../../packages/collector/test/prometheus-text.js';
import { emptyLedger, lock, remount, smallDisk } from '../../packages/exporter/test/support.js';
import { newDirectory } from '../attacks/ledger-files.js';
import { spanRecord } from '../attacks/spans.js';
import { CollectorProcess, type ProcessOptions } from './collector-process.js';
import { MIB } from './inside.js';
import { countsByIds, expectValid, idsOf, ledgerOf, pinKey } from './ledger-spans.js';
import { grpcSender, httpSender, type Reply, type Sender } from './senders.js';

/** The JS SDK's exporters give up after ten seconds. */
const PATIENCE_MS = 9_000;

/** A collector, senders of each kind, and what they know. */
class Site {
  readonly collector: CollectorProcess;
  readonly senders: readonly Sender[];
  readonly #acknowledged: SpanRecord[] = [];
  /** Not acknowledged so far, with the sender that has it. */
  readonly #owed: { readonly sender: Sender; readonly spans: readonly SpanRecord[] }[] = [];
  #spans = 0;

  constructor(collector: CollectorProcess) {
    this.collector = collector;
    this.senders = [
      httpSender(collector.http),
      httpSender(collector.http, { encoding: 'json', coding: 'gzip' }),
      grpcSender(collector.grpc),
    ];
    onTestFinished(() => {
      for (const sender of this.senders) sender.close();
    });
  }

  static async start(home: string, options: ProcessOptions = {}): Promise<Site> {
    return new Site(await CollectorProcess.start({ home }, options));
  }

  /** Every sender sends spans of its own, all at once. */
  async send(payload = ''): Promise<Reply[]> {
    const replies = await Promise.all(
      this.senders.map(async (sender) => {
        const spans = Array.from({ length: 5 }, () => this.#span(payload));
        const reply = await sender.send(spans);
        if (reply.outcome === 'stored') this.#acknowledged.push(...spans);
        else this.#owed.push({ sender, spans });
        return reply;
      }),
    );
    for (const { ms } of replies) expect(ms).toBeLessThan(PATIENCE_MS);
    return replies;
  }

  #span(payload: string): SpanRecord {
    const span = spanRecord(this.#spans++);
    return { ...span, attributes: [...span.attributes, ['payload', payload]] };
  }

  async expectStored(): Promise<void> {
    for (const reply of await this.send()) expect(reply).toMatchObject({ outcome: 'stored', rejected: 0 });
    expect(await this.collector.page('/readyz')).toMatchObject({ status: 200 });
  }

  /** Everybody is told to come again, `/readyz` says why, what was refused is counted. */
  async expectUnavailable(reason: RegExp): Promise<void> {
    const countedBefore = await this.#refused();
    const replies = await this.send();
    for (const [i, reply] of replies.entries()) {
      const { name } = this.senders[i]!;
      expect(reply, name).toMatchObject({ outcome: 'unavailable', status: name === 'grpc' ? 14 : 503 });
      expect(reply.retryAfterSeconds, name).toBeGreaterThanOrEqual(1);
    }
    const { status, text } = await this.collector.page('/readyz');
    expect(status).toBe(503);
    expect(JSON.parse(text)).toMatchObject({ status: 'unavailable', reason: expect.stringMatching(reason) });
    expect(await this.collector.page('/healthz')).toMatchObject({ status: 200 });
    const counted = await this.#refused();
    expect([counted.http - countedBefore.http, counted.grpc - countedBefore.grpc]).toEqual([10, 5]);
  }

  async #refused(): Promise<{ http: number; grpc: number }> {
    const { text } = await this.collector.page('/metrics');
    const of = (transport: string): number =>
      sampleValue(text, 'if_witness_refused_spans_total', { transport, reason: 'ledger' });
    return { http: of('http'), grpc: of('grpc') };
  }

  /** By itself, within seconds; then what was refused is taken, by whom it was refused. */
  async expectRecovery(): Promise<void> {
    const isReady = async (): Promise<number> => (await this.collector.page('/readyz')).status;
    await expect.poll(isReady, { timeout: 15_000, interval: 100 }).toBe(200);
    for (const { sender, spans } of this.#owed.splice(0)) {
      expect(await sender.send(spans), sender.name).toMatchObject({ outcome: 'stored', rejected: 0 });
      this.#acknowledged.push(...spans);
    }
    await this.expectStored();
  }

  /** Every acknowledged span once, nothing else; also after the process was stopped. */
  async expectWhole(path: string, key: VerifierKey): Promise<void> {
    for (const isStopped of [false, true]) {
      if (isStopped) await this.collector.stop();
      const counts = countsByIds(path);
      const expected = new Set(this.#acknowledged.map(idsOf));
      expect([...expected].filter((ids) => counts.get(ids) !== 1)).toEqual([]);
      expect([...counts].filter(([ids, count]) => count !== 1 || !expected.has(ids))).toEqual([]);
      expectValid(path, key);
    }
    expect(this.collector.end).toBe(0);
  }
}

describe('a ledger that another process has locked', () => {
  test('is told to every sender in time, and takes the same spans once it is free', { timeout: 60_000 }, async () => {
    const home = newDirectory();
    const site = await Site.start(home);
    const key = pinKey(home);
    await site.expectStored();
    const held = lock(ledgerOf(home));
    await site.expectUnavailable(/^ledger\.locked$/);
    await site.expectUnavailable(/^ledger\.locked$/);
    held.release();
    await site.expectRecovery();
    await site.expectWhole(ledgerOf(home), key);
  });

  test('keeps nobody waiting for long, however many ask again and again', { timeout: 60_000 }, async () => {
    const home = newDirectory();
    const site = await Site.start(home);
    const key = pinKey(home);
    await site.expectStored();
    const held = lock(ledgerOf(home));
    const until = Date.now() + 10_000;
    let slowestMs = 0;
    const many = Array.from({ length: 8 }, () => httpSender(site.collector.http));
    const asked = many.map(async (sender, i) => {
      for (let n = 0; Date.now() < until; n++) {
        const { outcome, ms } = await sender.send([spanRecord(10_000 + 1000 * i + n)]);
        expect(outcome).toBe('unavailable');
        slowestMs = Math.max(slowestMs, ms);
      }
      sender.close();
    });
    await Promise.all(asked);
    expect(slowestMs).toBeLessThan(PATIENCE_MS);
    console.log(`locked: the slowest answer took ${Math.round(slowestMs)} ms`);
    held.release();
    await site.expectRecovery();
    await site.expectWhole(ledgerOf(home), key);
  });

  test('for less than the collector waits only delays the answers', { timeout: 60_000 }, async () => {
    const home = newDirectory();
    const site = await Site.start(home);
    const key = pinKey(home);
    const held = lock(ledgerOf(home));
    setTimeout(held.release, 700);
    await site.expectStored();
    await site.expectWhole(ledgerOf(home), key);
  });

  test('while the collector starts does not keep it from starting', { timeout: 60_000 }, async () => {
    const home = newDirectory();
    await emptyLedger(home);
    const key = pinKey(home);
    const held = lock(ledgerOf(home));
    const site = await Site.start(home);
    await site.expectUnavailable(/^ledger\.locked$/);
    held.release();
    await site.expectRecovery();
    await site.expectWhole(ledgerOf(home), key);
  });
});

describe('a disk that is full', () => {
  test('is told to every sender, and takes the same spans once there is room', { timeout: 90_000 }, async (context) => {
    const disk = smallDisk(16 * MIB);
    if (disk === undefined) return context.skip('this user may not mount a file system of its own');
    const home = join(disk, 'home');
    const site = await Site.start(home);
    const key = pinKey(home);
    await site.expectStored();
    const filler = join(disk, 'filler');
    fill(filler);
    // The log of the ledger has some room left in pages it had before.
    for (let i = 0; i < 100; i++) {
      if ((await site.send('x'.repeat(4_000))).every(({ outcome }) => outcome === 'unavailable')) break;
    }
    fill(filler);
    await site.expectUnavailable(/^ledger\.full$/);
    await site.expectUnavailable(/^ledger\.full$/);
    truncateSync(filler, 0);
    await site.expectRecovery();
    // And again: the first time may have been lucky.
    fill(filler);
    for (let i = 0; i < 100; i++) {
      if ((await site.send('x'.repeat(4_000))).every(({ outcome }) => outcome === 'unavailable')) break;
    }
    truncateSync(filler, 0);
    await site.expectRecovery();
    await site.expectWhole(ledgerOf(home), key);
  });

  test('when the collector starts does not keep it from starting', { timeout: 60_000 }, async (context) => {
    const disk = smallDisk(4 * MIB);
    if (disk === undefined) return context.skip('this user may not mount a file system of its own');
    const home = join(disk, 'home');
    await emptyLedger(home);
    const key = pinKey(home);
    const filler = join(disk, 'filler');
    fill(filler);
    const site = await Site.start(home);
    await site.expectUnavailable(/^ledger\.(full|io)$/);
    truncateSync(filler, 0);
    await site.expectRecovery();
    await site.expectWhole(ledgerOf(home), key);
  });
});

/** Until nothing more fits. */
function fill(filler: string): void {
  for (const octets of [64 * 1024, 4096, 1]) {
    try {
      for (;;) appendFileSync(filler, Buffer.alloc(octets));
    } catch {
      // Full.
    }
  }
}

describe('a ledger that may not be written', () => {
  test('because its file system is read-only, is taken up once it is not', { timeout: 60_000 }, async (context) => {
    const disk = smallDisk(16 * MIB);
    if (disk === undefined) return context.skip('this user may not mount a file system of its own');
    const home = join(disk, 'home');
    await emptyLedger(home);
    const key = pinKey(home);
    remount(disk, 'ro');
    const site = await Site.start(home);
    await site.expectUnavailable(/^ledger\.readonly$/);
    await site.expectUnavailable(/^ledger\.readonly$/);
    remount(disk, 'rw');
    await site.expectRecovery();
    await site.expectWhole(ledgerOf(home), key);
  });

  test('because the file is read-only, is taken up once it is not', { timeout: 60_000 }, async (context) => {
    const home = newDirectory();
    await emptyLedger(home);
    const key = pinKey(home);
    const path = ledgerOf(home);
    const nobody = process.getuid?.() === 0 ? 65_534 : undefined;
    if (nobody !== undefined) {
      chmodSync(dirname(home), 0o711);
      for (const file of [home, ...readdirSync(home, { recursive: true, encoding: 'utf8' }).map((f) => join(home, f))])
        chownSync(file, nobody, nobody);
    }
    chmodSync(path, 0o400);
    const site = await Site.start(home, nobody === undefined ? {} : { uid: nobody }).catch((error: unknown) => {
      return nobody === undefined ? Promise.reject(error) : context.skip(`cannot run as another user: ${error}`);
    });
    await site.expectUnavailable(/^ledger\.readonly$/);
    chmodSync(path, 0o600);
    await site.expectRecovery();
    await site.expectWhole(path, key);
  });
});

describe('a ledger file that goes away while it is open', () => {
  async function siteWithLedger(): Promise<{ site: Site; home: string; path: string; key: VerifierKey }> {
    const home = newDirectory();
    const site = await Site.start(home);
    await site.expectStored();
    return { site, home, path: ledgerOf(home), key: pinKey(home) };
  }

  /** With its log, as a careful operator would. */
  function move(from: string, to: string): void {
    for (const suffix of ['', '-wal', '-shm']) {
      if (existsSync(from + suffix)) renameSync(from + suffix, to + suffix);
    }
  }

  test('is not started anew: nothing is taken until it is back', { timeout: 60_000 }, async () => {
    const { site, path, key } = await siteWithLedger();
    move(path, `${path}.away`);
    await site.expectUnavailable(/^ledger\.(gone|behind-head)$/);
    await site.expectUnavailable(/^ledger\.(gone|behind-head)$/);
    expect(existsSync(path)).toBe(false);
    move(`${path}.away`, path);
    await site.expectRecovery();
    await site.expectWhole(path, key);
  });

  test('for an older copy, is not continued: its head is remembered', { timeout: 60_000 }, async () => {
    const { site, home, path, key } = await siteWithLedger();
    const older = await olderCopy(path);
    await site.expectStored();
    move(path, `${path}.away`);
    copyFileSync(older, path);
    const before = countsByIds(older);
    await site.expectUnavailable(/^ledger\.(gone|behind-head)$/);
    await site.expectUnavailable(/^ledger\.behind-head$/);
    expect(countsByIds(path)).toEqual(before);
    rmSync(path);
    for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true });
    move(`${path}.away`, path);
    await site.expectRecovery();
    expect(pinKey(home)).toEqual(key);
    await site.expectWhole(path, key);
  });

  test('for another ledger, or an empty file, is not forked', { timeout: 60_000 }, async () => {
    const { site, path, key } = await siteWithLedger();
    move(path, `${path}.away`);
    const other = join(newDirectory(), 'home');
    const ledger = await Ledger.open({ home: other });
    await ledger.close();
    copyFileSync(ledger.paths.ledger, path);
    await site.expectUnavailable(/^ledger\.(gone|behind-head|key\.missing)$/);
    expect(countsByIds(path).size).toBe(0);
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
    writeFileSync(path, '');
    await site.expectUnavailable(/^ledger\.(gone|behind-head)$/);
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
    move(`${path}.away`, path);
    await site.expectRecovery();
    await site.expectWhole(path, key);
  });

  test.each(['nothing', 'an empty file', 'another ledger'])(
    'with all that was in the home, as with a volume that is unmounted, is not begun anew where %s is left',
    { timeout: 60_000 },
    async (left) => {
      const { site, home, path, key } = await siteWithLedger();
      // Until the head is remembered: a collector that has to catch up on that would leave it behind as a trace.
      await sleep(400);
      const away = `${home}-away`;
      renameSync(home, away);
      mkdirSync(home);
      if (left === 'an empty file') writeFileSync(path, '');
      if (left === 'another ledger') await emptyLedger(home);
      const before = readdirSync(home, { recursive: true }).sort();
      const spansBefore = left === 'another ledger' ? countsByIds(path).size : 0;
      await site.expectUnavailable(/^ledger\.gone$/);
      await site.expectUnavailable(/^ledger\.gone$/);
      await sleep(1_500);
      await site.expectUnavailable(/^ledger\.gone$/);
      // The folder of the accounts, which can be made again at any time, is none of the ledger.
      const after = readdirSync(home, { recursive: true }).filter(
        (name) => !/^accounts|-(wal|shm)$/.test(String(name)),
      );
      expect(after.sort()).toEqual(before.filter((name) => !/-(wal|shm)$/.test(String(name))));
      if (left === 'another ledger') expect(countsByIds(path).size).toBe(spansBefore);
      rmSync(home, { recursive: true });
      renameSync(away, home);
      await site.expectRecovery();
      await site.expectWhole(path, key);
    },
  );
});

/** A copy as a back-up makes one, of what is committed now. */
async function olderCopy(path: string): Promise<string> {
  const copy = join(newDirectory(), 'older.db');
  const db = new Database(path, { readonly: true });
  await db.backup(copy);
  db.close();
  return copy;
}
