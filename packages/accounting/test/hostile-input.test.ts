import {
  ATTRIBUTE_TABLE,
  type Attributes,
  type AttributeValue,
  accountFor,
  JSON_SOURCES,
  labelsOf,
  RESPONSE_ID_KEYS,
} from '@infrafabric/accounting';
import { encodeSpanBody, MAX_ENTRY_OCTETS, utf8Of } from '@infrafabric/format';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { span } from './spans.js';

const KEYS = [
  ...Object.values(ATTRIBUTE_TABLE).flat(),
  ...JSON_SOURCES.map((source) => source.key),
  ...RESPONSE_ID_KEYS,
  'genkit:metadata:subtype',
  'logfire.span_type',
  'duration',
  'witness.cost.estimated',
  'langfuse.observation.level',
  'ai.usage.inputTokenDetails.noCacheTokens',
  'witness.units.minute',
  'witness.units.__proto__',
  'witness.units.constructor',
  '__proto__',
  'constructor',
  'toString',
];
const SCOPES = [
  '',
  'ai',
  'logfire.openai',
  'logfire.openai_agents',
  '@traceloop/instrumentation-openai',
  'openlit.instrumentation.google_ai_studio',
  'opentelemetry.instrumentation.bedrock',
];

const key = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...KEYS) }, fc.string({ unit: 'binary' }));
const value: fc.Arbitrary<AttributeValue> = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: 0n, max: 2n ** 53n }),
  fc.bigInt({ min: 0n, max: 100n }),
  fc.double(),
  fc.double({ min: 0, max: 10 }),
  fc.boolean(),
  fc.constant(null),
  fc.uint8Array({ maxLength: 4 }),
  fc.array(fc.string(), { maxLength: 2 }),
  fc.constant({ kvlist: [['a', 1n]] } as const),
  fc.string({ unit: 'binary' }),
  fc.string().map((text) => JSON.stringify(text)),
  fc.constantFrom(
    '"\\ud800"',
    '\ud800',
    '"',
    '""',
    '"null"',
    '1e999999999',
    '1e-999999999',
    '-0',
    'NaN',
    'openai/',
    '/',
    'İ'.repeat(600),
  ),
  fc.nat().map((n) => String(n)),
  fc.constantFrom('span', 'log', 'model', 'chat', 'LLM'),
  fc.oneof(fc.jsonValue(), fc.constant({})).map((json) => JSON.stringify(json)),
);

const USAGE_NAMES = [
  'input',
  'output',
  'prompt_tokens',
  'input_tokens',
  'output_tokens',
  'cache_read_input_tokens',
  'usage',
  'anthropic',
  'cache_creation',
  'ephemeral_1h_input_tokens',
  'input_tokens_details',
  'cached_tokens',
  'output_reasoning',
  'promptTokenCount',
  'toolUsePromptTokenCount',
  '__proto__',
  'total',
  'replies',
  'meta',
  'id',
];
const usageJson = fc.letrec<{ node: unknown }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.nat(),
    fc.constantFrom(-1, 2 ** 53, 0.5, null, true, '7', 'chatcmpl-x'),
    fc.array(tie('node'), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom(...USAGE_NAMES), tie('node'), { maxKeys: 6 }),
  ),
})).node;
const python = (value: unknown): string => JSON.stringify(value).replaceAll('"', "'").replaceAll('null', 'None');

/** Octets of an entry body with the account of a span, written as the ledger writes it. */
function octetsOf(attributes: Attributes, scopeName: string, statusCode = 0): number {
  const account = accountFor(span(attributes, { scopeName, statusCode }));
  const body = { end: '1', event: '', kind: 0, span: '00', start: '0', status: 0, trace: '00', ...account };
  return utf8Of(encodeSpanBody(body)).length;
}

test('any attributes give an account that can be written, and never an exception', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(key, value), { maxLength: 30 }),
      fc.oneof(fc.constantFrom(...SCOPES), fc.string({ unit: 'binary' })),
      fc.nat({ max: 3 }),
      (attributes, scopeName, statusCode) => {
        expect(octetsOf(attributes, scopeName, statusCode)).toBeLessThan(MAX_ENTRY_OCTETS / 2);
        labelsOf(attributes);
      },
    ),
    { numRuns: 3000 },
  );
});

