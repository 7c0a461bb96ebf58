/** Attack matrix: what witnesses said, forged, taken away, or of another history. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { witnessKeyOf } from '@infrafabric/cosigner';
import {
  encodeNote,
  encodeSignatureLine,
  encodeVkey,
  parseNote,
  parsePolicy,
  parseSignatureLine,
  textOfUtf8,
} from '@infrafabric/format';
import { Ledger } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import type { AskedPolicy } from '@infrafabric/verify';
import { beforeAll, describe, expect, test } from 'vitest';
import { attack, attackUntyped, type FreeHands } from './edits.js';
import {
  type Built,
  buildLedger,
  copyLedger,
  found,
  keyOf,
  newDirectory,
  newestNote,
  spanDraft,
  verifyFile,
} from './ledger-files.js';

const [alice, bob, carol, stranger] = ['alice', 'bob', 'carol', 'stranger'].map((name, i) =>
  witnessKeyOf(`witness.example/${name}`, new Uint8Array(32).fill(i + 1)),
) as [Witness, Witness, Witness, Witness];
type Witness = ReturnType<typeof witnessKeyOf>;
const TIME = 1_750_000_000;

/** Checkpoints at 1, 5, 9, 13; 5 is cosigned by alice and bob, 9 by all, 13 by alice. */
let built: Built;
beforeAll(async () => {
  built = await buildLedger({ batches: [4, 4, 4] });
  const ledger = await Ledger.open({ home: built.home });
  await cosign(ledger, built.path, 5, [alice, bob]);
  await cosign(ledger, built.path, 9, [alice, bob, carol]);
  await cosign(ledger, built.path, 13, [alice]);
  await ledger.close();
});

async function cosign(ledger: Ledger, path: string, size: number, witnesses: readonly Witness[]): Promise<void> {
  await ledger.storeCosignatures(
    size,
    witnesses.map((witness, i) => witness.cosign(textAt(path, size), TIME + size + i)),
  );
}

function textAt(path: string, size: number): string {
  const reader = LedgerReader.open(path);
  try {
    return parseNote(reader.noteOfSize(size)!).text;
  } finally {
    reader.close();
  }
}

function policy(quorum: string, log?: string): AskedPolicy {
  const text = [
    ...(log === undefined ? [] : [`log ${log}`]),
    `witness alice ${alice.vkey}`,
    `witness bob ${bob.vkey}`,
    `witness carol ${carol.vkey}`,
    ...(/^\d/.test(quorum) ? [`group q ${quorum} alice bob carol`, 'quorum q'] : [`quorum ${quorum}`]),
    '',
  ].join('\n');
  const from = join(newDirectory(), 'policy');
  writeFileSync(from, text);
  return { policy: parsePolicy(Buffer.from(text)), from };
}

const how = (quorum: string, log?: string) => ({ key: built.key, policy: policy(quorum, log) });

describe('a policy', () => {
  test.each([
    ['1', 13, TIME + 13, ['alice']],
    ['alice', 13, TIME + 13, ['alice']],
    ['2', 9, TIME + 10, ['alice', 'bob', 'carol']],
    ['3', 9, TIME + 11, ['alice', 'bob', 'carol']],
    ['carol', 9, TIME + 11, ['alice', 'bob', 'carol']],
  ])('of %s is met at %i, when enough had signed', (quorum, size, timeUnixS, by) => {
    const report = verifyFile(built.path, how(quorum));
    expect(report).toMatchObject({
      verdict: 'VALID',
      code: 'valid.witnessed',
      exitCode: 0,
      policy: { isMet: true, witnessed: { size, timeUnixS, by } },
      cosignatures: { stored: 6, checked: 6, unknown: 0 },
    });
    const rest = `nothing outside this ledger vouches for the ${13 - size} entries after the newest checkpoint that enough witnesses cosigned`;
    expect(report.notVouchedFor.includes(rest)).toBe(size < 13);
  });

  test('of nobody is met, and vouches for nothing', () => {
    expect(verifyFile(built.path, how('none'))).toMatchObject({ code: 'valid.unanchored', policy: { isMet: true } });
  });

  test('that lists other logs is unmet, whoever cosigned; one that lists this one is met', () => {
    const own = encodeVkey(built.key.name, built.key.publicKey);
    expect(verifyFile(built.path, how('2', own))).toMatchObject({ code: 'valid.witnessed' });
    const other = encodeVkey('log.example/other', built.key.publicKey);
    expect(verifyFile(built.path, how('2', other))).toMatchObject({
      code: 'incomplete.policy-unmet',
      exitCode: 3,
      policy: { acceptsLog: false },
    });
  });

  test('is not asked for where none is given: cosignatures are counted, and nothing said of them', () => {
    expect(verifyFile(built.path, { key: built.key })).toMatchObject({
      code: 'valid.unanchored',
      policy: undefined,
      cosignatures: { stored: 6, checked: 0, unknown: 6 },
    });
  });

  test('is not met without a held key: that stays the first thing to say', () => {
    expect(verifyFile(built.path, { ...how('2'), key: undefined })).toMatchObject({
      code: 'incomplete.self-asserted-key',
    });
  });
});

