/** Checkpoint notes under a key: signed, unsigned, false; and signatures and keys that only look like some. */
import { createPrivateKey, sign } from 'node:crypto';
import {
  EMPTY_ROOT_HEX,
  encodeCheckpoint,
  encodeNote,
  encodeVkey,
  keyIdHexOf,
  type NoteSignature,
  parseVkey,
  utf8Of,
  type VerifierKey,
} from '@infrafabric/format';
import { describe, expect, test } from 'vitest';
import { openAnchor, openNote, readNote, verifyEd25519 } from '../dist/index.js';

const NAME = 'if-witness/test';
const TEXT = encodeCheckpoint({ origin: NAME, size: 7, rootHex: EMPTY_ROOT_HEX });
const PKCS8 = '302e020100300506032b657004220420';
/** Order of the base point, RFC 8032 §5.1. */
const L = 2n ** 252n + 27742317777372353535851937790883648493n;

function privateKey(fill: number) {
  return createPrivateKey({
    key: Buffer.from(PKCS8 + Buffer.alloc(32, fill).toString('hex'), 'hex'),
    format: 'der',
    type: 'pkcs8',
  });
}

function keyOf(fill: number, name = NAME): VerifierKey {
  const der = Buffer.from(privateKey(fill).export({ format: 'jwk' }).x!, 'base64url');
  return parseVkey(encodeVkey(name, der));
}

function signatureOf(fill: number, text = TEXT, key = keyOf(fill)): NoteSignature {
  return { name: key.name, keyIdHex: key.keyIdHex, signature: sign(null, utf8Of(text), privateKey(fill)) };
}

const note = (...signatures: NoteSignature[]): Uint8Array => utf8Of(encodeNote(TEXT, signatures));
const OURS = keyOf(1);

describe('a note', () => {
  test('signed by the key opens', () => {
    expect(openNote(note(signatureOf(1)), OURS)).toMatchObject({ ok: true, checkpoint: { origin: NAME, size: 7 } });
  });

  test('signed by the key and by strangers opens: others may cosign', () => {
    const stranger = { name: 'other/log', keyIdHex: '00000000', signature: new Uint8Array(2_420) };
    expect(openNote(note(stranger, signatureOf(1), signatureOf(2)), OURS)).toMatchObject({ ok: true });
  });

  test.each<[string, NoteSignature[], 'unsigned' | 'signature']>([
    ['signed by another key', [signatureOf(2)], 'unsigned'],
    ['signed under another name', [signatureOf(1, TEXT, keyOf(1, 'other/log'))], 'unsigned'],
    ['signed over another text', [signatureOf(1, `${TEXT}x\n`)], 'signature'],
    ['with a false signature and then a good one of the key', [signatureOf(1, 'x\n'), signatureOf(1)], 'signature'],
    ['with a good signature and then a false one of the key', [signatureOf(1), signatureOf(1, 'x\n')], 'signature'],
    ['with another key’s signature under the key’s id', [{ ...signatureOf(2), keyIdHex: OURS.keyIdHex }], 'signature'],
    [
      'with a signature of 63 octets',
      [{ ...signatureOf(1), signature: signatureOf(1).signature.slice(0, 63) }],
      'signature',
    ],
    [
      'with a signature of 65 octets',
      [{ ...signatureOf(1), signature: Buffer.concat([signatureOf(1).signature, Buffer.of(0)]) }],
      'signature',
    ],
    ['with a signature of zeros', [{ ...signatureOf(1), signature: new Uint8Array(64) }], 'signature'],
  ])('%s does not', (_, signatures, fault) => {
    expect(openNote(note(...signatures), OURS)).toMatchObject({ ok: false, fault });
  });

  test('whose S has the group order added is not signed: there is one signature, not many', () => {
    const good = signatureOf(1).signature;
    const s = BigInt(`0x${Buffer.from(good.slice(32)).reverse().toString('hex')}`) + L;
    const more = Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse();
    const malleable = { ...signatureOf(1), signature: Buffer.concat([good.slice(0, 32), more]) };
    expect(openNote(note(malleable), OURS)).toMatchObject({ ok: false, fault: 'signature' });
  });

  test.each(['', 'x', 'no signatures\n\n', `${TEXT}\n— ${NAME} AAAA\n`, `${NAME}\n7\n\n— ${NAME} AAAAAAAA\n`])(
    'that is none (%j) is malformed, and does not throw',
    (text) => {
      expect(openNote(utf8Of(text), OURS)).toMatchObject({ ok: false, fault: 'malformed' });
      expect(readNote(utf8Of(text))).toMatchObject({ ok: false, fault: 'malformed' });
    },
  );

  test('that no key was held for can be read, which says nothing of who signed it', () => {
    expect(readNote(note(signatureOf(9)))).toMatchObject({ ok: true, checkpoint: { size: 7 } });
  });
});

