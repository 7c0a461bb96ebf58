/**
 * Cosigned notes with the answers that Go's library gives under one witness's key; see tlog/ORIGIN.md. Ours are the same but
 * for the times in STRICTER, which docs/format.md §Cosignatures refuses.
 */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { askWitness, witnessKeyOf } from '@infrafabric/cosigner';
import {
  bytesOfBase64,
  encodeNote,
  encodeSignatureLine,
  keyIdHexOf,
  parseCosignature,
  parseCosignerVkey,
  parseNote,
  parseVkey,
  utf8Of,
} from '@infrafabric/format';
import { openCosignatures, openNote } from '@infrafabric/verify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

interface Case {
  readonly name: string;
  readonly note: string;
  readonly ok: boolean;
  /** Of a good one; Go's zero is left out. */
  readonly time?: number;
  /** Of a bad one. */
  readonly why?: string;
}

const { log, witness, notes } = JSON.parse(
  readFileSync(new URL('tlog/cosignatures.json', import.meta.url), 'utf8'),
) as { readonly log: string; readonly witness: string; readonly notes: readonly Case[] };
const logKey = parseVkey(log);
const key = parseCosignerVkey(witness);
/** The private half, as formats' witness/witness_test.go publishes it: type 0x01, then the seed. */
const SEED = bytesOfBase64('AeadRiG7XM4XiieCHzD8lxysXMwcViy5nYsoXURWGrlE').subarray(1);

/** Good for Go, refused here. */
const STRICTER: Readonly<Record<string, string>> = {
  'time 0': 'a cosignature of the impossible time 0',
  'time 2^53': 'a cosignature of the impossible time 9007199254740992',
};
/** Cases that are about the text and not about a line. */
const OTHER_TEXT = 'an extension line in the text, not signed';

/** `cosigned`: a line of the key that verifies; `failed`: one that does not; `none`: no line of the key. */
function expected({ name, ok, why }: Case): 'cosigned' | 'failed' | 'none' {
  if (ok) return name in STRICTER ? 'failed' : 'cosigned';
  return why === 'note has no verifiable signatures' ? 'none' : 'failed';
}

test('every case is here, and each way to answer', () => {
  expect(notes).toHaveLength(21);
  expect(new Set(notes.map(expected))).toEqual(new Set(['cosigned', 'failed', 'none']));
  for (const name of [...Object.keys(STRICTER), OTHER_TEXT]) expect(notes.map((one) => one.name)).toContain(name);
});

test('the id of the witness is that of type 0x04, and not that of its note key', () => {
  expect(keyIdHexOf(key.name, key.publicKey, 0x04)).toBe(key.keyIdHex);
  expect(keyIdHexOf(key.name, key.publicKey, 0x01)).toBe('55ee4561');
});

describe('a cosigned note', () => {
  test.each(notes)('$name', (one) => {
    const { text, signatures } = parseNote(utf8Of(one.note));
    const { cosigned, failed, unknown } = openCosignatures(text, signatures, [key]);
    const counts = { cosigned: cosigned.length, failed: failed.length, unknown };
    const answer = expected(one);
    const known = answer === 'none' ? 0 : 1;
    expect(counts).toEqual({
      cosigned: answer === 'cosigned' ? 1 : 0,
      failed: answer === 'failed' ? 1 : 0,
      unknown: signatures.length - known,
    });
    if (answer === 'cosigned') expect(cosigned[0]).toMatchObject({ key, timeUnixS: one.time });
    if (one.name in STRICTER) expect(failed[0]!.message).toContain(STRICTER[one.name]);
    // The log's own line is judged apart, whatever the witness's is.
    const isLogs = one.name !== 'a witness alone' && one.name !== OTHER_TEXT;
    expect(openNote(utf8Of(one.note), logKey)).toMatchObject({ ok: isLogs });
    expect(encodeNote(text, signatures)).toBe(one.note);
  });
});

describe('our witness with that key', () => {
  const ours = witnessKeyOf('Wit1', SEED);

  test('has that vkey', () => expect(ours.vkey).toBe(witness));

  test.each(notes.filter((one) => expected(one) === 'cosigned'))('writes the octets of: $name', ({ note, time }) => {
    const { text, signatures } = parseNote(utf8Of(note));
    const line = signatures.find(({ name }) => name === 'Wit1')!;
    expect(parseCosignature(line.signature).timeUnixS).toBe(time);
    expect(ours.cosign(text, time!)).toBe(encodeSignatureLine(line));
  });
});

describe('a witness that answers with these lines', () => {
  let server: Server;
  let answer = '';
  beforeAll(async () => {
    server = createServer((request, response) => request.resume().on('end', () => response.end(answer)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  test.each(notes.filter(({ name }) => name !== OTHER_TEXT))('$name', async (one) => {
    const byOthers = parseNote(utf8Of(one.note)).signatures.filter(({ name }) => name !== logKey.name);
    answer = byOthers.map((line) => `${encodeSignatureLine(line)}\n`).join('');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const asked = await askWitness(
      { name: 'it', key, url },
      { note: utf8Of(notes[0]!.note), logKey, proofFrom: () => [] },
    );
    const good = byOthers.find(({ name }) => name === 'Wit1');
    if (expected(one) === 'cosigned')
      expect(asked).toEqual({ outcome: 'cosigned', line: encodeSignatureLine(good!), timeUnixS: one.time });
    else
      expect(asked).toMatchObject({
        outcome: 'failed',
        reason: expect.stringContaining(expected(one) === 'none' ? 'no line by Wit1' : 'by Wit1 (9b3fb2d5)'),
      });
  });
});
