import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { decimalUsd } from '@infrafabric/accounting';
import Sqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { Home, type Ran } from './run.js';

const TOKENS = ['--tokens-in', '100', '--tokens-out', '50'] as const;

/** Runs `rates` and gives what it printed; it must succeed. */
function rates(home: Home, ...args: readonly string[]): string {
  const { exitCode, stdout, stderr } = home.optimise(['rates', ...args]);
  expect({ exitCode, stderr: stderr.replace(/^calls with cached tokens.*\n/, '') }).toEqual({
    exitCode: 0,
    stderr: '',
  });
  return stdout;
}

const json = <T>(text: string): T => JSON.parse(text) as T;
const files = (home: Home): string[] => readdirSync(`${home.path}/rates`).sort();

interface Charge {
  readonly source: string;
  readonly cost?: string;
  readonly rated?: { readonly card: string; readonly cost: string; readonly match: string; readonly model: string };
}

/** Charges of all span entries, as signed. */
function charges(home: Home): (Charge | undefined)[] {
  const db = new Sqlite(home.ledger, { readonly: true });
  const rows = db.prepare(`SELECT entry FROM entries WHERE type = 'span' ORDER BY seq`).all() as { entry: string }[];
  db.close();
  return rows.map(({ entry }) => (JSON.parse(entry) as { body: { charge?: Charge } }).body.charge);
}

describe('what is logged', () => {
  test('has the price of the guide beside its cost, and alone where it states none', () => {
    const home = new Home();
    home.log('e', 't', ...TOKENS, '--model', 'claude-haiku-4.5', '--cost', '0.0005');
    home.log('e', 't', ...TOKENS, '--model', 'claude-haiku-4.5');
    home.log('e', 't', ...TOKENS, '--model', 'gpt-4o-mini', '--provider', 'openai');
    home.log('e', 't', ...TOKENS);
    expect(charges(home)).toMatchObject([
      { source: 'reported', cost: '500000000', rated: { card: 'guide', cost: '87500000', match: 'exact' } },
      { source: 'computed', cost: '87500000', rated: { card: 'guide' } },
      { source: 'computed', cost: '45000000', rated: { card: 'market', model: 'gpt-4o-mini' } },
      { source: 'unpriced' },
    ]);
    expect(home.witness(['verify']).exitCode).toBe(0);
  });

  test.each([
    ['session-1-ndi', '0.00006', '0.00225'],
    ['session-2-webrtc', '0.0017', '0.00065625'],
    ['session-3-h323', '0.0007', '0.000875'],
    ['session-4-sip', '0.0019', '0.00091875'],
  ])(
    "by the guide's script of %s reports $%s, and costs $%s by the guide's card",
    (name, reported, computed) => {
      const home = new Home();
      const script = readFileSync(new URL(`../guide/${name}.sh`, import.meta.url), 'utf8');
      // The scripts write exports where they run.
      mkdirSync(home.beside('work'));
      expect(home.shell(script, { cwd: home.beside('work') }).exitCode).toBe(0);
      const sum = (costs: readonly (string | undefined)[]) =>
        decimalUsd(costs.reduce((all, cost) => all + BigInt(cost ?? 0), 0n));
      expect(sum(charges(home).map((charge) => charge?.cost))).toBe(reported);
      expect(sum(charges(home).map((charge) => charge?.rated?.cost))).toBe(computed);
    },
    180_000,
  );
});

