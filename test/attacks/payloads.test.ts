/** Attack matrix: payloads and the contexts that they share, which the entries bind by digest alone. */
import { encodeSpanPayload } from '@infrafabric/format';
import { draftSpan } from '@infrafabric/ledger';
import { beforeAll, describe, expect, test } from 'vitest';
import { attack, attackUntyped, editBlob, flipBit } from './edits.js';
import { at, type Built, buildLedger, found, verifyFile } from './ledger-files.js';
import { spanRecord } from './spans.js';

/** Genesis, eight spans, a gap, eight spans; the last one has a payload of 40 kB and a resource of its own. */
let built: Built;
const LARGE = 17;
const GAP = 9;
beforeAll(async () => {
  built = await buildLedger({
    batches: [9, 8],
    draft: (seq) => {
      if (seq === GAP) {
        return { type: 'gap', body: { count: 1, reason: 'spool.full', since: '1', source: 'test', until: '2' } };
      }
      const record = spanRecord(seq);
      if (seq !== LARGE) return draftSpan(record);
      const resource = { ...record.resource, attributes: [['service.name', 'a service of its own'] as const] };
      return draftSpan({ ...record, resource, attributes: [...record.attributes, ['prompt', 'x'.repeat(40_000)]] });
    },
  });
});

const report = (path: string) => verifyFile(path, { key: built.key });
const problems = (path: string) => found(report(path));

test('the ledger as written is VALID', () => {
  expect(report(built.path)).toMatchObject({ verdict: 'VALID', payloads: { present: 16, missing: 0 }, problems: [] });
});

describe.each([1, 8, 10, LARGE])('the payload of entry %i', (seq) => {
  test.each<[string, (octets: Buffer) => Buffer]>([
    ['one bit of its first octet', (b) => flipBit(b, 0)],
    ['one bit in its middle', (b) => flipBit(b, b.length >> 1, 5)],
    ['one bit of its last octet', (b) => flipBit(b, b.length - 1, 7)],
    ['its last octet cut off', (b) => b.subarray(0, -1)],
    ['an octet appended', (b) => Buffer.concat([b, Buffer.alloc(1)])],
    ['everything cut off', () => Buffer.alloc(0)],
    ['resource and scope exchanged', (b) => Buffer.concat([b.subarray(32, 64), b.subarray(0, 32), b.subarray(64)])],
  ])('with %s changed is INVALID', (_, change) => {
    const path = attack(built.path, (db) => editBlob(db, 'payloads', 'payload', seq, change));
    expect(problems(path)).toContain(at('payload.digest', seq));
  });

  test('under another salt is INVALID', () => {
    const path = attack(built.path, (db) => editBlob(db, 'payloads', 'salt', seq, (salt) => flipBit(salt, 31)));
    expect(problems(path)).toContain(at('payload.digest', seq));
  });

  test.each([-1, 1, 5])('with the boundary between salt and payload moved by %i is INVALID', (by) => {
    const path = attack(built.path, (db) => {
      const row = db.prepare('SELECT salt, payload FROM payloads WHERE seq = ?').raw().get(seq) as [Buffer, Buffer];
      const all = Buffer.concat(row);
      const set = db.prepare('UPDATE payloads SET salt = ?, payload = ? WHERE seq = ?');
      set.run(all.subarray(0, 32 + by), all.subarray(32 + by), seq);
    });
    expect(problems(path)).toContain(at('payload.digest', seq));
  });

  test.each(['salt', 'payload'])('with its %s in another storage class is INVALID', (column) => {
    const path = attackUntyped(built.path, (db) =>
      db.exec(`UPDATE payloads SET ${column} = CAST(${column} AS TEXT) WHERE seq = ${seq}`),
    );
    expect(problems(path)).toContain(at('payload.digest', seq));
  });

  test('gone without a redaction entry is INCOMPLETE, and listed', () => {
    const path = attack(built.path, (db) => {
      db.exec(`DELETE FROM payloads WHERE seq = ${seq}`);
      if (seq === LARGE) dropUnnamed(db);
    });
    const result = report(path);
    expect(result).toMatchObject({ verdict: 'INCOMPLETE', code: 'incomplete.payloads', exitCode: 3 });
    expect(result).toMatchObject({ payloads: { present: 15, missing: 1 } });
    expect(found(result)).toEqual([at('payload.missing', seq)]);
  });

  test('gone where a redaction entry is only claimed is no better', () => {
    const path = attack(built.path, (db) => {
      db.exec(`DELETE FROM payloads WHERE seq = ${seq}`);
      db.exec(`UPDATE entries SET type = 'redaction' WHERE seq = ${GAP}`);
    });
    expect(problems(path)).toContain(at('entry.column', GAP));
  });
});

