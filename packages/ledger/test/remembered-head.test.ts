/** The remembered head goes forward only, one origin, whoever writes. */
import { copyFileSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCheckpoint, parseNote } from '@infrafabric/format';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  copyLedger,
  keyOf,
  newDirectory,
  newestNote,
  spanDraft,
  verifyAgainstHead,
} from '../../../test/attacks/ledger-files.js';
import { headFile, Ledger, readHead } from '../dist/index.js';

let home: string;
let path: string;
beforeEach(async () => {
  home = join(newDirectory(), 'home');
  path = join(home, 'witness.db');
  await (await Ledger.open({ home })).close();
});

const headSize = (): number => parseCheckpoint(parseNote(readHead(path)!).text).size;

async function append(n: number): Promise<void> {
  const ledger = await Ledger.open({ home });
  try {
    await ledger.append([spanDraft(n)]);
  } finally {
    await ledger.close();
  }
}

test('is there from genesis on, 0600, and is the newest note octet for octet', async () => {
  expect(headSize()).toBe(1);
  await append(1);
  expect(headSize()).toBe(2);
  expect(Buffer.from(readHead(path)!)).toEqual(Buffer.from(newestNote(path)));
  expect(statSync(headFile(path)).mode & 0o777).toBe(0o600);
});

test('is absent for a ledger that nobody wrote here', () => {
  expect(readHead(join(newDirectory(), 'witness.db'))).toBeUndefined();
});

test('of two writers of one ledger, the later commit is remembered', async () => {
  const [a, b] = [await Ledger.open({ home }), await Ledger.open({ home })];
  for (let n = 1; n <= 20; n++) await (n % 2 === 0 ? a : b).append([spanDraft(n)]);
  await Promise.all([a.append([spanDraft(21)]), b.append([spanDraft(22)])]);
  expect(headSize()).toBe(23);
  await a.close();
  await b.close();
});

test('that is older than the ledger is caught up with by the next append', async () => {
  const old = readFileSync(headFile(path));
  await append(1);
  await append(2);
  writeFileSync(headFile(path), old);
  await append(3);
  expect(headSize()).toBe(4);
});

test('that is gone is remembered anew', async () => {
  await append(1);
  rmSync(headFile(path));
  await append(2);
  expect(headSize()).toBe(3);
});

describe('a ledger that contradicts its head', () => {
  async function behind(): Promise<void> {
    await append(1);
    const kept = copyLedger(path);
    await append(2);
    await append(3);
    copyFileSync(kept, path);
  }

  test('by being older is not continued, and the head stays', async () => {
    await behind();
    const head = readFileSync(headFile(path));
    await expect(append(4)).rejects.toMatchObject({
      code: 'behind-head',
      hint: expect.stringContaining('--accept-head'),
    });
    expect(readFileSync(headFile(path))).toEqual(head);
  });

  test('is continued once that was accepted, and an entry records the head that was given up', async () => {
    await behind();
    const given = readFileSync(headFile(path));
    const ledger = await Ledger.open({ home });
    expect(await ledger.acceptHead('a test')).toMatchObject({ outcome: 'appended', seq: 2 });
    await ledger.append([spanDraft(4)]);
    const key = keyOf(home, ledger.origin());
    await ledger.close();
    expect(verifyAgainstHead(path, { key })).toMatchObject({ head: 'agrees', entries: 4, problems: [] });
    writeFileSync(headFile(path), given);
    expect(verifyAgainstHead(path, { key })).toMatchObject({ verdict: 'INVALID', problems: [{ code: 'fork' }] });
  });

  test('by being another one is not continued', async () => {
    const other = join(newDirectory(), 'home');
    await (await Ledger.open({ home: other })).close();
    copyFileSync(headFile(join(other, 'witness.db')), headFile(path));
    await expect(append(1)).rejects.toMatchObject({ code: 'behind-head' });
  });

  test.each(['', 'not a note', '\0'.repeat(100)])('because the head is damaged (%j) is not continued', async (text) => {
    writeFileSync(headFile(path), text);
    await expect(append(1)).rejects.toMatchObject({ code: 'behind-head' });
    expect(readFileSync(headFile(path), 'utf8')).toBe(text);
  });

  test('is nothing to accept when it does not contradict', async () => {
    const ledger = await Ledger.open({ home });
    expect(await ledger.acceptHead('a test')).toBeUndefined();
    await ledger.close();
  });
});
