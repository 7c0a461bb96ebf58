import { modelName, providerName, providerOfModel, usageOf } from '@infrafabric/accounting';
import { describe, expect, test } from 'vitest';
import { span } from './spans.js';

describe('a provider has one name', () => {
  test.each([
    ['Anthropic', 'anthropic'],
    ['anthropic.messages', 'anthropic'],
    ['OpenAI', 'openai'],
    ['openai.chat', 'openai'],
    ['openai.responses', 'openai'],
    ['openai.embedding', 'openai'],
    ['gcp.gen_ai', 'gcp.gen_ai'],
    ['gcp.gemini', 'gcp.gen_ai'],
    ['gemini', 'gcp.gen_ai'],
    ['google', 'gcp.gen_ai'],
    ['google.generative-ai', 'gcp.gen_ai'],
    ['google.vertex.chat', 'gcp.vertex_ai'],
    ['aws', 'aws.bedrock'],
    ['aws.bedrock', 'aws.bedrock'],
    ['amazon-bedrock', 'aws.bedrock'],
    ['azure', 'azure.ai.openai'],
    ['Ollama', 'ollama'],
    ['My-Gateway', 'my-gateway'],
  ])('%s is %s', (written, name) => {
    expect(providerName(written)).toBe(name);
    expect(providerName(name)).toBe(name);
  });

  test('a framework is none: the next key or the model tells', () => {
    expect(providerName('strands-agents')).toBeUndefined();
    const framework = { 'gen_ai.provider.name': 'strands-agents', 'gen_ai.request.model': 'gpt-4o-mini' };
    expect(usageOf(span(framework))).toMatchObject({ provider: 'openai', keys: { provider: 'gen_ai.request.model' } });
    expect(usageOf(span({ ...framework, 'llm.provider': 'azure' }))).toMatchObject({
      provider: 'azure.ai.openai',
      keys: { provider: 'llm.provider' },
    });
  });
});

describe('a model', () => {
  test.each([
    ['claude-sonnet-4-5', 'claude-sonnet-4-5', 'anthropic'],
    ['anthropic/claude-sonnet-4-5', 'claude-sonnet-4-5', 'anthropic'],
    ['openrouter/anthropic/claude-sonnet-4-5', 'claude-sonnet-4-5', 'anthropic'],
    ['azure/gpt-4o', 'gpt-4o', 'azure.ai.openai'],
    ['models/gemini-2.5-pro', 'gemini-2.5-pro', 'gcp.gen_ai'],
    ['us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'aws.bedrock'],
    ['anthropic.claude-3-haiku-20240307-v1:0', 'anthropic.claude-3-haiku-20240307-v1:0', 'aws.bedrock'],
    ['o3-mini', 'o3-mini', 'openai'],
    ['text-embedding-3-small', 'text-embedding-3-small', 'openai'],
    ['gpt-oss-120b', 'gpt-oss-120b', undefined],
    ['meta-llama/Llama-3.3-70B', 'meta-llama/Llama-3.3-70B', undefined],
    ['openai/', 'openai/', 'openai'],
    ['/x', '/x', undefined],
  ])('%s is billed as %s by %s', (written, name, provider) => {
    expect(modelName(written)).toBe(name);
    expect(providerOfModel(written)).toBe(provider);
  });

  test('loses the prefix that the span itself names as provider', () => {
    expect(usageOf(span({ 'gen_ai.system': 'My-Gateway', 'gen_ai.request.model': 'my-gateway/gpt-4o' }))?.model).toBe(
      'gpt-4o',
    );
  });
});
