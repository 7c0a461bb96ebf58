import { type Attributes, type AttributeValue, JSON_SOURCES, usageOf } from '@infrafabric/accounting';
import { describe, expect, test } from 'vitest';
import { span } from './spans.js';

const CALL = { 'openinference.span.kind': 'LLM' };
const OPENAI = {
  prompt_tokens: 6106,
  completion_tokens: 865,
  total_tokens: 6971,
  prompt_tokens_details: { cached_tokens: 701, cache_write_tokens: 301 },
  completion_tokens_details: { reasoning_tokens: 641 },
};
const ANTHROPIC = {
  input_tokens: 5104,
  output_tokens: 224,
  cache_read_input_tokens: 701,
  cache_creation_input_tokens: 301,
  cache_creation: { ephemeral_5m_input_tokens: 1, ephemeral_1h_input_tokens: 300 },
};
const GEMINI = {
  promptTokenCount: 6106,
  candidatesTokenCount: 224,
  thoughtsTokenCount: 641,
  cachedContentTokenCount: 701,
  toolUsePromptTokenCount: 33,
};
const REASONED = { input: 5104, cache_read: 701, cache_write: 301, output: 865, reasoning: 641 };
const ANTHROPIC_TOKENS = { input: 5104, cache_read: 701, cache_write_5m: 1, cache_write_1h: 300, output: 224 };
const tokensOf = (attributes: Record<string, AttributeValue>, scopeName = '') =>
  usageOf(span(attributes, { scopeName }))?.tokens;

