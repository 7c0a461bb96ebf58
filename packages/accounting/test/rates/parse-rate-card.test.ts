import { readFileSync } from 'node:fs';
import { MAX_CARD_CHARS, parseRateCard, RateCardError } from '@infrafabric/accounting/parse-rate-card';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { card } from './cards.js';

const rates = { input: '1', output: '2' };
const entry = (more: object = {}) => ({ model: 'm', prices: [{ rates }], ...more });
const priced = (price: object) => card({ models: [entry({ prices: [price] }) as never] });
const regex = (pattern: string) => card({ models: [entry({ match: { regex: pattern } }) as never] });

/** The sentence with which a card is refused; undefined when it is taken. */
function refusal(value: unknown): string | undefined {
  try {
    parseRateCard(typeof value === 'string' ? value : JSON.stringify(value));
    return undefined;
  } catch (error) {
    if (!(error instanceof RateCardError)) throw error;
    return error.message;
  }
}

test('a card comes out as it stands', () => {
  const whole = card({
    from: '2025-01-01T00:00:00Z',
    cache_as_input: true,
    providers: [
      { id: 'p', names: ['q'], match: { contains: 'pp' }, models: { prefix: 'm' }, also: ['p'], guess: true },
    ],
    unpriced_providers: ['ollama'],
    models: [
      {
        model: 'm',
        provider: 'p',
        aliases: ['n'],
        match: { or: [{ prefix: 'm-' }, { regex: '^m\\d{4}$' }] },
        prices: [
          { rates },
          {
            from: '2025-01-01',
            until: '2025-02-01',
            hours: ['22:00:00', '06:00:00'],
            rates: { ...rates, minute: '0.006' },
            tiers: [{ above: 200_000, rates: { input: '2' } }],
          },
        ],
      },
    ],
    units: [{ rates: { frame: '0.000001' } }],
  });
  expect(parseRateCard(JSON.stringify(whole))).toEqual(whole);
});

test('the card in docs/costs.md is one', () => {
  const docs = readFileSync(new URL('../../../../docs/costs.md', import.meta.url), 'utf8');
  expect(parseRateCard(/```json\n(.*?)```/s.exec(docs)![1]!)).toMatchObject({ name: 'contract' });
});