describe('rates', () => {
  test('lists the models of the guide with the market beside them, and which card answers', () => {
    const lines = rates(new Home()).split('\n');
    expect(lines.slice(0, 3)).toEqual([
      expect.stringMatching(/^MODEL +CARD +INPUT +OUTPUT +CACHE READ +CACHE WRITE +BESIDES$/),
      expect.stringMatching(/^claude-haiku-4\.5 +guide +0\.25 +1\.25 +- +-$/),
      expect.stringMatching(/^ +market +1 +5 +0\.1 +1\.25 +cache_write_1h 2$/),
    ]);
    expect(lines).toContain('spans of services are priced by: market');
    expect(lines).toContain('what is logged by hand by: guide, market');
  });

  test('as JSON has cards, order, models and units', () => {
    const answer = json<Record<string, unknown>>(rates(new Home(), '--json'));
    expect(answer).toMatchObject({
      services: ['market'],
      by_hand: ['guide', 'market'],
      cards: [
        { name: 'guide', date: '2025-11-11', models: 4, ships: true, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
        { name: 'market', source: expect.stringContaining('@pydantic/genai-prices') },
      ],
      units: expect.arrayContaining([{ unit: 'call', card: 'guide', rate: '0.0005' }]),
      problems: [],
    });
    expect(answer.models).toContainEqual({
      model: 'gpt-5',
      card: 'guide',
      provider: null,
      price: { from: null, until: null, hours: null, rates: { input: '50', output: '150' }, tiers: [] },
    });
  });

  test('has no other command', () => {
    const { exitCode, stderr } = new Home().optimise(['rates', 'shwo']);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: 'error: rates has no command "shwo"\nhint: did you mean show?\n',
    });
  });
});

