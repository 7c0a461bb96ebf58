/**
 * What OpenAI's documentation shows as answers of its HTTP API (v1, as it was in 2025): the bodies that the stand-in sends.
 * Ids, models, texts and token counts are the documentation's; members that clients do not read are left out.
 */

/** https://platform.openai.com/docs/api-reference/responses/create, "Text input". */
export const story = {
  id: 'resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b',
  object: 'response',
  created_at: 1741476542,
  status: 'completed',
  error: null,
  incomplete_details: null,
  model: 'gpt-4.1-2025-04-14',
  output: [
    {
      type: 'message',
      id: 'msg_67ccd2bf17f0819081ff3bb2cf6508e60bb6a6b452d3795b',
      status: 'completed',
      role: 'assistant',
      content: [
        {
          type: 'output_text',
          text: 'In a peaceful grove beneath a silver moon, a unicorn named Lumina discovered a hidden pool that reflected the stars. As she dipped her horn into the water, the pool began to shimmer, revealing a pathway to a magical realm of endless night skies. Filled with wonder, Lumina whispered a wish for all who dream to find their own hidden magic, and as she glanced back, her hoofprints sparkled like stardust.',
          annotations: [],
        },
      ],
    },
  ],
  usage: {
    input_tokens: 36,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 87,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 123,
  },
};

/**
 * https://platform.openai.com/docs/api-reference/chat/create, "Default", with the usage of
 * https://platform.openai.com/docs/guides/prompt-caching, "Requirements".
 */
export const cachedGreeting = {
  id: 'chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT',
  object: 'chat.completion',
  created: 1741569952,
  model: 'gpt-4.1-2025-04-14',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'Hello! How can I assist you today?', refusal: null, annotations: [] },
      logprobs: null,
      finish_reason: 'stop',
    },
  ],
  usage: {
    prompt_tokens: 2006,
    completion_tokens: 300,
    total_tokens: 2306,
    prompt_tokens_details: { cached_tokens: 1920 },
    completion_tokens_details: { reasoning_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
  },
};

/** https://platform.openai.com/docs/api-reference/responses/create, "Streaming": server-sent events, in order. */
export const streamedGreeting = streamOf({
  id: 'resp_67c9fdcecf488190bdd9a0409de3a1ec07b8b0ad4e5eb654',
  item: 'msg_67c9fdcf37fc8190ba82116e33fb28c507b8b0ad4e5eb654',
  createdAt: 1741290958,
  model: 'gpt-4.1-2025-04-14',
  words: ['Hi', ' there', '!', ' How', ' can', ' I', ' assist', ' you', ' today', '?'],
  usage: {
    input_tokens: 37,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 11,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 48,
  },
});

/**
 * https://help.openai.com/en/articles/5955604 for the sentence, with this model's name in it,
 * https://platform.openai.com/docs/guides/error-codes for the status and https://platform.openai.com/docs/guides/rate-limits.
 */
export const rateLimited = {
  error: {
    message:
      'Rate limit reached for gpt-4.1 in organization org-exampleorgid123 on tokens per min. Limit: 10000.000000 / min. Current: 10020.000000 / min.',
    type: 'tokens',
    param: null,
    code: 'rate_limit_exceeded',
  },
};

/** The documentation's sequence of events around the words of one message. */
function streamOf({ id, item, createdAt, model, words, usage }) {
  const text = words.join('');
  const response = { id, object: 'response', created_at: createdAt, error: null, incomplete_details: null, model };
  const place = { item_id: item, output_index: 0, content_index: 0 };
  const part = { type: 'output_text', text, annotations: [] };
  const message = { id: item, type: 'message', role: 'assistant' };
  const done = { ...message, status: 'completed', content: [part] };
  return [
    { type: 'response.created', response: { ...response, status: 'in_progress', output: [], usage: null } },
    { type: 'response.in_progress', response: { ...response, status: 'in_progress', output: [], usage: null } },
    { type: 'response.output_item.added', output_index: 0, item: { ...message, status: 'in_progress', content: [] } },
    { type: 'response.content_part.added', ...place, part: { ...part, text: '' } },
    ...words.map((delta) => ({ type: 'response.output_text.delta', ...place, delta })),
    { type: 'response.output_text.done', ...place, text },
    { type: 'response.content_part.done', ...place, part },
    { type: 'response.output_item.done', output_index: 0, item: done },
    { type: 'response.completed', response: { ...response, status: 'completed', output: [done], usage } },
  ].map((event, index) => ({ ...event, sequence_number: index }));
}
