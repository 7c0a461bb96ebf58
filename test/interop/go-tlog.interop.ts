/** Our trees against golang.org/x/mod/sumdb/tlog: tiles, and proofs between checkpoints. */
import { consistencyProof, leafHashHex, MerkleFrontier } from '@infrafabric/format';
import { beforeEach, describe, expect, test } from 'vitest';
import { FILES_OF_700, GrowingLog, runPeer, SIZES, withOneBitChanged } from './logs.js';
import { goTlog } from './peer-programs.js';

beforeEach((context) => goTlog.need(context));

describe('tiles', () => {
  test(`at ${SIZES.join(', ')} entries prove every entry`, { timeout: 300_000 }, () => {
    const log = new GrowingLog();
    for (const size of SIZES) {
      log.growTo(size);
      const { exitCode, stdout, stderr } = runPeer(['go-tlog', 'tiles', log.vkey, log.tiles('grown')]);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout).toMatch(new RegExp(`^${size} entries of if-witness/`));
    }
  });

  test.each(FILES_OF_700)('are refused with one bit of %s changed', (path) => {
    const { log, changed } = withOneBitChanged(path);
    expect(runPeer(['go-tlog', 'tiles', log.vkey, changed]).exitCode).toBe(1);
  });
});

describe('what proof SEQ writes', () => {
  test('is accepted for its entry, and refused for another and in any other form', { timeout: 300_000 }, () => {
    const log = new GrowingLog();
    log.growTo(700);
    const entries = log.entries();
    for (const index of [0, 1, 2, 255, 256, 511, 512, 698, 699]) {
      const { exitCode, stdout } = log.home.witness(['proof', String(index)]);
      expect(exitCode).toBe(0);
      const check = (text: string, entry: Buffer): number | null =>
        runPeer(['go-tlog', 'proof', log.vkey, log.file('proof', text), log.file('entry', entry)]).exitCode;
      expect(check(stdout, entries[index]!), `${index}`).toBe(0);
      expect(check(stdout, entries[(index + 1) % 700]!), `${index}, another entry`).toBe(1);
      expect(check(stdout.replace(/^index .*$/m, `index ${(index + 1) % 700}`), entries[index]!)).toBe(1);
      expect(check(stdout.replace(/(?<=^index .*\n).*\n/m, ''), entries[index]!), `${index}, short`).toBe(1);
    }
  });
});

describe('a consistency proof', () => {
  test('between any two checkpoints is accepted, and refused for others', { timeout: 300_000 }, () => {
    const log = new GrowingLog();
    for (const size of [1, 2, 3, 8, 255, 256, 257, 600]) log.growTo(size);
    const leaves = log.entries().map((entry) => leafHashHex(entry.toString('utf8')));
    const hashOf = (from: number, to: number): string => {
      const tree = new MerkleFrontier();
      for (const leaf of leaves.slice(from, to)) tree.push(leaf);
      return tree.rootHex();
    };
    const notes = [...log.checkpoints()].map(([size, note]) => [size, log.file(`at-${size}`, note)] as const);
    expect(notes.length).toBeGreaterThanOrEqual(8);
    for (const [older, olderNote] of notes) {
      for (const [newer, newerNote] of notes.filter(([size]) => size > older)) {
        const hashes = consistencyProof(older, newer, hashOf).map((hex) => Buffer.from(hex, 'hex').toString('base64'));
        const check = (lines: string[], to = newerNote): number | null =>
          runPeer(['go-tlog', 'consistency', log.vkey, olderNote, to, log.file('proof', `${lines.join('\n')}\n`)])
            .exitCode;
        expect(check(hashes), `${older} to ${newer}`).toBe(0);
        expect(check(hashes.slice(1)), `${older} to ${newer}, short`).toBe(1);
        expect(check([...hashes, hashes[0]!]), `${older} to ${newer}, long`).toBe(1);
        if (older > 1) expect(check(hashes, notes[0]![1]), `${older} to 1`).toBe(1);
      }
    }
  });
});