describe('cosignatures taken away while a policy asks', () => {
  test.each([
    ['all', 'DELETE FROM cosignatures'],
    ['all but one witness', "DELETE FROM cosignatures WHERE witness NOT LIKE '%alice%'"],
  ])('%s: exit code 3, policy unmet', (_, sql) => {
    const path = attack(built.path, (db) => db.exec(sql));
    expect(verifyFile(path, how('2'))).toMatchObject({
      verdict: 'INCOMPLETE',
      code: 'incomplete.policy-unmet',
      exitCode: 3,
    });
  });

  test('the newest: an older one is named, with how much nothing vouches for', () => {
    const path = attack(built.path, (db) => db.exec('DELETE FROM cosignatures WHERE size > 5'));
    expect(verifyFile(path, how('2'))).toMatchObject({ code: 'valid.witnessed', policy: { witnessed: { size: 5 } } });
  });
});

describe('a row', () => {
  const insert = (db: FreeHands, size: number | bigint, witness: string | Buffer, line: string | Buffer): void => {
    db.prepare('INSERT OR REPLACE INTO cosignatures VALUES (?, CAST(? AS TEXT), CAST(? AS TEXT))').run(
      size,
      witness,
      line,
    );
  };
  const idOf = ({ key }: Witness): string => `${key.name}+${key.keyIdHex}`;
  const flipped = (line: string): string => {
    const parsed = parseSignatureLine(line);
    const signature = parsed.signature.slice();
    signature[40]! ^= 1;
    return encodeSignatureLine({ ...parsed, signature });
  };
  const expectInvalid = (edit: (db: FreeHands) => void, code: string, quorum = '2'): void => {
    const report = verifyFile(attack(built.path, edit), how(quorum));
    expect(report).toMatchObject({ verdict: 'INVALID', exitCode: 1 });
    expect(report.problems.map((problem) => problem.code)).toEqual([code]);
    expect(report.problems[0]).toMatchObject({ column: 'cosignatures' });
  };

  test.each<[string, (text: (size: number) => string) => string]>([
    ['with one bit changed', (text) => flipped(bob.cosign(text(13), TIME))],
    ['of another checkpoint', (text) => bob.cosign(text(9), TIME)],
    [
      'by another key of its name and id',
      (text) =>
        encodeSignatureLine({
          ...parseSignatureLine(stranger.cosign(text(13), TIME)),
          ...{ name: bob.key.name, keyIdHex: bob.key.keyIdHex },
        }),
    ],
    [
      'that was cut',
      (text) =>
        encodeSignatureLine({
          ...bob.key,
          signature: parseSignatureLine(bob.cosign(text(13), TIME)).signature.slice(0, 40),
        }),
    ],
    [
      'of time zero',
      (text) =>
        encodeSignatureLine({
          ...bob.key,
          signature: Buffer.concat([
            Buffer.alloc(8),
            parseSignatureLine(bob.cosign(text(13), TIME)).signature.subarray(8),
          ]),
        }),
    ],
  ])('of a known witness %s is INVALID', (_, line) => {
    const text = (size: number): string => textAt(built.path, size);
    expectInvalid((db) => insert(db, 13, idOf(bob), line(text)), 'cosignature.signature');
  });

  test.each<[string, (line: string) => [number | bigint, string | Buffer, string | Buffer]]>([
    ['of a size without a checkpoint', (line) => [7, idOf(stranger), line]],
    ['beyond the end', (line) => [14, idOf(stranger), line]],
    ['of size 0', (line) => [0, idOf(stranger), line]],
    ['of a size beyond 2^53', (line) => [2n ** 53n + 1n, idOf(stranger), line]],
    ['of a negative size', (line) => [-1, idOf(stranger), line]],
    ['under another name', (line) => [13, idOf(bob), line]],
    ['under another id', (line) => [13, `${stranger.key.name}+00000000`, line]],
    ['with its newline', (line) => [13, idOf(stranger), `${line}\n`]],
    ['that is not canonical base64', (line) => [13, idOf(stranger), line.replace(/=*$/, '')]],
    ['with octets that decode to something', (line) => [13, Buffer.from([0xff]), line]],
    ['that is no line', () => [13, 'x', 'x']],
    ['that is empty', () => [13, '', '']],
    ['that is longer than any', () => [13, idOf(stranger), `— ${stranger.key.name} ${'A'.repeat(20_000)}`]],
    ['under a name that is longer than any', (line) => [13, 'x'.repeat(20_000), line]],
  ])('%s is INVALID, whoever signed it', (_, row) => {
    const line = stranger.cosign(textAt(built.path, 13), TIME);
    expectInvalid((db) => insert(db, ...row(line)), 'cosignature.malformed');
  });

  test('of another storage class is INVALID', () => {
    const path = attackUntyped(built.path, (db) =>
      db.exec('UPDATE cosignatures SET line = CAST(line AS BLOB) WHERE size = 13'),
    );
    const report = verifyFile(path, how('2'));
    expect(report.verdict).toBe('INVALID');
    expect(report.problems.map(({ code }) => code)).toContain('cosignature.malformed');
  });

  test('of an unknown key, of an unknown algorithm too, is counted and changes nothing', () => {
    const pq = encodeSignatureLine({
      name: 'witness.example/pq',
      keyIdHex: '01020304',
      signature: Buffer.alloc(2428, 3),
    });
    const path = attack(built.path, (db) => {
      insert(db, 13, 'witness.example/pq+01020304', pq);
      insert(db, 13, idOf(stranger), flipped(stranger.cosign(textAt(built.path, 13), TIME)));
    });
    expect(verifyFile(path, how('2'))).toMatchObject({
      code: 'valid.witnessed',
      cosignatures: { stored: 8, checked: 6, unknown: 2 },
    });
  });

  test('that the policy cannot check is not counted for it', () => {
    // Carol's own key, under a name that the policy does not have.
    const path = attack(built.path, (db) => {
      db.exec('DELETE FROM cosignatures WHERE size < 13');
      const line = parseSignatureLine(carol.cosign(textAt(built.path, 13), TIME));
      insert(db, 13, `other+${line.keyIdHex}`, encodeSignatureLine({ ...line, name: 'other' }));
    });
    expect(verifyFile(path, how('2'))).toMatchObject({ code: 'incomplete.policy-unmet' });
  });
});

