/** The derived accounts: whatever the order and the pieces in which entries arrive, they say what a count of all says. */
import { chmodSync, existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyValue } from '@infrafabric/otlp';
import Sqlite from 'better-sqlite3';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { newDirectory, seededSources } from '../../../test/attacks/ledger-files.js';
import { spanRecord } from '../../../test/attacks/spans.js';
import { Accounts, accountsFile, addSums, noSums, type Sums, totalPico } from '../dist/accounts/accounts.js';
import { draftSpan, Ledger } from '../dist/index.js';
import { LedgerReader } from '../dist/reader.js';

let home: string;
beforeEach(() => {
  home = join(newDirectory(), 'home');
});

const TRACE = 'aa'.repeat(16);
const MINUTE = 60_000_000_000n;

interface Told {
  readonly trace?: string;
  readonly span: number;
  readonly parent?: number;
  readonly scope?: string;
  readonly start?: bigint;
  readonly end?: bigint;
  readonly attributes?: readonly KeyValue[];
}

const id = (n: number) => n.toString(16).padStart(16, '0');

function drafted({
  trace = TRACE,
  span,
  parent,
  scope = 'demo',
  start = 0n,
  end = start + 1_000n,
  attributes = [],
}: Told) {
  const record = spanRecord(1);
  return draftSpan({
    ...record,
    traceId: trace,
    spanId: id(span),
    parentSpanId: parent === undefined ? '' : id(parent),
    scope: { ...record.scope, name: scope },
    startUnixNano: start,
    endUnixNano: end,
    attributes,
  });
}

const tokens = (input: number, output: number, cost?: string, ...more: KeyValue[]): KeyValue[] => [
  ['gen_ai.usage.input_tokens', BigInt(input)],
  ['gen_ai.usage.output_tokens', BigInt(output)],
  ['gen_ai.request.model', 'some-model'],
  ...(cost === undefined ? [] : [['witness.cost.usd', cost] as KeyValue]),
  ...more,
];

async function append(...batches: (readonly Told[])[]): Promise<void> {
  const ledger = await Ledger.open({ home, sources: seededSources('accounts') });
  for (const batch of batches) await ledger.append(batch.map(drafted));
  await ledger.close();
}

function withAccounts<T>(use: (accounts: Accounts) => T, options: { scratch?: boolean } = {}): T {
  const reader = LedgerReader.open(join(home, 'witness.db'));
  try {
    const accounts = Accounts.open(reader, { home, ...options });
    try {
      return use(accounts);
    } finally {
      accounts.close();
    }
  } finally {
    reader.close();
  }
}

const summed = (rows: Iterable<{ readonly sums: Sums }>): Sums => {
  const sums = noSums();
  for (const row of rows) addSums(sums, row.sums);
  return sums;
};

/** Everything that the accounts say, comparable. */
const everything = (accounts: Accounts) => ({
  calls: [...accounts.calls()],
  rollups: [...accounts.rollups()].sort((a, b) =>
    JSON.stringify([a.model, a.currency, a.card]).localeCompare(JSON.stringify([b.model, b.currency, b.card])),
  ),
  notCounted: accounts.notCounted(),
});

