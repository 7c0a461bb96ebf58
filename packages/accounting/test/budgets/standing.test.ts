import {
  type AlertFacts,
  BudgetBook,
  type BudgetTerms,
  boundsAt,
  DEFAULT_LEVELS,
  dueAlerts,
  encodeAlert,
  encodeSet,
  hasRoom,
  isExhausted,
  isReached,
  levelOf,
  parseAlertBody,
  parseAmount,
  parseBudgetBody,
  parseLevels,
  percentText,
  type SpentOf,
  standingOf,
} from '@infrafabric/accounting/budgets';
import type { CanonicalObject } from '@infrafabric/format';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const USD = 10n ** 12n;
const nano = (iso: string): bigint => BigInt(Date.parse(iso)) * 1_000_000n;
const NOW = nano('2026-11-15T12:00:00Z');

/** A ledger in memory: entries go into the book as they would be read. */
class World {
  readonly book = new BudgetBook();
  now = NOW;
  spentPico = 0n;
  #seq = 0;

  entry(type: string, body: CanonicalObject, payload?: CanonicalObject): number {
    this.book.apply({ seq: ++this.#seq, atUnixNano: this.now, type, body, payload });
    return this.#seq;
  }

  set(limitPico: bigint, more: Partial<BudgetTerms> = {}): void {
    const { body, payload } = encodeSet({
      name: 'b',
      limitPico,
      period: { kind: 'month' },
      zone: 'UTC',
      levels: DEFAULT_LEVELS,
      scope: {},
      ...more,
    });
    this.entry('budget', body, payload);
  }

  reserve(id: string, amountPico: bigint, expires: bigint = this.now + 600_000_000_000n): void {
    this.entry('budget', {
      action: 'reserve',
      budget: 'b',
      reservation: id,
      amount: String(amountPico),
      expires: String(expires),
    });
  }

  commit(id: string, amountPico: bigint): void {
    this.entry('budget', { action: 'commit', budget: 'b', reservation: id, amount: String(amountPico) });
  }

  spentOf: SpentOf = () => ({ pico: this.spentPico, estimatedPico: 0n, unpriced: 0, unknown: 0 });

  standing() {
    return standingOf(this.book, this.book.budget('b')!, this.spentOf, this.now)!;
  }

  /** Spends, judges, and keeps the alerts as the ledger would. */
  spend(pico: bigint): string[] {
    this.spentPico += pico;
    return this.judge();
  }

  judge(): string[] {
    const due = dueAlerts(this.book, this.spentOf, this.now, this.#seq);
    for (const alert of due) this.entry('alert', encodeAlert(alert));
    return due.map(({ kind, level }) => (kind === 'spent' ? level : `${kind} ${level}`));
  }
}

/** In the first tenth of a month there is no forecast. */
function early(): World {
  const world = new World();
  world.now = nano('2026-11-02T00:00:00Z');
  return world;
}

describe('an amount', () => {
  test('is exact', () => {
    expect(parseAmount('500.0')).toBe(500n * USD);
    expect(parseAmount('0.000000000001')).toBe(1n);
    expect(parseAmount('1.5000000000000000')).toBe((15n * USD) / 10n);
  });

  test.each(['abc', '', 'NaN', '-1', '1,5', '$5', 'Infinity', '0x10', ' 1', '0.0000000000001', '1e-13', '9000000'])(
    '%j is refused in one line',
    (text) => {
      expect(() => parseAmount(text)).toThrow(/^[^\n]+$/);
    },
  );
});

describe('a level', () => {
  test('is reached at its percentage, not a pico-dollar before', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 9n * 10n ** 18n }),
        fc.integer({ min: 1, max: 10_000 }),
        (limit, percent) => {
          const exact = (limit * BigInt(percent) + 99n) / 100n;
          expect(isReached(exact, limit, percent)).toBe(true);
          expect(isReached(exact - 1n, limit, percent)).toBe(false);
        },
      ),
    );
  });

  test('of a limit of nothing is reached by anything', () => {
    expect(levelOf(0n, 0n, DEFAULT_LEVELS)).toBeUndefined();
    expect(levelOf(1n, 0n, DEFAULT_LEVELS)).toBe('error');
    expect(percentText(1n, 0n)).toBeUndefined();
  });

  test('is shown as percent that never round up', () => {
    expect(percentText(USD - 1n, USD)).toBe('99.9');
    expect(percentText(USD, USD)).toBe('100.0');
  });

  test('can be changed to three that rise, and to nothing else', () => {
    expect(parseLevels('10, 20,90')).toEqual({ notice: 10, warning: 20, error: 90 });
    for (const text of [
      '',
      '50,80',
      '50,80,80',
      '80,50,100',
      '0,1,2',
      '1,2,x',
      '1,2,3,4',
      '1.5,2,3',
      '-1,2,3',
      '1,2,99999',
    ])
      expect(() => parseLevels(text)).toThrow('is not three levels');
  });
});

