/** Attack matrix: the public key replaced, missing, colliding. Only the key that the verifier holds counts. */
import { utf8Of } from '@infrafabric/format';
import { loadSigner } from '@infrafabric/ledger';
import { beforeAll, describe, expect, test } from 'vitest';
import { attack, editEntry, replaceOctets } from './edits.js';
import { controlEntry, forgeLedger, genesisOf, keyPair } from './forge.js';
import { at, type Built, buildLedger, found, verifyFile, vkeyOf } from './ledger-files.js';

let built: Built;
let other: Built;
beforeAll(async () => {
  built = await buildLedger({ batches: [3, 3] });
  other = await buildLedger({ batches: [3], seed: 'other' });
});

const report = (path: string) => verifyFile(path, { key: built.key });

describe('the key', () => {
  test('that genesis names replaced by another is INVALID', async () => {
    const { vkey } = await keyPair(built.key.name, 7);
    const path = attack(built.path, (db) =>
      editEntry(db, 0, (entry) => replaceOctets(entry, vkeyOf(built.path), vkey)),
    );
    expect(found(report(path))).toContain(at('entry.prev', 0));
  });

  test('replaced everywhere, all signed again, is INVALID under the key that is held', async () => {
    const { path } = await rewrittenWithAnotherKey();
    expect(report(path)).toMatchObject({ verdict: 'INVALID' });
    expect(found(report(path))).toContain(at('checkpoint.unsigned', 0));
  });

  test('replaced everywhere is "self-asserted key", exit 3, when none is held', async () => {
    const { path } = await rewrittenWithAnotherKey();
    expect(verifyFile(path, { key: undefined })).toMatchObject({
      verdict: 'INCOMPLETE',
      code: 'incomplete.self-asserted-key',
      exitCode: 3,
      key: { source: 'none' },
    });
  });

  test('an untouched ledger is "self-asserted key", exit 3, when none is held', () => {
    expect(verifyFile(built.path, { key: undefined })).toMatchObject({
      code: 'incomplete.self-asserted-key',
      exitCode: 3,
    });
  });

  test('of another ledger is refused by name, not by signature', () => {
    const result = verifyFile(built.path, { key: other.key });
    expect(result.problems[0]).toMatchObject({ code: 'key.origin' });
  });

  test('with a colliding 4-octet key id does not sign for the held one', async () => {
    const { signer, vkey } = await keyPair(built.key.name, 8);
    const path = await forgeLedger(built.path, {
      origin: built.key.name,
      signer,
      batches: [
        [genesisOf(built.key.name, vkey)],
        [controlEntry('gap', '{"count":1,"reason":"x","since":"1","source":"x","until":"2"}')],
      ],
      signatures: (_, own) => [{ ...own, keyIdHex: built.key.keyIdHex }],
    });
    expect(found(report(path))).toEqual(['key.origin', at('checkpoint.signature', 0), at('checkpoint.signature', 1)]);
  });

  test('beside one with a colliding 4-octet key id makes the note unacceptable', async () => {
    const { signer, vkey } = await keyPair(built.key.name, 8);
    const ours = loadSigner(built.home, built.key.name, vkeyOf(built.path));
    const texts: string[] = [];
    const forgery = {
      origin: built.key.name,
      signer,
      batches: [[genesisOf(built.key.name, vkey)]],
    };
    await forgeLedger(built.path, {
      ...forgery,
      checkpoint: (text) => {
        texts.push(text);
        return text;
      },
    });
    const signature = await ours.sign(utf8Of(texts[0]!));
    const path = await forgeLedger(built.path, {
      ...forgery,
      signatures: (_, own) => [
        { ...own, keyIdHex: ours.keyIdHex, signature },
        { ...own, keyIdHex: ours.keyIdHex },
      ],
    });
    expect(found(report(path))).toEqual(['key.origin', at('checkpoint.signature', 0)]);
  });

  async function rewrittenWithAnotherKey(): Promise<{ path: string }> {
    const { signer, vkey } = await keyPair(built.key.name, 7);
    const gap = controlEntry('gap', '{"count":1,"reason":"x","since":"1","source":"x","until":"2"}');
    const batches = [[genesisOf(built.key.name, vkey)], [gap, gap]];
    return { path: await forgeLedger(built.path, { origin: built.key.name, signer, batches }) };
  }
});
