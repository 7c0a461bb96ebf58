import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { BudgetError, Budgets, judgeAndAlert, openSpent, SpentByScan } from '@infrafabric/budgets';
import { Ledger } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { describe, expect, onTestFinished, test } from 'vitest';
import { entriesOf, openBudgets, spend, tempHome, USD } from './support.js';

const run = promisify(execFile);
const child = (name: string): string => fileURLToPath(new URL(`children/${name}.mjs`, import.meta.url));
const CENT = USD / 100n;

async function together(count: number, name: string, ...args: readonly string[]): Promise<string[]> {
  return Promise.all(
    Array.from({ length: count }, async () => (await run(process.execPath, [child(name), ...args])).stdout),
  );
}

describe('reservations', () => {
  test.each(['keep', 'commit'])(
    'of 50 processes that race for room for 10, exactly 10 are granted (%s)',
    { timeout: 180_000 },
    async (then) => {
      const home = tempHome();
      const { budgets } = await openBudgets(home);
      await budgets.set({ limitPico: USD });
      const answers = await together(50, 'reserve', home, then);
      expect(answers.filter((answer) => answer === 'granted')).toHaveLength(10);
      expect(answers.filter((answer) => answer === 'refused')).toHaveLength(40);
      const [standing] = budgets.standings();
      expect(standing!.spentPico + standing!.reservedPico).toBe(USD);
    },
  );

  test('of calls in one process are as exact', async () => {
    const { budgets } = await openBudgets(tempHome());
    await budgets.set({ limitPico: USD });
    const answers = await Promise.all(Array.from({ length: 30 }, () => budgets.reserve({ amountPico: 10n * CENT })));
    expect(answers.filter(({ granted }) => granted)).toHaveLength(10);
  });

  test('free themselves after a crash, when they expire', async () => {
    const clock = { now: BigInt(Date.now()) * 1_000_000n };
    const home = tempHome();
    const first = await openBudgets(home, clock);
    await first.budgets.set({ limitPico: USD });
    await first.budgets.reserve({ amountPico: USD, expiresAfterMs: 60_000 });
    const second = await openBudgets(home, clock);
    expect(await second.budgets.reserve({ amountPico: 1n })).toMatchObject({ granted: false });
    clock.now += 60_000n * 1_000_000n;
    expect(await second.budgets.reserve({ amountPico: USD })).toMatchObject({ granted: true });
  });

  test('are made in all budgets that hold, or in none', async () => {
    const { budgets } = await openBudgets(tempHome());
    await budgets.set({ limitPico: 10n * USD, name: 'all' });
    await budgets.set({ limitPico: USD, name: 'sip', scope: { component: 'sip' } });
    await budgets.set({ limitPico: 1n, name: 'other', scope: { component: 'other' } });
    const call = { scope: { component: 'sip', model: 'm' } };
    const granted = await budgets.reserve({ amountPico: USD, budgets: call });
    expect(granted).toMatchObject({ granted: true, budgets: ['all', 'sip'] });
    const refused = await budgets.reserve({ amountPico: 1n, budgets: call });
    expect(refused).toMatchObject({ granted: false, refusedBy: [{ budget: { name: 'sip' } }] });
    expect(budgets.standings({ name: 'all' })[0]).toMatchObject({ reservedPico: USD });
    // Without a word about the call, it is one of the budget for everything.
    expect(await budgets.reserve({ amountPico: 1n })).toMatchObject({ budgets: ['all'] });
  });

  test('end once: by commit or release', async () => {
    const { budgets } = await openBudgets(tempHome());
    await budgets.set({ limitPico: USD });
    const answer = await budgets.reserve({ amountPico: USD });
    if (!answer.granted) throw new Error('refused');
    await budgets.commit(answer.id, CENT);
    await expect(budgets.release(answer.id)).rejects.toThrow('is committed already');
    await expect(budgets.commit(answer.id, CENT)).rejects.toMatchObject({ code: 'reservation.unknown' });
    await expect(budgets.commit('00000000000000ff', CENT)).rejects.toThrow('there is no reservation');
    expect(budgets.standings()[0]).toMatchObject({ spentPico: CENT, reservedPico: 0n });
  });

  test.each(['before', 'after'])('count once when their span arrives %s the commit', async (when) => {
    const home = tempHome();
    const { ledger, budgets } = await openBudgets(home);
    await budgets.set({ limitPico: USD });
    const spanId = '0af7651916cd43dd';
    await budgets.reserve({ amountPico: 20n * CENT, spanId });
    if (when === 'before') await spend(ledger, { usd: '0.10', spanId });
    await budgets.commit(spanId, 12n * CENT);
    if (when === 'after') {
      expect(budgets.standings()[0]).toMatchObject({ spentPico: 12n * CENT });
      await spend(ledger, { usd: '0.10', spanId });
    }
    const expected = { spentPico: 10n * CENT, committedPico: 0n, reservedPico: 0n };
    expect(budgets.standings()[0]).toMatchObject(expected);
    expect((await openBudgets(home)).budgets.standings()[0]).toMatchObject(expected);
  });

  test('keep the word of the caller where the span has no cost', async () => {
    const { ledger, budgets } = await openBudgets(tempHome());
    await budgets.set({ limitPico: USD });
    const spanId = '0af7651916cd43dd';
    await budgets.reserve({ amountPico: 20n * CENT, spanId });
    await spend(ledger, { spanId, attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' } });
    await budgets.commit(spanId, 12n * CENT);
    expect(budgets.standings()[0]).toMatchObject({ spentPico: 12n * CENT, spans: { unknown: 1 } });
  });

  test('of nonsense are refused, and nothing is written', async () => {
    const home = tempHome();
    const { budgets } = await openBudgets(home);
    await expect(budgets.reserve({ amountPico: 1n })).rejects.toMatchObject({ code: 'budget.none' });
    await budgets.set({ limitPico: USD });
    await expect(budgets.reserve({ amountPico: 0n })).rejects.toThrow(RangeError);
    await expect(budgets.reserve({ amountPico: -1n })).rejects.toThrow(RangeError);
    await expect(budgets.reserve({ amountPico: 1n, expiresAfterMs: Number.NaN })).rejects.toThrow(RangeError);
    await expect(budgets.reserve({ amountPico: 1n, spanId: 'xyz' })).rejects.toThrow(BudgetError);
    await expect(budgets.reserve({ amountPico: 1n, budgets: { name: 'no' } })).rejects.toThrow(
      'there is no budget "no"',
    );
    expect(entriesOf(home, 'budget')).toHaveLength(1);
  });
});

describe('a change', () => {
  test('without name, scope and period is of the only budget there is; of none it makes a monthly one', async () => {
    const { budgets } = await openBudgets(tempHome());
    expect((await budgets.set({ limitPico: USD })).budget).toMatchObject({ name: 'month', period: { kind: 'month' } });
    const { budget, before } = await budgets.set({ limitPico: 2n * USD });
    expect([budget.name, budget.limitPico, before?.limitPico]).toEqual(['month', 2n * USD, USD]);
    await budgets.set({ limitPico: USD, period: { kind: 'day' } });
    await expect(budgets.set({ limitPico: USD })).rejects.toThrow('there are 2 budgets: day, month');
  });

  test('keeps what it does not name', async () => {
    const { budgets } = await openBudgets(tempHome());
    const scope = { component: 'IF.witness.sip', user: 'Zoé' };
    const levels = { notice: 1, warning: 2, error: 3 };
    await budgets.set({ limitPico: USD, scope, levels, zone: 'Asia/Kolkata', period: { kind: 'week' } });
    const { budget } = await budgets.set({ limitPico: 2n * USD });
    expect(budget).toMatchObject({
      name: 'week-if-witness-sip-user',
      scope,
      levels,
      zone: 'Asia/Kolkata',
      period: { kind: 'week' },
    });
  });

  test('makes a budget beside those of another scope or period', async () => {
    const { budgets } = await openBudgets(tempHome());
    await budgets.set({ limitPico: USD, scope: { component: 'c' } });
    await budgets.set({ limitPico: USD, period: { kind: 'month' } });
    await budgets.set({ limitPico: USD, period: { kind: 'rolling', hours: 24 } });
    await budgets.set({ limitPico: USD, scope: { component: 'C' } });
    await budgets.set({ limitPico: 2n * USD, scope: { component: 'c' } });
    expect(budgets.list().map(({ name, limitPico }) => [name, limitPico])).toEqual([
      ['month', USD],
      ['month-c', 2n * USD],
      ['month-c-2', USD],
      ['rolling-24h', USD],
    ]);
  });

  test('made by two processes at once is of one budget', async () => {
    const home = tempHome();
    const [one, two] = [await openBudgets(home), await openBudgets(home)];
    await Promise.all([one.budgets.set({ limitPico: USD }), two.budgets.set({ limitPico: 2n * USD })]);
    expect(one.budgets.list()).toHaveLength(1);
  });

  test('with a name or text that cannot be one is refused', async () => {
    const { budgets } = await openBudgets(tempHome());
    await expect(budgets.set({ limitPico: 1n, name: 'A b' })).rejects.toMatchObject({ code: 'budget.invalid' });
    await expect(budgets.set({ limitPico: 1n, scope: { model: '' } })).rejects.toMatchObject({
      code: 'budget.invalid',
    });
    await expect(budgets.set({ limitPico: 1n, scope: { model: '\ud800' } })).rejects.toMatchObject({
      code: 'budget.invalid',
    });
    await expect(budgets.set({ limitPico: 1n, scope: { model: 'x'.repeat(1025) } })).rejects.toThrow(
      '1 to 1024 octets',
    );
    await expect(budgets.remove('none')).rejects.toMatchObject({ code: 'budget.none' });
  });
});

describe('alerts', () => {
  test('ten charges of 0.10 reach all of 1.00', async () => {
    const home = tempHome();
    const { ledger, budgets } = await openBudgets(home);
    await budgets.set({ limitPico: USD, period: { kind: 'total' } });
    const given: string[] = [];
    for (let i = 0; i < 10; i++) {
      await spend(ledger, { usd: '0.10' });
      given.push(...(await budgets.judge()).map(({ level }) => `${i + 1} ${level}`));
    }
    expect(given).toEqual(['5 notice', '8 warning', '10 error']);
    expect(entriesOf(home, 'alert').map(({ entry }) => entry.body)).toMatchObject([
      { level: 'notice', percent: 50, spent: '500000000000', limit: '1000000000000', entry: 1 },
      { level: 'warning', percent: 80, spent: '800000000000' },
      { level: 'error', percent: 100, spent: '1000000000000', through: 13 },
    ]);
  });

  test('are given once by any number of processes, and by none that starts later', { timeout: 120_000 }, async () => {
    const home = tempHome();
    const { ledger, budgets } = await openBudgets(home);
    await budgets.set({ limitPico: USD, period: { kind: 'total' } });
    await spend(ledger, { usd: '1' });
    const given = await together(12, 'judge', home);
    expect(given.reduce((sum, count) => sum + Number(count), 0)).toBe(1);
    expect(await together(1, 'judge', home)).toEqual(['0']);
    expect(entriesOf(home, 'alert')).toHaveLength(1);
  });

  test('are not lost when the process that spent died before it judged', async () => {
    const home = tempHome();
    const { ledger, budgets } = await openBudgets(home);
    await budgets.set({ limitPico: USD, period: { kind: 'total' } });
    await spend(ledger, { usd: '1' });
    // Nobody judged. The next one does.
    expect(await together(1, 'judge', home)).toEqual(['1']);
  });

  test('cost nothing where there is no budget', async () => {
    const ledger = await Ledger.open({ home: tempHome() });
    onTestFinished(() => ledger.close());
    const untouched = new Proxy({} as SpentByScan, {
      get: (_, name) => {
        throw new Error(`asked for ${String(name)}`);
      },
    });
    expect(await judgeAndAlert(ledger, untouched)).toEqual([]);
  });

  test('count only what is in their scope, each budget alone', async () => {
    const { ledger, budgets } = await openBudgets(tempHome());
    await budgets.set({ limitPico: 10n * USD, name: 'all' });
    await budgets.set({ limitPico: USD, name: 'sip', scope: { component: 'sip', service: 's' } });
    const sip = { attributes: { 'witness.component': 'sip' } };
    await spend(ledger, { usd: '5', ...sip }, { usd: '0.6', ...sip, resource: { 'service.name': 's' } });
    const alerts = await budgets.judge();
    expect(alerts.filter(({ kind }) => kind === 'spent').map(({ budget, level }) => [budget, level])).toEqual([
      ['all', 'notice'],
      ['sip', 'notice'],
    ]);
  });
});

describe('a private scope', () => {
  const texts = { session: 's-1', user: 'Zoé', tenant: 't-9' } as const;
  const attributes = { 'session.id': 's-1', 'user.id': 'Zoé', 'tenant.id': 't-9' };

  test.each(Object.entries(texts))('of one %s is counted, and its value is only in the payload', async (name, text) => {
    const home = tempHome();
    const { ledger, budgets } = await openBudgets(home);
    await budgets.set({ limitPico: USD, scope: { [name]: text } });
    await spend(ledger, { usd: '1', attributes }, { usd: '7', attributes: { 'user.id': 'bob' } });
    expect(budgets.standings()[0]).toMatchObject({ spentPico: USD, budget: { scope: { [name]: text } } });
    const [set] = entriesOf(home, 'budget');
    expect(set!.text).not.toContain(text);
    expect(set!.entry.body.private).toEqual([name]);
    const reader = LedgerReader.open(join(home, 'witness.db'));
    onTestFinished(() => reader.close());
    expect(Buffer.from(reader.payload(set!.seq)!.payload).toString()).toBe(`{"scope":{"${name}":"${text}"}}`);
    expect(await budgets.judge()).toMatchObject([{ scope: {}, privateScopes: [name] }]);
    expect(entriesOf(home, 'alert')[0]!.text).not.toContain(text);
  });
});

test('accounts and the plain scan come to the same sums', async () => {
  const home = tempHome();
  const { ledger } = await openBudgets(home);
  const day = 86_400_000_000_000n;
  const start = 1_767_225_600_000_000_000n;
  const names = ['a', 'b'];
  for (let i = 0; i < 40; i++) {
    await spend(ledger, {
      usd: `0.00${i}1`,
      startUnixNano: start + (BigInt(i) * day) / 7n,
      attributes: {
        'witness.component': names[i % 2]!,
        'gen_ai.response.model': `model-${i % 3}`,
        'gen_ai.usage.input_tokens': '1',
        'user.id': names[(i >> 1) % 2]!,
        'witness.trace.id': `flow-${i % 4}`,
      },
    });
  }
  const view = await ledger.view();
  const [accounts, scan] = [openSpent(view, home), new SpentByScan(view)];
  onTestFinished(() => accounts.close());
  for (const scope of [
    {},
    { component: 'a' },
    { model: 'model-1', component: 'b' },
    { user: 'a' },
    { business: 'flow-2' },
    { component: 'none' },
  ]) {
    for (const [since, until] of [
      [undefined, undefined],
      [start + day, start + 3n * day],
      [start + 5n, undefined],
    ] as const)
      expect(accounts.spent(scope, since, until)).toEqual(scan.spent(scope, since, until));
  }
});

test('budgets that were read through another connection are seen', async () => {
  const home = tempHome();
  const { budgets } = await openBudgets(home);
  const other = await openBudgets(home);
  await other.budgets.set({ limitPico: USD });
  expect(budgets.list().map(({ name }) => name)).toEqual(['month']);
  expect(
    await Budgets.over((await openBudgets(home)).ledger, {
      catchUp: () => undefined,
      size: 0,
      spent: () => ({ pico: USD, estimatedPico: 0n, unpriced: 0, unknown: 0 }),
    }).then((own) => own.standings()),
  ).toMatchObject([{ level: 'error' }]);
});