describe('alerts', () => {
  test('ten charges of 0.10 reach all of 1.00', () => {
    const world = early();
    world.set(USD);
    const given = Array.from({ length: 10 }, () => world.spend(parseAmount('0.10')));
    expect(given).toEqual([[], [], [], [], ['notice'], [], [], ['warning'], [], ['error']]);
  });

  test('of several levels jumped at once is one, the highest', () => {
    const world = early();
    world.set(USD);
    expect(world.spend(2n * USD)).toEqual(['error']);
    expect(world.spend(USD)).toEqual([]);
  });

  test('are given once, whatever order the spending has', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 0n, max: USD }), { maxLength: 40 }), (charges) => {
        const world = early();
        world.set(5n * USD);
        const given = charges.flatMap((charge) => world.spend(charge));
        expect(new Set(given).size).toBe(given.length);
        expect(given).toEqual(
          [...given].sort(
            (a, b) => ['notice', 'warning', 'error'].indexOf(a) - ['notice', 'warning', 'error'].indexOf(b),
          ),
        );
        const level = levelOf(world.spentPico, 5n * USD, DEFAULT_LEVELS);
        expect(given.at(-1)).toBe(level);
      }),
    );
  });

  test('are given again for another limit; what was spent stays', () => {
    const world = early();
    world.set(USD);
    expect(world.spend(USD)).toEqual(['error']);
    world.set(2n * USD);
    expect(world.standing()).toMatchObject({ spentPico: USD, level: 'notice' });
    expect(world.judge()).toEqual(['notice']);
    world.set(USD);
    expect(world.judge()).toEqual([]);
  });

  test('are given again in the next period, and for another scope', () => {
    const world = early();
    world.set(USD);
    expect(world.spend(USD)).toEqual(['error']);
    world.set(USD, { scope: { component: 'c' } });
    expect(world.judge()).toEqual(['error']);
    world.now = nano('2026-12-02T00:00:01Z');
    expect(world.judge()).toEqual(['error']);
  });

  test('are given for a period that has just ended, when spans arrive late', () => {
    const world = new World();
    world.now = nano('2026-11-30T23:59:00Z');
    world.set(USD);
    const november = boundsAt({ kind: 'month' }, 'UTC', world.now);
    world.spentOf = (_, since) => ({
      pico: since === november.sinceUnixNano ? world.spentPico : 0n,
      estimatedPico: 0n,
      unpriced: 0,
      unknown: 0,
    });
    world.now = nano('2026-12-01T01:00:00Z');
    expect(world.spend(USD)).toEqual(['error']);
    expect(world.judge()).toEqual([]);
  });

  test('are not given for a period before the limit was set', () => {
    const world = new World();
    world.now = nano('2026-12-01T01:00:00Z');
    world.set(USD);
    world.spentOf = (_, since) => ({
      pico: since! < nano('2026-12-01T00:00:00Z') ? USD : 0n,
      estimatedPico: 0n,
      unpriced: 0,
      unknown: 0,
    });
    expect(world.judge()).toEqual([]);
  });

  test('of the latest hours are given again when theirs have passed', () => {
    const world = early();
    world.set(USD, { period: { kind: 'rolling', hours: 24 } });
    expect(world.spend(USD)).toEqual(['error']);
    world.now += 23n * 3_600_000_000_000n;
    expect(world.judge()).toEqual([]);
    world.now += 2n * 3_600_000_000_000n;
    expect(world.judge()).toEqual(['error']);
  });

  test('forecast that the limit will be reached, once, as an estimate of its own kind', () => {
    const world = new World();
    world.set(USD);
    // Half of November is over on the 16th.
    world.now = nano('2026-11-16T00:00:00Z');
    expect(world.spend((USD * 49n) / 100n)).toEqual([]);
    expect(world.spend(USD / 100n)).toEqual(['notice', 'forecast error']);
    expect(world.spend(USD / 100n)).toEqual([]);
    expect(world.spend(USD)).toEqual(['error']);
  });

  test('are those of each budget alone', () => {
    const world = early();
    world.set(USD);
    world.set(4n * USD, { name: 'other' });
    expect(world.spend(2n * USD)).toEqual(['error', 'notice']);
  });

  test('survive their way through an entry', () => {
    const alert: AlertFacts = {
      budget: 'b',
      entry: 1,
      kind: 'forecast',
      level: 'error',
      percent: 100,
      limitPico: USD,
      spentPico: 1n,
      forecastPico: 2n * USD,
      sinceUnixNano: 1n,
      untilUnixNano: 2n,
      through: 7,
    };
    expect(parseAlertBody(encodeAlert(alert))).toEqual(alert);
  });
});

