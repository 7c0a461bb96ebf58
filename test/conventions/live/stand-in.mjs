/**
 * Stands in for the HTTP APIs of OpenAI and Anthropic on loopback. Answers are the providers' published examples, streamed
 * when the request asks for it, in timed chunks whose edges fall anywhere.
 */
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { cachedGreeting, story, streamedGreeting } from '../../../examples/first-verdict/published-bodies.mjs';

/** https://platform.openai.com/docs/api-reference/chat/create, "Streaming"; usage as of the cached answer. */
const chunk = (choices, rest = {}) => ({
  id: 'chatcmpl-123',
  object: 'chat.completion.chunk',
  created: 1694268190,
  model: 'gpt-4o-mini',
  system_fingerprint: 'fp_44709d6fcb',
  choices,
  ...rest,
});
const delta = (content, finish = null) => [{ index: 0, delta: content, logprobs: null, finish_reason: finish }];
const chatChunks = [
  chunk(delta({ role: 'assistant', content: '' })),
  chunk(delta({ content: 'Hello' })),
  chunk(delta({}, 'stop')),
];
/** https://platform.openai.com/docs/api-reference/chat/create, `stream_options.include_usage`: one more chunk, without choices. */
const usageChunk = chunk([], { usage: cachedGreeting.usage });

/** https://docs.anthropic.com/en/api/messages, "Response". */
const claude = {
  id: 'msg_013Zva2CMHLNnXjNJJKqJ2EF',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-20250514',
  content: [{ type: 'text', text: 'Hi! My name is Claude.' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: {
    input_tokens: 2095,
    cache_creation_input_tokens: 2051,
    cache_read_input_tokens: 2051,
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
    output_tokens: 503,
    service_tier: 'standard',
  },
};

/** https://docs.anthropic.com/en/docs/build-with-claude/streaming, "Basic streaming request". */
const claudeEvents = [
  {
    type: 'message_start',
    message: {
      ...claude,
      id: 'msg_1nZdL29xx5MUA1yADyHTEsnR8uuvGzszyY',
      content: [],
      stop_reason: null,
      usage: { input_tokens: 25, output_tokens: 1 },
    },
  },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'ping' },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hello' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: '!' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 15 } },
  { type: 'message_stop' },
];

const openai = ({ input, cached = 0, output }) => ({
  input: input - cached,
  cache_read: cached,
  cache_write: 0,
  output,
});
/** What each answer takes, as the provider counts it: input without cache. `undefined`: not on the wire. */
const SERVED = {
  chat: openai({ input: 2006, cached: 1920, output: 300 }),
  responses: openai({ input: 36, output: 87 }),
  'responses.stream': openai({ input: 37, output: 11 }),
  messages: { input: 2095, cache_read: 2051, cache_write: 2051, output: 503 },
  'messages.stream': { input: 25, cache_read: 0, cache_write: 0, output: 15 },
};

/** `served` is filled with what each request was answered. */
export async function startStandIn() {
  const served = [];
  const server = createServer(async (request, response) => {
    const asked = await readJson(request);
    const name = request.url.split('/').at(-1);
    const isStream = asked.stream === true;
    if (request.url.endsWith('/chat/completions')) {
      const tellsUsage = !isStream || asked.stream_options?.include_usage === true;
      served.push(tellsUsage ? SERVED.chat : undefined);
      if (!isStream) return sendJson(response, cachedGreeting);
      return sendEvents(response, tellsUsage ? [...chatChunks, usageChunk] : chatChunks, '[DONE]');
    }
    served.push(SERVED[isStream ? `${name}.stream` : name]);
    if (name === 'responses') return isStream ? sendEvents(response, streamedGreeting) : sendJson(response, story);
    return isStream ? sendEvents(response, claudeEvents) : sendJson(response, claude);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    served,
    close: () => new Promise((closed) => server.close(closed).closeAllConnections()),
  };
}

async function readJson(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString());
}

function sendJson(response, body) {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function sendEvents(response, events, last) {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  const lines = events.map(
    (event) => `${event.type ? `event: ${event.type}\n` : ''}data: ${JSON.stringify(event)}\n\n`,
  );
  const text = lines.join('') + (last === undefined ? '' : `data: ${last}\n\n`);
  const size = Math.ceil(text.length / 4);
  for (let at = 0; at < text.length; at += size) {
    response.write(text.slice(at, at + size));
    await sleep(10);
  }
  response.end();
}
