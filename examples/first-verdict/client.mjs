/**
 * The client: a process of its own that asks the service four questions. It names the business flow once, in W3C Baggage;
 * from there the name travels with every request, and every span under it carries it, here and in the service.
 */
import { WITNESS_TRACE_ID } from '@infrafabric/semconv';
import { context, propagation, trace } from '@opentelemetry/api';

const [serviceUrl, businessTraceId] = process.argv.slice(2);

const questions = [
  { way: 'plain', question: 'Tell me a three sentence bedtime story about a unicorn.' },
  { way: 'cached', question: 'Hello, once more, after the same long introduction!' },
  { way: 'streamed', question: 'Hello!' },
  { way: 'plain', question: 'Tell me a bedtime story in the rush hour.' },
];

async function ask({ way, question }) {
  const body = JSON.stringify({ way, question });
  const response = await fetch(serviceUrl, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  if (!response.ok) throw new Error(`the service answered ${response.status}: ${await response.text()}`);
  const { text, model, tokensIn, tokensOut } = await response.json();
  console.log(`   "${question}" (${way})`);
  console.log(
    `      "${text.length > 60 ? `${text.slice(0, 57)}...` : text}" ${model}, ${tokensIn} tokens in, ${tokensOut} out`,
  );
}

const flow = propagation.createBaggage({ [WITNESS_TRACE_ID]: { value: businessTraceId } });
await context.with(propagation.setBaggage(context.active(), flow), () =>
  trace.getTracer('first-verdict').startActiveSpan('ask four questions', async (span) => {
    try {
      for (const each of questions) await ask(each);
    } finally {
      span.end();
    }
  }),
);