test('any usage in JSON gives an account that can be written, and never an exception', () => {
  const known = fc.constantFrom(
    ...JSON_SOURCES.map((source) => source.key),
    'mlflow.llm.cost',
    'gen_ai.usage.input_tokens',
  );
  const text = fc
    .tuple(usageJson, fc.boolean())
    .map(([json, isPython]) => (isPython ? python(json) : JSON.stringify(json)));
  const kind = [
    ['openinference.span.kind', 'LLM'],
    ['ai.operationId', 'ai.a.doB'],
    ['genkit:metadata:subtype', 'model'],
  ] as const;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(known, fc.oneof(text, fc.nat().map(BigInt))), { maxLength: 6 }),
      fc.constantFrom(...SCOPES),
      (sources, scope) => {
        expect(octetsOf([...kind, ...sources], scope)).toBeLessThan(8192);
      },
    ),
    { numRuns: 3000 },
  );
});

test.each([
  ['deep', (n: number) => '['.repeat(n)],
  ['deep objects', (n: number) => '{"usage":'.repeat(n / 9)],
  ['deep Python', (n: number) => "{'a':".repeat(n / 5)],
  ['names that nearly match', (n: number) => 'cach'.repeat(n / 4)],
  ['ids that nearly match', (n: number) => '"id":"msg_01'.repeat(n / 12)],
  ['quotes', (n: number) => `{'${"\\'".repeat(n / 2)}`],
  ['many members', (n: number) => `{${Array.from({ length: n / 20 }, (_, i) => `"prompt_tokens${i}":1`).join()}}`],
])('JSON that is %s costs little time', (_, make) => {
  for (const size of [16_000, 65_000, 262_000, 2_000_000]) {
    const huge = make(size);
    const started = performance.now();
    for (const { key } of JSON_SOURCES)
      octetsOf(
        [
          ['openinference.span.kind', 'LLM'],
          ['ai.operationId', 'ai.a.doB'],
          [key, huge],
        ],
        '',
      );
    expect(performance.now() - started).toBeLessThan(1500);
  }
});

test('counts of an account are consistent: reasoning is inside output, and what is impossible is marked', () => {
  const count = fc.bigInt({ min: 0n, max: 2n ** 53n - 1n });
  const key = fc.constantFrom(
    ...(['input', 'output', 'cache_read', 'cache_write', 'cache_write_5m', 'reasoning', 'total'] as const).map(
      (field) => ATTRIBUTE_TABLE[field][0]!,
    ),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(key, fc.oneof(count, fc.bigInt({ min: 0n, max: 9n })))),
      fc.constantFrom(...SCOPES),
      (attributes, scopeName) => {
        const { usage } = accountFor(span(attributes, { scopeName }));
        const { output, reasoning } = usage?.tokens ?? {};
        if (output !== undefined && reasoning !== undefined && !usage?.marks?.includes('impossible')) {
          expect(reasoning).toBeLessThanOrEqual(output);
        }
        for (const tokens of Object.values(usage?.tokens ?? {}))
          expect(Number.isSafeInteger(tokens) && tokens >= 0).toBe(true);
        expect(usage?.marks ?? []).toEqual([...new Set(usage?.marks)].sort());
      },
    ),
  );
});

test.each(['x', '"', '\0', '\u{1f600}', '\ud800', ' ', '0', '9', 'a/', '"x'])(
  'texts of ten million %j are cut short, quickly',
  (unit) => {
    const huge = unit.repeat(10_000_000);
    const started = performance.now();
    expect(
      octetsOf(
        KEYS.map((name) => [name, huge] as const),
        huge,
      ),
    ).toBeLessThan(MAX_ENTRY_OCTETS / 2);
    labelsOf(KEYS.map((name) => [name, huge]));
    expect(performance.now() - started).toBeLessThan(1000);
  },
);

test('a hundred thousand units or repeated keys take no room', () => {
  const units = Array.from({ length: 100_000 }, (_, i) => [`witness.units.u${i}`, '1'.repeat(24)] as const);
  expect(octetsOf(units, '')).toBeLessThan(4096);
  expect(
    octetsOf(
      Array.from({ length: 100_000 }, () => ['input_tokens', 'x'] as const),
      '',
    ),
  ).toBeLessThan(4096);
});

test('values of types that no attribute has are not used', () => {
  for (const alien of [undefined, Symbol('s'), () => 1, new Date(0), {}, Object.create(null)]) {
    for (const name of KEYS) octetsOf([[name, alien as unknown as AttributeValue]], '');
  }
});
