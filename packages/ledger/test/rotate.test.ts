/** Rotation by the writer: durable before it is needed, destroyed after it is not, and other writers go on by themselves. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseNote, parseVkey, sha256Hex } from '@infrafabric/format';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { LedgerThread } from '@infrafabric/ledger/thread';
import { encodeTraceRequest } from '@infrafabric/otlp';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { attack } from '../../../test/attacks/edits.js';
import { controlEntry, forgeLedger, genesisOf, keyPair, rotationTo } from '../../../test/attacks/forge.js';
import {
  copyLedger,
  found,
  newDirectory,
  randomOf,
  seededSources,
  spanDraft,
  verifyAgainstHead,
  verifyFile,
  vkeyOf,
} from '../../../test/attacks/ledger-files.js';
import { spanRecord } from '../../../test/attacks/spans.js';
import { createKey, Ledger, localKeys, readHead, type Signer, signerOfSeed } from '../dist/index.js';

const DAY_MS = 86_400_000;

let home: string;
let path: string;
beforeEach(() => {
  home = newDirectory();
  path = join(home, 'witness.db');
});

async function open(options: Parameters<typeof Ledger.open>[0] = {}): Promise<Ledger> {
  const ledger = await Ledger.open({ home, ...options });
  onTestFinished(() => ledger.close());
  return ledger;
}

/** Ids of the keys of which a home has that half. */
function halves(half: 'key' | 'vkey', of = home): string[] {
  const files = readdirSync(join(of, 'keys'), { recursive: true, encoding: 'utf8' });
  return files.flatMap((file) => new RegExp(`/([0-9a-f]{8})\\.${half}$`).exec(file)?.[1] ?? []).sort();
}

function keyFile(origin: string, id: string, of = home): string {
  return join(of, 'keys', sha256Hex(origin), `${id}.key`);
}

/** The report under the key that genesis names, and the remembered head. */
const report = (file = path) => verifyAgainstHead(file, { key: parseVkey(vkeyOf(file)) });

/** Who signed the newest checkpoint, by key id. */
function newestSigners(): string[] {
  const reader = LedgerReader.open(path);
  try {
    return parseNote(reader.newestNote()!).signatures.map(({ keyIdHex }) => keyIdHex);
  } finally {
    reader.close();
  }
}