describe('a history written anew with the stolen key', () => {
  let forged: Built;
  beforeAll(async () => {
    forged = await buildLedger({ batches: [4, 4, 4], draft: (seq) => spanDraft(seq + 1_000) });
    expect(forged.key.name).toBe(built.key.name);
  });

  test('cannot keep the cosignatures of the old one', () => {
    const path = copyLedger(forged.path);
    const rows = readRows();
    const planted = attack(path, (db) => {
      for (const row of rows) db.prepare('INSERT INTO cosignatures VALUES (?, ?, ?)').run(row);
    });
    const report = verifyFile(planted, { key: keyOf(forged.home, forged.key.name), policy: policy('2') });
    expect(report).toMatchObject({ verdict: 'INVALID' });
    expect(new Set(report.problems.map(({ code }) => code))).toEqual(new Set(['cosignature.signature']));
  });

  test('without them does not meet a policy', () => {
    expect(verifyFile(forged.path, how('2'))).toMatchObject({ code: 'incomplete.policy-unmet', exitCode: 3 });
  });

  test('is a fork against an anchor, whatever cosignatures that one carries', () => {
    const text = textAt(built.path, 13);
    const { signatures } = parseNote(newestNote(built.path));
    const lines = [alice, bob].map((witness) => parseSignatureLine(witness.cosign(text, TIME)));
    const anchor = Buffer.from(encodeNote(text, [...signatures, ...lines]));
    const report = verifyFile(forged.path, { ...how('2'), anchors: [anchor] });
    expect(found(report)).toEqual(['fork']);
    expect(report.policy).toMatchObject({ isMet: false });
    expect(verifyFile(built.path, { ...how('2'), anchors: [anchor] })).toMatchObject({
      code: 'valid.witnessed',
      policy: { witnessed: { size: 13 } },
    });
    const bad = parseSignatureLine(alice.cosign(textAt(built.path, 9), TIME));
    const spoilt = Buffer.from(encodeNote(text, [...signatures, bad]));
    expect(() => verifyFile(built.path, { ...how('2'), anchors: [spoilt] })).toThrow(/not an anchor of this ledger/);
  });

  function readRows(): unknown[][] {
    const reader = LedgerReader.open(built.path);
    try {
      return [...reader.cosignatures()]
        .flat()
        .map(({ size, witness, line }) => [size, textOfUtf8(witness!), textOfUtf8(line!)]);
    } finally {
      reader.close();
    }
  }
});