describe('a usage in JSON is read where attributes give none', () => {
  test.each([
    ['mlflow.chat.tokenUsage', '{"input_tokens":6106,"output_tokens":224,"cache_read_input_tokens":701}', {}],
    ['langfuse.observation.usage_details', '{"input":5405,"output":224,"input_cached_tokens":701}', {}],
    [
      'langfuse.observation.usage_details',
      '{"prompt_tokens":6106,"completion_tokens":224,"prompt_tokens_details":{"cached_tokens":701}}',
      {},
    ],
    [
      'gen_ai.usage.raw',
      '{"prompt_tokens":6106,"completion_tokens":224,"prompt_tokens_details":{"cached_tokens":701}}',
      {},
    ],
    [
      'langsmith.metadata.usage_metadata',
      '{"input_tokens":6106,"output_tokens":224,"input_token_details":{"cache_read":701}}',
      {},
    ],
    [
      'langsmith.usage_metadata',
      '{"input_tokens":6106,"output_tokens":224,"input_token_details":{"cache_read":701}}',
      {},
    ],
    [
      'metadata.usage_object',
      "{'prompt_tokens': 6106, 'completion_tokens': 224, 'prompt_tokens_details': {'cached_tokens': 701, 'x': None}}",
      {},
    ],
    [
      'genkit:output',
      '{"usage":{"inputTokens":6106,"outputTokens":224,"cachedContentTokens":701}}',
      { 'genkit:metadata:subtype': 'model' },
    ],
    [
      'haystack.agent.step.llm.output',
      '{"replies":[{"meta":{"usage":{"prompt_tokens":6106,"completion_tokens":224,"prompt_tokens_details":{"cached_tokens":701}}}}]}',
      {},
    ],
    [
      'haystack.component.output',
      '{"replies":["x"],"meta":[{"usage":{"prompt_tokens":6106,"completion_tokens":224,"prompt_tokens_details":{"cached_tokens":701}}}]}',
      {},
    ],
    [
      'output.value',
      '{"usage":{"input_tokens":6106,"output_tokens":224,"input_tokens_details":{"cached_tokens":701}}}',
      CALL,
    ],
    [
      'mlflow.spanOutputs',
      '{"usage":{"input_tokens":6106,"output_tokens":224,"input_tokens_details":{"cached_tokens":701}}}',
      CALL,
    ],
    [
      'ai.response.providerMetadata',
      '{"google":{"usageMetadata":{"promptTokenCount":6106,"candidatesTokenCount":224,"cachedContentTokenCount":701}}}',
      { 'ai.operationId': 'ai.generateText.doGenerate' },
    ],
  ])('%s: %s', (key, json, rest) => {
    const usage = usageOf(span({ ...rest, [key]: json }));
    expect(usage?.tokens).toEqual({ input: 5405, cache_read: 701, output: 224 });
    for (const field of ['input', 'output', 'cache_read']) expect(usage?.keys?.[field]).toContain(`${key}.`);
  });

  test('each source of the table is tested above or below', () => {
    expect(JSON_SOURCES.map(({ key }) => key)).toHaveLength(13);
  });

  test('keys name the attribute and the path', () => {
    const usage = usageOf(span({ ...CALL, 'output.value': JSON.stringify({ usage: OPENAI }) }));
    expect(usage?.keys).toMatchObject({
      input: 'output.value.usage.prompt_tokens',
      cache_read: 'output.value.usage.prompt_tokens_details.cached_tokens',
    });
    expect(usage?.tokens).toEqual(REASONED);
  });

  test('also as text in text, and as a kvlist', () => {
    const text = JSON.stringify(JSON.stringify(OPENAI));
    expect(tokensOf({ 'gen_ai.usage.raw': text })).toEqual(REASONED);
    const kvlist = (json: object): AttributeValue => ({
      kvlist: Object.entries(json).map(([name, value]) => [
        name,
        typeof value === 'object' ? kvlist(value as object) : BigInt(value as number),
      ]),
    });
    expect(tokensOf({ 'gen_ai.usage.raw': kvlist(OPENAI) })).toEqual(REASONED);
  });

  test('Anthropic leaves the cache out of the input, except where a producer has put it in', () => {
    expect(tokensOf({ 'gen_ai.usage.raw': JSON.stringify(ANTHROPIC) })).toEqual(ANTHROPIC_TOKENS);
    expect(tokensOf({ 'mlflow.chat.tokenUsage': JSON.stringify({ ...ANTHROPIC, input_tokens: 6106 }) })).toEqual(
      ANTHROPIC_TOKENS,
    );
    const { cache_creation: _, ...langfuse } = { ...ANTHROPIC, input: 5104, output: 224, input_tokens: undefined };
    expect(tokensOf({ 'langfuse.observation.usage_details': JSON.stringify(langfuse) })).toEqual({
      input: 5104,
      cache_read: 701,
      cache_write: 301,
      output: 224,
    });
  });

  test('Gemini leaves its thoughts out of the output, and what tools put in out of the input', () => {
    const json = JSON.stringify({ google: { usageMetadata: GEMINI } });
    expect(tokensOf({ 'ai.operationId': 'ai.generateText.doGenerate', 'ai.response.providerMetadata': json })).toEqual({
      input: 5438,
      cache_read: 701,
      output: 865,
      reasoning: 641,
    });
  });

  test('Langfuse leaves the reasoning out of `output`', () => {
    expect(
      tokensOf({ 'langfuse.observation.usage_details': '{"input":5405,"output":1000,"output_reasoning":641}' }),
    ).toEqual({ input: 5405, output: 1641, reasoning: 641 });
  });
});