describe('rotate', () => {
  test('has both keys sign behind the entry, then the new one alone; the old private half is gone', async () => {
    const ledger = await open();
    await ledger.append([spanDraft(1)]);
    const [old] = halves('key');
    const rotated = await ledger.rotate({ reason: 'once a year' });
    expect(rotated).toMatchObject({ seq: 2, oldKeyIdHex: old, oldPrivateHalf: 'destroyed', origin: ledger.origin() });
    expect(newestSigners()).toEqual([old, rotated!.newKeyIdHex]);
    expect(halves('key')).toEqual([rotated!.newKeyIdHex]);
    expect(halves('vkey')).toEqual([old!, rotated!.newKeyIdHex].sort());
    await ledger.append([spanDraft(2)]);
    expect(newestSigners()).toEqual([rotated!.newKeyIdHex]);
    const view = await ledger.view();
    expect(view.entry(2)?.entry).toMatchObject({
      type: 'rotation',
      critical: true,
      body: { key: rotated!.newVkey, reason: 'once a year' },
    });
    expect(report()).toMatchObject({ verdict: 'VALID', head: 'agrees', key: { epochs: 2, reachedByRotations: 1 } });
    expect(verifyFile(path, { key: parseVkey(rotated!.newVkey) })).toMatchObject({ verdict: 'VALID' });
  });

  test('can be done again and again, also by another process, and at once', async () => {
    const [one, two] = [await open(), await open()];
    for (const ledger of [one, two, two, one]) {
      await ledger.rotate();
      await two.append([spanDraft(1), spanDraft(2)]);
      await one.append([spanDraft(3)]);
    }
    await Promise.all([one.rotate(), two.rotate(), one.append([spanDraft(4)]), two.append([spanDraft(5)])]);
    expect(halves('key')).toHaveLength(1);
    expect(halves('vkey')).toHaveLength(7);
    expect(report()).toMatchObject({ verdict: 'VALID', key: { epochs: 7 } });
  });

  test('by age is done once the key is that old, and by one of two that ask', async () => {
    const start = BigInt(Date.now() - 100 * DAY_MS) * 1_000_000n;
    await (await Ledger.open({ home, sources: seededSources('old', start) })).close();
    const [one, two] = [await open(), await open()];
    expect(await one.rotate({ ifOlderThanMs: 101 * DAY_MS })).toBeUndefined();
    const both = await Promise.all([one, two].map((ledger) => ledger.rotate({ ifOlderThanMs: 90 * DAY_MS })));
    expect(both.filter((rotated) => rotated !== undefined)).toHaveLength(1);
    expect(await one.rotate({ ifOlderThanMs: 90 * DAY_MS })).toBeUndefined();
    expect(report()).toMatchObject({ verdict: 'VALID', entries: 2, key: { epochs: 2 } });
  });

  test('can hand over to a signer and back to a file; what was never here is said to be elsewhere', async () => {
    const ledger = await open();
    const signer = signerOfSeed('any name', Buffer.alloc(32, 5));
    expect(await ledger.rotate({ to: signer })).toMatchObject({ oldPrivateHalf: 'destroyed' });
    await ledger.append([spanDraft(1)]);
    expect(halves('key')).toEqual([]);
    await expect(ledger.rotate({ to: signer })).rejects.toMatchObject({ code: 'key.invalid' });
    const other = await open();
    await expect(other.append([spanDraft(2)])).rejects.toMatchObject({ code: 'key.missing' });
    expect(await ledger.rotate({ to: 'file' })).toMatchObject({ oldPrivateHalf: 'elsewhere' });
    await other.append([spanDraft(2)]);
    expect(report()).toMatchObject({ verdict: 'VALID', key: { epochs: 3 } });
  });

  test('to a signer that does not answer with its signature changes nothing', async () => {
    const ledger = await open();
    const [old] = halves('key');
    const { publicKey, keyIdHex } = signerOfSeed('any name', Buffer.alloc(32, 5));
    for (const sign of [
      async () => new Uint8Array(64),
      async () => new Uint8Array(3),
      () => Promise.reject(new Error()),
    ])
      await expect(ledger.rotate({ to: { publicKey, keyIdHex, sign } })).rejects.toMatchObject({ code: 'signer' });
    expect([halves('key'), halves('vkey')]).toEqual([[old], [old]]);
    await ledger.append([spanDraft(1)]);
    expect(report()).toMatchObject({ verdict: 'VALID', key: { epochs: 1 } });
  });

  test('that fails leaves neither an entry nor a key', async () => {
    const ledger = await open();
    const [old] = halves('key');
    await expect(ledger.rotate({ reason: 'x'.repeat(70_000) })).rejects.toMatchObject({ code: 'entry.too-large' });
    expect([halves('key'), halves('vkey')]).toEqual([[old], [old]]);
    await ledger.append([spanDraft(1)]);
    expect(report()).toMatchObject({ verdict: 'VALID', entries: 2 });
  });

  test('is not to be had as a draft', async () => {
    const ledger = await open();
    const draft = { type: 'rotation', critical: true, body: { key: vkeyOf(path) } } as never;
    await expect(ledger.append([draft])).rejects.toMatchObject({ name: 'RangeError' });
    await expect(ledger.appendDecided(() => [draft])).rejects.toMatchObject({ name: 'RangeError' });
    expect(report()).toMatchObject({ verdict: 'VALID', entries: 1 });
  });
});

