/** The writer: one batch at a time, in the order of the calls, signed by whatever holds the key. */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseVkey } from '@infrafabric/format';
import Sqlite from 'better-sqlite3';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  keyOf,
  newDirectory,
  seededSources,
  spanDraft,
  verifyAgainstHead,
} from '../../../test/attacks/ledger-files.js';
import { spanRecord } from '../../../test/attacks/spans.js';
import { type Draft, draftSpan, isRetryable, Ledger, LedgerError, type Signer, signerOfSeed } from '../dist/index.js';
import { LedgerReader } from '../dist/reader.js';

let home: string;
let path: string;
beforeEach(() => {
  home = join(newDirectory(), 'home');
  path = join(home, 'witness.db');
});

const open = () => Ledger.open({ home, sources: seededSources('writer') });

function entries(): { seq: number; span: unknown }[] {
  const reader = LedgerReader.open(path);
  try {
    return [...reader.entriesFrom()].map(({ seq, entry }) => ({ seq, span: entry.body.span }));
  } finally {
    reader.close();
  }
}

/** Advisory locks that any process holds on a file. Linux. */
function locksOn(file: string): number {
  const { ino } = statSync(file);
  const lines = readFileSync('/proc/locks', 'utf8').split('\n');
  return lines.filter((line) => line.includes(`:${ino} `)).length;
}

describe('opening', () => {
  test.skipIf(process.platform !== 'linux')(
    'a ledger once more in the same process leaves the first one its locks, so that nobody takes its log away',
    async () => {
      const first = await open();
      await first.append([spanDraft(1)]);
      const held = locksOn(path);
      expect(held).toBeGreaterThan(0);
      const second = await open();
      expect(locksOn(path)).toBe(held);
      await second.append([spanDraft(2)]);
      await second.close();
      expect(locksOn(path)).toBe(held);
      await first.close();
    },
  );
});

describe('append', () => {
  test('of nothing writes nothing', async () => {
    const ledger = await open();
    expect(await ledger.append([])).toEqual([]);
    await ledger.close();
    expect(entries()).toHaveLength(1);
  });

  test('200 times at once is carried out one after the other, in the order of the calls', async () => {
    const ledger = await open();
    const results = await Promise.all(Array.from({ length: 200 }, (_, n) => ledger.append([spanDraft(n + 1)])));
    const key = keyOf(home, ledger.origin());
    await ledger.close();
    expect(results.map(([result]) => result!.seq)).toEqual(Array.from({ length: 200 }, (_, n) => n + 1));
    expect(verifyAgainstHead(path, { key })).toMatchObject({
      verdict: 'VALID',
      entries: 201,
      checkpoints: { checked: 201 },
    });
  });

  test('answers one result a draft, in order, with the hash of the stored entry', async () => {
    const ledger = await open();
    const body = { count: 1, reason: 'spool.full', since: '1', source: 'test', until: '2' };
    const drafts: Draft[] = [spanDraft(1), { type: 'gap', body }, spanDraft(2)];
    const results = await ledger.append(drafts);
    await ledger.close();
    expect(results.map(({ outcome, seq }) => [outcome, seq])).toEqual([
      ['appended', 1],
      ['appended', 2],
      ['appended', 3],
    ]);
    const reader = LedgerReader.open(path);
    expect(reader.entry(3)!.entry.prev).toBe(results[1]!.hashHex);
    reader.close();
  });

  test('that fails leaves nothing, and the next one succeeds', async () => {
    const ledger = await open();
    const spoilt = { type: 'gap', body: { count: -1 } } as unknown as Draft;
    await expect(ledger.append([spanDraft(1), spoilt])).rejects.toMatchObject({ name: 'FormatError' });
    expect(await ledger.append([spanDraft(2)])).toMatchObject([{ outcome: 'appended', seq: 1 }]);
    await ledger.close();
    expect(entries()).toHaveLength(2);
  });

  test('of an entry beyond 65,535 octets is refused whole', async () => {
    const ledger = await open();
    const body = { count: 1, reason: 'x'.repeat(70_000), since: '1', source: 'test', until: '2' };
    await expect(ledger.append([spanDraft(1), { type: 'gap', body }])).rejects.toMatchObject({
      code: 'entry.too-large',
    });
    await ledger.close();
    expect(entries()).toHaveLength(1);
  });

  test('after close is refused; what was under way is finished', async () => {
    const ledger = await open();
    const pending = ledger.append([spanDraft(1)]);
    await ledger.close();
    expect(await pending).toMatchObject([{ outcome: 'appended' }]);
    await expect(ledger.append([spanDraft(2)])).rejects.toMatchObject({ code: 'closed' });
  });

  test('while another connection holds the lock waits, then fails with "locked", which can be tried again', async () => {
    const ledger = await Ledger.open({ home, timeoutMs: 150, busyTimeoutMs: 10 });
    const other = new Sqlite(path);
    other.exec('BEGIN IMMEDIATE');
    const failed = await ledger.append([spanDraft(1)]).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 'locked' });
    expect(isRetryable(failed)).toBe(true);
    const waiting = ledger.append([spanDraft(1)]);
    await sleep(30);
    other.exec('ROLLBACK');
    other.close();
    expect(await waiting).toMatchObject([{ outcome: 'appended' }]);
    await ledger.close();
  });

  test('a payload whose file is larger than the batch before is read back whole', async () => {
    const ledger = await open();
    const prompt = 'p'.repeat(3_000_000);
    await ledger.append([draftSpan(spanRecord(1, { attributes: [['prompt', prompt]] }))]);
    const key = keyOf(home, ledger.origin());
    await ledger.close();
    expect(verifyAgainstHead(path, { key })).toMatchObject({ verdict: 'VALID', payloads: { present: 1, missing: 0 } });
  });
});

