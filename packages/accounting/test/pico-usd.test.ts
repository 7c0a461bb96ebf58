import {
  decimalUsd,
  formatUsd,
  type PicoUsd,
  parsePicoUsd,
  picoOfSums,
  picoSumSql,
  picoUsdOfNumber,
} from '@infrafabric/accounting';
import Sqlite from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const LIMIT = 9_000_000n * 10n ** 12n;
const amounts = fc.bigInt({ min: 0n, max: LIMIT - 1n }) as fc.Arbitrary<PicoUsd>;
const sum = (costs: readonly bigint[]) => costs.reduce((total, cost) => total + cost, 0n);

describe('parsing', () => {
  test.each([
    ['0', 0n],
    ['0.0', 0n],
    ['12.5', 12_500_000_000_000n],
    ['0.0000025', 2_500_000n],
    ['2.5e-06', 2_500_000n],
    ['1e-7', 100_000n],
    ['1E+3', 1_000_000_000_000_000n],
    ['0e999999999', 0n],
    ['1e-999999999', 0n],
    ['007.50', 7_500_000_000_000n],
    ['8999999.999999999999', LIMIT - 1n],
    ['0.020011050000000002', 20_011_050_000n],
  ])('%s is %s pico-dollars', (text, pico) => {
    expect(parsePicoUsd(text)).toBe(pico);
  });

  test.each([
    ['0.0000000000005', 0n],
    ['0.0000000000015', 2n],
    ['0.0000000000025', 2n],
    ['0.00000000000250000000001', 3n],
    ['25e-13', 2n],
    ['35e-13', 4n],
  ])('half a pico-dollar goes to the even one: %s is %s', (text, pico) => {
    expect(parsePicoUsd(text)).toBe(pico);
  });

  test.each([
    '',
    ' ',
    '0.5 ',
    '$0.50',
    '1,000.50',
    '1_000',
    '0x10',
    '.5',
    '5.',
    '+1',
    '1e',
    '1e1.5',
    'free',
    '٣',
    '--1',
  ])('what is not plain decimal text is a TypeError that says what to write: %j', (text) => {
    expect(() => parsePicoUsd(text)).toThrow(TypeError);
    expect(() => parsePicoUsd(text)).toThrow(/write plain US dollars such as 0\.0005/);
  });

  test.each([
    '-1',
    '-0',
    '-0.5',
    'NaN',
    'Infinity',
    '-Infinity',
    '9000000',
    '9e6',
    '8999999.9999999999999',
    '1e999999999',
  ])('a number outside the range is a RangeError that says what to write: %s', (text) => {
    expect(() => parsePicoUsd(text)).toThrow(RangeError);
    expect(() => parsePicoUsd(text)).toThrow(/write/);
  });

  test('a text of more than 64 characters is refused without being read or repeated', () => {
    expect(parsePicoUsd('0'.repeat(64))).toBe(0n);
    expect(() => parsePicoUsd('0'.repeat(65))).toThrow(RangeError);
    expect(() => parsePicoUsd('9'.repeat(10_000_000))).toThrow(/^an amount of 10000000 characters: write at most 64/);
  });

  test('other types are a TypeError', () => {
    for (const value of [1, 1n, null, undefined, {}])
      expect(() => parsePicoUsd(value as unknown as string)).toThrow(TypeError);
    for (const value of ['1', 1n, null]) expect(() => picoUsdOfNumber(value as unknown as number)).toThrow(TypeError);
  });

  test('a double is read through its shortest text', () => {
    expect(picoUsdOfNumber(0.1)).toBe(100_000_000_000n);
    expect(picoUsdOfNumber(-0)).toBe(0n);
    expect(picoUsdOfNumber(2.5e-6)).toBe(2_500_000n);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, -1e-9, 9e6, Number.MAX_VALUE]) {
      expect(() => picoUsdOfNumber(bad)).toThrow(RangeError);
    }
  });

  test('any text is an amount or a TypeError or RangeError', () => {
    const digits = fc.string({ unit: fc.constantFrom(...'0123456789.eE+-_ ,xX$') });
    fc.assert(
      fc.property(fc.oneof(digits, fc.string({ unit: 'binary' })), (text) => {
        try {
          const pico = parsePicoUsd(text);
          expect(pico >= 0n && pico < LIMIT).toBe(true);
        } catch (error) {
          expect(error instanceof TypeError || error instanceof RangeError).toBe(true);
        }
      }),
    );
  });
});

describe('sums', () => {
  test('ten charges of $0.10 are one dollar', () => {
    expect(formatUsd(sum(Array.from({ length: 10 }, () => picoUsdOfNumber(0.1))))).toBe('$1.00');
  });

  test('are the same in any order', () => {
    const shuffled = fc
      .array(amounts)
      .chain((costs) => fc.tuple(fc.constant(costs), fc.shuffledSubarray(costs, { minLength: costs.length })));
    fc.assert(
      fc.property(shuffled, ([costs, other]) => {
        expect(sum(other)).toBe(sum(costs));
      }),
    );
  });
});

