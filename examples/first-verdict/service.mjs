/**
 * The service: answers questions over HTTP by asking a model through the Vercel AI SDK. Nothing in it knows of a ledger:
 * its spans come from the HTTP instrumentations and from the AI SDK's own telemetry.
 */
import { createServer } from 'node:http';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, streamText } from 'ai';

const openai = createOpenAI({ baseURL: process.env.MODEL_BASE_URL, apiKey: 'not-a-key' });
const telemetry = { experimental_telemetry: { isEnabled: true, functionId: 'answer' } };

/** The ways to ask: each returns the answer's text, the model that gave it and the tokens it took. */
const ways = {
  plain: (prompt) => generateText({ model: openai('gpt-4.1'), prompt, ...telemetry }),
  cached: (prompt) => generateText({ model: openai.chat('gpt-4.1'), prompt, ...telemetry }),
  streamed: (prompt) => streamText({ model: openai('gpt-4.1'), prompt, ...telemetry }),
};

const server = createServer(async (request, response) => {
  try {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { way, question } = JSON.parse(Buffer.concat(chunks).toString());
    const answer = await ways[way](question);
    const [text, usage, { modelId }] = await Promise.all([answer.text, answer.usage, answer.response]);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ text, model: modelId, tokensIn: usage.inputTokens, tokensOut: usage.outputTokens }));
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
});

server.listen(0, '127.0.0.1', () => process.send?.({ url: `http://127.0.0.1:${server.address().port}/ask` }));
process.once('disconnect', () => server.close());
