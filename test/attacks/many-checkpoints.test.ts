/**
 * Attack matrix: a ledger in which every entry has its own checkpoint costs bounded time, and the report says how many
 * signatures were looked at. Ten thousand by default, a million with SLOW=1.
 */
import {
  bytesOfHex,
  encodeCheckpoint,
  encodeNote,
  LOWEST_STORED_LEVEL,
  leafHashHex,
  MerkleFrontier,
  sha256Hex,
  utf8Of,
  type VerifierKey,
} from '@infrafabric/format';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { judgeChain, Problems } from '@infrafabric/verify';
import { beforeAll, expect, test } from 'vitest';
import { attack, editBlob } from './edits.js';
import { controlEntry, genesisOf, keyPair } from './forge.js';
import { at, buildLedger, found, verifyFile } from './ledger-files.js';

const SLOW = process.env.SLOW === '1';
const ENTRIES = SLOW ? 1_000_001 : 10_001;
const ORIGIN = 'if-witness/many-checkpoints';
let path: string;
let key: VerifierKey;

beforeAll(async () => {
  const { signer, vkey, key: held } = await keyPair(ORIGIN, 5);
  key = held;
  const gap = controlEntry('gap', '{"count":0,"reason":"x","since":"1","source":"x","until":"2"}');
  const notes: Uint8Array[] = [];
  const frontiers: { text: string; nodes: [number, number, Uint8Array][] }[] = [];
  const frontier = new MerkleFrontier();
  let prev = '0'.repeat(64);
  for (let seq = 0; seq < ENTRIES; seq++) {
    const newest = notes.at(-1);
    const checkpoint = newest === undefined ? '' : `,"checkpoint":"${sha256Hex(newest)}"`;
    const text = (seq === 0 ? genesisOf(ORIGIN, vkey) : gap)({ seq, prev, checkpoint });
    prev = leafHashHex(text);
    const nodes: [number, number, Uint8Array][] = [];
    frontier.push(prev, (level, index, hash) => {
      if (level >= LOWEST_STORED_LEVEL) nodes.push([level, index, bytesOfHex(hash)]);
    });
    const head = encodeCheckpoint({ origin: ORIGIN, size: seq + 1, rootHex: frontier.rootHex() });
    const signature = await signer.sign(utf8Of(head));
    notes.push(utf8Of(encodeNote(head, [{ name: ORIGIN, keyIdHex: signer.keyIdHex, signature }])));
    frontiers.push({ text, nodes });
  }
  const template = await buildLedger({ batches: [1] });
  path = attack(template.path, (db) => {
    for (const table of ['entries', 'payloads', 'contexts', 'checkpoints', 'nodes']) db.exec(`DELETE FROM ${table}`);
    const entry = db.prepare('INSERT INTO entries (seq, segment, type, entry) VALUES (?, ?, ?, ?)');
    const note = db.prepare('INSERT INTO checkpoints VALUES (?, ?)');
    const node = db.prepare('INSERT INTO nodes VALUES (?, ?, ?)');
    db.exec('BEGIN');
    for (const [seq, { text, nodes }] of frontiers.entries()) {
      entry.run(seq, seq >> 16, seq === 0 ? 'genesis' : 'gap', text);
      for (const row of nodes) node.run(...row);
      note.run(seq + 1, notes[seq]);
    }
    db.exec('COMMIT');
  });
}, 900_000);

test('is VALID, and says how many signatures it looked at', { timeout: 600_000 }, () => {
  const start = performance.now();
  const report = verifyFile(path, { key });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const { checked, signaturesChecked } = report.checkpoints;
  console.log(`${signaturesChecked} of ${checked} signatures checked, ${seconds} s`);
  expect(report).toMatchObject({ verdict: 'VALID', entries: ENTRIES, checkpoints: { checked: ENTRIES } });
  expect(signaturesChecked).toBeGreaterThan(4_000);
  expect(signaturesChecked).toBeLessThan(10_003);
});

test('all of them are looked at when that is asked for', { timeout: 1_200_000 }, () => {
  const report = verifyFile(path, { key, allSignatures: true });
  expect(report.checkpoints).toEqual({ checked: ENTRIES, signaturesChecked: ENTRIES });
});

test.each([1, 10, 100])(
  'the cap %i is kept to, besides the first and the newest',
  { timeout: 600_000 },
  (signatureSample) => {
    const reader = LedgerReader.open(path);
    const problems = new Problems();
    const { sampled } = judgeChain(reader, problems, { signatureSample });
    reader.close();
    expect(problems.count).toBe(0);
    expect(sampled.length).toBeLessThanOrEqual(signatureSample + 2);
    expect(sampled.at(0)?.size).toBe(1);
    expect(sampled.at(-1)?.size).toBe(ENTRIES);
  },
);

test('a signature changed between two that are looked at is named all the same', { timeout: 600_000 }, () => {
  for (const size of SLOW ? [500_001] : [2, 5_000, ENTRIES - 1]) {
    const changed = attack(path, (db) =>
      editBlob(db, 'checkpoints', 'note', size, (note) => {
        note[note.length - 20] = note[note.length - 20] === 0x41 ? 0x42 : 0x41;
        return note;
      }),
    );
    expect(found(verifyFile(changed, { key }))).toContain(at('checkpoint.altered', size));
  }
});