describe('writing', () => {
  test('the decimal text of an amount parses to the amount', () => {
    fc.assert(
      fc.property(amounts, (pico) => {
        expect(parsePicoUsd(decimalUsd(pico))).toBe(pico);
      }),
    );
  });

  test('the text of a double below a million, cut to 12 decimals, is the amount of the double', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999_999 }), fc.integer({ min: 0, max: 12 }), (digits, decimals) => {
        const usd = Number(`${digits}e-${decimals}`);
        fc.pre(usd < 9e6);
        expect(picoUsdOfNumber(usd)).toBe(BigInt(digits) * 10n ** BigInt(12 - decimals));
      }),
    );
  });

  test.each([
    [0n, '$0.00', '0'],
    [1n, '$0.000000000001', '0.000000000001'],
    [2_500_000n, '$0.0000025', '0.0000025'],
    [90_950_000_000n, '$0.09095', '0.09095'],
    [500_000_000_000n, '$0.50', '0.5'],
    [12_500_000_000_000n, '$12.50', '12.5'],
    [12_000_000_000_000n, '$12.00', '12'],
    [12_345_000_000_000n, '$12.345', '12.345'],
    [-500_000_000_000n, '-$0.50', '-0.5'],
    [-1n, '-$0.000000000001', '-0.000000000001'],
    [10n ** 20n, '$100000000.00', '100000000'],
  ])('%s pico-dollars are %s for people and %s exactly', (pico, people, exact) => {
    expect(formatUsd(pico)).toBe(people);
    expect(decimalUsd(pico)).toBe(exact);
  });

  test('text for people is exact, has two decimals, and looks like zero only for zero', () => {
    fc.assert(
      fc.property(amounts, (pico) => {
        const text = formatUsd(pico);
        expect(text).toMatch(/^\$\d+\.\d{2}(?:\d*[1-9])?$/);
        expect(parsePicoUsd(text.slice(1))).toBe(pico);
        expect(text === '$0.00').toBe(pico === 0n);
        expect(formatUsd(-pico)).toBe(pico === 0n ? text : `-${text}`);
      }),
    );
  });
});

describe('sums in SQL', () => {
  const db = new Sqlite(':memory:').defaultSafeIntegers();
  db.exec('CREATE TABLE costs (batch INTEGER, pico INTEGER) STRICT');
  const insert = db.prepare('INSERT INTO costs VALUES (?, ?)');
  const whole = db.prepare(`SELECT ${picoSumSql('pico', 'cost')} FROM costs`);
  const grouped = db.prepare(
    `SELECT coalesce(sum(cost_usd), 0) AS cost_usd, coalesce(sum(cost_pico), 0) AS cost_pico FROM
     (SELECT ${picoSumSql('pico', 'cost')} FROM costs GROUP BY batch)`,
  );
  const fill = db.transaction((rows: readonly (readonly [bigint, bigint])[]) => {
    db.exec('DELETE FROM costs');
    for (const row of rows) insert.run(...row);
  });
  const read = (statement: Sqlite.Statement): bigint => {
    const { cost_usd, cost_pico } = statement.get() as { cost_usd: bigint; cost_pico: bigint };
    return picoOfSums(cost_usd, cost_pico);
  };

  test('are exact in any order and grouping, also beyond what an integer of SQLite holds', () => {
    const cost = fc.bigInt(0n, 9_000_000n * 10n ** 12n - 1n);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.bigInt(0n, 4n), cost), { maxLength: 60 }),
        fc.infiniteStream(fc.nat()),
        (rows, order) => {
          const sum = rows.reduce((all, [, pico]) => all + pico, 0n);
          fill(rows);
          expect([read(whole), read(grouped)]).toEqual([sum, sum]);
          const shuffled = rows
            .map((row) => [order.next().value as number, row] as const)
            .sort(([a], [b]) => a - b)
            .map(([, row]) => row);
          fill(shuffled);
          expect([read(whole), read(grouped)]).toEqual([sum, sum]);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('go beyond $9.3 M, where a plain sum fails', () => {
    fill(Array.from({ length: 20 }, (_, i) => [BigInt(i), parsePicoUsd('8999999.999999999999')]));
    expect(() => db.prepare('SELECT sum(pico) FROM costs').get()).toThrow(/overflow/);
    expect(formatUsd(read(whole))).toBe('$179999999.99999999998');
  });

  test('reach 100 % with ten charges of $0.10', () => {
    fill(Array.from({ length: 10 }, () => [0n, picoUsdOfNumber(0.1)]));
    expect(read(whole) * 100n >= parsePicoUsd('1') * 100n).toBe(true);
    expect(Array.from({ length: 10 }, () => 0.1).reduce((a, b) => a + b)).toBeLessThan(1);
  });

  test('of nothing are 0', () => {
    fill([]);
    expect(read(whole)).toBe(0n);
  });
});
