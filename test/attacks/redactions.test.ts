/** Attack matrix: payloads that were erased, and what somebody may do about it. */
import { leafHashHex, payloadDigestHex, schemaOf, utf8Of } from '@infrafabric/format';
import { draftSpan, Ledger } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { beforeAll, describe, expect, test } from 'vitest';
import { verifyFile as verifyInThreads } from '../../packages/cli/dist/verify/verify-file.js';
import { attack, attackUntyped, editInPlace, type FreeHands, openFreely } from './edits.js';
import { controlEntry, forgeLedger, genesisOf, keyPair, type Place } from './forge.js';
import {
  at,
  type Built,
  buildLedger,
  copyLedger,
  found,
  seededSources,
  spanDraft,
  verifyFile,
} from './ledger-files.js';
import { spanRecord } from './spans.js';

const SPANS = 16;
/** First, middle, last; the last has a payload on pages of its own, and a resource that nothing else names. */
const TARGETS = [1, 8, SPANS] as const;
/** Entries that erase them. */
const REDACTION_OF = new Map<number, number>(TARGETS.map((seq, i) => [seq, SPANS + 1 + i]));

let before: Built;
/** With the three redactions. */
let path: string;
beforeAll(async () => {
  before = await buildLedger({
    batches: [9, 7],
    draft: (seq) => {
      const record = spanRecord(seq);
      if (seq !== SPANS) return draftSpan(record);
      const resource = { ...record.resource, attributes: [['service.name', 'a service of its own'] as const] };
      return draftSpan({ ...record, resource, attributes: [...record.attributes, ['prompt', 'x'.repeat(40_000)]] });
    },
  });
  path = await redacted(before, TARGETS);
});

async function redacted(built: Built, targets: readonly number[]): Promise<string> {
  const copy = copyLedger(built.path);
  const ledger = await Ledger.open({ home: built.home, ledger: copy, sources: seededSources('redactions', 2n ** 61n) });
  try {
    const { targets: outcomes } = await ledger.redact(targets, 'a test');
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(targets.map(() => 'erased'));
  } finally {
    await ledger.close();
  }
  return copy;
}

const report = (file: string) => verifyFile(file, { key: before.key });
const problems = (file: string) => found(report(file));

/** What was erased, as it was. */
function putBack(
  db: FreeHands,
  seq: number,
  how = 'INSERT INTO payloads SELECT * FROM old.payloads WHERE seq = ?',
): void {
  db.prepare('ATTACH ? AS old').run(before.path);
  db.prepare(how).run(seq);
  db.exec('INSERT OR IGNORE INTO contexts SELECT * FROM old.contexts');
  if (seq !== SPANS) db.exec(`DELETE FROM contexts WHERE digest NOT IN (${NAMED})`);
  db.exec('DETACH old');
}
const NAMED = 'SELECT substr(payload, 1, 32) FROM payloads UNION SELECT substr(payload, 33, 32) FROM payloads';

test('erased with redaction entries is VALID, and counted', () => {
  expect(report(path)).toMatchObject({
    verdict: 'VALID',
    entries: SPANS + 4,
    payloads: { present: SPANS - 3, erased: 3, missing: 0 },
    notUnderstood: {},
    problems: [],
  });
});

