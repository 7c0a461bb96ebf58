import { usageOf } from '@infrafabric/accounting';
import { describe, expect, test } from 'vitest';
import { call, span } from './spans.js';

const tokensOf = (...args: Parameters<typeof span>) => usageOf(span(...args))?.tokens;

test('one call, read whole', () => {
  expect(
    usageOf(
      span(
        {
          'gen_ai.operation.name': 'chat',
          'gen_ai.system': 'openai.chat',
          'gen_ai.request.model': 'gpt-4o-mini',
          'gen_ai.response.model': 'gpt-4o-mini-2024-07-18',
          'gen_ai.response.id': 'chatcmpl-1',
          'gen_ai.usage.input_tokens': 6106n,
          'gen_ai.usage.output_tokens': 865n,
          'gen_ai.usage.cache_read.input_tokens': 701n,
          'gen_ai.usage.cache_creation.input_tokens': 0n,
          'gen_ai.usage.reasoning.output_tokens': 641n,
        },
        { scopeName: 'some.instrumentation' },
      ),
    ),
  ).toEqual({
    keys: {
      cache_read: 'gen_ai.usage.cache_read.input_tokens',
      cache_write: 'gen_ai.usage.cache_creation.input_tokens',
      input: 'gen_ai.usage.input_tokens',
      model: 'gen_ai.response.model',
      operation: 'gen_ai.operation.name',
      output: 'gen_ai.usage.output_tokens',
      provider: 'gen_ai.system',
      reasoning: 'gen_ai.usage.reasoning.output_tokens',
      response: 'gen_ai.response.id',
    },
    model: 'gpt-4o-mini-2024-07-18',
    operation: 'chat',
    provider: 'openai',
    raw: { cache_read: 701, cache_write: 0, input: 6106, output: 865, reasoning: 641 },
    response: 'chatcmpl-1',
    scope: 'some.instrumentation',
    table: '2026-11',
    tokens: { cache_read: 701, input: 5405, output: 865, reasoning: 641 },
  });
});

describe('input includes the cache', () => {
  test('unless something says otherwise', () => {
    expect(tokensOf(call({ input: 6106n, output: 1n, read: 701n, write: 301n }))).toEqual({
      input: 5104,
      cache_read: 701,
      cache_write: 301,
      output: 1,
    });
    expect(tokensOf(call({ input: 1002n, output: 1n, read: 701n, write: 301n }))).toMatchObject({ input: 0 });
  });

  test('except under the key of Claude Code', () => {
    const counts = { output_tokens: 224n, cache_read_tokens: 701n, cache_creation_tokens: 301n };
    const exclusive = { input: 5104, cache_read: 701, cache_write: 301, output: 224 };
    expect(tokensOf({ input_tokens: 5104n, ...counts })).toEqual(exclusive);
    expect(tokensOf({ 'gen_ai.usage.input_tokens': 6106n, input_tokens: 5104n, ...counts })).toEqual(exclusive);
  });

  test.each([
    'openlit.instrumentation.anthropic',
    '@traceloop/instrumentation-anthropic',
    'opentelemetry.instrumentation.bedrock',
    'opentelemetry.instrumentation.botocore.bedrock-runtime',
  ])('except from scope %s', (scopeName) => {
    expect(tokensOf(call({ input: 5104n, output: 1n, read: 701n, write: 301n }), { scopeName })).toMatchObject({
      input: 5104,
    });
  });

  test.each([
    ['openinference.instrumentation.agno', 'Anthropic', 5104],
    ['openinference.instrumentation.agno', 'OpenAI', 4102],
    ['openinference.instrumentation.anthropic', 'anthropic', 4102],
    ['ai', 'anthropic.messages', 5104],
    ['ai', 'openai.chat', 4102],
    ['ai', 'amazon-bedrock', 4102],
    ['AI', 'anthropic.messages', 4102],
  ])('from scope %s with provider %s, 5104 is %s uncached', (scopeName, provider, input) => {
    const attributes = { ...call({ input: 5104n, output: 1n, read: 701n, write: 301n }), 'gen_ai.system': provider };
    expect(tokensOf(attributes, { scopeName })).toMatchObject({ input });
  });

  test.each(['noCacheTokens', 'cacheReadTokens', 'cacheWriteTokens'])(
    'in AI SDK 6, which says %s, from Anthropic too',
    (detail) => {
      const attributes = {
        ...call({ input: 5104n, output: 1n, read: 701n, write: 301n }),
        'gen_ai.system': 'anthropic.messages',
        [`ai.usage.inputTokenDetails.${detail}`]: 0n,
      };
      expect(tokensOf(attributes, { scopeName: 'ai' })).toMatchObject({ input: 4102 });
    },
  );

  test('except when the cache alone is more than the input', () => {
    expect(tokensOf(call({ input: 1001n, output: 1n, read: 701n, write: 301n }))).toMatchObject({ input: 1001 });
    expect(tokensOf(call({ input: 10n, output: 1n, read: 11n }))).toEqual({ input: 10, cache_read: 11, output: 1 });
  });

  test('a total tells nothing about it', () => {
    expect(tokensOf(call({ input: 6106n, output: 1n, read: 701n, total: 6107n }))).toMatchObject({ input: 5405 });
  });
});