describe('other writers', () => {
  test('of the same home go on with the new key: a ledger thread, while another process rotates', async () => {
    const thread = new LedgerThread({ home });
    onTestFinished(() => thread.close());
    await thread.appendTraceRequest(encodeTraceRequest([spanRecord(1)]));
    const child = spawn(process.execPath, [script('rotate.mjs'), home, '1'], { stdio: 'inherit' });
    expect(await once(child, 'exit')).toEqual([0, null]);
    const [current] = halves('key');
    await thread.appendTraceRequest(encodeTraceRequest([spanRecord(2)]));
    expect(newestSigners()).toEqual([current]);
    expect(await thread.rotateKey(DAY_MS)).toBeUndefined();
    expect(await thread.rotateKey(0)).toMatchObject({ oldKeyIdHex: current, oldPrivateHalf: 'destroyed' });
    await thread.appendTraceRequest(encodeTraceRequest([spanRecord(3)]));
    expect(report()).toMatchObject({ verdict: 'VALID', key: { epochs: 3 } });
  });

  test('that only have the old key refuse', async () => {
    const ledger = await open();
    const old = newDirectory();
    const [id] = halves('key');
    mkdirSync(join(keyFile(ledger.origin(), id!, old), '..'), { recursive: true });
    copyFileSync(keyFile(ledger.origin(), id!), keyFile(ledger.origin(), id!, old));
    const other = await open({ home: old, ledger: path });
    await other.append([spanDraft(1)]);
    await ledger.rotate();
    for (const attempt of [() => other.append([spanDraft(2)]), () => other.rotate()])
      await expect(attempt()).rejects.toMatchObject({ code: 'key.missing' });
    expect(report()).toMatchObject({ verdict: 'VALID', entries: 3 });
  });
});