describe.each(TARGETS)('the payload of entry %i, once erased,', (seq) => {
  test('and back again is INVALID', () => {
    expect(problems(attack(path, (db) => putBack(db, seq)))).toEqual([at('payload.returned', seq)]);
  });

  test('and back again without its line in the list is INVALID for both', () => {
    const file = attack(path, (db) => {
      putBack(db, seq);
      db.exec(`DELETE FROM erased WHERE seq = ${seq}`);
    });
    expect(problems(file).sort()).toEqual([at('erased.missing', seq), at('payload.returned', seq)]);
  });

  test('and replaced by another is INVALID', () => {
    const file = attack(path, (db) =>
      putBack(db, seq, 'INSERT INTO payloads SELECT ?, salt, payload FROM payloads LIMIT 1'),
    );
    expect(problems(file)).toEqual(expect.arrayContaining([at('payload.digest', seq), at('payload.returned', seq)]));
  });

  test('and no longer listed is INVALID', () => {
    const file = attack(path, (db) => db.exec(`DELETE FROM erased WHERE seq = ${seq}`));
    expect(problems(file)).toEqual([at('erased.missing', seq)]);
  });

  test.each([-1, 0, 1, 2 ** 40])('and listed under another entry (%i from it) is INVALID', (by) => {
    const other = by === 0 ? seq : REDACTION_OF.get(seq)! + by;
    const file = attack(path, (db) => db.exec(`UPDATE erased SET redaction = ${other} WHERE seq = ${seq}`));
    expect(problems(file)).toEqual([at('erased.redaction', seq)]);
  });

  test('with its redaction entry edited breaks the chain there', () => {
    const redaction = REDACTION_OF.get(seq)!;
    const file = attack(path, (db) =>
      db.exec(`UPDATE entries SET entry = replace(entry, '"target":${seq}', '"target":2') WHERE seq = ${redaction}`),
    );
    // Nothing follows the last one but its checkpoint.
    expect(problems(file)).toContain(at(seq === SPANS ? 'checkpoint.root' : 'entry.prev', redaction));
  });
});

describe('a payload that is gone without a redaction entry', () => {
  test.each([2, 9, 15])('(of entry %i) is INCOMPLETE and listed, those with one are not', (seq) => {
    const result = report(attack(path, (db) => db.exec(`DELETE FROM payloads WHERE seq = ${seq}`)));
    expect(result).toMatchObject({ code: 'incomplete.payloads', payloads: { present: 12, erased: 3, missing: 1 } });
    expect(found(result)).toEqual([at('payload.missing', seq)]);
  });

  test.each([2, 9, 15])('(of entry %i) but listed as erased is INVALID', (seq) => {
    const file = attack(path, (db) => {
      db.exec(`DELETE FROM payloads WHERE seq = ${seq}`);
      db.exec(`INSERT INTO erased VALUES (${seq}, ${SPANS + 1})`);
    });
    expect(problems(file)).toContain(at('erased.unexpected', seq));
  });

  test.each([0, 17, 500, -1])('a line for entry %i, which has none, is INVALID', (seq) => {
    const file = attack(path, (db) => db.exec(`INSERT INTO erased VALUES (${seq}, ${SPANS + 1})`));
    expect(problems(file)).toContain(at('erased.unexpected', seq));
  });

  test.each(['9007199254740993', '-9007199254740993', '9223372036854775807'])(
    'a line for %s, which cannot be read exactly, is INVALID and named by no other number',
    (seq) => {
      const { problems } = report(attack(path, (db) => db.exec(`INSERT INTO erased VALUES (${seq}, ${SPANS + 1})`)));
      expect(problems).toContainEqual(
        expect.objectContaining({
          code: 'erased.unexpected',
          message: expect.stringMatching(/^an entry beyond 2\^53 /),
        }),
      );
      expect(problems.find(({ code }) => code === 'erased.unexpected')).not.toHaveProperty('seq');
    },
  );

  test('a line whose redaction is the right number, but text, is INVALID', () => {
    const file = attackUntyped(path, (db) =>
      db.exec(`UPDATE erased SET redaction = '${REDACTION_OF.get(8)}' WHERE seq = 8`),
    );
    expect(report(file).problems).toContainEqual(
      expect.objectContaining({ code: 'erased.redaction', seq: 8, message: expect.stringContaining('no entry;') }),
    );
  });
});