describe('cache write', () => {
  const split = (write: bigint | undefined, short: bigint, long: bigint) =>
    usageOf(
      span({
        ...call({ input: 5000n, output: 1n, ...(write !== undefined && { write }) }),
        'anthropic.usage.cache_creation.ephemeral_5m_input_tokens': short,
        'anthropic.usage.cache_creation.ephemeral_1h_input_tokens': long,
      }),
    );

  test('is split by how long it is kept, and the split is never added to it', () => {
    expect(split(300n, 100n, 200n)?.tokens).toEqual({
      input: 4700,
      cache_write_5m: 100,
      cache_write_1h: 200,
      output: 1,
    });
    expect(split(300n, 300n, 0n)?.tokens).toEqual({ input: 4700, cache_write_5m: 300, output: 1 });
    expect(split(undefined, 100n, 200n)?.tokens).toEqual({
      input: 4700,
      cache_write_5m: 100,
      cache_write_1h: 200,
      output: 1,
    });
  });

  test('whose split is not known whole stays `cache_write` for the rest', () => {
    expect(split(300n, 0n, 0n)?.tokens).toEqual({ input: 4700, cache_write: 300, output: 1 });
    expect(split(300n, 100n, 0n)?.tokens).toEqual({ input: 4700, cache_write: 200, cache_write_5m: 100, output: 1 });
  });

  test('smaller than its split does not believe the split', () => {
    expect(split(300n, 100n, 201n)).toMatchObject({ marks: ['impossible'], tokens: { input: 4700, cache_write: 300 } });
    expect(split(300n, 100n, 201n)?.tokens).not.toHaveProperty('cache_write_5m');
  });
});

describe('reasoning is inside output', () => {
  test('and stays there', () => {
    expect(tokensOf(call({ input: 10n, output: 865n, reasoning: 641n }))).toEqual({
      input: 10,
      output: 865,
      reasoning: 641,
    });
  });

  test('except from the scope that leaves it out, where it is added', () => {
    const usage = usageOf(
      span(call({ input: 10n, output: 224n, reasoning: 100n }), {
        scopeName: 'openlit.instrumentation.google_ai_studio',
      }),
    );
    expect(usage).toMatchObject({ raw: { output: 224, reasoning: 100 }, tokens: { output: 324, reasoning: 100 } });
    expect(usage).not.toHaveProperty('marks');
  });

  test('so more reasoning than output is added and marked inferred', () => {
    expect(usageOf(span(call({ input: 10n, output: 224n, reasoning: 641n })))).toMatchObject({
      marks: ['inferred'],
      tokens: { output: 865, reasoning: 641 },
    });
  });

  test('what only the total counts is reasoning, marked inferred, with the total kept', () => {
    expect(usageOf(span(call({ input: 1104n, output: 224n, read: 100n, total: 1969n })))).toMatchObject({
      keys: { total: 'gen_ai.usage.total_tokens' },
      marks: ['inferred'],
      raw: { input: 1104, output: 224, total: 1969 },
      tokens: { input: 1004, cache_read: 100, output: 865, reasoning: 641 },
    });
  });

  test('a total that agrees, or that counts exclusive cache, infers nothing', () => {
    for (const attributes of [
      call({ input: 10n, output: 5n, total: 15n }),
      call({ input: 10n, output: 5n, total: 3n }),
      call({ input: 10n, output: 5n, read: 100n, write: 50n, total: 165n }),
      call({ input: 10n, output: 5n, read: 100n, write: 50n, total: 15n }),
      call({ input: 10n, output: 5n, reasoning: 0n, total: 50n }),
      call({ output: 5n, total: 50n }),
    ]) {
      const usage = usageOf(span(attributes));
      expect(usage).not.toHaveProperty('marks');
      expect(usage?.tokens?.output).toBe(5);
      expect(usage?.raw).not.toHaveProperty('total');
    }
  });
});

