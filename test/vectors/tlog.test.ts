/** Notes, keys and proofs that other implementations of transparency logs test themselves with; see tlog/ORIGIN.md. */
import { readFileSync } from 'node:fs';
import {
  bytesOfBase64,
  EMPTY_ROOT_HEX,
  encodeTlogProof,
  FormatError,
  hexOf,
  inclusionProof,
  isConsistent,
  parseNote,
  parseTlogProof,
  parseVkey,
  rootOfInclusionProof,
  utf8Of,
} from '@infrafabric/format';
import { openNote, verifyEd25519 } from '@infrafabric/verify';
import { describe, expect, test } from 'vitest';

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`tlog/${name}.json`, import.meta.url), 'utf8'));
const hex = (base64: string): string => hexOf(bytesOfBase64(base64));

describe('the tree of Argon 2020', () => {
  const argon = read('argon2020') as {
    readonly size: number;
    readonly root: string;
    readonly index: number;
    readonly leaf: string;
    readonly inclusion: readonly string[];
    readonly oldSize: number;
    readonly oldRoot: string;
    readonly consistency: readonly string[];
  };
  const inclusion = argon.inclusion.map(hex);
  const consistency = argon.consistency.map(hex);
  const { size, index, oldSize } = argon;

  test('holds its entry 10,000', () => {
    expect(rootOfInclusionProof(index, size, hex(argon.leaf), inclusion)).toBe(hex(argon.root));
    // The same shape as we would make it.
    expect(inclusionProof(index, size, () => '')).toHaveLength(inclusion.length);
  });

  test.each<[string, number, number, readonly string[]]>([
    ['at another index', index + 1, size, inclusion],
    ['in a tree of half the size', index, Math.floor(size / 2), inclusion],
    ['by a proof without its first hash', index, size, inclusion.slice(1)],
    ['by a proof without its last hash', index, size, inclusion.slice(0, -1)],
    ['by a proof with one hash more', index, size, [...inclusion, hex(argon.root)]],
    ['by a proof in another order', index, size, [inclusion[1]!, inclusion[0]!, ...inclusion.slice(2)]],
  ])('does not hold it %s', (_, at, of, proof) => {
    expect(rootOfInclusionProof(at, of, hex(argon.leaf), proof)).not.toBe(hex(argon.root));
  });

  test('continues the tree that it was', () => {
    const [oldRoot, root] = [hex(argon.oldRoot), hex(argon.root)];
    expect(isConsistent(oldSize, oldRoot, size, root, consistency)).toBe(true);
    expect(isConsistent(oldSize, root, size, root, consistency)).toBe(false);
    expect(isConsistent(oldSize, oldRoot, size, oldRoot, consistency)).toBe(false);
    expect(isConsistent(oldSize + 1, oldRoot, size, root, consistency)).toBe(false);
    for (const [i] of consistency.entries()) {
      expect(isConsistent(oldSize, oldRoot, size, root, consistency.toSpliced(i, 1)), `without ${i}`).toBe(false);
    }
  });
});

describe('signed notes', () => {
  const { notes, keys } = read('signed-notes') as {
    readonly notes: readonly {
      readonly name: string;
      readonly vkey: string;
      readonly note: string;
      readonly checkpoint?: { readonly origin: string; readonly size: number };
    }[];
    readonly keys: readonly { readonly vkey: string; readonly ok: boolean }[];
  };

  test.each(notes)('$name: read, and signed by its key', ({ vkey, note, checkpoint }) => {
    const key = parseVkey(vkey);
    const { text, signatures } = parseNote(utf8Of(note));
    const ours = signatures.filter(({ name, keyIdHex }) => name === key.name && keyIdHex === key.keyIdHex);
    expect(ours).toHaveLength(1);
    expect(verifyEd25519(key.publicKey, utf8Of(text), ours[0]!.signature)).toBe(true);
    expect(verifyEd25519(key.publicKey, utf8Of(`${text}\n`), ours[0]!.signature)).toBe(false);
    const opened = openNote(utf8Of(note), key);
    if (checkpoint === undefined) expect(opened).toMatchObject({ ok: false, fault: 'malformed' });
    else expect(opened).toMatchObject({ ok: true, checkpoint });
  });

  test.each(keys)('the key $vkey is one of Ed25519: $ok', ({ vkey, ok }) => {
    if (ok) expect(parseVkey(vkey).publicKey).toHaveLength(32);
    else expect(() => parseVkey(vkey)).toThrow(FormatError);
  });

  test('no key that was cut or changed by one is taken for one', () => {
    const vkey = keys[0]!.vkey;
    const changed = [...vkey].map(
      (char, i) => vkey.slice(0, i) + String.fromCharCode(char.charCodeAt(0) + 1) + vkey.slice(i + 1),
    );
    const cut = [...vkey].flatMap((_, from) => [vkey.slice(from + 1), vkey.slice(0, from)]);
    for (const text of [...changed, ...cut]) expect(() => parseVkey(text), text).toThrow(FormatError);
  });
});

describe('requests that a witness answers', () => {
  const { vkey, requests } = read('add-checkpoint') as {
    readonly vkey: string;
    readonly requests: readonly { readonly status: number; readonly body: string }[];
  };
  const key = parseVkey(vkey);

  test('with 200, 403, 409 and 422: signatures and proofs give what decides', () => {
    /** The checkpoints that the witness took. */
    const roots = new Map<number, string>([[0, EMPTY_ROOT_HEX]]);
    const statuses: number[] = [];
    for (const { status, body } of requests) {
      const [head = '', ...rest] = body.split('\n\n');
      const [old = '', ...proof] = head.split('\n');
      const opened = openNote(utf8Of(rest.join('\n\n')), key);
      const oldSize = Number(old.replace('old ', ''));
      const newest = Math.max(...roots.keys());
      const decided = (): number => {
        if (!opened.ok || opened.checkpoint.origin !== key.name) return 403;
        if (oldSize !== newest) return 409;
        const { size, rootHex } = opened.checkpoint;
        if (!isConsistent(oldSize, roots.get(oldSize)!, size, rootHex, proof.map(hex))) return 422;
        roots.set(size, rootHex);
        return 200;
      };
      expect(decided(), body).toBe(status);
      statuses.push(status);
    }
    expect(statuses).toEqual([200, 403, 403, 422, 422, 200, 409, 200, 409]);
  });
});

describe('proofs of an entry', () => {
  const { wellFormed, malformed } = read('tlog-proof') as {
    readonly wellFormed: readonly {
      readonly name: string;
      readonly index: number;
      readonly hashes: readonly string[];
      readonly extra?: string;
      readonly checkpoint: string;
      readonly text: string;
    }[];
    readonly malformed: readonly { readonly name: string; readonly text: string }[];
  };

  test.each(wellFormed)('$name: read, and written alike', ({ index, hashes, extra, checkpoint, text }) => {
    const proof = parseTlogProof(utf8Of(text));
    expect(proof).toEqual({
      index,
      hashes: hashes.map(hex),
      checkpoint: utf8Of(checkpoint),
      ...(extra === undefined ? {} : { extra: bytesOfBase64(extra) }),
    });
    expect(encodeTlogProof(proof)).toEqual(utf8Of(text));
  });

  test.each(malformed)('$name: refused', ({ text }) => {
    expect(() => parseTlogProof(utf8Of(text))).toThrow(FormatError);
  });
});