describe('contexts', () => {
  test('that only an erased payload named are gone', () => {
    const names = (file: string): number => {
      let count = 0;
      editInPlace(file, (db) => {
        count = db.prepare('SELECT count(*) FROM contexts').pluck().get() as number;
      });
      return count;
    };
    expect([names(copyLedger(before.path)), names(copyLedger(path))]).toEqual([3, 2]);
  });

  test('left behind are INVALID', () => {
    const file = attack(path, (db) => {
      db.prepare('ATTACH ? AS old').run(before.path);
      db.exec('INSERT OR IGNORE INTO contexts SELECT * FROM old.contexts; DETACH old');
    });
    expect(problems(file)).toEqual(['context.unreferenced']);
  });

  test('taken along although others name them are INVALID', () => {
    const file = attack(path, (db) => db.exec("DELETE FROM contexts WHERE kind = 'scope'"));
    expect(problems(file)).toContain(at('context.missing', 2));
  });
});

test('a second redaction of the same entry changes nothing: the first is the one that is listed', async () => {
  const copy = copyLedger(path);
  const ledger = await Ledger.open({ home: before.home, ledger: copy });
  const view = await ledger.view();
  const leaf = leafHashHex(view.entryText(8)!);
  await ledger.append([{ type: 'redaction', body: { leaf, reason: 'again', target: 8 }, critical: true }]);
  await ledger.close();
  expect(report(copy)).toMatchObject({ verdict: 'VALID', payloads: { erased: 3 } });
  editInPlace(copy, (db) => db.exec(`UPDATE erased SET redaction = ${SPANS + 4} WHERE seq = 8`));
  expect(problems(copy)).toEqual([at('erased.redaction', 8)]);
});

test.each([1, 8, SPANS])('everything erased after entry %i is VALID, without any context left', async (keep) => {
  const all = Array.from({ length: SPANS }, (_, i) => i + 1).filter((seq) => keep === SPANS || seq > keep);
  const file = await redacted(before, all);
  expect(report(file)).toMatchObject({ verdict: 'VALID', payloads: { erased: all.length, missing: 0 } });
  const reader = LedgerReader.open(file);
  expect([...reader.contexts()].flat()).toHaveLength(keep === SPANS ? 0 : 2);
  reader.close();
});

describe('in a store of version 1, which has no list of them,', () => {
  /** The store as version 1 would have it. */
  function asVersion1(db: FreeHands): void {
    db.exec('DROP TABLE erased; DROP TABLE cosignatures; DROP TRIGGER payloads_no_delete');
    db.exec(schemaOf(1)!.find(({ name }) => name === 'payloads_no_delete')!.sql!);
    db.pragma('user_version = 1');
  }
  function version1(change: (db: FreeHands) => void = () => undefined): string {
    const file = attack(path, change);
    const db = openFreely(file);
    asVersion1(db);
    db.close();
    return file;
  }

  test('erased payloads are VALID, and one that is back is INVALID', () => {
    expect(report(version1())).toMatchObject({ verdict: 'VALID', payloads: { erased: 3, missing: 0 }, problems: [] });
    for (const seq of TARGETS)
      expect(problems(version1((db) => putBack(db, seq)))).toEqual([at('payload.returned', seq)]);
  });

  test('a writer lists them when it brings the store to version 2', async () => {
    const file = version1();
    const ledger = await Ledger.open({ home: before.home, ledger: file });
    const view = await ledger.view();
    expect([...view.erased(0, Number.POSITIVE_INFINITY)].flat()).toEqual([...REDACTION_OF]);
    await ledger.close();
    expect(report(file)).toMatchObject({ verdict: 'VALID', payloads: { erased: 3 }, problems: [] });
  });
});

