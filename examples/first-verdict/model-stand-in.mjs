/**
 * Stands in for a model's HTTP API on loopback: OpenAI's two paths, its formats, its published answers. It looks at the
 * request only as far as it must, to choose the answer.
 */
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { cachedGreeting, rateLimited, story, streamedGreeting } from './published-bodies.mjs';

const pauseMs = 20;

/** @returns {Promise<{ baseUrl: string, close(): Promise<void> }>} */
export async function startModelStandIn() {
  const refused = new Set();
  const server = createServer(async (request, response) => {
    const asked = await readJson(request);
    if (request.url === '/v1/chat/completions') return sendJson(response, 200, cachedGreeting);
    if (request.url !== '/v1/responses')
      return sendJson(response, 404, { error: { message: `no ${request.url} here` } });
    if (asked.stream) return sendEvents(response, streamedGreeting);
    // A prompt that speaks of the rush hour is refused the first time it is asked, as a busy API would.
    const prompt = JSON.stringify(asked.input);
    if (prompt.includes('rush hour') && !refused.has(prompt)) {
      refused.add(prompt);
      return sendJson(response, 429, rateLimited, { 'retry-after-ms': '50' });
    }
    sendJson(response, 200, story);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    baseUrl: `http://127.0.0.1:${server.address().port}/v1`,
    close: () => new Promise((closed) => server.close(closed).closeAllConnections()),
  };
}

async function readJson(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString());
}

function sendJson(response, status, body, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** Sends server-sent events in timed chunks whose edges fall anywhere, inside an event too, as a network's do. */
async function sendEvents(response, events) {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  const text = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');
  const chunk = Math.ceil(text.length / 6);
  for (let at = 0; at < text.length; at += chunk) {
    response.write(text.slice(at, at + chunk));
    await sleep(pauseMs);
  }
  response.end();
}
