/** Attack matrix: entries deleted, inserted, swapped, renumbered; no genesis; a tail cut off or hung on. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { attack, type FreeHands } from './edits.js';
import { at, type Built, buildLedger, found, newDirectory, verifyFile } from './ledger-files.js';

/** Genesis and batches of 3, 5 and 9: checkpoints at 1, 4, 9 and 18. */
let built: Built;
beforeAll(async () => {
  built = await buildLedger({ batches: [3, 5, 9] });
});

function expectInvalid(path: string, ...expected: string[]): void {
  const report = verifyFile(path, { key: built.key });
  expect(report).toMatchObject({ verdict: 'INVALID', exitCode: 1 });
  for (const problem of expected) expect(found(report)).toContain(problem);
  expect(report.problems.find(({ seq }) => seq !== undefined)?.seq).toBe(Number(expected[0]!.split('@')[1]));
}

const ALL = ['entries', 'payloads'] as const;
const remove = (db: FreeHands, where: string): void => {
  for (const table of ALL) db.exec(`DELETE FROM ${table} WHERE seq ${where}`);
};
/** Gives entry `from` the number `to`, with its payload and the rest of its row. */
const renumber = (db: FreeHands, from: number, to: number): void => {
  for (const table of ALL) db.exec(`UPDATE ${table} SET seq = ${to} WHERE seq = ${from}`);
};
const insertCopy = (db: FreeHands, of: number, as: number | bigint): void => {
  db.prepare(
    `INSERT INTO entries SELECT ?, segment, type, trace_id, span_id, business, business_parent, entry FROM entries WHERE seq = ${of}`,
  ).run(as);
};

describe('deleted', () => {
  test.each([1, 2, 3, 4, 8, 9, 16])('entry %i is missing', (seq) => {
    expectInvalid(
      attack(built.path, (db) => remove(db, `= ${seq}`)),
      at('entry.missing', seq),
    );
  });

  test('the last entry is missing: a checkpoint covers it', () => {
    expectInvalid(
      attack(built.path, (db) => remove(db, '= 17')),
      at('entry.missing', 17),
    );
  });

  test('a range is missing, at its first', () => {
    expectInvalid(
      attack(built.path, (db) => remove(db, 'BETWEEN 5 AND 11')),
      at('entry.missing', 5),
    );
  });

  test('entry 4, the rest renumbered to close the gap', () => {
    const path = attack(built.path, (db) => {
      remove(db, '= 4');
      for (let seq = 5; seq < 18; seq++) renumber(db, seq, seq - 1);
    });
    expectInvalid(path, at('entry.prev', 4), at('entry.seq', 4), at('entry.missing', 17));
  });
});

describe('inserted', () => {
  test('a copy of entry 5 behind the last', () => {
    expectInvalid(
      attack(built.path, (db) => insertCopy(db, 5, 18)),
      at('entry.seq', 18),
      at('entry.uncovered', 18),
    );
  });

  test('a copy of entry 5 at 6, the rest moved up', () => {
    const path = attack(built.path, (db) => {
      for (let seq = 17; seq >= 6; seq--) renumber(db, seq, seq + 1);
      insertCopy(db, 5, 6);
    });
    expectInvalid(path, at('entry.prev', 6), at('entry.seq', 6));
  });

  test.each([-1n, -(2n ** 53n), -(2n ** 63n)])('a row at seq %i', (seq) => {
    expectInvalid(
      attack(built.path, (db) => insertCopy(db, 5, seq)),
      at('entry.seq', 0),
    );
  });

  test.each([10n ** 9n, 2n ** 53n - 1n])('a row at seq %i', (seq) => {
    expectInvalid(
      attack(built.path, (db) => insertCopy(db, 5, seq)),
      at('entry.missing', 18),
    );
  });

  test.each([2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n])('a row at seq %i', (seq) => {
    expectInvalid(
      attack(built.path, (db) => insertCopy(db, 5, seq)),
      at('entry.seq', 18),
    );
  });
});

describe('out of order', () => {
  test.each([
    [1, 2],
    [5, 6],
    [5, 12],
    [16, 17],
  ])('a swapped pair, %i and %i, is reported at the first one', (a, b) => {
    const path = attack(built.path, (db) => {
      renumber(db, a, 1_000);
      renumber(db, b, a);
      renumber(db, 1_000, b);
    });
    expectInvalid(path, at('entry.seq', a), at('entry.seq', b));
  });

  test('a swapped pair of entry texts alone', () => {
    const path = attack(built.path, (db) => {
      const text = db.prepare('SELECT entry FROM entries WHERE seq = ?').pluck();
      const [a, b] = [text.get(5), text.get(6)];
      const set = db.prepare('UPDATE entries SET entry = ? WHERE seq = ?');
      set.run(b, 5);
      set.run(a, 6);
    });
    expectInvalid(path, at('entry.seq', 5), at('entry.column', 5), at('entry.seq', 6));
  });

  test('every entry after the fourth moved up by one', () => {
    const path = attack(built.path, (db) => {
      for (let seq = 17; seq > 4; seq--) renumber(db, seq, seq + 1);
    });
    expectInvalid(path, at('entry.missing', 5));
  });
});

describe('the head of the chain', () => {
  test('no genesis entry', () => {
    expectInvalid(
      attack(built.path, (db) => remove(db, '= 0')),
      at('entry.missing', 0),
    );
  });

  test('no entries and no checkpoints at all', () => {
    const path = attack(built.path, (db) => {
      for (const table of ['entries', 'payloads', 'contexts', 'checkpoints', 'nodes']) db.exec(`DELETE FROM ${table}`);
    });
    expectInvalid(path, at('genesis.missing', 0));
  });

  test('no genesis, the rest renumbered from 0', () => {
    const path = attack(built.path, (db) => {
      remove(db, '= 0');
      for (let seq = 1; seq < 18; seq++) renumber(db, seq, seq - 1);
    });
    expectInvalid(path, at('genesis.malformed', 0), at('entry.prev', 0), at('entry.seq', 0));
  });

  test('an empty file', () => {
    const path = join(newDirectory(), 'witness.db');
    writeFileSync(path, '');
    const report = verifyFile(path, { key: built.key });
    expect(report.verdict).toBe('INVALID');
    expect(found(report)).toContain('store.schema');
  });
});

describe('the end of the chain', () => {
  test.each([0, 3, 4, 8, 9, 16])('cut after entry %i, its checkpoints left', (seq) => {
    expectInvalid(
      attack(built.path, (db) => remove(db, `> ${seq}`)),
      at('entry.missing', seq + 1),
    );
  });

  test('entries beyond the newest checkpoint', () => {
    expectInvalid(
      attack(built.path, (db) => db.exec('DELETE FROM checkpoints WHERE size = 18')),
      at('entry.uncovered', 9),
    );
  });

  test('entries beyond, and the checkpoint that they name removed too', () => {
    expectInvalid(
      attack(built.path, (db) => db.exec('DELETE FROM checkpoints WHERE size >= 9')),
      at('entry.uncovered', 4),
      at('checkpoint.missing', 9),
    );
  });

  test('every checkpoint removed', () => {
    expectInvalid(
      attack(built.path, (db) => db.exec('DELETE FROM checkpoints')),
      at('entry.uncovered', 0),
    );
  });
});