describe('the accounts', () => {
  test('sum calls, leave containers out, and say why', async () => {
    await append([
      { span: 1, attributes: tokens(30, 3, '0.03') },
      { span: 2, parent: 1 },
      { span: 3, parent: 2, attributes: tokens(10, 1, '0.01') },
      { span: 4, parent: 2, attributes: tokens(20, 2) },
    ]);
    withAccounts((accounts) => {
      expect(summed(accounts.rollups())).toMatchObject({ calls: 2n, input: 30n, output: 3n, unpriced: 1n });
      expect(totalPico(summed(accounts.calls()))).toBe(10_000_000_000n);
      expect(accounts.verdictOf(1)).toMatchObject({ counts: false, why: 'container' });
      expect(accounts.verdictOf(3)).toMatchObject({ counts: true, why: undefined });
      expect(accounts.verdictOf(2)).toBeUndefined();
      expect(accounts.size).toBe(5);
    });
  });

  test('take a call back when its child arrives later, also through a span between them', async () => {
    await append([{ span: 1, attributes: tokens(10, 1, '0.01') }]);
    expect(withAccounts((accounts) => summed(accounts.rollups()))).toMatchObject({
      calls: 1n,
      reported: 10_000_000_000n,
    });
    await append([{ span: 3, parent: 2, attributes: tokens(7, 2, '0.02') }]);
    expect(withAccounts((accounts) => summed(accounts.rollups()))).toMatchObject({
      calls: 2n,
      reported: 30_000_000_000n,
    });
    await append([{ span: 2, parent: 1 }]);
    const after = withAccounts((accounts) => [summed(accounts.rollups()), accounts.verdictOf(1)] as const);
    expect(after[0]).toMatchObject({ calls: 1n, input: 7n, output: 2n, reported: 20_000_000_000n });
    expect(after[1]).toMatchObject({ counts: false, by: 2 });
  });

  test('count one of two calls with the same response id in different traces', async () => {
    const answered: KeyValue = ['gen_ai.response.id', 'resp_1'];
    await append([{ span: 1, attributes: tokens(5, 5, '0.5', answered) }]);
    await append([{ trace: 'bb'.repeat(16), span: 2, scope: 'other', attributes: tokens(5, 5, undefined, answered) }]);
    withAccounts((accounts) => {
      expect(summed(accounts.calls())).toMatchObject({
        calls: 1n,
        input: 5n,
        reported: 500_000_000_000n,
        unpriced: 0n,
      });
      expect(accounts.notCounted().size).toBe(1);
    });
  });

  test('do not count other content under the ids of an earlier span', async () => {
    await append([{ span: 1, attributes: tokens(1, 1, '1') }], [{ span: 1, attributes: tokens(2, 2, '2') }]);
    withAccounts((accounts) => {
      expect(summed(accounts.rollups()).calls).toBe(1n);
      expect([1, 2].map((seq) => accounts.verdictOf(seq)?.counts).sort()).toEqual([false, true]);
    });
  });

  test('follow adjustments, the newest of several', async () => {
    await append([{ span: 1, attributes: tokens(1, 1) }]);
    expect(withAccounts((accounts) => summed(accounts.rollups()).unpriced)).toBe(1n);
    const ledger = await Ledger.open({ home });
    const { entry, text } = (() => {
      const reader = LedgerReader.open(ledger.paths.ledger);
      const stored = reader.entry(1)!;
      reader.close();
      return stored;
    })();
    expect(entry.type).toBe('span');
    const { leafHashHex } = await import('@infrafabric/format');
    const adjust = (cost: string) => ({
      type: 'adjustment' as const,
      body: { charge: { cost, currency: 'USD', source: 'computed' }, leaf: leafHashHex(text), reason: 'r', target: 1 },
    });
    await ledger.append([adjust('5')]);
    await ledger.append([adjust('6'), adjust('7')]);
    await ledger.close();
    for (const options of [{}, { scratch: true }])
      expect(withAccounts((accounts) => summed(accounts.rollups()), options)).toMatchObject({
        unpriced: 0n,
        computed: 7n,
      });
  });

  test('name no rate card once the last price from it was replaced, and leave no row of nothing', async () => {
    await append([{ span: 1, attributes: tokens(1, 1) }], [{ span: 2, start: MINUTE, attributes: tokens(1, 1) }]);
    const { leafHashHex } = await import('@infrafabric/format');
    const leaves = (() => {
      const reader = LedgerReader.open(join(home, 'witness.db'));
      const texts = [1, 2].map((seq) => leafHashHex(reader.entryText(seq)!));
      reader.close();
      return texts;
    })();
    const ledger = await Ledger.open({ home });
    const price = (target: number, cost: string, card: string) => ({
      type: 'adjustment' as const,
      body: {
        charge: { cost, currency: 'USD', rated: { card, cost, match: 'exact' }, source: 'computed' },
        leaf: leaves[target - 1]!,
        reason: 'r',
        target,
      },
    });
    const cards = () => withAccounts((accounts) => [...accounts.rollups()].map(({ card }) => card).sort());
    await ledger.append([price(1, '5', 'old'), price(2, '5', 'old')]);
    expect(cards()).toEqual(['old']);
    await ledger.append([price(1, '6', 'new')]);
    expect(cards()).toEqual(['new', 'old']);
    await ledger.append([price(2, '6', 'new')]);
    expect(cards()).toEqual(['new']);
    await ledger.close();
    expect(withAccounts(everything)).toEqual(withAccounts(everything, { scratch: true }));
  });

  test('keep money exact beyond what an integer column holds', async () => {
    const spans = Array.from({ length: 4 }, (_, i) => ({
      span: i + 1,
      attributes: tokens(1, 1, '8999999.999999999999'),
    }));
    await append(spans);
    withAccounts((accounts) => {
      expect(summed(accounts.rollups()).reported).toBe(4n * 8_999_999_999_999_999_999n);
      expect(accounts.spent({}, undefined, undefined).pico).toBe(4n * 8_999_999_999_999_999_999n);
    });
  });

  test('meet any bound of time exactly', async () => {
    await append(
      Array.from({ length: 60 }, (_, i) => ({
        span: i + 1,
        start: BigInt(i) * MINUTE,
        attributes: tokens(1, 1, '0.01'),
      })),
    );
    withAccounts((accounts) => {
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 61 }), fc.integer({ min: 0, max: 61 }), (a, b) => {
          const range = { sinceUnixNano: BigInt(a) * MINUTE, untilUnixNano: BigInt(b) * MINUTE };
          const expected = BigInt(Math.max(0, Math.min(b, 60) - a));
          expect(summed(accounts.rollups(range)).calls).toBe(expected);
          expect(summed(accounts.calls(range)).calls).toBe(expected);
        }),
      );
      expect(summed(accounts.rollups({ sinceUnixNano: 30n * MINUTE })).calls).toBe(30n);
      expect(summed(accounts.rollups({ untilUnixNano: 20n * MINUTE })).calls).toBe(20n);
    });
  });

  test('know session, user and flow of a call', async () => {
    const flow = (own: string, parent?: string): KeyValue[] => [
      ['witness.trace.id', own],
      ...(parent === undefined ? [] : [['witness.trace.parent_id', parent] as KeyValue]),
    ];
    await append([
      { span: 1, attributes: [...tokens(1, 1), ...flow('top'), ['session.id', 's1'], ['user.id', 'ann']] },
      { trace: 'bb'.repeat(16), span: 2, attributes: [...tokens(2, 1), ...flow('child', 'top')] },
      { trace: 'cc'.repeat(16), span: 3, attributes: flow('grandchild', 'child') },
      { trace: 'cc'.repeat(16), span: 4, parent: 3, attributes: [...tokens(4, 1), ...flow('grandchild')] },
      { trace: 'dd'.repeat(16), span: 5, attributes: [...tokens(8, 1), ...flow('a', 'b')] },
      { trace: 'ee'.repeat(16), span: 6, attributes: [...tokens(16, 1), ...flow('b', 'a')] },
    ]);
    withAccounts((accounts) => {
      expect(summed(accounts.calls({}, { business: 'top' })).input).toBe(7n);
      expect(summed(accounts.calls({}, { business: 'child' })).input).toBe(6n);
      expect(summed(accounts.calls({}, { business: 'a' })).input).toBe(24n);
      expect([...accounts.calls()].map(({ rootBusiness }) => rootBusiness).slice(0, 3)).toEqual(['top', 'top', 'top']);
      expect([...accounts.calls({}, { session: 's1', user: 'ann' })].map(({ seq }) => seq)).toEqual([1]);
      expect(accounts.spent({ session: 's2' }, undefined, undefined)).toEqual({
        pico: 0n,
        estimatedPico: 0n,
        unpriced: 0,
        unknown: 0,
      });
    });
  });
});

