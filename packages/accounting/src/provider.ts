/** One name per provider, and model names without the provider in front. */

/** What producers call a provider → its name in OpenTelemetry's `gen_ai.provider.name`, where that has one. */
const NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    anthropic: ['anthropic'],
    'aws.bedrock': ['aws', 'aws_bedrock', 'bedrock', 'amazon-bedrock', 'amazon_bedrock', 'bedrock.anthropic'],
    'azure.ai.inference': ['az.ai.inference'],
    'azure.ai.openai': ['azure', 'azure_openai', 'azure-openai', 'azureopenai', 'az.ai.openai'],
    cohere: ['cohere'],
    deepseek: ['deepseek'],
    // The convention's name for any Google endpoint that serves Gemini: producers do not tell them apart reliably.
    'gcp.gen_ai': [
      'gcp.gemini',
      'gemini',
      'google',
      'google_genai',
      'google-genai',
      'google.generative-ai',
      'googleai',
    ],
    'gcp.vertex_ai': ['vertex', 'vertex_ai', 'vertexai', 'google-vertex', 'google.vertex', 'google.vertex.anthropic'],
    groq: ['groq'],
    'ibm.watsonx.ai': ['watsonx'],
    mistral_ai: ['mistral', 'mistralai', 'mistral.ai'],
    ollama: ['ollama', 'ollama_chat'],
    openai: ['openai'],
    perplexity: ['perplexity'],
    x_ai: ['xai', 'x-ai'],
  }).flatMap(([name, aliases]) => [name, ...aliases].map((alias) => [alias, name] as const)),
);

/** Frameworks that name themselves where the provider belongs. */
const FRAMEWORKS: ReadonlySet<string> = new Set(['strands-agents', 'langchain', 'langgraph', 'autogen']);

/** APIs that the AI SDK appends: `openai.chat`, `anthropic.messages`. */
const API_SUFFIX = /\.(?:chat|completion|embedding|image|messages|responses|speech|transcription)$/;

/** Gateways and collections that also stand before a model's name. */
const MODEL_PREFIXES: ReadonlySet<string> = new Set([
  'fireworks_ai',
  'hosted_vllm',
  'huggingface',
  'litellm_proxy',
  'models',
  'openrouter',
  'together_ai',
]);

/** How a model's own name tells its provider. Open weights, which many serve, are left out. */
const FAMILIES: readonly (readonly [RegExp, string])[] = [
  [/^(?:[a-z]+(?:-[a-z]+)?\.)?(?:amazon|anthropic)\.[a-z]/i, 'aws.bedrock'],
  [/^claude/i, 'anthropic'],
  [/^(?:gpt-(?!oss)|chatgpt-|o[1-9](?:-|$)|text-embedding-(?:3-|ada-))/i, 'openai'],
  [/^gemini/i, 'gcp.gen_ai'],
];

/**
 * One name for a provider however it is written: `Anthropic` and `anthropic.messages` are `anthropic`, `gemini` is
 * `gcp.gen_ai`. Names that are not known stay, in lower case; undefined for frameworks, which serve no model.
 */
export function providerName(text: string): string | undefined {
  const written = text.toLowerCase();
  const bare = written.replace(API_SUFFIX, '');
  const name = NAMES.get(written) ?? NAMES.get(bare) ?? bare;
  return FRAMEWORKS.has(name) || name === '' ? undefined : name;
}

/** The provider that a model's name gives away, as written by {@link providerName}; undefined when it does not. */
export function providerOfModel(model: string): string | undefined {
  const slash = model.indexOf('/');
  const prefix = slash > 0 ? NAMES.get(model.slice(0, slash).toLowerCase()) : undefined;
  if (prefix !== undefined) return prefix;
  const name = modelName(model);
  return FAMILIES.find(([pattern]) => pattern.test(name))?.[1];
}

/**
 * A model's name without `provider/`: `anthropic/claude-sonnet-4-5` and `openrouter/anthropic/claude-sonnet-4-5` are
 * `claude-sonnet-4-5`. An organisation that is part of the name (`meta-llama/…`) stays, unless it is `provider`.
 */
export function modelName(model: string, provider?: string): string {
  let name = model;
  for (;;) {
    const slash = name.indexOf('/');
    if (slash <= 0 || slash === name.length - 1) return name;
    const prefix = name.slice(0, slash).toLowerCase();
    if (!NAMES.has(prefix) && !MODEL_PREFIXES.has(prefix) && prefix !== provider) return name;
    name = name.slice(slash + 1);
  }
}
