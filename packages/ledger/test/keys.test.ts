/** Keys: made once, readable by their owner alone, refused when they are not what the ledger names. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseVkey } from '@infrafabric/format';
import { verifyEd25519 } from '@infrafabric/verify';
import { beforeEach, describe, expect, test } from 'vitest';
import { newDirectory, spanDraft } from '../../../test/attacks/ledger-files.js';
import { createKey, Ledger, loadSigner, localKeys, signerOfSeed } from '../dist/index.js';

const ORIGIN = 'if-witness/0123456789';
const SEED = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

let home: string;
let umask: number;
beforeEach(() => {
  home = join(newDirectory(), 'home');
  umask = process.umask(0);
  return () => void process.umask(umask);
});

/** Every file and directory below a path. */
function below(path: string): string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => join(path, name));
}

test('whatever the umask, directories of a new ledger are 0700 and its files 0600', async () => {
  const ledger = await Ledger.open({ home });
  await ledger.append([spanDraft(1)]);
  const made = [home, ...below(home)];
  const modes = made.map((path) => [path.slice(home.length), mode(path)]);
  await ledger.close();
  expect(modes.length).toBeGreaterThan(6);
  for (const [path, is] of modes) {
    // The public key is public; its directory is not.
    const isDirectory = path === '' || path === '/keys' || /^\/keys\/[0-9a-f]{64}$/.test(path!);
    expect([path, is]).toEqual([path, isDirectory ? '700' : '600']);
  }
});

test('a ledger file that lies elsewhere has no key beside it', async () => {
  const elsewhere = newDirectory();
  const ledger = await Ledger.open({ home, ledger: join(elsewhere, 'other.db') });
  await ledger.append([spanDraft(1)]);
  await ledger.close();
  expect(readdirSync(elsewhere).sort()).toEqual(['other.db', 'other.db.head']);
  expect(below(home).filter((path) => path.endsWith('.key'))).toHaveLength(1);
});

test('a key directory is named by the hash of the origin, which is foreign text', () => {
  createKey(home, '../../etc/passwd', SEED);
  expect(below(home).every((path) => path.startsWith(`${home}/keys`))).toBe(true);
  expect(localKeys(home, '../../etc/passwd')).toHaveLength(1);
});

test('the signer of RFC 8032’s first seed has its key and gives its signature', async () => {
  const signer = signerOfSeed(ORIGIN, SEED);
  expect(Buffer.from(signer.publicKey).toString('hex')).toBe(
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
  );
  expect(Buffer.from(await signer.sign(new Uint8Array())).toString('hex')).toBe(
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  );
});

test('a key that was made can be loaded by its vkey, and signs alike', async () => {
  const made = createKey(home, ORIGIN);
  const [key] = localKeys(home, ORIGIN);
  expect(key).toMatchObject({ keyIdHex: made.keyIdHex, canSign: true });
  const loaded = loadSigner(home, ORIGIN, key!.vkey);
  const message = Buffer.from('message');
  expect(await loaded.sign(message)).toEqual(await made.sign(message));
  expect(verifyEd25519(parseVkey(key!.vkey).publicKey, message, await loaded.sign(message))).toBe(true);
});

test('there are no keys of a ledger that nobody made', () => {
  expect(localKeys(home, ORIGIN)).toEqual([]);
});

describe('a key file', () => {
  let vkey: string;
  let file: string;
  beforeEach(() => {
    createKey(home, ORIGIN, SEED);
    const [key] = localKeys(home, ORIGIN);
    vkey = key!.vkey;
    file = key!.vkeyFile.replace(/\.vkey$/, '.key');
  });

  test('has one line, in the form of golang.org/x/mod/sumdb/note', () => {
    const { keyIdHex } = parseVkey(vkey);
    expect(readFileSync(file, 'utf8')).toBe(
      `PRIVATE+KEY+${ORIGIN}+${keyIdHex}+${Buffer.concat([Buffer.of(1), SEED]).toString('base64')}\n`,
    );
  });

  test.each<[string, () => void, string]>([
    ['that is gone', () => rmSync(file), 'key.missing'],
    ['that is empty', () => writeFileSync(file, ''), 'key.invalid'],
    ['cut short', () => writeFileSync(file, readFileSync(file, 'utf8').slice(0, -10)), 'key.invalid'],
    [
      'of another ledger',
      () => writeFileSync(file, readFileSync(file, 'utf8').replace(ORIGIN, 'other')),
      'key.invalid',
    ],
    ['with another seed', () => writeFileSync(file, readFileSync(file, 'utf8').replace(/AZ1/, 'AZ0')), 'key.invalid'],
    [
      'of another algorithm',
      () => writeFileSync(file, readFileSync(file, 'utf8').replace(/\+AZ/, '+BZ')),
      'key.invalid',
    ],
  ])('%s is refused with a hint', (_, spoil, code) => {
    spoil();
    expect(() => loadSigner(home, ORIGIN, vkey)).toThrow(expect.objectContaining({ code, hint: expect.any(String) }));
  });

  test('in which only white space was added still signs', () => {
    writeFileSync(file, `${readFileSync(file, 'utf8')}\n`);
    expect(loadSigner(home, ORIGIN, vkey).keyIdHex).toBe(parseVkey(vkey).keyIdHex);
  });

  test('among other files is found by its name', () => {
    writeFileSync(file.replace(/[^/]+$/, 'notes.txt'), '');
    mkdirSync(file.replace(/[^/]+$/, 'directory'));
    rmSync(file);
    expect(localKeys(home, ORIGIN)).toMatchObject([{ vkey, canSign: false }]);
  });
});

test('a home that cannot be written is an error with a code', async () => {
  if (process.getuid?.() === 0) {
    // Root may write anywhere; a file in the place of the home is refused even to root.
    writeFileSync(home, '');
  } else {
    mkdirSync(home);
    chmodSync(home, 0o500);
  }
  await expect(Ledger.open({ home })).rejects.toMatchObject({ name: 'LedgerError' });
});
