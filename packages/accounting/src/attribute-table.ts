/**
 * Which attribute keys say what, for the instrumentations that are in use: data, with a version that every usage record
 * names. In each list the first key with a value wins.
 */
import { WITNESS_COST_USD } from '@infrafabric/semconv';

/** Version of {@link ATTRIBUTE_TABLE} and of the rules that read it; changes whenever a reading can change. */
export const ATTRIBUTE_TABLE_VERSION = '2026-11';

/** What an attribute can say about a span. */
export type AttributeField =
  | 'model'
  | 'provider'
  | 'operation'
  | 'input'
  | 'output'
  | 'cache_read'
  | 'cache_write'
  | 'cache_write_5m'
  | 'cache_write_1h'
  | 'reasoning'
  | 'total'
  | 'cost'
  | 'cost_parts'
  | 'currency'
  | 'response'
  | 'session'
  | 'user'
  | 'agent'
  | 'tool';

/** Field → attribute keys, in order. */
export const ATTRIBUTE_TABLE: Readonly<Record<AttributeField, readonly string[]>> = {
  /** The model that is billed, so what answered comes before what was asked. */
  model: [
    'gen_ai.response.model',
    'langfuse.observation.model.name',
    'llm.response.model_name',
    'llm.response.model',
    'ai.response.model',
    'gen_ai.request.model',
    'llm.request.model_name',
    'llm.model_name',
    'embedding.model_name',
    'ai.model.id',
    'mlflow.llm.model',
    'llm.request.model',
    // Says something about a model call only beside another key of one: see usage.ts.
    'model',
  ],
  provider: [
    'gen_ai.provider.name',
    'gen_ai.system',
    'llm.provider',
    'llm.system',
    'ai.model.provider',
    'mlflow.llm.provider',
    'gen_ai.request.provider',
    'llm.vendor',
  ],
  operation: [
    'gen_ai.operation.name',
    'openinference.span.kind',
    'langfuse.observation.type',
    'ai.operationId',
    'operation.name',
    'traceloop.span.kind',
    'llm.request.type',
    'mlflow.spanType',
    'langsmith.span.kind',
    'span.type',
  ],
  /** With or without cache: see token-classes.ts. */
  input: [
    'gen_ai.usage.input_tokens',
    'gen_ai.usage.prompt_tokens',
    'llm.token_count.prompt',
    'ai.usage.inputTokens',
    'ai.usage.promptTokens',
    'ai.usage.tokens',
    'llm.usage.prompt_tokens',
    'input_tokens',
  ],
  output: [
    'gen_ai.usage.output_tokens',
    'gen_ai.usage.completion_tokens',
    'llm.token_count.completion',
    'ai.usage.outputTokens',
    'ai.usage.completionTokens',
    'llm.usage.completion_tokens',
    'output_tokens',
  ],
  cache_read: [
    'gen_ai.usage.cache_read.input_tokens',
    'gen_ai.usage.cache_read_input_tokens',
    'gen_ai.usage.cache_read_tokens',
    'llm.token_count.prompt_details.cache_read',
    'ai.usage.inputTokenDetails.cacheReadTokens',
    'ai.usage.cachedInputTokens',
    'gen_ai.usage.details.cache_read_tokens',
    'gen_ai.usage.details.cached_content_tokens',
    'gen_ai.usage.prompt_tokens_details.cache_read',
    'gen_ai.usage.prompt_tokens_details.cached_tokens',
    'gen_ai.usage.input_tokens.cached',
    'cache_read_tokens',
  ],
  cache_write: [
    'gen_ai.usage.cache_write.input_tokens',
    'gen_ai.usage.cache_creation.input_tokens',
    'gen_ai.usage.cache_creation_input_tokens',
    'gen_ai.usage.cache_write_input_tokens',
    'gen_ai.usage.cache_write_tokens',
    'llm.token_count.prompt_details.cache_write',
    'ai.usage.inputTokenDetails.cacheWriteTokens',
    'gen_ai.usage.details.cache_write_tokens',
    'gen_ai.usage.prompt_tokens_details.cache_write',
    'gen_ai.usage.prompt_tokens_details.cache_creation_tokens',
    'gen_ai.usage.input_tokens.cache_write',
    'cache_creation_tokens',
  ],
  /** A split of cache_write by how long the provider keeps it, never added to it. */
  cache_write_5m: ['anthropic.usage.cache_creation.ephemeral_5m_input_tokens'],
  cache_write_1h: ['anthropic.usage.cache_creation.ephemeral_1h_input_tokens'],
  /** Inside output. */
  reasoning: [
    'gen_ai.usage.reasoning.output_tokens',
    'gen_ai.usage.reasoning_tokens',
    'llm.usage.reasoning_tokens',
    'llm.token_count.completion_details.reasoning',
    'ai.usage.outputTokenDetails.reasoningTokens',
    'ai.usage.reasoningTokens',
    'gen_ai.usage.details.reasoning_tokens',
    'gen_ai.usage.details.thoughts_tokens',
    'gen_ai.usage.completion_tokens_details.reasoning_tokens',
    'gen_ai.usage.completion_tokens_details.reasoning',
    'gen_ai.usage.output_tokens.reasoning',
  ],
  /** Only to find output that no other key tells: see token-classes.ts. */
  total: ['gen_ai.usage.total_tokens', 'llm.token_count.total', 'llm.usage.total_tokens', 'ai.usage.totalTokens'],
  /** Of the whole call; what the caller states comes before what an instrumentation works out. */
  cost: [
    WITNESS_COST_USD,
    'gen_ai.usage.cost.amount',
    'gen_ai.usage.cost',
    'operation.cost',
    'gen_ai.cost.total_cost',
    'gen_ai.usage.total_cost',
    'llm.cost.total',
    'gen_ai.token.cost.total',
    'gen_ai.cost.amount',
    // JSON: see reported-cost.ts.
    'langfuse.observation.cost_details',
    'mlflow.llm.cost',
    'ai.total_cost',
    'gen_ai.cost.total_usd',
  ],
  /** Input, output, input, output …: their sum where no total is given. Cache costs are inside the input's. */
  cost_parts: [
    'gen_ai.cost.input_cost',
    'gen_ai.cost.output_cost',
    'gen_ai.usage.input_cost',
    'gen_ai.usage.output_cost',
    'llm.cost.prompt',
    'llm.cost.completion',
  ],
  currency: ['gen_ai.usage.cost.currency'],
  /** Where none has text, the id inside an answer: see response-id.ts. */
  response: ['gen_ai.response.id', 'ai.response.id', 'litellm.call_id', 'request_id'],
  session: [
    'session.id',
    'gen_ai.conversation.id',
    'langfuse.session.id',
    'traceloop.association.properties.session_id',
    'langsmith.trace.session_id',
    'mlflow.trace.session',
    'ai.telemetry.metadata.sessionId',
  ],
  user: [
    'user.id',
    'enduser.id',
    'langfuse.user.id',
    'traceloop.association.properties.user_id',
    'enduser.pseudo.id',
    'ai.telemetry.metadata.userId',
    'gen_ai.user',
    'llm.user',
  ],
  // traceloop.entity.name names whatever traceloop.span.kind says: see labels.ts.
  agent: ['gen_ai.agent.name', 'agent.name', 'agent_name', 'traceloop.entity.name', 'ai.telemetry.functionId'],
  tool: ['gen_ai.tool.name', 'tool.name', 'ai.toolCall.name', 'mcp.tool.name', 'tool_name', 'traceloop.entity.name'],
};
