/**
 * FinOps FOCUS 1.2: every column against the specification's rules
 * (https://focus.finops.org/focus-specification/v1-2/#columns; each column's "Requirements" and "Content Constraints").
 */
import { describe, expect, test } from 'vitest';
import { Home } from './run.js';

type Rule = (value: string, row: Row) => boolean;
type Row = Readonly<Record<string, string>>;

const isDecimal: Rule = (value) => /^-?\d+(\.\d+)?$/.test(value);
const isText: Rule = (value) => value !== '';
/** Date/Time format: ISO 8601 in UTC, whole seconds. */
const isTime: Rule = (value) =>
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(value) && !Number.isNaN(Date.parse(value));
const oneOf =
  (...values: readonly string[]): Rule =>
  (value) =>
    values.includes(value);
const all =
  (...rules: readonly Rule[]): Rule =>
  (value, row) =>
    rules.every((rule) => rule(value, row));

/** The mandatory columns. */
const RULES: Readonly<Record<string, Rule>> = {
  BilledCost: isDecimal,
  BillingAccountId: isText,
  BillingAccountName: isText,
  BillingCurrency: (value) => /^[A-Z]{3}$/.test(value),
  BillingPeriodEnd: all(isTime, (value, row) => value > row.BillingPeriodStart!),
  BillingPeriodStart: isTime,
  ChargeCategory: oneOf('Usage', 'Purchase', 'Tax', 'Credit', 'Adjustment'),
  // Null unless the row corrects an earlier billing period.
  ChargeClass: oneOf('', 'Correction'),
  ChargeDescription: isText,
  ChargePeriodEnd: all(isTime, (value, row) => value > row.ChargePeriodStart!),
  ChargePeriodStart: all(isTime, (value, row) => value >= row.BillingPeriodStart! && value < row.BillingPeriodEnd!),
  ContractedCost: isDecimal,
  EffectiveCost: isDecimal,
  InvoiceIssuerName: isText,
  ListCost: isDecimal,
  // Not null where ChargeCategory is Usage.
  PricingQuantity: isDecimal,
  // Unit format: words in title case.
  PricingUnit: (value) => /^[A-Z][a-z]+( [A-Z][a-z]+)*$/.test(value),
  ProviderName: isText,
  PublisherName: isText,
  ServiceCategory: oneOf(
    'AI and Machine Learning',
    'Analytics',
    'Business Applications',
    'Compute',
    'Databases',
    'Developer Tools',
    'Multicloud',
    'Identity',
    'Integration',
    'Internet of Things',
    'Management and Governance',
    'Media',
    'Migration',
    'Mobile',
    'Networking',
    'Security',
    'Storage',
    'Web',
    'Other',
  ),
  ServiceName: isText,
};

function rowsOf(csv: string): Row[] {
  const [titles = [], ...records] = csv
    .trimEnd()
    .split('\r\n')
    .map((line) =>
      [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
        ([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? '',
      ),
    );
  return records.map((record) => Object.fromEntries(titles.map((title, i) => [title, record[i] ?? ''])));
}

function written(): Home {
  const home = new Home();
  const line = (more: object): string => `${JSON.stringify({ event: 'e', component: 'c', trace_id: 't', ...more })}\n`;
  home.witness(['log', '--batch'], {
    input: [
      line({ cost: '0.25', start: '2025-11-30T23:59:59.5Z', end: '2025-12-01T00:00:01Z' }),
      line({
        model: 'claude-haiku-4.5',
        tokens_in: 100,
        tokens_out: 50,
        start: '2025-11-02T00:00:00Z',
        end: '2025-11-02T00:00:00Z',
      }),
      line({ model: 'a model nobody sells', tokens_in: 7 }),
      line({ component: '@sum(1)', cost: '1' }),
    ].join(''),
  });
  return home;
}

describe('report --format focus', () => {
  test('has all mandatory columns, our own as x_, in order of the alphabet', () => {
    const { stdout } = written().optimise(['report', '--format', 'focus']);
    const columns = stdout.split('\r\n')[0]!.split(',');
    expect(columns.filter((column) => !column.startsWith('x_'))).toEqual(Object.keys(RULES));
    expect(columns).toEqual([...columns].sort((a, b) => (a < b ? -1 : 1)));
  });

  test('meets the rules of every column', () => {
    const rows = rowsOf(written().optimise(['report', '--format', 'focus']).stdout);
    expect(rows.length).toBeGreaterThan(3);
    const broken = rows.flatMap((row) =>
      Object.entries(RULES)
        .filter(([column, rule]) => !rule(row[column]!, row))
        .map(([column]) => `${column}: ${JSON.stringify(row[column])}`),
    );
    expect(broken).toEqual([]);
  });

  test('has a row a token class of a computed charge, and what it adds up to is the report', () => {
    const home = written();
    const rows = rowsOf(home.optimise(['report', '--format', 'focus']).stdout);
    const computed = rows.filter((row) => row.x_CostSource === 'computed');
    expect(computed.map((row) => [row.x_TokenClass, row.PricingQuantity, row.BilledCost, row.PricingUnit])).toEqual([
      ['input', '100', '0.000025', 'Tokens'],
      ['output', '50', '0.0000625', 'Tokens'],
    ]);
    const sum = rows.reduce((total, row) => total + Math.round(Number(row.BilledCost) * 1e9), 0);
    const { totals } = JSON.parse(home.optimise(['report', '--json']).stdout) as { totals: { cost_usd: string } };
    expect(sum).toBe(Math.round(Number(totals.cost_usd) * 1e9));
  });

  test('says what is unpriced, where it comes from, and defuses formulas', () => {
    const rows = rowsOf(written().optimise(['report', '--format', 'focus']).stdout);
    expect(rows.filter((row) => row.x_CostSource === 'unpriced')).toMatchObject([
      { BilledCost: '0', ServiceName: 'a model nobody sells', PricingQuantity: '1', PricingUnit: 'Calls' },
    ]);
    expect(rows.every((row) => /^5:[0-9a-f]{64}$/.test(row.x_LedgerHead!))).toBe(true);
    expect(rows.map((row) => row.x_Component)).toContain("'@sum(1)");
  });
});
