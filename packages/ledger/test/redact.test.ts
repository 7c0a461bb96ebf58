/** Erasing payloads: what goes, what stays, and that nothing of what went is left on the disk. */
import { spawn, spawnSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { leafHashHex } from '@infrafabric/format';
import type { SpanRecord } from '@infrafabric/otlp';
import { describe, expect, onTestFinished, test } from 'vitest';
import { keyOf, newDirectory, randomOf, spanDraft, verifyAgainstHead } from '../../../test/attacks/ledger-files.js';
import { spanRecord } from '../../../test/attacks/spans.js';
import { Accounts, accountsFile } from '../dist/accounts/accounts.js';
import { isUnfinished } from '../dist/erasure/index.js';
import { draftSpan, Ledger, type LedgerOptions, packSpans } from '../dist/index.js';
import { LedgerReader } from '../dist/reader.js';
import { LedgerThread } from '../dist/thread.js';

async function open(options: LedgerOptions = {}): Promise<{ ledger: Ledger; home: string; path: string }> {
  const home = options.home ?? join(newDirectory(), 'home');
  const ledger = await Ledger.open({ home, ...options });
  onTestFinished(() => ledger.close());
  return { ledger, home, path: ledger.paths.ledger };
}

/** A span whose payload holds a text, with a resource of its own for each `resource`. */
function secretRecord(n: number, text: string, resource = 0): SpanRecord {
  const record = spanRecord(n);
  return {
    ...record,
    resource: {
      ...record.resource,
      attributes: [...record.resource.attributes, ['host.name', `<<host-${resource}>>`] as const],
    },
    attributes: [...record.attributes, ['prompt', text] as const],
  };
}

const secretSpan = (n: number, text: string, resource = 0) => draftSpan(secretRecord(n, text, resource));

/** Files of a directory, all the way down, that hold an octet string; looked at by another process, as locks require. */
function filesWith(directory: string, needle: string): string[] {
  const ran = spawnSync('grep', ['-rlaF', needle, directory], { encoding: 'utf8' });
  if (ran.status === 2) throw new Error(ran.stderr);
  return ran.stdout.split('\n').filter((line) => line !== '');
}

const verdict = (home: string, path: string, ledger: Ledger) =>
  verifyAgainstHead(path, { key: keyOf(home, ledger.origin()), deep: true });

test('the payload goes, the entry and a redaction stay, and the ledger is VALID', async () => {
  const { ledger, home, path } = await open();
  await ledger.append([spanDraft(1), spanDraft(2)]);
  const redacted = await ledger.redact([1], 'ticket 7');
  expect(redacted).toMatchObject({
    targets: [{ outcome: 'erased', seq: 1, redaction: 3 }],
    contexts: 0,
    overwritten: true,
  });
  const view = await ledger.view();
  expect(view.payload(1)).toBeUndefined();
  expect(view.redactionOf(1)).toBe(3);
  expect(view.redactionOf(2)).toBeUndefined();
  const leaf = leafHashHex(view.entryText(1)!);
  expect(view.entry(3)!.entry).toMatchObject({
    type: 'redaction',
    critical: true,
    body: { target: 1, leaf, reason: 'ticket 7' },
  });
  expect(verdict(home, path, ledger)).toMatchObject({
    verdict: 'VALID',
    payloads: { present: 1, erased: 1, missing: 0 },
  });
});

test('what cannot be erased is said, target by target, and writes nothing', async () => {
  const { ledger, path, home } = await open();
  await ledger.append([spanDraft(1), spanDraft(2)]);
  await ledger.append([{ type: 'gap', body: { count: 1, reason: 'x', since: '1', source: 'x', until: '2' } }]);
  await ledger.redact([1], 'first');
  const note = readFileSync(`${path}.head`);
  const { targets } = await ledger.redact([99, 3, 1, 1, 0], 'second');
  expect(targets).toEqual([
    { outcome: 'no-payload', seq: 0 },
    { outcome: 'already', seq: 1, redaction: 4 },
    { outcome: 'no-payload', seq: 3 },
    { outcome: 'no-entry', seq: 99 },
  ]);
  expect(readFileSync(`${path}.head`)).toEqual(note);
  expect(verdict(home, path, ledger).verdict).toBe('VALID');
});

test.each([[-1], [1.5], [Number.NaN], [2 ** 53]])('a target of %d is a RangeError', async (seq) => {
  const { ledger } = await open();
  await expect(ledger.redact([seq], 'r')).rejects.toThrow(RangeError);
});

test.each([
  ['nothing', ''],
  ['white space', ' \n'],
  ['4,097 octets', 'x'.repeat(4097)],
  ['4,098 octets once it is escaped', '\n'.repeat(2049)],
])('a reason of %s is a RangeError', async (_, reason) => {
  const { ledger } = await open();
  await ledger.append([spanDraft(1)]);
  await expect(ledger.redact([1], reason)).rejects.toThrow(RangeError);
  expect((await ledger.redact([1], 'x'.repeat(4096))).targets[0]!.outcome).toBe('erased');
});

test('the private part of a budget can be erased', async () => {
  const { ledger, home, path } = await open();
  await ledger.append([
    { type: 'budget', body: { action: 'remove', budget: 'b' }, payload: { scope: { user: 'alice@example.org' } } },
  ]);
  expect(filesWith(home, 'alice@example.org')).not.toEqual([]);
  await ledger.redact([1], 'r');
  expect(filesWith(home, 'alice@example.org')).toEqual([]);
  expect(verdict(home, path, ledger)).toMatchObject({ verdict: 'VALID', payloads: { present: 0, erased: 1 } });
});

describe('contexts', () => {
  test('go with the last payload that names them, whichever that is', async () => {
    const { ledger, home, path } = await open();
    await ledger.append(Array.from({ length: 9 }, (_, i) => secretSpan(i, 'x', i % 3)));
    for (const [seq, contexts] of [
      [4, 0],
      [1, 0],
      [7, 1],
      [9, 0],
    ] as const) {
      expect((await ledger.redact([seq], 'r')).contexts).toBe(contexts);
      expect(verdict(home, path, ledger).verdict).toBe('VALID');
    }
    expect(filesWith(home, '<<host-0>>')).toEqual([]);
    expect(filesWith(home, '<<host-1>>')).not.toEqual([]);
    expect((await ledger.redact([2, 3, 5, 6, 8], 'r', { batch: 1 })).contexts).toBe(3);
    expect(filesWith(home, '<<host-')).toEqual([]);
    expect(verdict(home, path, ledger)).toMatchObject({ verdict: 'VALID', payloads: { present: 0, erased: 9 } });
  });

  test('that a new span names again are there again, for a writer that has seen them before', async () => {
    const { ledger, home, path } = await open({ longLived: true });
    await ledger.append([secretSpan(1, 'x', 1)]);
    const other = await Ledger.open({ home });
    expect((await other.redact([1], 'r')).contexts).toBe(2);
    await other.close();
    await ledger.append([secretSpan(2, 'x', 1)]);
    expect(verdict(home, path, ledger)).toMatchObject({ verdict: 'VALID', payloads: { present: 1, erased: 1 } });
  });

  test('are right when two erase at the same time, and others append', { timeout: 60_000 }, async () => {
    const { ledger, home, path } = await open();
    await ledger.append(Array.from({ length: 600 }, (_, i) => secretSpan(i, 'x', i % 50)));
    const [a, b, c] = await Promise.all([1, 2, 3].map(() => Ledger.open({ home, timeoutMs: 30_000 })));
    const every = (step: number, from: number) =>
      Array.from({ length: 600 }, (_, i) => i + 1).filter((seq) => seq % step === from);
    await Promise.all([
      a!.redact([...every(3, 0), ...every(3, 1)], 'a', { batch: 7 }),
      b!.redact([...every(3, 2), ...every(3, 1)], 'b', { batch: 11 }),
      (async () => {
        for (let n = 0; n < 20; n++) await c!.append([secretSpan(1_000 + n, 'x', n)]);
      })(),
    ]);
    for (const each of [a, b, c]) await each!.close();
    expect(verdict(home, path, ledger)).toMatchObject({
      verdict: 'VALID',
      payloads: { present: 20, erased: 600, missing: 0 },
    });
  });
});

describe('a retry', () => {
  test.each([true, false])('of an erased span is acknowledged and stores nothing (filters: %s)', async (longLived) => {
    const { ledger, home, path } = await open({ longLived });
    const [first] = await ledger.append([secretSpan(1, 'the secret')]);
    const other = await Ledger.open({ home });
    await other.redact([1], 'r');
    await other.close();
    expect(await ledger.append([secretSpan(1, 'the secret')])).toEqual([{ ...first, outcome: 'duplicate' }]);
    expect(filesWith(home, 'the secret')).toEqual([]);
    expect(verdict(home, path, ledger)).toMatchObject({
      verdict: 'VALID',
      entries: 3,
      payloads: { present: 0, erased: 1 },
    });
  });

  test('of one among many of the same ids, erased after the writer has seen it, stores nothing', async () => {
    const { ledger } = await open({ longLived: true });
    const same = (text: string) => secretSpan(1, text);
    await ledger.append(Array.from({ length: 40 }, (_, i) => same(`text ${i}`)));
    expect((await ledger.append([same('text 30')]))[0]).toMatchObject({ outcome: 'duplicate', seq: 31 });
    await ledger.redact([31], 'r');
    expect((await ledger.append([same('text 30')]))[0]!.outcome).toBe('duplicate');
  });
});

describe('on the disk', () => {
  // erased-pages.test.ts has the same without entries, where thousands of rows show what SQLite alone would leave.
  test.each([1, 2, 3, 4])(
    'nothing is left of what was erased, in any order and size (seed %i)',
    { timeout: 120_000 },
    async (seed) => {
      const { ledger, home, path } = await open();
      const random = randomOf(seed);
      const below = (n: number): number => Math.floor(random() * n);
      const sizes = [0, 10, 60, 200, 800, 1_700, 3_700, 4_000, 9_000, 45_000];
      const secret = (n: number): string => `<<secret-${n}-`;
      const total = 500;
      for (let from = 0; from < total; from += 50) {
        const spans = Array.from({ length: 50 }, (_, i) => from + i).map((n) =>
          secretSpan(n, `${secret(n)}${'x'.repeat(sizes[below(sizes.length)]!)}${secret(n)}`, n >> 2),
        );
        await ledger.append(spans);
      }
      const order = Array.from({ length: total }, (_, n) => n);
      for (let i = total - 1; i > 0; i--) {
        const j = below(i + 1);
        [order[i], order[j]] = [order[j]!, order[i]!];
      }
      const gone = order.slice(0, total * 0.8);
      for (let at = 0; at < gone.length; ) {
        const some = gone.slice(at, at + 1 + below(20));
        expect(
          (
            await ledger.redact(
              some.map((n) => n + 1),
              'r',
              { batch: 8 },
            )
          ).overwritten,
        ).toBe(true);
        at += some.length;
      }
      const raw = octetsOf(home);
      expect(gone.filter((n) => raw.includes(secret(n)))).toEqual([]);
      expect(order.slice(gone.length).filter((n) => !raw.includes(secret(n)))).toEqual([]);
      const erased = new Set(gone);
      const hosts = Array.from({ length: total / 4 }, (_, host) => host);
      const isGone = (host: number): boolean => [0, 1, 2, 3].every((i) => erased.has(host * 4 + i));
      expect(hosts.filter((host) => raw.includes(`<<host-${host}>>`) === isGone(host))).toEqual([]);
      expect(verdict(home, path, ledger)).toMatchObject({ verdict: 'VALID', payloads: { present: 100, erased: 400 } });
    },
  );

  /** All files of a home, one after another, as one text of octets. */
  function octetsOf(directory: string): string {
    const ran = spawnSync('sh', ['-c', 'find "$1" -type f -exec cat {} +', 'sh', directory], { maxBuffer: 2 ** 30 });
    return ran.stdout.toString('latin1');
  }

  test('while a reader holds the log it says so, and finishes later', async () => {
    const { ledger, home, path } = await open();
    await ledger.append([secretSpan(1, 'the secret')]);
    const reader = LedgerReader.open(path);
    const held = await ledger.redact([1], 'r', { timeoutMs: 200 });
    expect(held).toMatchObject({ targets: [{ outcome: 'erased' }], overwritten: false });
    expect(isUnfinished(path)).toBe(true);
    expect(filesWith(home, 'the secret')).not.toEqual([]);
    reader.close();
    expect((await ledger.redact([], '')).overwritten).toBe(true);
    expect(isUnfinished(path)).toBe(false);
    expect(filesWith(home, 'the secret')).toEqual([]);
    expect(statSync(`${path}-wal`).size).toBe(0);
  });

  test('the accounts forget session and user, and nothing of them is left', async () => {
    const { ledger, home } = await open();
    const record = spanRecord(1);
    const labelled = (n: number, user: string) =>
      draftSpan({ ...spanRecord(n), attributes: [...record.attributes, ['user.id', user] as const] });
    await ledger.append([labelled(1, 'alice@example.org'), labelled(2, 'bob@example.org')]);
    const view = await ledger.view();
    Accounts.open(view, { home }).close();
    const file = accountsFile(home, ledger.origin());
    expect(filesWith(join(home, 'accounts'), 'alice@example.org')).not.toEqual([]);
    expect((await ledger.redact([1], 'r')).overwritten).toBe(true);
    expect(filesWith(home, 'alice@example.org')).toEqual([]);
    expect(existsSync(file)).toBe(true);
    const accounts = Accounts.open(await ledger.view(), { home });
    expect([...accounts.calls()].map(({ user }) => user)).toEqual([undefined, 'bob@example.org']);
    accounts.close();
  });
});

test('erasing many goes on where it was stopped', async () => {
  const { ledger, home, path } = await open();
  await ledger.append(Array.from({ length: 60 }, (_, i) => spanDraft(i)));
  const all = Array.from({ length: 60 }, (_, i) => i + 1);
  const abort = new AbortController();
  const part = await ledger.redact(all, 'r', {
    batch: 10,
    signal: abort.signal,
    onProgress: (done) => {
      if (done === 30) abort.abort();
    },
  });
  expect(part.targets).toHaveLength(30);
  const rest = await ledger.redact(all, 'r', { batch: 10 });
  const outcomes = rest.targets.map(({ outcome }) => outcome);
  expect([outcomes.filter((o) => o === 'already').length, outcomes.filter((o) => o === 'erased').length]).toEqual([
    30, 30,
  ]);
  expect(verdict(home, path, ledger)).toMatchObject({ verdict: 'VALID', payloads: { present: 0, erased: 60 } });
  expect(readdirSync(home).filter((name) => name.endsWith('.erasing'))).toEqual([]);
});

test('while a collector’s writer, its log and its sums are at work, nothing is left and nothing is lost', {
  timeout: 60_000,
}, async () => {
  const { home, path, ledger } = await open();
  await ledger.append(Array.from({ length: 300 }, (_, i) => secretSpan(i, `<<secret-${i + 1}->>`, i % 7)));
  const thread = new LedgerThread({ home, ingest: true });
  let appended = 0;
  let goesOn = true;
  const appending = (async () => {
    for (let n = 1_000; goesOn; n++) {
      appended += (
        await thread.appendPacked(packSpans([secretRecord(n, 'stays', n % 9)], undefined, randomFillSync).packed)
      ).appended;
    }
  })();
  const child = fileURLToPath(new URL('../../../test/attacks/children/redact.mjs', import.meta.url));
  const ran = spawn(process.execPath, [child, home, '1', '300', '20'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = (await once(ran, 'close')) as [number];
  goesOn = false;
  await appending;
  await thread.close();
  expect(code).toBe(0);
  expect(appended).toBeGreaterThan(0);
  expect(verdict(home, path, ledger)).toMatchObject({
    verdict: 'VALID',
    payloads: { present: appended, erased: 300, missing: 0 },
  });
  expect(isUnfinished(path)).toBe(false);
  expect(filesWith(home, '<<secret-')).toEqual([]);
});