describe('beside counts in attributes, JSON only fills', () => {
  const counted = { 'gen_ai.usage.input_tokens': 6106n, 'gen_ai.usage.output_tokens': 224n };

  test('when its input is the same, with or without cache', () => {
    for (const [input, raw] of [
      [6106n, { ...ANTHROPIC }],
      [5104n, { ...ANTHROPIC }],
    ] as const)
      expect(
        tokensOf({ ...counted, 'gen_ai.usage.input_tokens': input, 'gen_ai.usage.raw': JSON.stringify(raw) }),
      ).toEqual(ANTHROPIC_TOKENS);
  });

  test('not when its input is another', () => {
    expect(tokensOf({ ...counted, 'gen_ai.usage.raw': JSON.stringify({ ...ANTHROPIC, input_tokens: 12 }) })).toEqual({
      input: 6106,
      output: 224,
    });
  });

  test('and never replaces a count', () => {
    const usage = usageOf(
      span({
        ...counted,
        'gen_ai.usage.cache_read.input_tokens': 700n,
        'gen_ai.usage.raw': JSON.stringify({ ...OPENAI }),
      }),
    );
    expect(usage?.raw).toMatchObject({ input: 6106, output: 224, cache_read: 700, cache_write: 301 });
  });

  test('what tools put in is added when the input does not have it', () => {
    const json = JSON.stringify({ google: { usageMetadata: GEMINI } });
    const call = { 'ai.operationId': 'ai.streamText.doStream', 'ai.response.providerMetadata': json };
    const counts = { 'ai.usage.inputTokens': 6106n, 'ai.usage.outputTokens': 865n, 'ai.usage.reasoningTokens': 641n };
    expect(tokensOf({ ...call, ...counts })).toEqual({ input: 5438, cache_read: 701, output: 865, reasoning: 641 });
    expect(tokensOf({ ...call, ...counts, 'ai.usage.inputTokens': 6139n })).toMatchObject({ input: 5438 });
  });

  test('the split of AI SDK metadata', () => {
    const of = (metadata: object, rest: Record<string, AttributeValue>) =>
      tokensOf(
        {
          'ai.operationId': 'ai.generateText.doGenerate',
          'ai.model.provider': 'anthropic.messages',
          'ai.usage.promptTokens': 5104n,
          'ai.usage.completionTokens': 224n,
          'ai.response.providerMetadata': JSON.stringify(metadata),
          ...rest,
        },
        'ai',
      );
    const four = { anthropic: { cacheReadInputTokens: 701, cacheCreationInputTokens: 301 } };
    expect(of(four, {})).toEqual({ input: 5104, cache_read: 701, cache_write: 301, output: 224 });
    expect(of({ anthropic: { usage: ANTHROPIC } }, {})).toEqual(ANTHROPIC_TOKENS);
    expect(
      of({ openai: { cachedPromptTokens: 4, reasoningTokens: 24 } }, { 'ai.model.provider': 'openai.chat' }),
    ).toEqual({
      input: 5100,
      cache_read: 4,
      output: 224,
      reasoning: 24,
    });
    // The spans around repeat the metadata of their last call.
    expect(of(four, { 'ai.operationId': 'ai.generateText' })).toEqual({ input: 5104, output: 224 });
  });
});

describe('what only looks like the usage of a call', () => {
  test.each<[string, Record<string, AttributeValue>, string]>([
    [
      'an answer shown on a chain',
      { 'openinference.span.kind': 'CHAIN', 'output.value': JSON.stringify({ usage: OPENAI }) },
      '',
    ],
    ['a genkit flow', { 'genkit:metadata:subtype': 'flow', 'genkit:output': JSON.stringify({ usage: OPENAI }) }, ''],
    ['a turn of an agent', { sdk_span_type: 'turn', usage: JSON.stringify(OPENAI) }, 'logfire.openai_agents'],
    ['an attribute `usage` of anybody', { usage: JSON.stringify(OPENAI) }, 'my-app'],
    [
      'a router of Haystack',
      {
        'haystack.component.type': 'ConditionalRouter',
        'haystack.component.output': JSON.stringify({ meta: { usage: OPENAI } }),
      },
      '',
    ],
  ])('%s is not read', (_, attributes, scopeName) => {
    expect(usageOf(span(attributes, { scopeName }))).toBeUndefined();
  });

  test('no counts, zeros and impossible counts leave a call unknown', () => {
    for (const usage of [
      null,
      {},
      [],
      'x',
      { prompt_tokens: 0, completion_tokens: 0 },
      { prompt_tokens: -5 },
      { prompt_tokens: 0.5 },
    ])
      expect(usageOf(span({ ...CALL, 'output.value': JSON.stringify({ usage }) }))?.marks).toEqual(['unknown']);
  });

  test('inherited members', () => {
    expect(tokensOf({ 'gen_ai.usage.raw': '{"__proto__":{"prompt_tokens":5}}' })).toBeUndefined();
    expect(tokensOf({ 'gen_ai.usage.raw': "{'__proto__': {'prompt_tokens': 5}}" })).toBeUndefined();
  });
});