describe('no usage is not zero', () => {
  test.each([
    ['no counts', {}],
    ['zero and zero', call({ input: 0n, output: 0n })],
    ['zero alone', call({ output: 0n })],
    ['only a total', { 'llm.token_count.total': 5n }],
    ['null', call({ input: null, output: null })],
    ['empty text', call({ input: '', output: 'null' })],
  ])('%s on a model call is unknown', (_, counts) => {
    const usage = usageOf(span({ ...counts, 'gen_ai.request.model': 'gpt-4o' }));
    expect(usage?.marks).toEqual(['unknown']);
    expect(usage).not.toHaveProperty('tokens');
  });

  test('one of both is enough to be known, and its zeros stay', () => {
    expect(tokensOf(call({ input: 78n, output: 0n }))).toEqual({ input: 78, output: 0 });
    expect(tokensOf(call({ input: 78n }))).toEqual({ input: 78 });
    expect(tokensOf(call({ output: 5n }))).toEqual({ output: 5 });
  });

  test.each([
    [{ 'gen_ai.operation.name': 'chat' }],
    [{ 'openinference.span.kind': 'LLM' }],
    [{ 'openinference.span.kind': 'EMBEDDING' }],
    [{ 'langfuse.observation.type': 'generation' }],
    [{ 'ai.operationId': 'ai.generateText.doGenerate' }],
    [{ 'mlflow.spanType': '"CHAT_MODEL"' }],
    [{ 'span.type': 'llm_request' }],
  ])('%j is a model call without any other key', (attributes) => {
    expect(usageOf(span(attributes))).toMatchObject({ marks: ['unknown'] });
  });

  test('a failed call is not unknown', () => {
    const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' };
    expect(usageOf(span(attributes, { statusCode: 2 }))).toMatchObject({ model: 'gpt-4o' });
    expect(usageOf(span(attributes, { statusCode: 2 }))).not.toHaveProperty('marks');
    expect(usageOf(span({ ...attributes, 'langfuse.observation.level': 'ERROR' }))).not.toHaveProperty('marks');
    expect(usageOf(span({ ...attributes, 'langfuse.observation.level': 'DEFAULT' }))?.marks).toEqual(['unknown']);
  });

  test.each([
    [{}],
    [{ 'http.request.method': 'GET' }],
    [{ model: 'Model T' }],
    [{ 'gen_ai.system': 'openai', 'gen_ai.tool.name': 'get_weather' }],
    [{ 'gen_ai.operation.name': 'execute_tool', request_id: 'r' }],
    [{ 'ai.operationId': 'ai.toolCall' }],
    [{ 'span.type': 'web', 'operation.name': 'http.request' }],
    [{ 'gen_ai.request.model': null }],
  ])('%j is not about a model', (attributes) => {
    expect(usageOf(span(attributes))).toBeUndefined();
  });

  test('`model` says something beside another key of a model call', () => {
    expect(usageOf(span({ model: 'anthropic/claude-sonnet-4-5', input_tokens: 5n }))?.model).toBe('claude-sonnet-4-5');
    expect(usageOf(span({ model: 'gpt-4o', 'gen_ai.system': 'openai' }))).toMatchObject({
      marks: ['unknown'],
      model: 'gpt-4o',
    });
  });
});