describe('a machine that dies', () => {
  test('after the commit: the next writer destroys the old private half and keeps the new public one', async () => {
    const ledger = await open();
    const [old] = halves('key');
    const file = keyFile(ledger.origin(), old!);
    copyFileSync(file, join(home, 'saved'));
    const rotated = (await ledger.rotate())!;
    renameSync(join(home, 'saved'), file);
    rmSync(keyFile(ledger.origin(), rotated.newKeyIdHex).replace(/key$/, 'vkey'));
    const other = await open();
    await other.append([spanDraft(1)]);
    expect(halves('key')).toEqual([rotated.newKeyIdHex]);
    expect(halves('vkey')).toEqual([old!, rotated.newKeyIdHex].sort());
  });

  test('before the commit leaves a key that no ledger names: it never signs, and does no harm', async () => {
    const ledger = await open();
    const copy = copyLedger(path);
    const [first] = halves('key');
    copyFileSync(keyFile(ledger.origin(), first!), join(home, 'saved'));
    const unused = (await ledger.rotate())!.newKeyIdHex;
    // The state before: the ledger without the rotation, both private halves, the public one of the first.
    renameSync(join(home, 'saved'), keyFile(ledger.origin(), first!));
    rmSync(keyFile(ledger.origin(), unused).replace(/key$/, 'vkey'));
    const again = await open({ ledger: copy });
    await again.append([spanDraft(1)]);
    const rotated = (await again.rotate())!;
    await again.append([spanDraft(2)]);
    expect(halves('key')).toEqual([unused, rotated.newKeyIdHex].sort());
    expect(report(copy)).toMatchObject({ verdict: 'VALID', key: { epochs: 2 } });
  });

  test('at any moment of a rotation leaves a ledger that is VALID and can be continued', {
    timeout: 120_000,
  }, async () => {
    const random = randomOf(Number(process.env.SEED ?? 11));
    await (await Ledger.open({ home })).close();
    let rotations = 0;
    for (let kill = 0; kill < 12; kill++) {
      const child = spawn(process.execPath, [script('rotate.mjs'), home, '100000'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      await sleep(random() * 30);
      child.kill('SIGKILL');
      await once(child, 'exit');
      expect(child.signalCode).toBe('SIGKILL');
      const ledger = await Ledger.open({ home });
      await ledger.append([spanDraft(kill)]);
      const { newKeyIdHex } = (await ledger.rotate())!;
      await ledger.close();
      const judged = report();
      expect(judged).toMatchObject({ verdict: 'VALID', head: 'agrees', problems: [] });
      expect(judged.key.newestKeyIdHex).toBe(newKeyIdHex);
      expect(halves('key')).toContain(newKeyIdHex);
      // Of all the keys that ever signed, none can sign any more but the newest.
      const ended = localKeys(home, judged.origin!).filter(({ canSign }) => canSign);
      expect(ended.map(({ keyIdHex }) => keyIdHex)).toEqual([newKeyIdHex]);
      rotations = judged.key.epochs - 1;
    }
    expect(rotations).toBeGreaterThan(24);
  });
});

describe('a rotation that somebody else wrote into the file', () => {
  const gap = controlEntry('gap', '{"count":1,"reason":"x","since":"1","source":"x","until":"2"}');

  /** A ledger of our origin and first key that hands over to a stranger's without our signature. */
  async function handedOver(ledger: Ledger, stranger: { signer: Signer; vkey: string }): Promise<string> {
    const origin = ledger.origin();
    const ours = parseVkey(vkeyOf(path)).keyIdHex;
    return forgeLedger(path, {
      origin,
      signer: stranger.signer,
      batches: [[genesisOf(origin, vkeyOf(path))], [rotationTo(stranger.vkey)], [gap]],
      signatures: (_, own, size) => (size === 2 ? [{ ...own, keyIdHex: ours }, own] : [own]),
    });
  }

  test('does not make a writer sign', async () => {
    const ledger = await open();
    const forged = await handedOver(ledger, await keyPair(ledger.origin(), 9));
    const other = await open({ ledger: forged });
    await expect(other.append([spanDraft(1)])).rejects.toMatchObject({ code: 'key.missing' });
    await expect(other.rotate()).rejects.toMatchObject({ code: 'key.missing' });
  });

  test('does not make a writer destroy its key, even where the stranger’s key is there to sign', async () => {
    const ledger = await open();
    const [ours] = halves('key');
    const forged = await handedOver(ledger, await keyPair(ledger.origin(), 9));
    createKey(home, ledger.origin(), Buffer.alloc(32, 9));
    const other = await open({ ledger: forged });
    await other.append([spanDraft(1)]);
    expect(halves('key')).toContain(ours);
    await ledger.append([spanDraft(1)]);
  });

  test('does not do so with a signature of ours from elsewhere either: the tree that it signs has no such rotation', async () => {
    const ledger = await open();
    await ledger.append([spanDraft(1)]);
    const [ours] = halves('key');
    const stranger = await keyPair(ledger.origin(), 9);
    const { text, signatures } = parseNote(readHead(path)!);
    const forged = await forgeLedger(path, {
      origin: ledger.origin(),
      signer: stranger.signer,
      batches: [[genesisOf(ledger.origin(), vkeyOf(path))], [rotationTo(stranger.vkey)], [gap]],
      checkpoint: (honest, size) => (size === 2 ? text : honest),
      signatures: (_, own, size) => (size === 2 ? [signatures[0]!, own] : [own]),
    });
    createKey(home, ledger.origin(), Buffer.alloc(32, 9));
    const other = await open({ ledger: forged });
    await other.append([spanDraft(2)]);
    expect(halves('key')).toContain(ours);
    expect(found(verifyFile(forged, { key: parseVkey(vkeyOf(path)) }))).toContain('checkpoint.root@1');
  });

  test('in place of ours is not continued', async () => {
    const stranger = await keyPair((await open()).origin(), 9);
    const ledger = await open();
    await ledger.append([spanDraft(1)]);
    const rotated = (await ledger.rotate())!;
    const forged = attack(path, (db) => {
      const text = db.prepare('SELECT entry FROM entries WHERE seq = 2').pluck().get() as string;
      db.prepare('UPDATE entries SET entry = ? WHERE seq = 2').run(text.replace(rotated.newVkey, stranger.vkey));
    });
    const other = await open({ ledger: forged });
    await expect(other.append([spanDraft(3)])).rejects.toMatchObject({ code: 'tampered' });
    expect(halves('key')).toEqual([rotated.newKeyIdHex]);
    expect(found(verifyFile(forged, { key: parseVkey(vkeyOf(path)) }))).not.toEqual([]);
  });
});

function script(name: string): string {
  return fileURLToPath(new URL(`../../../test/attacks/children/${name}`, import.meta.url));
}