describe('what is wrong is said with its place', () => {
  test.each([
    ['no JSON', '{', /^not JSON: /],
    ['no object', [], 'the card: expected an object, found []'],
    ['another format', { ...card({}), format: 2 }, 'format: expected 1, found 2'],
    [
      'an unknown member',
      { ...card({ models: [entry() as never] }), price: 1 },
      /^price: expected no such member; there are format, /,
    ],
    ['a missing member', { ...card({ models: [] }), source: undefined }, 'source: expected a value, found nothing'],
    ['nothing at all', card({}), /^the card: expected models or units/],
    [
      'a bad name',
      card({ name: '../own', models: [entry() as never] }),
      'name: expected 1 to 64 of a–z, 0–9 and -, found "../own"',
    ],
    ['a day that is none', card({ date: '2025-02-31' }), 'date: expected a day of the calendar, found "2025-02-31"'],
    [
      'a currency that is none',
      card({ currency: '$' }),
      'currency: expected an ISO 4217 code such as "USD", found "$"',
    ],
    [
      'a negative rate',
      priced({ rates: { input: '-1' } }),
      'models[0].prices[0].rates.input: expected a rate is 0 or more, found "-1"',
    ],
    [
      'NaN',
      priced({ rates: { input: 'NaN' } }),
      'models[0].prices[0].rates.input: expected a rate is plain decimal text such as 0.25, found "NaN"',
    ],
    [
      'a float',
      priced({ rates: { input: 0.25 } }),
      'models[0].prices[0].rates.input: expected decimal text such as "0.25", found 0.25',
    ],
    ['an exponent', priced({ rates: { input: '1e-7' } }), /rates\.input: .*plain decimal/],
    ['a huge rate', priced({ rates: { input: '10000000' } }), /at most 7 digits/],
    ['too many decimals', priced({ rates: { input: `0.${'1'.repeat(25)}` } }), /at most 24 decimals/],
    ['no rate', priced({ rates: {} }), /at least one rate/],
    ['a rate of reasoning', priced({ rates: { reasoning: '1' } }), /no rate of its own/],
    ['a strange class', priced({ rates: { 'in put': '1' } }), /a token class or unit/],
    [
      'no price',
      card({ models: [entry({ prices: [] }) as never] }),
      'models[0].prices: expected at least one price, found []',
    ],
    [
      'a time that is none',
      priced({ rates, from: 'yesterday' }),
      /^models\[0]\.prices\[0]\.from: expected a day such as/,
    ],
    [
      'an end before the beginning',
      priced({ rates, from: '2025-02-01', until: '2025-01-01' }),
      /an instant after from/,
    ],
    ['an hour that is none', priced({ rates, hours: ['24:00:00', '25:00:00'] }), /a time of day such as/],
    ['one hour', priced({ rates, hours: ['01:00:00'] }), /two times of day/],
    [
      'tiers that fall',
      priced({
        rates,
        tiers: [
          { above: 2, rates },
          { above: 1, rates },
        ],
      }),
      /tiers in rising order/,
    ],
    [
      'a name twice',
      card({ models: [entry() as never, entry({ model: 'M' }) as never] }),
      /^models\[1]: expected a name that no entry before has, not "M"/,
    ],
    [
      'a provider that is not there',
      card({ providers: [{ id: 'p' }], models: [entry({ provider: 'q' }) as never] }),
      /the id of one of providers/,
    ],
    ['tokens among units', card({ units: [{ rates: { input: '1' } }] }), /units alone/],
    ['an unknown match', card({ models: [entry({ match: { like: 'x' } }) as never] }), /one of equals, prefix/],
    [
      'two matches in one',
      card({ models: [entry({ match: { equals: 'x', prefix: 'y' } }) as never] }),
      /one of equals, prefix/,
    ],
    ['a long text', card({ source: 'x'.repeat(257) }), /text of 1 to 256 characters/],
    ['a lone surrogate', card({ source: '\ud800', models: [entry() as never] }), /surrogate/],
  ])('%s', (_, value, message) => {
    if (typeof message === 'string') expect(refusal(value)).toBe(message);
    else expect(refusal(value)).toMatch(message);
  });
});

describe('a pattern cannot be made to take long', () => {
  test.each(['(a+)+$', '^(a+)+$', '^(a|a)*$', '^a*b*c*$', '^(a)\\1', 'a', '^(a{1,9}){1,9}$', '^[', '^\\k<a>'])(
    '%s is refused',
    (pattern) => {
      expect(refusal(regex(pattern))).toMatch(/match\.regex: expected/);
    },
  );

  test.each(['^gpt-5-\\d{4}-\\d{2}$', '^(?:a|b)-.*$', '^(?!.*-tts(?:$|-))', '^o[134]', '^[)*+]x'])(
    '%s is taken',
    (pattern) => {
      expect(refusal(regex(pattern))).toBeUndefined();
    },
  );
});

test('size and depth have bounds', () => {
  expect(refusal(' '.repeat(MAX_CARD_CHARS + 1))).toMatch(/characters, this has/);
  let match: object = { equals: 'x' };
  for (let i = 0; i < 2000; i++) match = { or: [match] };
  expect(refusal(card({ models: [entry({ match }) as never] }))).toMatch(/at most 6 deep/);
  expect(refusal(`${'['.repeat(200_000)}`)).toBeDefined();
});

test('anything at all is either a card or one line that says why not', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const line = refusal(value);
      expect(line).toBeDefined();
      expect(line).not.toContain('\n');
    }),
  );
  const good = parseRateCard(JSON.stringify(card({ models: [entry() as never] })));
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(good)), fc.jsonValue(), (member, value) => {
      refusal({ ...good, [member]: value });
    }),
  );
});