describe('values', () => {
  test.each([5104n, 5104, '5104', '5104.0', '"5104"'])('%s counts 5104', (input) => {
    expect(usageOf(span(call({ input })))?.raw).toEqual({ input: 5104 });
  });

  test('minus zero is zero', () => {
    expect(Object.is(usageOf(span(call({ input: -0, output: 1n })))?.raw?.input, 0)).toBe(true);
  });

  test.each([
    -1n,
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1.5,
    2n ** 53n,
    2 ** 53,
    '-1',
    '1.5',
    '9007199254740992',
    'many',
    true,
    [5n],
    { kvlist: [] },
    new Uint8Array(1),
  ])('%s is no count: marked, and the next key is read', (input) => {
    expect(usageOf(span(call({ input })))?.marks).toEqual(['impossible', 'unknown']);
    expect(usageOf(span({ ...call({ input }), 'gen_ai.usage.prompt_tokens': 7n }))).toMatchObject({
      keys: { input: 'gen_ai.usage.prompt_tokens' },
      marks: ['impossible'],
      raw: { input: 7 },
    });
  });

  test('JSON text is decoded, null text is no text, other quotes stay', () => {
    expect(usageOf(span({ 'mlflow.llm.model': '"gpt-4o-mini"' }))?.model).toBe('gpt-4o-mini');
    expect(usageOf(span({ 'gen_ai.response.model': 'null', 'gen_ai.request.model': 'gpt-4o' }))?.model).toBe('gpt-4o');
    expect(usageOf(span({ 'gen_ai.request.model': '"a" or "b"' }))?.model).toBe('"a" or "b"');
  });

  test('of an attribute that comes twice the first value counts', () => {
    expect(
      usageOf(
        span([
          ['input_tokens', null],
          ['input_tokens', 5n],
          ['input_tokens', 6n],
        ]),
      )?.raw,
    ).toEqual({ input: 5 });
  });

  test('a sum beyond 2^53−1 is not made', () => {
    const huge = BigInt(Number.MAX_SAFE_INTEGER);
    expect(usageOf(span(call({ input: 1n, output: huge - 1n, reasoning: huge })))).toMatchObject({
      marks: ['impossible', 'inferred'],
      tokens: { output: Number(huge - 1n) },
    });
  });
});

describe('units', () => {
  test('are exact decimals by name', () => {
    const usage = usageOf(
      span({
        'witness.units.call': 1n,
        'witness.units.megabit_minute': '90.50',
        'witness.units.minute': 0.1,
        'witness.units.frame': '1e3',
      }),
    );
    expect(usage).toEqual({
      scope: '',
      table: '2026-11',
      units: { call: '1', frame: '1000', megabit_minute: '90.5', minute: '0.1' },
    });
  });

  test.each([
    ['witness.units.minute', -1],
    ['witness.units.minute', 'long'],
    ['witness.units.minute', Number.NaN],
    ['witness.units.minute', '1e-25'],
    ['witness.units.minute', 1e24],
    ['witness.units.minute', false],
    ['witness.units.Minute', 1],
    ['witness.units.__proto__', 1],
    ['witness.units.', 1],
  ])('%s = %s is marked and left out', (key, value) => {
    const usage = usageOf(span({ [key]: value, 'witness.units.call': 1n }));
    expect(usage?.units).toEqual({ call: '1' });
    expect(usage?.marks).toEqual(['impossible']);
  });

  test('of which none can be used leave the mark', () => {
    expect(usageOf(span({ 'witness.units.minute': 'long' }))).toEqual({
      marks: ['impossible'],
      scope: '',
      table: '2026-11',
    });
  });

  test('beyond 32 are marked and left out', () => {
    const usage = usageOf(span(Array.from({ length: 33 }, (_, i) => [`witness.units.u${i}`, 1n] as const)));
    expect(Object.keys(usage?.units ?? {})).toHaveLength(32);
    expect(usage?.marks).toEqual(['impossible']);
  });
});

test('counts that the caller calls guesses are marked estimated', () => {
  for (const flag of [true, 'true', 'True']) {
    expect(usageOf(span({ ...call({ input: 5n }), 'witness.cost.estimated': flag }))?.marks).toEqual(['estimated']);
  }
  for (const flag of [false, 'false', 1n, 'yes']) {
    expect(usageOf(span({ ...call({ input: 5n }), 'witness.cost.estimated': flag }))).not.toHaveProperty('marks');
  }
});