describe('redactions by whoever holds the key', () => {
  const origin = 'if-witness/000102030405060708ff';
  const salt = new Uint8Array(32).fill(7);
  const digest = payloadDigestHex(salt, utf8Of('{"scope":{"user":"alice"}}'));
  const budget = controlEntry('budget', '{"action":"remove","budget":"b"}', `,"payload":"${digest}"`);
  const gap = controlEntry('gap', '{"count":1,"reason":"r","since":"1","source":"s","until":"2"}');

  /** Genesis, a budget with a payload, gaps, then a redaction with this body as entry `seq`, and a gap behind it. */
  async function forged(
    body: (leaf: string) => string,
    {
      seq = 2,
      more = ',"critical":true',
      listed = '1',
    }: { seq?: number; more?: string; listed?: string | undefined } = {},
  ): Promise<{ file: string; key: Awaited<ReturnType<typeof keyPair>>['key'] }> {
    const { signer, vkey, key } = await keyPair(origin, 7);
    let leaf = '';
    // The entry behind the budget knows its leaf hash as prev.
    const watched = (write: (place: Place) => string) => (place: Place) => {
      if (place.seq === 2) leaf = place.prev;
      return write(place);
    };
    const middle = Array.from({ length: seq - 2 }, () => watched(gap));
    const redaction = watched((place) => controlEntry('redaction', body(leaf), more)(place));
    const file = await forgeLedger(before.path, {
      origin,
      signer,
      batches: [[genesisOf(origin, vkey)], [budget, ...middle], [redaction], [gap]],
    });
    if (listed !== '') editInPlace(file, (db) => db.exec(`INSERT INTO erased VALUES (${listed}, ${seq})`));
    return { file, key };
  }

  const bodyOf = (target: number | string, leaf: string, reason = '"r"') =>
    `{"leaf":"${leaf}","reason":${reason},"target":${target}}`;

  test.each([2, 3, 9])('that keep the rules are VALID (as entry %i), of a budget too', async (seq) => {
    const { file, key } = await forged((leaf) => bodyOf(1, leaf), { seq });
    expect(verifyFile(file, { key })).toMatchObject({
      verdict: 'VALID',
      payloads: { present: 0, erased: 1, missing: 0 },
    });
  });

  test('a payload of a budget that is gone without one is INCOMPLETE, and listed', async () => {
    const { signer, vkey, key } = await keyPair(origin, 7);
    const file = await forgeLedger(before.path, {
      origin,
      signer,
      batches: [[genesisOf(origin, vkey)], [budget, gap]],
    });
    const result = verifyFile(file, { key });
    expect(result).toMatchObject({ code: 'incomplete.payloads', payloads: { present: 0, erased: 0, missing: 1 } });
    expect(found(result)).toEqual([at('payload.missing', 1)]);
  });

  test.each<[string, (leaf: string) => string]>([
    ['of itself', (leaf) => bodyOf(2, leaf)],
    ['of a later entry', (leaf) => bodyOf(3, leaf)],
    ['of an entry that will never be', (leaf) => bodyOf(2 ** 53 - 1, leaf)],
    ['of genesis, which has no payload', (leaf) => bodyOf(0, leaf)],
  ])('%s are INVALID', async (_, body) => {
    const { file, key } = await forged(body, { listed: '' });
    const codes = found(verifyFile(file, { key }));
    expect(codes).toContain(at('redaction.target', 2));
  });

  test.each<[string, (leaf: string) => string]>([
    [
      'another leaf',
      (leaf) =>
        bodyOf(
          1,
          leaf.replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
        ),
    ],
    ['a shorter leaf', (leaf) => bodyOf(1, leaf.slice(1))],
    ['a leaf in capitals', (leaf) => bodyOf(1, leaf.toUpperCase())],
  ])('with %s are INVALID', async (_, body) => {
    const { file, key } = await forged(body);
    expect(found(verifyFile(file, { key }))).toContain(at('redaction.leaf', 2));
  });

  test.each<[string, (leaf: string) => string, string]>([
    ['that are not critical', (leaf) => bodyOf(1, leaf), ''],
    ['without a reason', (leaf) => `{"leaf":"${leaf}","target":1}`, ',"critical":true'],
    ['with a reason that is no text', (leaf) => bodyOf(1, leaf, '7'), ',"critical":true'],
    ['without a leaf', () => '{"reason":"r","target":1}', ',"critical":true'],
    ['with a target in text', (leaf) => bodyOf('"1"', leaf), ',"critical":true'],
    ['without a target', (leaf) => `{"leaf":"${leaf}","reason":"r"}`, ',"critical":true'],
  ])('%s are INVALID', async (_, body, more) => {
    const { file, key } = await forged(body, { more });
    expect(found(verifyFile(file, { key }))).toContain(at('redaction.malformed', 2));
  });
});