describe('a file', () => {
  test('that is not a ledger is refused and left as it was', async () => {
    const elsewhere = join(newDirectory(), 'notes.db');
    const db = new Sqlite(elsewhere);
    db.exec('CREATE TABLE notes (text)');
    db.close();
    await expect(Ledger.open({ home, ledger: elsewhere })).rejects.toMatchObject({ code: 'schema' });
    const text = join(newDirectory(), 'notes.txt');
    writeFileSync(text, 'notes '.repeat(1_000));
    await expect(Ledger.open({ home, ledger: text })).rejects.toMatchObject({ code: 'corrupt' });
    expect(readFileSync(text, 'utf8')).toBe('notes '.repeat(1_000));
  });

  test('of a newer schema is refused', async () => {
    await (await open()).close();
    const db = new Sqlite(path);
    db.pragma('user_version = 3');
    db.close();
    await expect(open()).rejects.toMatchObject({ code: 'schema' });
  });

  test('that is gone while it is open is "gone", and is not made anew', async () => {
    const ledger = await open();
    await ledger.append([spanDraft(1)]);
    renameSync(path, `${path}.moved`);
    const failed = await ledger.append([spanDraft(2)]).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(LedgerError);
    expect(failed).toMatchObject({ code: 'gone' });
    expect(existsSync(path)).toBe(false);
    renameSync(`${path}.moved`, path);
    expect(await ledger.append([spanDraft(2)])).toMatchObject([{ outcome: 'appended', seq: 2 }]);
    await ledger.close();
  });

  test('that is empty becomes a ledger', async () => {
    await (await open()).close();
    rmSync(path);
    rmSync(`${path}.head`);
    writeFileSync(path, '');
    await (await Ledger.open({ home })).close();
    expect(entries()).toHaveLength(1);
  });
});

describe('an external signer', () => {
  const seed = new Uint8Array(32).fill(6);

  /** A KMS: asynchronous, knows its key and nothing of ledgers. */
  function kms(change: (signature: Uint8Array) => Uint8Array | Promise<Uint8Array> = (s) => s): Signer {
    const { publicKey, keyIdHex, sign } = signerOfSeed('key 7 of the KMS', seed);
    return {
      publicKey,
      keyIdHex,
      sign: async (message) => {
        await sleep(2);
        return change(await sign(message));
      },
    };
  }

  test('creates and continues a ledger, and no private key is written', async () => {
    const ledger = await Ledger.open({ home, signer: kms() });
    await Promise.all([1, 2, 3].map((n) => ledger.append([spanDraft(n)])));
    await ledger.close();
    const again = await Ledger.open({ home, signer: kms() });
    await again.append([spanDraft(4)]);
    await again.close();
    const reader = LedgerReader.open(path);
    const vkey = String(reader.genesis()!.entry.body.key);
    reader.close();
    expect(verifyAgainstHead(path, { key: parseVkey(vkey) })).toMatchObject({
      verdict: 'VALID',
      entries: 5,
      problems: [],
    });
    const kept = readdirSync(join(home, 'keys'), { recursive: true, encoding: 'utf8' });
    expect(kept.filter((name) => /\.v?key$/.test(name))).toEqual([expect.stringMatching(/\.vkey$/)]);
  });

  test.each<[string, (signature: Uint8Array) => Uint8Array | Promise<Uint8Array>]>([
    ['throws', () => Promise.reject(new Error('no route to the KMS'))],
    ['answers nothing', () => new Uint8Array()],
    ['answers 63 octets', (signature) => signature.slice(0, 63)],
    ['answers 65 octets', (signature) => Buffer.concat([signature, Buffer.alloc(1)])],
    ['answers another signature', (signature) => signature.map((octet, i) => (i === 9 ? octet ^ 1 : octet))],
    ['signs with another key', () => signerOfSeed('x', new Uint8Array(32).fill(7)).sign(new Uint8Array())],
  ])('that %s is "signer": nothing is written, and the ledger goes on', async (_, spoil) => {
    await (await Ledger.open({ home, signer: kms() })).close();
    const ledger = await Ledger.open({ home, signer: kms(spoil) });
    await expect(ledger.append([spanDraft(1)])).rejects.toMatchObject({ code: 'signer' });
    await ledger.close();
    expect(entries()).toHaveLength(1);
    const sound = await Ledger.open({ home, signer: kms() });
    expect(await sound.append([spanDraft(1)])).toMatchObject([{ outcome: 'appended', seq: 1 }]);
    await sound.close();
  });

  test('that fails while the ledger is created leaves no ledger', async () => {
    const failing = kms(() => Promise.reject(new Error('no route to the KMS')));
    await expect(Ledger.open({ home, signer: failing })).rejects.toMatchObject({ code: 'signer' });
    const ledger = await Ledger.open({ home });
    await ledger.append([spanDraft(1)]);
    const key = keyOf(home, ledger.origin());
    await ledger.close();
    expect(verifyAgainstHead(path, { key })).toMatchObject({ verdict: 'VALID', entries: 2 });
  });

  test('of another key than the ledger’s is not asked; without a key file that is "key.missing"', async () => {
    await (await Ledger.open({ home, signer: kms() })).close();
    const ledger = await Ledger.open({ home, signer: signerOfSeed('x', new Uint8Array(32).fill(7)) });
    await expect(ledger.append([spanDraft(1)])).rejects.toMatchObject({ code: 'key.missing' });
    await ledger.close();
    expect(entries()).toHaveLength(1);
  });
});
