/** Attack matrix: a writer that holds the key and signs a wrong price. The arithmetic tells, and the rate card does. */
import { shippedCard } from '@infrafabric/accounting/shipped-cards';
import { leafHashHex, type Rated, type SpanBody } from '@infrafabric/format';
import { type Draft, Ledger, type SpanDraft } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { describe, expect, test } from 'vitest';
import { type Built, buildLedger, spanDraft, verifyFile } from './ledger-files.js';

const GUIDE = shippedCard('guide');
const cardOf = (sha256: string) => (sha256 === GUIDE.sha256 ? GUIDE.card : undefined);

/** 100 tokens in and 50 out at the guide's price: $0.0000875. */
const RATED: Rated = {
  card: GUIDE.card.name,
  cost: '87500000',
  lines: [
    { class: 'input', cost: '25000000', per: '1000000', quantity: '100', rate: '0.25' },
    { class: 'output', cost: '62500000', per: '1000000', quantity: '50', rate: '1.25' },
  ],
  match: 'exact',
  model: 'claude-haiku-4.5',
  sha256: GUIDE.sha256,
};

/** Ten spans, the fifth of them with this price. */
function withPrice(rated: Rated, cost = rated.cost): Promise<Built> {
  return buildLedger({
    batches: [4, 6],
    draft: (n): Draft => {
      const draft = spanDraft(n) as SpanDraft;
      if (n !== 5) return draft;
      const usage = {
        model: rated.model,
        scope: 'demo',
        table: '2026-11',
        tokens: { input: 100, output: 50, reasoning: 9 },
      };
      // Late enough for the guide's card, which is dated.
      const times = { start: '1767225600000000000', end: '1767225601000000000' };
      const body: SpanBody = {
        ...draft.body,
        ...times,
        charge: { cost, currency: 'USD', rated, source: 'computed' },
        usage,
      };
      return { ...draft, body };
    },
  });
}

describe('a price that is signed', () => {
  test('and right is VALID, with the card at hand and without', async () => {
    const built = await withPrice(RATED);
    for (const known of [{ cardOf }, {}])
      expect(verifyFile(built.path, { key: built.key, ...known })).toMatchObject({ verdict: 'VALID', problems: [] });
  });

  const [input, output] = RATED.lines as [Rated['lines'][0], Rated['lines'][0]];
  test.each([
    ['a line that costs more', { ...RATED, lines: [{ ...input, cost: '25000001' }, output], cost: '87500001' }],
    ['a sum that is not that of its lines', { ...RATED, cost: '87500001' }],
    [
      'a quantity that is not the usage',
      { ...RATED, lines: [{ ...input, quantity: '200', cost: '50000000' }, output], cost: '112500000' },
    ],
    ['a class left out', { ...RATED, lines: [input], cost: '25000000' }],
    ['a line twice', { ...RATED, lines: [input, input, output], cost: '112500000' }],
  ])('with %s is INVALID', async (_, rated) => {
    const built = await withPrice(rated);
    const report = verifyFile(built.path, { key: built.key, cardOf });
    expect(report.verdict).toBe('INVALID');
    expect(new Set(report.problems.map(({ code, seq }) => `${code} ${seq}`))).toEqual(new Set(['entry.charge 5']));
  });

  test('and charged otherwise is INVALID', async () => {
    const built = await withPrice(RATED, '1');
    expect(verifyFile(built.path, { key: built.key }).problems).toMatchObject([{ code: 'entry.charge', seq: 5 }]);
  });

  test('at a rate that is not the card’s is INVALID where the card is at hand', async () => {
    const rated = { ...RATED, lines: [{ ...input, rate: '0.5', cost: '50000000' }, output], cost: '112500000' };
    const built = await withPrice(rated);
    // The second verifier has no cards: to it the arithmetic holds.
    const how = { key: built.key, secondOpinion: false };
    expect(verifyFile(built.path, { ...how, cardOf }).problems).toMatchObject([{ code: 'entry.charge', seq: 5 }]);
    expect(verifyFile(built.path, how)).toMatchObject({ verdict: 'VALID' });
  });
});

describe('an adjustment', () => {
  async function adjusted(change: (leaf: string) => Readonly<Record<string, unknown>>): Promise<Built> {
    const built = await withPrice(RATED);
    const reader = LedgerReader.open(built.path);
    const leaf = leafHashHex(reader.entryText(5)!);
    reader.close();
    const ledger = await Ledger.open({ home: built.home });
    const charge = { cost: RATED.cost, currency: 'USD', rated: RATED, source: 'computed' };
    const body = { charge, leaf, reason: 'a test', target: 5, ...change(leaf) };
    await ledger.append([
      { type: 'adjustment', body: body as unknown as Extract<Draft, { type: 'adjustment' }>['body'] },
    ]);
    await ledger.close();
    return built;
  }
  const codes = ({ path, key }: Built): string[] =>
    verifyFile(path, { key, cardOf, secondOpinion: false }).problems.map(({ code, seq }) => `${code} ${seq}`);

  test('of an earlier entry, rightly priced, is VALID', async () => {
    expect(codes(await adjusted(() => ({})))).toEqual([]);
  });

  test.each([
    ['of no entry', { target: 99 }],
    ['of itself', { target: 11 }],
    ['of other bytes', { leaf: '00'.repeat(32) }],
    ['with a wrong sum', { charge: { cost: '1', currency: 'USD', rated: RATED, source: 'computed' } }],
  ])('%s is INVALID', async (_, change) => {
    expect(codes(await adjusted(() => change))).toEqual(['adjustment.charge 11']);
  });
});
