/**
 * Attributes whose text holds a usage: data, part of the version of the attribute table. They only fill what plain attributes
 * lack, in this order.
 */
import type { UsageShape } from './json-usage.js';
import { MAX_ANSWER_CHARS, MAX_USAGE_CHARS } from './json-value.js';

/** An attribute that holds a usage somewhere. */
export interface JsonSource {
  readonly key: string;
  /** Where in it; the first place with a usage object counts. */
  readonly at: readonly JsonPlace[];
  readonly shape: UsageShape;
  /** Characters beyond which it is not read. */
  readonly maxChars: number;
  /** Only on spans that are model calls, because other spans show the answers of calls below them. */
  readonly onlyCalls: boolean;
  /** Where the model's name is, where no attribute has it. */
  readonly model: readonly (readonly string[])[];
  /** See {@link JSON_CONDITIONS}. */
  readonly onlyIf?: JsonCondition;
}

/** A place inside the text of an attribute. */
export interface JsonPlace {
  /** Names of members, outermost first. */
  readonly path: readonly string[];
  /** The attribute's key and the path, joined by points, with one at the end. */
  readonly prefix: string;
}

/** What else must hold for a source to be read. */
export type JsonCondition = 'agents_call' | 'ai_sdk_call' | 'genkit_model' | 'haystack_model';

/** In words, for people. */
export const JSON_CONDITIONS: Readonly<Record<JsonCondition, string>> = {
  agents_call: 'scope `logfire.openai_agents` and no `sdk_span_type`: tasks and turns repeat the usage of their calls',
  ai_sdk_call: 'spans `ai.….do…`: the spans around them repeat the last call',
  genkit_model: '`genkit:metadata:subtype` is `model`: flows and generate actions repeat it',
  haystack_model: '`haystack.component.type` ends with Generator or Embedder: routers and adapters hand replies on',
};

type Details = Partial<Omit<JsonSource, 'key' | 'at' | 'shape'>>;

const source = (key: string, at: readonly string[], shape: UsageShape, details: Details = {}): JsonSource => ({
  key,
  at: at.map((path) =>
    path === '' ? { path: [], prefix: `${key}.` } : { path: path.split('.'), prefix: `${key}.${path}.` },
  ),
  shape,
  maxChars: MAX_USAGE_CHARS,
  onlyCalls: false,
  model: [],
  ...details,
});

const answer = (key: string, at: readonly string[], shape: UsageShape, details: Details = {}): JsonSource =>
  source(key, at, shape, { maxChars: MAX_ANSWER_CHARS, ...details });

const HAYSTACK_AT = ['replies.0.meta.usage', 'meta.0.usage', 'meta.usage'];
const HAYSTACK_MODEL = [
  ['replies', '0', 'meta', 'model'],
  ['meta', '0', 'model'],
  ['meta', 'model'],
];

/** In the order in which they are asked. */
export const JSON_SOURCES: readonly JsonSource[] = [
  source('mlflow.chat.tokenUsage', [''], 'inclusive'),
  source('langfuse.observation.usage_details', [''], 'langfuse'),
  source('gen_ai.usage.raw', [''], 'provider'),
  source('langsmith.metadata.usage_metadata', [''], 'inclusive'),
  source('langsmith.usage_metadata', [''], 'inclusive'),
  // LiteLLM gives every provider's usage in OpenAI's shape, as the text of a Python dict.
  source('metadata.usage_object', [''], 'inclusive'),
  source('usage', [''], 'provider', { onlyIf: 'agents_call' }),
  source(
    'ai.response.providerMetadata',
    ['anthropic.usage', 'anthropic', 'google.usageMetadata', 'vertex.usageMetadata', 'bedrock.usage', 'openai'],
    'provider',
    { onlyIf: 'ai_sdk_call' },
  ),
  answer('genkit:output', ['raw.usage', 'raw.usageMetadata', 'usage'], 'provider', { onlyIf: 'genkit_model' }),
  answer('haystack.component.output', HAYSTACK_AT, 'provider', { model: HAYSTACK_MODEL, onlyIf: 'haystack_model' }),
  answer('haystack.agent.step.llm.output', HAYSTACK_AT, 'provider', { model: HAYSTACK_MODEL }),
  answer('output.value', ['usage', 'usage_metadata', 'usageMetadata'], 'provider', { onlyCalls: true }),
  answer('mlflow.spanOutputs', ['usage', 'usage_metadata', 'usageMetadata'], 'provider', { onlyCalls: true }),
];

/** Attributes that hold an answer of a provider, in which its response id may be. */
export const RESPONSE_ID_KEYS: readonly string[] = [
  'output.value',
  'mlflow.spanOutputs',
  'gen_ai.completion',
  'langfuse.observation.output',
];