describe('witnesses that were asked', () => {
  test('and have more without showing it make it INVALID (rollback), or a fork', () => {
    const asked = (kind: 'rollback' | 'fork', size: number) => ({
      cosigned: [],
      contradictions: [{ witness: 'the witness bob at http://x', kind, size }],
    });
    expect(verifyFile(built.path, { ...how('1'), asked: asked('rollback', 14) }).problems).toMatchObject([
      { code: 'rollback' },
    ]);
    expect(verifyFile(built.path, { ...how('1'), asked: asked('fork', 9) }).problems).toMatchObject([{ code: 'fork' }]);
    // Written while they were asked: the file has as much by now.
    expect(verifyFile(built.path, { ...how('1'), asked: asked('rollback', 13) }).problems).toEqual([]);
  });

  test('of whom too few answered leave it open', () => {
    const asked = (...cosigned: Witness[]) => ({ cosigned: cosigned.map(({ key }) => key), contradictions: [] });
    expect(verifyFile(built.path, { ...how('2'), asked: asked(alice) })).toMatchObject({
      code: 'incomplete.witnesses-silent',
      exitCode: 3,
    });
    expect(verifyFile(built.path, { ...how('2'), asked: asked(alice, carol) })).toMatchObject({
      code: 'valid.witnessed',
    });
  });
});

describe('the writer', () => {
  test('keeps the line that came last, only under a checkpoint, and only a line', async () => {
    const path = copyLedger(built.path, { head: false });
    const ledger = await Ledger.open({ home: built.home, ledger: path });
    try {
      const lines = [TIME, TIME + 99].map((time) => alice.cosign(textAt(path, 13), time));
      for (const line of lines) await ledger.storeCosignatures(13, [line]);
      await expect(ledger.storeCosignatures(12, [lines[0]!])).rejects.toThrow(RangeError);
      await expect(ledger.storeCosignatures(13, ['x'])).rejects.toMatchObject({ code: 'note.malformed' });
      const reader = LedgerReader.open(path);
      expect(reader.cosignaturesOf(13)).toEqual([lines[1]]);
      expect(reader.newestCosignedBy(`${alice.key.name}+${alice.key.keyIdHex}`)).toBe(13);
      expect(reader.entryCount()).toBe(13);
      reader.close();
    } finally {
      await ledger.close();
    }
    expect(verifyFile(path, how('1'))).toMatchObject({ policy: { witnessed: { size: 13, timeUnixS: TIME + 99 } } });
  });
});