describe('in whatever pieces and order', () => {
  const told = fc.record({
    span: fc.integer({ min: 1, max: 12 }),
    parent: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
    trace: fc.constantFrom('aa'.repeat(16), 'bb'.repeat(16)),
    scope: fc.constantFrom('one', 'two'),
    start: fc.bigInt({ min: 0n, max: 40n * MINUTE }),
    usage: fc.option(fc.tuple(fc.constantFrom(1, 2, 3), fc.constantFrom(1, 2), fc.boolean()), { nil: undefined }),
    response: fc.option(fc.constantFrom('r1', 'r2'), { nil: undefined }),
  });

  test('entries arrive, the accounts end up the same', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(told, { minLength: 1, maxLength: 14 }),
        fc.integer({ min: 1, max: 5 }),
        async (all, size) => {
          home = join(newDirectory(), 'home');
          const spans = all.map(({ usage, response, ...rest }): Told => {
            const attributes =
              usage === undefined
                ? []
                : tokens(
                    usage[0],
                    usage[1],
                    usage[2] ? '0.01' : undefined,
                    ...(response === undefined ? [] : [['gen_ai.response.id', response] as KeyValue]),
                  );
            const { parent, ...told } = rest;
            return parent === undefined || parent === rest.span
              ? { ...told, attributes }
              : { ...told, parent, attributes };
          });
          for (let i = 0; i < spans.length; i += size) {
            await append(spans.slice(i, i + size));
            withAccounts(() => undefined);
          }
          expect(withAccounts(everything)).toEqual(withAccounts(everything, { scratch: true }));
          expect(withAccounts((accounts) => summed(accounts.rollups()))).toEqual(
            withAccounts((accounts) => summed(accounts.calls())),
          );
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('the file', () => {
  const calls = (): bigint => withAccounts((accounts) => summed(accounts.rollups()).calls);
  const file = (): string => {
    const reader = LedgerReader.open(join(home, 'witness.db'));
    const origin = String(reader.genesis()!.entry.body.origin);
    reader.close();
    return accountsFile(home, origin);
  };

  test('is private, and made again when it is damaged, of another version or of another state', async () => {
    await append([{ span: 1, attributes: tokens(1, 1) }]);
    expect(calls()).toBe(1n);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    for (const damage of [
      () => writeFileSync(file(), 'not a database'),
      () => edit("UPDATE state SET value = '0' WHERE name = 'version'; UPDATE rollup SET sums = '9'"),
      () => edit("UPDATE state SET value = 'ff' WHERE name = 'leaf'; DELETE FROM calls"),
      () => edit("UPDATE state SET value = '99' WHERE name = 'size'; DELETE FROM rollup"),
    ]) {
      damage();
      expect(calls()).toBe(1n);
    }
    function edit(sql: string): void {
      const db = new Sqlite(file());
      db.exec(sql);
      db.close();
    }
  });

  test('is done without where the home cannot be written', async () => {
    await append([{ span: 1, attributes: tokens(1, 1) }]);
    if (process.getuid?.() === 0) {
      // Root writes anywhere: a file in the place of the directory stops it too.
      writeFileSync(join(home, 'accounts'), '');
      expect(calls()).toBe(1n);
      return;
    }
    chmodSync(home, 0o500);
    expect(calls()).toBe(1n);
    expect(existsSync(join(home, 'accounts'))).toBe(false);
    chmodSync(home, 0o700);
  });

  test('is not believed by who asks for sums from scratch', async () => {
    await append([{ span: 1, attributes: tokens(1, 1) }]);
    expect(calls()).toBe(1n);
    const db = new Sqlite(file());
    db.exec("UPDATE rollup SET sums = '7,0,0,0,0,0,0,0,0,0,0'");
    db.close();
    expect(calls()).toBe(7n);
    expect(withAccounts((accounts) => summed(accounts.rollups()).calls, { scratch: true })).toBe(1n);
    expect(readdirSync(join(home, 'accounts')).length).toBeGreaterThan(0);
  });

  test('an entry that cannot be read is said, not passed over', async () => {
    await append([{ span: 1, attributes: tokens(1, 1) }]);
    const db = new Sqlite(join(home, 'witness.db'));
    db.exec("DROP TRIGGER entries_no_update; UPDATE entries SET entry = '{}' WHERE seq = 1");
    db.close();
    expect(calls).toThrow(/entry 1 cannot be read/);
  });
});

describe('several readers', () => {
  test('of different states do not undo each other, but an older copy in the place of the ledger is noticed', async () => {
    await append([{ span: 1, attributes: tokens(1, 1) }]);
    const path = join(home, 'witness.db');
    const old = LedgerReader.open(path);
    await append([{ span: 2, attributes: tokens(1, 1) }]);
    expect(withAccounts((accounts) => summed(accounts.rollups()).calls)).toBe(2n);
    const behind = Accounts.open(old, { home });
    expect([behind.size, summed(behind.rollups()).calls]).toEqual([3, 2n]);
    behind.close();
    old.close();
    const copy = LedgerReader.open(path);
    const older = {
      path,
      genesis: () => copy.genesis(),
      entryCount: () => 2,
      entryText: (seq: number) => (seq < 2 ? copy.entryText(seq) : undefined),
      entryTexts: (from: number, limit: number) => copy.entryTexts(from, limit).filter(([seq]) => seq < 2),
      seqsOfTrace: (id: string) => copy.seqsOfTrace(id).filter((seq) => seq < 2),
      payload: (seq: number) => copy.payload(seq),
    };
    const db = new Sqlite(path);
    db.exec('DROP TRIGGER entries_no_delete');
    db.exec('DELETE FROM entries WHERE seq = 2');
    db.close();
    const restored = Accounts.open(older, { home });
    expect([restored.size, summed(restored.rollups()).calls]).toEqual([2, 1n]);
    restored.close();
    copy.close();
  });
});