describe('reservations', () => {
  const [A, B] = ['00000000000000a1', '00000000000000b2'] as const;

  test('count against the limit until they are released or expire', () => {
    const world = early();
    world.set(USD);
    world.reserve(A, USD);
    expect(world.standing()).toMatchObject({ reservedPico: USD, spentPico: 0n, openReservations: 1 });
    expect(hasRoom(world.standing(), 1n)).toBe(false);
    expect(isExhausted(world.standing())).toBe(true);
    world.now += 600_000_000_000n;
    expect(world.standing().reservedPico).toBe(0n);
    world.reserve(B, USD);
    world.entry('budget', { action: 'release', budget: 'b', reservation: B });
    expect(world.standing().reservedPico).toBe(0n);
  });

  test('that are committed count as spent, and not once more when their span arrives', () => {
    const world = early();
    world.set(USD);
    world.reserve(A, USD);
    world.commit(A, USD / 2n);
    expect(world.standing()).toMatchObject({ reservedPico: 0n, committedPico: USD / 2n, spentPico: USD / 2n });
    world.spentPico = USD / 2n;
    world.book.settle(A);
    expect(world.standing()).toMatchObject({ committedPico: 0n, spentPico: USD / 2n });
  });

  test('end by themselves when their span arrives before the commit', () => {
    const world = early();
    world.set(USD);
    world.reserve(A, USD);
    world.spentPico = USD / 4n;
    world.book.settle(A);
    expect(world.standing()).toMatchObject({ reservedPico: 0n, spentPico: USD / 4n });
    world.commit(A, USD / 2n);
    expect(world.standing().spentPico).toBe(USD / 4n);
  });

  test('that have expired can still be committed; once', () => {
    const world = early();
    world.set(USD);
    world.reserve(A, USD);
    world.now += 700_000_000_000n;
    world.commit(A, 5n);
    world.commit(A, 500n);
    expect(world.standing().spentPico).toBe(5n);
  });

  test('count in the period in which they were made, once they are committed', () => {
    const world = new World();
    world.now = nano('2026-11-30T23:59:00Z');
    world.set(USD);
    world.reserve(A, USD);
    world.now = nano('2026-12-01T00:00:30Z');
    expect(world.standing().reservedPico).toBe(USD);
    world.commit(A, USD);
    expect(world.standing()).toMatchObject({ reservedPico: 0n, spentPico: 0n });
  });

  test('stay when the budget is removed and set again', () => {
    const world = early();
    world.set(USD);
    world.reserve(A, USD);
    world.commit(A, USD);
    world.entry('budget', { action: 'remove', budget: 'b' });
    expect(world.book.budgets).toEqual([]);
    world.set(USD);
    expect(world.standing().spentPico).toBe(USD);
  });
});

describe('a budget entry', () => {
  test('keeps what may name a person out of its body', () => {
    const terms = {
      name: 'b',
      limitPico: 1n,
      period: { kind: 'day' },
      zone: 'UTC',
      levels: DEFAULT_LEVELS,
      scope: { user: 'ada', model: 'm' },
    } as const;
    const { body, payload } = encodeSet(terms);
    expect(JSON.stringify(body)).not.toContain('ada');
    expect(body).toMatchObject({ private: ['user'], scope: { model: 'm' } });
    expect(payload).toEqual({ scope: { user: 'ada' } });
    expect(parseBudgetBody(body, payload)).toMatchObject({ terms });
  });

  test('whose private part was erased is for nobody, and is not judged', () => {
    const world = early();
    const { body } = encodeSet({
      name: 'b',
      limitPico: 1n,
      period: { kind: 'day' },
      zone: 'UTC',
      levels: DEFAULT_LEVELS,
      scope: { user: 'ada' },
    });
    world.entry('budget', body);
    expect(world.book.budget('b')?.isErased).toBe(true);
    expect(world.standing()).toBeUndefined();
    expect(world.spend(USD)).toEqual([]);
  });

  test('says nothing when it is not as the format has it', () => {
    const world = early();
    world.set(USD);
    for (const body of [
      {},
      { action: 'set', budget: 'b' },
      { action: 'set', budget: 'B!', limit: '1', currency: 'USD', period: 'day' },
      { action: 'set', budget: 'b', limit: '-1', currency: 'USD', period: 'day' },
      { action: 'set', budget: 'b', limit: '1', currency: 'EUR', period: 'day' },
      { action: 'set', budget: 'b', limit: '1', currency: 'USD', period: 'year' },
      { action: 'set', budget: 'b', limit: '1', currency: 'USD', period: 'day', zone: 'Mars/X' },
      { action: 'reserve', budget: 'b', reservation: 'x', amount: '1', expires: '2' },
      { action: 'reserve', budget: 'b', reservation: '00000000000000a1', amount: '1' },
      { action: 'dance', budget: 'b', reservation: '00000000000000a1', amount: '1', expires: '2' },
    ])
      world.entry('budget', body as CanonicalObject);
    world.entry('alert', { budget: 'b' });
    expect(world.standing()).toMatchObject({ reservedPico: 0n, budget: { limitPico: USD } });
  });

  test('of any content is taken in without an exception', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (body, payload) => {
        const asObject = (value: unknown) =>
          (typeof value === 'object' && value !== null ? value : {}) as CanonicalObject;
        new World().entry('budget', { action: 'set', budget: 'b', ...asObject(body) }, asObject(payload));
        new World().entry('alert', asObject(body));
      }),
    );
  });
});