describe('Python dicts', () => {
  const of = (text: string) => tokensOf({ 'metadata.usage_object': text });

  test.each([
    ["{'prompt_tokens': 5, 'note': \"it's\", 'more': [1, (2.5, -3), True, False, None, 'None']}", { input: 5 }],
    ["{'note': 'a \\' quote', 'prompt_tokens': 5,}", { input: 5 }],
    ["{'prompt_tokens': None, 'completion_tokens': 7}", { output: 7 }],
    ["{ 'prompt_tokens' : 5 }", { input: 5 }],
  ])('%s', (text, tokens) => {
    expect(of(text)).toEqual(tokens);
  });

  test.each([
    "{'prompt_tokens': 5",
    "{'prompt_tokens' 5}",
    "{'prompt_tokens': Decimal('5')}",
    "{'prompt_tokens': 5} x",
    "{'a'",
    '{',
  ])('%s is none', (text) => {
    expect(of(text)).toBeUndefined();
  });
});

describe('the response id inside an answer', () => {
  const responseOf = (attributes: Record<string, AttributeValue>) => usageOf(span({ ...CALL, ...attributes }));

  test.each(['output.value', 'mlflow.spanOutputs', 'gen_ai.completion', 'langfuse.observation.output'])('%s', (key) => {
    for (const id of ['chatcmpl-Abc123', 'resp_0123abc', 'msg_01XyZ', 'msg_bdrk_01XyZ']) {
      const usage = responseOf({ [key]: `{"id": "${id}", "x": [{"id":"call_1"}, {"id":"${id}"}]}` });
      expect(usage).toMatchObject({ response: id, keys: { response: key } });
    }
  });

  test('is not that of a conversation, of a part, or of text inside text', () => {
    expect(responseOf({ 'output.value': '[{"id":"chatcmpl-1"},{"id":"chatcmpl-2"}]' })).not.toHaveProperty('response');
    expect(responseOf({ 'output.value': '[{"id":"msg_67ccd2bf17f0"}]' })).not.toHaveProperty('response');
    expect(responseOf({ 'output.value': '{"text":"{\\"id\\":\\"chatcmpl-1\\"}"}' })).not.toHaveProperty('response');
  });

  test('gives way to an attribute', () => {
    expect(responseOf({ 'gen_ai.response.id': 'r', 'output.value': '{"id":"chatcmpl-1"}' })).toMatchObject({
      response: 'r',
    });
  });
});

test('a model of Genkit is named by the action, and a call also without usage', () => {
  const model = { 'genkit:metadata:subtype': 'model', 'genkit:name': 'googleai/gemini-2.5-flash' };
  expect(usageOf(span({ ...model, 'genkit:output': '{"message":{}}' }))).toMatchObject({
    marks: ['unknown'],
    model: 'gemini-2.5-flash',
    provider: 'gcp.gen_ai',
  });
});

describe('what is no fact is marked', () => {
  const counted: Attributes = [
    ['gen_ai.operation.name', 'chat'],
    ['gen_ai.usage.input_tokens', 8n],
    ['gen_ai.usage.output_tokens', 4n],
  ];

  test('counts that an instrumentation may have guessed are estimated', () => {
    const scopeName = '@traceloop/instrumentation-openai';
    expect(usageOf(span(counted, { scopeName }))?.marks).toEqual(['estimated']);
    expect(usageOf(span([...counted, ['gen_ai.response.id', 'resp_1']], { scopeName }))).not.toHaveProperty('marks');
    expect(usageOf(span(counted))).not.toHaveProperty('marks');
  });

  test('a stream that Logfire writes twice is one call: the record', () => {
    const scopeName = 'logfire.anthropic';
    const model = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'claude-sonnet-4-5' };
    const half = usageOf(span({ ...model, 'logfire.span_type': 'span' }, { scopeName }));
    expect(half).not.toHaveProperty('marks');
    const record = { ...model, 'logfire.span_type': 'log', duration: 0.346622627 };
    expect(usageOf(span(record, { scopeName }))?.marks).toEqual(['unknown']);
    expect(usageOf(span([...Object.entries(record), ...counted], { scopeName }))).toMatchObject({
      keys: { duration_ns: 'duration' },
      raw: { duration_ns: 346622627 },
    });
  });

  test.each(['invoke_agent', 'CHAIN', 'agent', 'execute_tool', 'workflow', 'ai.generateText'])(
    'a model named on a span of kind %s makes no unknown call',
    (kind) => {
      expect(usageOf(span({ 'gen_ai.operation.name': kind, 'gen_ai.request.model': 'gpt-4o' }))).not.toHaveProperty(
        'marks',
      );
    },
  );
});