describe('a public key', () => {
  const IDENTITY = Buffer.concat([Buffer.of(1), Buffer.alloc(31)]);
  const P = 2n ** 255n - 19n;
  const littleEndian = (y: bigint): Buffer => Buffer.from(y.toString(16).padStart(64, '0'), 'hex').reverse();

  test.each([
    ['the identity', IDENTITY],
    ['the identity, its sign bit set', Buffer.concat([Buffer.of(1), Buffer.alloc(30), Buffer.of(0x80)])],
    ['of order 2', littleEndian(P - 1n)],
    ['of order 4', Buffer.alloc(32)],
    ['the identity, not canonical', littleEndian(P + 1n)],
    ['of order 4, not canonical', littleEndian(P)],
    ['of all ones', Buffer.alloc(32, 0xff)],
  ])('%s is refused where a vkey is read', (_, publicKey) => {
    expect(() => parseVkey(encodeVkey(NAME, publicKey))).toThrow(expect.objectContaining({ code: 'vkey.weak' }));
  });

  test('whose key id belongs to another name is refused', () => {
    const vkey = encodeVkey(NAME, OURS.publicKey);
    const foreign = vkey.replace(OURS.keyIdHex, keyIdHexOf('other/log', OURS.publicKey));
    expect(() => parseVkey(foreign)).toThrow(expect.objectContaining({ code: 'vkey.malformed' }));
  });

  test('verifies nothing but its own signatures', () => {
    const message = utf8Of('message');
    const signature = sign(null, message, privateKey(1));
    expect(verifyEd25519(OURS.publicKey, message, signature)).toBe(true);
    expect(verifyEd25519(OURS.publicKey, utf8Of('messagf'), signature)).toBe(false);
    expect(verifyEd25519(keyOf(2).publicKey, message, signature)).toBe(false);
    expect(verifyEd25519(OURS.publicKey, message, new Uint8Array())).toBe(false);
  });
});

describe('an anchor', () => {
  test('signed by the key is a root that it vouches for', () => {
    expect(openAnchor(note(signatureOf(1)), OURS, 'a.txt')).toMatchObject({
      ok: true,
      root: { size: 7, rootHex: EMPTY_ROOT_HEX, what: 'the anchor a.txt' },
    });
  });

  test.each<[string, Uint8Array]>([
    ['by a stranger', note(signatureOf(2))],
    ['by nobody', utf8Of(`${TEXT}\n`)],
    [
      'of another origin by the same key',
      utf8Of(encodeNote(TEXT.replace(NAME, 'other/log'), [signatureOf(1, TEXT.replace(NAME, 'other/log'))])),
    ],
  ])('%s is "not an anchor of this ledger", never a finding against it', (_, octets) => {
    expect(openAnchor(octets, OURS, 'a.txt')).toEqual({
      ok: false,
      message: expect.stringContaining('not an anchor of this ledger'),
    });
  });
});