describe('rates show', () => {
  test('says what each card has, how it was found, and which answers', () => {
    const text = rates(new Home(), 'show', 'gpt-5', '--provider', 'openai');
    expect(text).toContain('guide of 2025-11-11: gpt-5, by its exact name\n  input 50, output 150\n');
    expect(text).toContain('gpt-5 of openai, by its exact name\n  input 1.25, output 10, cache_read 0.125\n');
    expect(text).toContain('spans of services: market; logged by hand: guide\n');
  });

  test('has the dates of a price, and the one that holds', () => {
    const at = (day: string) =>
      json<{ cards: { price: { rates: object } }[] }>(
        rates(new Home(), 'show', 'gpt-5.6-luna', '--provider', 'openai', '--at', day, '--json'),
      ).cards[0]!.price.rates;
    expect(at('2026-07-29')).toMatchObject({ input: '1' });
    expect(at('2026-07-30')).toMatchObject({ input: '0.2' });
  });

  test('of a model that no card has is exit code 1 and a suggestion', () => {
    const { exitCode, stdout, stderr } = new Home().optimise(['rates', 'show', 'gtp-4o']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toBe('error: no card has the model "gtp-4o"\nhint: did you mean gpt-4o?\n');
    expect(new Home().optimise(['rates', 'show', '\x1b[31mx\n']).stderr).not.toContain('\x1b');
  });
});

describe('rates set', () => {
  test('prices from now on, or from when it says; a new version each time, readable by nobody else', () => {
    const home = new Home();
    home.log('before', 't', ...TOKENS, '--model', 'mine');
    rates(home, 'set', '--model', 'mine', '--input', '1', '--output', '2');
    home.log('after', 't', ...TOKENS, '--model', 'mine');
    home.log(
      'long ago',
      't',
      ...TOKENS,
      '--model',
      'mine',
      '--start',
      '2025-01-01T00:00:00Z',
      '--end',
      '2025-01-01T00:00:01Z',
    );
    rates(home, 'set', '--model', 'mine', '--input', '3', '--output', '2', '--from', '2024-12-31');
    home.log(
      'long ago, told later',
      't',
      ...TOKENS,
      '--model',
      'mine',
      '--start',
      '2025-01-01T00:00:00Z',
      '--end',
      '2025-01-01T00:00:01Z',
    );
    home.log('now', 't', ...TOKENS, '--model', 'mine');
    expect(charges(home).map((charge) => charge?.cost)).toEqual([
      undefined,
      '200000000',
      undefined,
      '400000000',
      '200000000',
    ]);
    expect(files(home)).toEqual(['own.0001.json', 'own.0002.json']);
    for (const file of files(home)) expect(statSync(`${home.path}/rates/${file}`).mode & 0o777).toBe(0o600);
    expect(statSync(`${home.path}/rates`).mode & 0o777).toBe(0o700);
    expect(home.optimise(['rates', 'explain', '2']).stdout).toContain('another version of the card');
  });

  test('comes before every card that ships', () => {
    const home = new Home();
    rates(home, 'set', '--model', 'claude-haiku-4.5', '--input', '1', '--output', '1');
    home.log('e', 't', ...TOKENS, '--model', 'claude-haiku-4.5');
    expect(charges(home)).toMatchObject([{ cost: '150000000', rated: { card: 'own' } }]);
    expect(rates(home)).toContain('spans of services are priced by: own, market\n');
  });

  test('of units needs no model', () => {
    const home = new Home();
    rates(home, 'set', '--unit', 'frame=0.00001', '--unit', 'parsec=2');
    rates(home, 'set', '--unit', 'parsec=3');
    home.witness([
      'log',
      '--event',
      'e',
      '--component',
      'c',
      '--attr',
      'witness.units.parsec=2',
      '--attr',
      'witness.units.frame=1',
    ]);
    expect(charges(home)).toMatchObject([{ cost: '6000010000000', rated: { card: 'own', model: 'frame+parsec' } }]);
  });

  test('--file stores a whole card, whose earlier version keeps its time', () => {
    const home = new Home();
    const file = home.beside('card.json');
    const write = (input: string) =>
      writeFileSync(
        file,
        JSON.stringify({
          format: 1,
          name: 'contract',
          date: '2026-01-01',
          source: 'our contract',
          currency: 'USD',
          models: [{ model: 'mine', prices: [{ rates: { input, output: '1' } }] }],
        }),
      );
    write('1');
    rates(home, 'set', '--file', file);
    expect(rates(home, 'set', '--file', file)).toContain('unchanged');
    write('2');
    rates(home, 'set', '--file', file, '--from', '2026-06-01');
    for (const day of ['2026-05-31', '2026-06-01'])
      home.log('e', 't', ...TOKENS, '--model', 'mine', '--start', `${day}T12:00:00Z`, '--end', `${day}T12:00:00Z`);
    expect(charges(home).map((charge) => charge?.cost)).toEqual(['150000000', '250000000']);
    expect(home.optimise(['rates', 'explain', '1']).stdout).toContain('the same');
  });

  test.each([
    [['--model', 'm', '--input', '-1'], '--input: a rate is 0 or more, not "-1"'],
    [['--model', 'm', '--input', 'NaN'], '--input: a rate is plain decimal text such as 0.25, not "NaN"'],
    [['--model', 'm', '--input', '1e-7'], '--input: a rate is plain decimal text such as 0.25, not "1e-7"'],
    [['--model', 'm'], 'no rate is given'],
    [['--input', '1'], '--model is missing'],
    [['--model', 'm', '--output', '1'], '--output needs --input'],
    [['--unit', 'frame'], '--unit takes NAME=RATE, not "frame"'],
    [['--unit', 'input=1'], '--unit takes NAME=RATE, not "input=1"'],
    [['--unit', 'a=1', '--unit', 'a=2'], '--unit sets a twice'],
    [['--provider', 'p', '--unit', 'a=1'], '--provider goes with --model'],
    [['--model', 'm', '--input', '1', '--from', 'soon'], '--from is not a time: "soon"'],
    [['--file', 'x.json', '--model', 'm'], '--file goes with --from alone: the file says models and rates'],
  ])('%j is refused, and nothing is written', (args, message) => {
    const home = new Home();
    const { exitCode, stdout, stderr } = home.optimise(['rates', 'set', ...args]);
    expect({ exitCode, stdout, first: stderr.split('\n')[0] }).toEqual({
      exitCode: 2,
      stdout: '',
      first: `error: ${message}`,
    });
    expect(() => readdirSync(home.path)).toThrow();
  });

  test.each([
    ['{', /^error: not JSON/],
    ['[]', /^error: the card: expected an object, found \[\]\n/],
    [JSON.stringify({ format: 1, name: 'market' }), /^error: date: expected a value/],
    [
      JSON.stringify({
        format: 1,
        name: 'guide',
        date: '2026-01-01',
        source: 's',
        currency: 'USD',
        units: [{ rates: { a: '1' } }],
      }),
      /^error: guide is a card that ships/,
    ],
  ])('a file with %s is refused, and nothing is written', (text, message) => {
    const home = new Home();
    writeFileSync(home.beside('bad.json'), text);
    const { exitCode, stdout, stderr } = home.optimise(['rates', 'set', '--file', home.beside('bad.json')]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(() => readdirSync(home.path)).toThrow();
    expect(home.optimise(['rates', 'set', '--file', home.beside('none.json')]).exitCode).toBe(2);
  });
});

test('rates use orders the cards for spans of services, and shows the order', () => {
  const home = new Home();
  rates(home, 'set', '--model', 'mine', '--input', '1', '--output', '2');
  expect(json(rates(home, 'use', 'guide', '--json'))).toEqual({
    services: ['own', 'guide'],
    by_hand: ['own', 'guide'],
  });
  expect(json(rates(home, 'use', 'market', 'guide', 'own', '--json'))).toMatchObject({
    services: ['market', 'guide', 'own'],
  });
  expect(rates(home, 'use')).toContain('priced by: market, guide, own\n');
  const { exitCode, stderr } = home.optimise(['rates', 'use', 'guid']);
  expect({ exitCode, stderr }).toEqual({
    exitCode: 2,
    stderr: 'error: there is no card "guid"\nhint: did you mean guide?\n',
  });
  expect(home.optimise(['rates', 'use', 'guide', 'guide']).exitCode).toBe(2);
});

test('rates diff says where two cards differ, and a file can be one', () => {
  const home = new Home();
  expect(
    rates(home, 'diff')
      .split('\n')
      .find((line) => line.startsWith('gpt-5')),
  ).toMatch(/^gpt-5 +50 +1\.25 +150 +10 +cache_read$/);
  rates(home, 'set', '--model', 'gpt-5', '--input', '50', '--output', '150', '--from', '2025-01-01');
  expect(json(rates(home, 'diff', 'own', 'guide', '--json'))).toMatchObject({ same: 1, different: [], only_left: [] });
  expect(rates(home, 'diff', `${home.path}/rates/own.0001.json`, 'guide')).toContain('1 the same');
  expect(home.optimise(['rates', 'diff', 'own']).exitCode).toBe(2);
});

describe('rates explain', () => {
  test('shows keys, card, lines and sum, and works it out again', () => {
    const home = new Home();
    home.log('e', 't', ...TOKENS, '--model', 'claude-haiku-4.5', '--cost', '0.0005');
    const text = rates(home, 'explain', '1');
    for (const line of [
      'model     claude-haiku-4.5 (gen_ai.response.model)',
      'provider  anthropic (told from the name of the model)',
      'read      input 100 (gen_ai.usage.input_tokens)',
      'charge    $0.0005 reported (witness.cost.usd)',
      '          claude-haiku-4.5, by its exact name',
      '          input   100 × 0.25 / 1,000,000 = $0.000025',
      '          output  50 × 1.25 / 1,000,000 = $0.0000625',
      '          sum     $0.0000875',
      'checked   every line and the sum, and rates and tier against the card',
      'now       the same, $0.0000875 by card guide, claude-haiku-4.5',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
    expect(json(rates(home, 'explain', '1', '--json'))).toMatchObject({
      seq: 1,
      by_hand: true,
      charge: { source: 'reported', rated: { card: 'guide' } },
      card_is_here: true,
      problems: [],
      same: true,
    });
  });

  test('warns of a loose match', () => {
    const home = new Home();
    home.log('e', 't', ...TOKENS, '--model', 'gpt-4o');
    expect(rates(home, 'explain', '1')).toContain('warning: check that this is the model');
  });

  test('of what is no span is exit code 1, of what is no seq 2', () => {
    const home = new Home();
    home.log('e', 't');
    expect(home.optimise(['rates', 'explain', '0']).exitCode).toBe(1);
    expect(home.optimise(['rates', 'explain', '99']).exitCode).toBe(1);
    expect(home.optimise(['rates', 'explain', 'x']).exitCode).toBe(2);
    expect(rates(home, 'explain', '1')).toContain('it says nothing of a model');
  });
});

describe('rates reprice', () => {
  function unpriced(): Home {
    const home = new Home();
    home.log('e', 't', ...TOKENS, '--model', 'mine');
    home.log('e', 't', ...TOKENS, '--model', 'mine', '--cost', '9');
    rates(home, 'set', '--model', 'mine', '--input', '1', '--output', '2', '--from', '2025-01-01');
    return home;
  }

  test('shows the difference and writes nothing without --yes', () => {
    const home = unpriced();
    const before = readFileSync(home.ledger);
    expect(rates(home, 'reprice')).toContain('1 entry: $0.00 before, $0.0002 after, $0.0002 difference\n');
    expect(readFileSync(home.ledger).equals(before)).toBe(true);
    expect(home.optimise(['rates', 'reprice', '--yes']).exitCode).toBe(2);
  });

  test('appends an adjustment that names the entry, and edits none; a reported cost stays', () => {
    const home = unpriced();
    expect(rates(home, 'reprice', '--yes', '--reason', 'contract')).toContain('1 entry adjusted\n');
    expect(charges(home)[0]).toEqual({ source: 'unpriced' });
    expect(home.witness(['verify']).exitCode).toBe(0);
    const text = rates(home, 'explain', '1');
    expect(text).toContain('adjusted  by entry 3: contract\n');
    expect(text).toContain('charge    $0.0002 computed from the card\n');
    expect(rates(home, 'reprice', '--yes', '--reason', 'again')).toContain('nothing to reprice');
  });

  test('leaves a card out of reports once the last price from it was replaced', () => {
    const home = new Home();
    home.log('e', 't', ...TOKENS, '--model', 'claude-haiku-4.5');
    const cardsOf = ({ stdout }: Ran) => json<{ rate_cards: string[] }>(stdout).rate_cards;
    const report = (...flags: string[]) => cardsOf(home.optimise(['report', '--json', ...flags]));
    expect(report()).toEqual(['guide']);
    rates(home, 'set', '--model', 'claude-haiku-4.5', '--input', '1', '--output', '2', '--from', '2025-01-01');
    rates(home, 'reprice', '--yes', '--reason', 'contract');
    expect(report()).toEqual(['own']);
    expect(cardsOf(home.witness(['cost', '--json']))).toEqual(['own']);
    expect(report('--recompute')).toEqual(['own']);
  });

  test('takes one entry, or those since a time', () => {
    const home = unpriced();
    expect(json(rates(home, 'reprice', '--seq', '2', '--json'))).toMatchObject({ appended: 0, changes: [] });
    expect(json(rates(home, 'reprice', '--since', '2100-01-01', '--json'))).toMatchObject({ changes: [] });
    expect(json(rates(home, 'reprice', '--seq', '1', '--json'))).toMatchObject({
      changes: [{ seq: 1, before: null, before_source: 'unpriced', after: '200000000', card: 'own', model: 'mine' }],
      after_pico_usd: '200000000',
    });
    expect(home.optimise(['rates', 'reprice', '--seq', '99']).exitCode).toBe(1);
  });
});

describe('a broken card', () => {
  test('stops no event; rates and doctor name it', () => {
    const home = new Home();
    rates(home, 'set', '--model', 'mine', '--input', '1', '--output', '2');
    writeFileSync(`${home.path}/rates/own.0002.json`, '{"format":1');
    expect(home.log('e', 't', ...TOKENS, '--model', 'mine').exitCode).toBe(0);
    expect(home.log('e', 't', ...TOKENS, '--model', 'gpt-5').exitCode).toBe(0);
    expect(charges(home)).toMatchObject([{ source: 'unpriced' }, { source: 'computed' }]);
    const { exitCode, stdout, stderr } = home.optimise(['rates']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('own: cannot be read, so it prices nothing');
    expect(stderr).toMatch(/^warning: .*own\.0002\.json is not used: not JSON/);
    expect(home.witness(['doctor']).stdout).toMatch(/problem {2}rates .*own\.0002\.json: not JSON/);
    expect(home.optimise(['rates', 'set', '--model', 'mine', '--input', '1', '--output', '2']).exitCode).toBe(2);
    expect(files(home)).toEqual(['own.0001.json', 'own.0002.json']);
    rmSync(`${home.path}/rates/own.0002.json`);
    home.log('e', 't', ...TOKENS, '--model', 'mine');
    expect(charges(home)[2]).toMatchObject({ source: 'computed' });
  });

  test.skipIf(process.getuid?.() !== 0)('nor does one that may not be read', () => {
    const home = new Home();
    rates(home, 'set', '--model', 'mine', '--input', '1', '--output', '2');
    chmodSync(`${home.path}/rates`, 0o000);
    expect(home.log('e', 't', ...TOKENS, '--model', 'gpt-5').exitCode).toBe(0);
    chmodSync(`${home.path}/rates`, 0o700);
  });
});