/** Context rows that no payload names any more. */
function dropUnnamed(db: Parameters<Parameters<typeof attack>[1]>[0]): void {
  db.exec(`DELETE FROM contexts WHERE NOT EXISTS (SELECT 1 FROM payloads
    WHERE substr(payload, 1, 32) = digest OR substr(payload, 33, 32) = digest)`);
}

test('all payloads gone is INCOMPLETE, and counted', () => {
  const path = attack(built.path, (db) => db.exec('DELETE FROM payloads; DELETE FROM contexts'));
  expect(report(path)).toMatchObject({ verdict: 'INCOMPLETE', payloads: { present: 0, missing: 16 } });
});

describe('two payloads', () => {
  test('exchanged are both INVALID', () => {
    const path = attack(built.path, (db) => {
      for (const [from, to] of [
        [3, 1_000],
        [4, 3],
        [1_000, 4],
      ]) {
        db.exec(`UPDATE payloads SET seq = ${to} WHERE seq = ${from}`);
      }
    });
    expect(problems(path)).toEqual([at('payload.digest', 3), at('payload.digest', 4)]);
  });
});

describe('a payload where none was signed', () => {
  test.each([
    ['genesis', 0n],
    ['a gap', BigInt(GAP)],
    ['no entry at all', 1_000n],
    ['a seq below every entry', -1n],
    ['the least rowid', -(2n ** 63n)],
    ['the greatest rowid', 2n ** 63n - 1n],
  ])('for %s is INVALID', (_, seq) => {
    const path = attack(built.path, (db) =>
      db.prepare('INSERT INTO payloads SELECT ?, salt, payload FROM payloads WHERE seq = 1').run(seq),
    );
    expect(problems(path)).toContain(at('payload.unexpected', Number(seq)));
  });
});

describe('a context', () => {
  const row = (where: string) => `(SELECT digest FROM contexts WHERE ${where} LIMIT 1)`;

  test.each([
    [
      'one octet longer',
      "UPDATE contexts SET context = CAST(context || x'00' AS BLOB) WHERE kind = 'resource'",
      'context.digest',
    ],
    ['of the other kind', "UPDATE contexts SET kind = 'scope' WHERE kind = 'resource'", 'context.digest'],
    ['of an unknown kind', "UPDATE contexts SET kind = 'link' WHERE kind = 'resource'", 'context.digest'],
    ['under another digest', "UPDATE contexts SET digest = zeroblob(32) WHERE kind = 'scope'", 'context.digest'],
    ['removed', "DELETE FROM contexts WHERE kind = 'scope'", 'context.missing@1'],
    [
      'removed, the one that only one payload names',
      `DELETE FROM contexts WHERE instr(context, 'of its own') > 0`,
      'context.missing@17',
    ],
  ])('%s is INVALID', (_, sql, problem) => {
    const path = attack(built.path, (db) => expect(db.prepare(sql).run().changes).toBeGreaterThan(0));
    expect(problems(path)).toContain(problem);
  });

  test('that no payload names is INVALID, though its digest is its own', () => {
    const path = attack(built.path, (db) => db.exec(`DELETE FROM payloads WHERE seq = ${LARGE}`));
    expect(report(path).verdict).toBe('INVALID');
    expect(problems(path)).toContain('context.unreferenced');
  });

  test('in another storage class is INVALID', () => {
    const path = attackUntyped(built.path, (db) =>
      db.exec(`UPDATE contexts SET context = CAST(context AS TEXT) WHERE digest = ${row("kind = 'scope'")}`),
    );
    expect(report(path).verdict).toBe('INVALID');
  });

  test('with U+FFFD in its kind in place of malformed octets is INVALID', () => {
    const path = attack(built.path, (db) =>
      db.exec("UPDATE contexts SET kind = CAST(x'7265ff' AS TEXT) WHERE kind = 'scope'"),
    );
    expect(problems(path)).toContain('context.digest');
  });
});

test('each of many contexts is looked at', async () => {
  const many = await buildLedger({
    batches: [30],
    seed: 'many contexts',
    draft: (seq) => {
      const record = spanRecord(seq);
      return draftSpan({
        ...record,
        resource: { ...record.resource, attributes: [['service.name', `service ${seq}`]] },
      });
    },
  });
  expect(verifyFile(many.path, { key: many.key })).toMatchObject({ verdict: 'VALID', problems: [] });
  for (let skip = 0; skip < 31; skip++) {
    const path = attack(many.path, (db) => {
      const one = `(SELECT digest FROM contexts ORDER BY digest LIMIT 1 OFFSET ${skip})`;
      db.exec(`UPDATE contexts SET context = CAST(context || x'00' AS BLOB) WHERE digest = ${one}`);
    });
    expect(problems(path)).toContain('context.digest');
  }
});

test('the digest binds the contexts: a payload built from others has another one', () => {
  const [a, b] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  const span = Buffer.from([1]);
  expect(encodeSpanPayload(a, b, span)).not.toEqual(encodeSpanPayload(b, a, span));
});
