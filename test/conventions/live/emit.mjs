/**
 * Drives one instrumentation as its users do, against the stand-in, and prints what it emitted (OTLP protobuf in base64) and
 * what was served, as JSON: `node emit.mjs NAME`. A process of its own, because instrumentations patch modules as they load.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { createRequire } from 'node:module';
import { context, ROOT_CONTEXT as ROOT, trace } from '@opentelemetry/api';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { startStandIn } from './stand-in.mjs';

const require = createRequire(import.meta.url);
const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
trace.setGlobalTracerProvider(provider);
context.setGlobalContextManager(asyncContext());

const { origin, served, close } = await startStandIn();
const messages = [{ role: 'user', content: 'Hello, Claude' }];
const maxTokens = { max_tokens: 1024 };

async function drain(stream) {
  for await (const _ of stream);
}

/** Calls of OpenAI's client that are answered whole. */
async function openaiCalls(instrument) {
  const { OpenAI } = require('openai');
  instrument(OpenAI);
  const client = new OpenAI({ apiKey: 'none', baseURL: `${origin}/v1` });
  const chat = { model: 'gpt-4.1', messages };
  await client.chat.completions.create(chat);
  await client.responses.create({ model: 'gpt-4.1', input: 'Tell me a story.' });
  return { client, chat };
}

const NAMES = {
  'ai-sdk-openai': async () => {
    const { generateText, streamText } = await import('ai');
    const { createOpenAI } = await import('@ai-sdk/openai');
    const openai = createOpenAI({ apiKey: 'none', baseURL: `${origin}/v1` });
    const common = { prompt: 'Hello', experimental_telemetry: { isEnabled: true } };
    await generateText({ ...common, model: openai.chat('gpt-4.1') });
    await generateText({ ...common, model: openai.responses('gpt-4.1') });
    await drain(streamText({ ...common, model: openai.responses('gpt-4.1') }).textStream);
    await drain(streamText({ ...common, model: openai.chat('gpt-4.1') }).textStream);
  },
  'ai-sdk-anthropic': async () => {
    const { generateText, streamText } = await import('ai');
    const { createAnthropic } = await import('@ai-sdk/anthropic');
    const model = createAnthropic({ apiKey: 'none', baseURL: `${origin}/v1` })('claude-sonnet-4-20250514');
    const common = { prompt: 'Hello', model, experimental_telemetry: { isEnabled: true } };
    await generateText(common);
    await drain(streamText(common).textStream);
  },
  'openinference-openai': async () => {
    const { OpenAIInstrumentation } = require('@arizeai/openinference-instrumentation-openai');
    const { client, chat } = await openaiCalls((OpenAI) => new OpenAIInstrumentation().manuallyInstrument(OpenAI));
    await drain(await client.chat.completions.create({ ...chat, stream: true }));
  },
  'traceloop-openai': async () => {
    const { OpenAIInstrumentation } = require('@traceloop/instrumentation-openai');
    const { client, chat } = await openaiCalls((OpenAI) => new OpenAIInstrumentation().manuallyInstrument(OpenAI));
    await drain(await client.chat.completions.create({ ...chat, stream: true }));
  },
  'traceloop-anthropic': async () => {
    const { AnthropicInstrumentation } = require('@traceloop/instrumentation-anthropic');
    const anthropic = require('@anthropic-ai/sdk');
    new AnthropicInstrumentation().manuallyInstrument(anthropic);
    const client = new anthropic.Anthropic({ apiKey: 'none', baseURL: origin });
    const asked = { model: 'claude-sonnet-4-20250514', messages, ...maxTokens };
    await client.messages.create(asked);
    await drain(await client.messages.create({ ...asked, stream: true }));
  },
};

await NAMES[process.argv[2]]();
await provider.forceFlush();
const body = ProtobufTraceSerializer.serializeRequest(exporter.getFinishedSpans());
await new Promise((written) => {
  process.stdout.write(
    JSON.stringify({ otlp: Buffer.from(body).toString('base64'), served: served.map((usage) => usage ?? null) }),
    written,
  );
});
await close();
process.exit(0);

function asyncContext() {
  const storage = new AsyncLocalStorage();
  return {
    active: () => storage.getStore() ?? ROOT,
    with: (active, fn, self, ...args) => storage.run(active, () => fn.apply(self, args)),
    bind: (active, target) =>
      typeof target === 'function' ? (...args) => storage.run(active, () => target(...args)) : target,
    enable() {
      return this;
    },
    disable() {
      return this;
    },
  };
}