describe('the writer refuses to append a redaction', () => {
  test.each<[string, (leaf: string) => object, boolean]>([
    ['with another leaf', () => ({ leaf: '0'.repeat(64), reason: 'r', target: 8 }), true],
    ['of an entry that is not there', (leaf) => ({ leaf, reason: 'r', target: 99 }), true],
    ['of one without payload', () => ({ leaf: leafOf(0), reason: 'r', target: 0 }), true],
    ['that is not critical', (leaf) => ({ leaf, reason: 'r', target: 8 }), false],
  ])('%s', async (_, body, critical) => {
    const copy = copyLedger(before.path);
    const ledger = await Ledger.open({ home: before.home, ledger: copy });
    const draft = { type: 'redaction', body: body(leafOf(8)) as never, ...(critical ? { critical } : {}) } as const;
    await expect(ledger.append([draft])).rejects.toMatchObject({ code: 'redaction' });
    await ledger.append([spanDraft(77)]);
    await ledger.close();
    expect(report(copy)).toMatchObject({ verdict: 'VALID', payloads: { present: SPANS + 1, erased: 0 } });
  });

  function leafOf(seq: number): string {
    const reader = LedgerReader.open(before.path);
    try {
      return leafHashHex(reader.entryText(seq)!);
    } finally {
      reader.close();
    }
  }
});

describe('a large ledger, judged by two threads,', { timeout: 120_000 }, () => {
  let large: Built;
  let file: string;
  const targets = [1, 2, 700, 9_999, 10_000, 20_500, ...Array.from({ length: 600 }, (_, i) => 15_000 + 3 * i)];
  beforeAll(async () => {
    large = await buildLedger({ batches: Array.from({ length: 10 }, () => 2_050) });
    file = await redacted(
      large,
      [...targets].sort((a, b) => a - b),
    );
  }, 120_000);

  const threads = async (ledger: string) =>
    (await verifyInThreads({ home: large.home, ledger }, { key: large.key })).report;

  test('with what was erased in all of its parts is VALID', async () => {
    const expected = {
      verdict: 'VALID',
      payloads: { present: 20_500 - targets.length, erased: targets.length, missing: 0 },
    };
    expect(await threads(file)).toMatchObject(expected);
    expect(verifyFile(file, { key: large.key })).toMatchObject(expected);
  });

  test.each([2, 10_000, 20_500])('with the payload of entry %i back is INVALID', async (seq) => {
    const changed = attack(file, (db) => {
      db.prepare('ATTACH ? AS old').run(large.path);
      db.prepare('INSERT INTO payloads SELECT * FROM old.payloads WHERE seq = ?').run(seq);
      db.exec('DETACH old');
    });
    expect(found(await threads(changed))).toEqual([at('payload.returned', seq)]);
  });

  test.each([1, 15_003, 20_500])('with entry %i no longer listed is INVALID', async (seq) => {
    const changed = attack(file, (db) => db.exec(`DELETE FROM erased WHERE seq = ${seq}`));
    expect(found(await threads(changed))).toEqual([at('erased.missing', seq)]);
  });

  test.each([3, 15_001, 20_499])('with the payload of entry %i gone without a word is INCOMPLETE', async (seq) => {
    const changed = attack(file, (db) => db.exec(`DELETE FROM payloads WHERE seq = ${seq}`));
    const result = await threads(changed);
    expect(result).toMatchObject({ verdict: 'INCOMPLETE', payloads: { missing: 1 } });
    expect(found(result)).toEqual([at('payload.missing', seq)]);
  });
});
